"""The edits that suppress findings where they stand."""

import re
from bisect import bisect_right
from collections.abc import Iterable

from dry_debug.lint.finding import SYNTAX_ERROR, UNUSED_SUPPRESSION, Finding
from dry_debug.lint.logical_lines import logical_lines
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit

_OWN_LINE = re.compile(r"[ \t\f]*#[ \t]*dry-debug[ \t]*:[ \t]*ignore[ \t]*\[[^\]\r\n]*(?=\])")


def ignoring(document: Document, findings: Iterable[Finding]) -> tuple[TextEdit, ...]:
    """A `# dry-debug: ignore[rule, ...]` comment above each logical line that has findings; a comment that stands there
    already gets the rules added to its list. The line itself is not touched: it may end in a backslash or a string.

    A syntax error cannot be suppressed, and an unused suppression is better removed: both are left out.
    """
    lines = document.lines
    logical = logical_lines(document).lines
    rules: dict[int, dict[str, None]] = {}
    for finding in findings:
        if finding.rule in (SYNTAX_ERROR[0], UNUSED_SUPPRESSION[0]):
            continue
        line = lines.line_of(finding.span.start)
        index = bisect_right(logical, (line, len(lines))) - 1
        if index >= 0 and logical[index][0] <= line <= logical[index][1]:
            line = logical[index][0]
        rules.setdefault(line, {})[finding.rule] = None
    return tuple(_edit(document, line, ", ".join(names)) for line, names in sorted(rules.items()))


def _edit(document: Document, line: int, names: str) -> TextEdit:
    lines = document.lines
    start = lines.starts[line]
    if line > 0 and document.cell_at(lines.starts[line - 1]) == document.cell_at(start):
        listed = _OWN_LINE.match(lines.line_text(line - 1))
        if listed:
            at = lines.starts[line - 1] + listed.end()
            return TextEdit(Span(at, at), ("" if listed.group().endswith("[") else ", ") + names)
    text = lines.line_text(line)
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    return TextEdit(Span(start, start), f"{indent}# dry-debug: ignore[{names}]{document.newline}")
