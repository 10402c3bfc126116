"""The edit that suppresses one finding where it stands."""

import re
from bisect import bisect_right

from dry_debug.lint.finding import Finding
from dry_debug.lint.logical_lines import logical_lines
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit

_OWN_LINE = re.compile(r"[ \t\f]*#[ \t]*dry-debug[ \t]*:[ \t]*ignore[ \t]*\[[^\]\r\n]*(?=\])")


def ignoring(document: Document, finding: Finding) -> TextEdit:
    """A `# dry-debug: ignore[rule]` comment above the logical line of `finding`; a comment that stands there gets the
    rule added to its list. The line itself is not touched: it may end in a backslash, or in a string."""
    lines = document.lines
    line = lines.line_of(finding.span.start)
    logical = logical_lines(document).lines
    index = bisect_right(logical, (line, len(lines))) - 1
    if index >= 0 and logical[index][0] <= line <= logical[index][1]:
        line = logical[index][0]
    start = lines.starts[line]
    if line > 0 and document.cell_at(lines.starts[line - 1]) == document.cell_at(start):
        listed = _OWN_LINE.match(lines.line_text(line - 1))
        if listed:
            at = lines.starts[line - 1] + listed.end()
            return TextEdit(Span(at, at), ("" if listed.group().endswith("[") else ", ") + finding.rule)
    text = lines.line_text(line)
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    return TextEdit(Span(start, start), f"{indent}# dry-debug: ignore[{finding.rule}]{document.newline}")
