"""Fingerprints: names of findings that survive edits elsewhere in the file.

A fingerprint is made of the rule, the text of the flagged logical line (comments and spacing do not count), the names
of the functions and classes around it, and a running number among findings that are equal in all of these. Everything
is read from the text alone, so that a buffer can be matched whether or not it parses.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable

from dry_debug.text.document import Document
from dry_debug.text.spans import Span

try:
    from _blake2 import blake2b  # what `hashlib` hands on; to import `hashlib` loads OpenSSL, which takes milliseconds
except ImportError:
    from hashlib import blake2b

_BLOCK = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)")
# What decides where a logical line ends: a string, a comment, a bracket, a line end (joined or not), spacing.
_PIECE = (
    r"""(?P<string>(?:\"{3}(?:\\.|[^\\])*?\"{3})|(?:'{3}(?:\\.|[^\\])*?'{3})"""
    r"""|(?:"(?:\\.|[^"\\\r\n])*"?)|(?:'(?:\\.|[^'\\\r\n])*'?))"""
    r"""|(?P<comment>\#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<joined>\\(?:\r\n|\r|\n))|(?P<line>\r\n|\r|\n)|(?P<space>[ \t\f]+)|(?P<other>[^\s\\"'\#()\[\]{}]+|.)"""
)
_LONGEST = 4000  # code points of one logical line that are looked at: a data table needs no more to be told apart


def fingerprint(rule: str, document: Document, span: Span, occurrence: int) -> str:
    """The 16 hex digits for a finding of `rule` at `span`.

    `occurrence` is zero-based: how many earlier findings of the file have the same rule, statement text and context
    (`fingerprints` counts them).
    """
    return _digest(*key(rule, document, span), occurrence)


def key(rule: str, document: Document, span: Span) -> tuple[str, str, tuple[str, ...]]:
    """What findings have in common that only their `occurrence` tells apart."""
    return rule, statement_text(document, span), enclosing(document, span)


def fingerprints(document: Document, findings: Iterable[tuple[str, Span]]) -> list[str]:
    """The fingerprints of (rule, span) pairs, in the order given; that order numbers the equal ones."""
    seen: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    result: list[str] = []
    for rule, span in findings:
        common = key(rule, document, span)
        result.append(_digest(*common, seen[common]))
        seen[common] += 1
    return result


@functools.cache
def _piece() -> re.Pattern[str]:
    # Compiled when the first finding asks for it: that takes a millisecond, which a clean file need not pay.
    return re.compile(_PIECE, re.DOTALL)


def _digest(rule: str, statement: str, context: tuple[str, ...], occurrence: int) -> str:
    data = "\0".join((rule, statement, "\1".join(context), str(occurrence)))
    return blake2b(data.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def statement_text(document: Document, span: Span) -> str:
    """The logical line that begins at the line of `span.start`, without comments, outer spacing and line ends."""
    source, lines = document.source, document.lines
    at = lines.starts[lines.line_of(span.start)]
    limit = min(len(source), at + _LONGEST)
    if document.is_notebook and document.cells:
        limit = min(limit, document.cells[document.cell_at(span.start)].end)
    parts: list[str] = []
    depth = 0
    while at < limit:
        match = _piece().match(source, at, limit)
        if match is None:
            break
        at = match.end()
        kind = match.lastgroup
        if kind == "line" and depth <= 0:
            break
        if kind in ("comment", "space", "line", "joined"):
            if parts and parts[-1] != " ":
                parts.append(" ")
            continue
        depth += (kind == "open") - (kind == "close")
        parts.append(match.group())
    return "".join(parts).strip()


def enclosing(document: Document, span: Span) -> tuple[str, ...]:
    """Names of the functions and classes around the line of `span.start`, innermost first, judged by indentation."""
    lines = document.lines
    line = lines.line_of(span.start)
    first = 0
    if document.is_notebook and document.cells:
        first = lines.line_of(document.cells[document.cell_at(span.start)].start)
    names: list[str] = []
    indent = _indent(lines.line_text(line))
    while line > first and indent > 0:
        line -= 1
        start = lines.starts[line]
        if document.source[start : start + indent].isspace():
            continue  # most lines: no less indented, or blank
        text = lines.line_text(line)
        stripped = text.lstrip()
        # A comment, and a bracket that closes a header over several lines, stand left of the block without opening it.
        if not stripped or stripped[0] in "#)]}":
            continue
        here = _indent(text)
        if here < indent:
            indent = here
            match = _BLOCK.match(stripped)
            if match:
                names.append(match.group(1))
    return tuple(names)


def _indent(text: str) -> int:
    return len(text[: len(text) - len(text.lstrip())].expandtabs(8))
