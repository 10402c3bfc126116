"""The comments that stand around a place: the lines of its block, and what they say."""

from __future__ import annotations

from collections.abc import Iterator

from dry_debug.text.document import Document
from dry_debug.text.spans import Span

_ABOVE = 12  # lines of a block that are looked at above the place
_BELOW = 24  # and in all, counted from the first one
_WIDEST = 2000  # code points of a line


def block(document: Document, span: Span) -> range:
    """The zero-based lines, without a blank one between, that hold the start of `span`; of a long block the nearest.
    In a notebook they are of one cell."""
    lines = document.lines
    first = last = lines.line_of(span.start)
    top, bottom = 0, len(lines)
    if document.is_notebook and document.cells:
        cell = document.cells[document.cell_at(span.start)]
        top, bottom = lines.line_of(cell.start), lines.line_of(max(cell.start, cell.end - 1)) + 1
    while first > top and first > last - _ABOVE and lines.line_text(first - 1).strip():
        first -= 1
    while last + 1 < bottom and last < first + _BELOW and lines.line_text(last + 1).strip():
        last += 1
    return range(first, last + 1)


def words_near(document: Document, span: Span) -> str:
    """What is written behind number signs in the block around `span`, one a line: cheap, and not sure to be a comment
    (a string may hold a number sign). It chooses which quotation fits and nothing else."""
    found = []
    for line in block(document, span):
        _, sign, words = document.lines.line_text(line)[:_WIDEST].partition("#")
        if sign:
            found.append(words.strip())
    return "\n".join(found)


def words_beside(document: Document, span: Span) -> str:
    """What is written behind number signs in the lines of `span` and in the comment lines right above them; as cheap,
    and as unsure, as `words_near`."""
    lines = document.lines
    first, last = lines.line_of(span.start), lines.line_of(max(span.start, span.end - 1))
    while first > 0 and last - first < _ABOVE and lines.line_text(first - 1).lstrip().startswith("#"):
        first -= 1
    texts = (lines.line_text(line)[:_WIDEST].partition("#")[2].strip() for line in range(first, last + 1))
    return "\n".join(text for text in texts if text)


def comments_of(document: Document) -> Iterator[tuple[int, Span, str]]:
    """(zero-based line, place, text with its number sign) of every comment. Tokenises the document."""
    from dry_debug.lint.logical_lines import logical_lines

    for comment in logical_lines(document).comments:
        yield comment.line, comment.span, document.source[comment.span.start : comment.span.end]
