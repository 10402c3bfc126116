"""Logical lines and comments of a document, by `tokenize`: slow, so asked only where a suppression stands."""

import tokenize
from bisect import bisect_right
from collections.abc import Iterator

from dry_debug.records import dataclass
from dry_debug.text.document import Document
from dry_debug.text.spans import Span

_SPACING = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: `line` is zero-based in the whole source, `alone` says that no code stands before it there."""

    span: Span
    line: int
    alone: bool


@dataclass(frozen=True, slots=True)
class LogicalLines:
    """`lines` are pairs of the first and the last zero-based physical line of each logical line, in order.

    Decorators belong to the logical line of what they decorate.
    """

    lines: tuple[tuple[int, int], ...]
    comments: tuple[Comment, ...]

    def last_line(self, line: int) -> int:
        """The last physical line of the logical line that holds zero-based `line`."""
        found = self._at(line)
        return line if found is None else found[1]

    def reach(self, document: Document, comment: Comment) -> range:
        """The physical lines that a comment speaks of: its own logical line, or the next one if it stands alone."""
        found = self._at(comment.line)
        if found is None and comment.alone:
            index = bisect_right(self.lines, (comment.line, comment.line))
            found = self.lines[index] if index < len(self.lines) else None
            starts = document.lines.starts
            if found and document.cell_at(starts[found[0]]) != document.cell_at(comment.span.start):
                found = None
        return range(comment.line, comment.line + 1) if found is None else range(found[0], found[1] + 1)

    def _at(self, line: int) -> tuple[int, int] | None:
        index = bisect_right(self.lines, line, key=lambda pair: pair[0]) - 1
        if index >= 0 and self.lines[index][0] <= line <= self.lines[index][1]:
            return self.lines[index]
        return None


def logical_lines(document: Document) -> LogicalLines:
    """The logical lines of a document that parses; what follows text that cannot be tokenised is left out."""
    index = document.lines
    lines: list[tuple[int, int]] = []
    comments: list[Comment] = []
    first: int | None = None  # where the current logical line began, decorators included
    fresh, decorator = True, False  # whether the next token begins a line; whether this line is a decorator
    code_until = -1  # the last line on which a token other than spacing ended
    try:
        for token in tokenize.generate_tokens(_lines(document).__next__):
            line = token.start[0] - 1
            if token.type == tokenize.COMMENT:
                start = index.starts[line] + token.start[1]
                comments.append(Comment(Span(start, start + len(token.string)), line, code_until < line))
            elif token.type == tokenize.NEWLINE:
                if first is not None and not decorator:
                    lines.append((first, line))
                    first = None
                fresh, decorator = True, False
            elif token.type not in _SPACING:
                if fresh:
                    decorator, fresh = token.string == "@", False
                    first = line if first is None else first
                code_until = token.end[0] - 1
    except (tokenize.TokenError, SyntaxError):
        pass
    return LogicalLines(tuple(lines), tuple(comments))


def _lines(document: Document) -> Iterator[str]:
    """Physical lines as this project counts them, each with LF: `tokenize` counts other line ends differently."""
    index = document.lines
    for line in range(len(index)):
        text = index.line_text(line)
        if text or line + 1 < len(index):
            yield text + "\n"
