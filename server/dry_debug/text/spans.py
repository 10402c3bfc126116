"""Spans of source text and edits of them: plain data, no parser."""

from collections.abc import Iterable, Sequence

from dry_debug.records import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code point offsets into `Document.source`."""

    start: int
    end: int

    def __contains__(self, offset: int) -> bool:
        return self.start <= offset <= self.end

    def overlaps(self, other: "Span") -> bool:
        """Whether both hold one code point, or both insert at one place."""
        if self.start == self.end or other.start == other.end:
            return (self.start < other.end and other.start < self.end) or self == other
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Replace the text at `span` by `content`; an empty span inserts, an empty content deletes."""

    span: Span
    content: str


class OverlappingEdits(ValueError):
    """Two edits touch the same text, so that no order of applying them is right."""


def apply_edits(source: str, edits: Iterable[TextEdit]) -> str:
    """`source` with all `edits` made at once; raises OverlappingEdits. Equal edits count once."""
    parts: list[str] = []
    at = 0
    previous: TextEdit | None = None
    for edit in sorted(set(edits)):
        if previous is not None and edit.span.overlaps(previous.span):
            raise OverlappingEdits(f"two edits at {edit.span.start}")
        parts.append(source[at : edit.span.start])
        parts.append(edit.content)
        at = edit.span.end
        previous = edit
    parts.append(source[at:])
    return "".join(parts)


def overlap(edits: Sequence[TextEdit], others: Sequence[TextEdit]) -> bool:
    """Whether an edit of the one set touches text of the other (equal edits do not count)."""
    return any(a != b and a.span.overlaps(b.span) for a in edits for b in others)
