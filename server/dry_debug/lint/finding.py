"""What the analysis says: findings and fixes, plain data for renderers and editors.

Spans are code point offsets into the `Document.source` that was analysed; a renderer turns them into rows and columns.
"""

from typing import Literal, NamedTuple

from dry_debug.records import dataclass, replace
from dry_debug.text.spans import Span, TextEdit

Severity = Literal["critical", "warning", "suggestion"]
Confidence = Literal["high", "medium", "low"]
Applicability = Literal["safe", "unsafe", "display"]

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "suggestion")
CONFIDENCES: tuple[Confidence, ...] = ("high", "medium", "low")


class Place(NamedTuple):
    """A range in another file. Lines and columns are zero-based, columns count code points.

    `before` and `end_before` are the text of the lines before the columns, for whoever counts in other units.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None
    before: str = ""
    end_before: str = ""


class Related(NamedTuple):
    """One step of the evidence: a sentence about a place. Exactly one of `span` (this file) and `place` is set."""

    message: str
    span: Span | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, order=True)
class NeedImport:
    """The fix uses `module` (or `name` of it), bound as `alias` if given; imported only if it is not yet."""

    module: str
    name: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class NeedHelper:
    """The fix calls a function that has to stand in the file.

    `source` is its whole definition, LF line ends, no trailing line end; it is put before the first statement that is
    neither an import nor a docstring, once, and not at all where the file already defines `name`.
    """

    name: str
    source: str


Need = NeedImport | NeedHelper


class Fix(NamedTuple):
    """An offer to change the code.

    `edits` change the analysed document, `elsewhere` other files (path and its edits, spans in that file's text).
    Needs are merged over all fixes that are applied together (`lint.applier`).
    """

    title: str
    applicability: Applicability
    edits: tuple[TextEdit, ...]
    needs: tuple[Need, ...] = ()
    elsewhere: tuple[tuple[str, tuple[TextEdit, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake at one place."""

    rule: str
    code: str
    severity: Severity
    confidence: Confidence
    message: str  # the headline: what is wrong, with the user's own names; no full stop
    why: str  # one sentence: the consequence
    span: Span
    cause: str  # findings of one file with the same cause are one finding
    fingerprint: str  # stable under edits elsewhere in the file
    fixable: bool = False  # whether asking `Result.fix` may give a fix
    fix_title: str = ""
    fix: Fix | None = None  # filled by `Result.with_fixes`
    related: tuple[Related, ...] = ()
    quotes: tuple[str, ...] = ()
    preview: bool = False

    @property
    def sort_key(self) -> tuple[int, int, str]:
        return (self.span.start, self.span.end, self.code)

    def with_fix(self, fix: Fix | None) -> "Finding":
        return replace(self, fix=fix, fixable=fix is not None, fix_title=fix.title if fix else "")


# The finding that stands for a file which does not parse, and the one for a suppression that suppresses nothing.
SYNTAX_ERROR = ("syntax-error", "DRY000")
UNUSED_SUPPRESSION = ("unused-suppression", "DRY001")
