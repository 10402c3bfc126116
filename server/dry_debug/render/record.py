"""A finding as plain data: what JSON prints, what the cache keeps, and what every other format is made of.

Rows and columns start at 1 and columns count code points; in a notebook rows count within the cell. Paths are absolute.
"""

from collections.abc import Callable, Iterable
from typing import NotRequired, TypedDict

from dry_debug.lint.comments import words_near
from dry_debug.lint.finding import Applicability, Confidence, Finding, Fix, Related, Severity
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit

_CONTEXT = 2  # lines shown before and after the finding
_MOST_LINES = 8  # of the finding itself
_WIDEST = 240  # code points of a line that are kept: one line of minified code must not fill the screen


class Location(TypedDict):
    row: int
    column: int


class EditRecord(TypedDict):
    filename: str
    cell: int | None
    content: str
    location: Location
    end_location: Location


class FixRecord(TypedDict):
    message: str
    applicability: Applicability
    edits: list[EditRecord]


class RelatedRecord(TypedDict):
    filename: str
    cell: int | None
    location: Location
    end_location: Location
    message: str


class Frame(TypedDict):
    """Lines around the finding: `row` is that of the first, `shift` the number of code points cut off before each."""

    row: int
    shift: int
    lines: list[str]


class Record(TypedDict):
    """The JSON contract, and under `shown` what only formats for people need."""

    filename: str
    cell: int | None
    code: str
    name: str
    severity: Severity
    confidence: Confidence
    message: str
    why: str
    fingerprint: str
    location: Location
    end_location: Location
    fix: FixRecord | None
    related: list[RelatedRecord]
    quotes: list[str]
    url: str | None
    shown: NotRequired["Shown"]


class Shown(TypedDict):
    fixable: bool
    fix_title: str
    comments: str
    frame: Frame
    diff: list[str]
    preview: bool


OpenOther = Callable[[str], Document | None]


def record(
    document: Document, path: str, finding: Finding, url: str | None = None, open_other: OpenOther | None = None
) -> Record:
    """`finding` of `document`, the file `path`. Its fix is there if `finding.fix` is; `open_other` gives the document
    of another file that the fix changes too."""
    start, end = document.position(finding.span.start), document.position(finding.span.end)
    if end.cell != start.cell:
        end = start
    fix, diff = _fix(document, path, finding.fix, open_other)
    return {
        "filename": path,
        "cell": start.cell,
        "code": finding.code,
        "name": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "why": finding.why,
        "fingerprint": finding.fingerprint,
        "location": {"row": start.line + 1, "column": start.column + 1},
        "end_location": {"row": end.line + 1, "column": end.column + 1},
        "fix": fix,
        "related": [_related(document, path, item) for item in finding.related],
        "quotes": list(finding.quotes),
        "url": url,
        "shown": {
            "fixable": finding.fixable,
            "fix_title": finding.fix_title,
            "comments": words_near(document, finding.span),
            "frame": _frame(document, finding.span),
            "diff": diff,
            "preview": finding.preview,
        },
    }


def contract(item: Record) -> Record:
    """The record as `check --format json` prints it."""
    copy = item.copy()
    copy.pop("shown", None)
    return copy


def shown(item: Record) -> Shown:
    """What formats for people need beside the contract."""
    return item["shown"]


def _location(document: Document, offset: int) -> Location:
    position = document.position(offset)
    return {"row": position.line + 1, "column": position.column + 1}


def _related(document: Document, path: str, item: Related) -> RelatedRecord:
    if item.place is not None:
        place = item.place
        return {
            "filename": place.path,
            "cell": place.cell,
            "location": {"row": place.line + 1, "column": place.column + 1},
            "end_location": {"row": place.end_line + 1, "column": place.end_column + 1},
            "message": item.message,
        }
    span = item.span or Span(0, 0)
    return {
        "filename": path,
        "cell": document.position(span.start).cell,
        "location": _location(document, span.start),
        "end_location": _location(document, span.end),
        "message": item.message,
    }


def _fix(
    document: Document, path: str, fix: Fix | None, open_other: OpenOther | None
) -> tuple[FixRecord | None, list[str]]:
    if fix is None:
        return None, []
    from dry_debug.lint.needs import NeedConflict, edits_of  # only where a fix is shown

    try:
        own = edits_of(document, fix)
    except (NeedConflict, SyntaxError):
        return None, []
    edits = [_edit(document, path, edit) for edit in own]
    for other, changes in fix.elsewhere:
        there = open_other(other) if open_other is not None else None
        if there is None:
            return None, []
        edits += [_edit(there, other, edit) for edit in changes]
    return {"message": fix.title, "applicability": fix.applicability, "edits": edits}, _diff(document, own)


def _edit(document: Document, path: str, edit: TextEdit) -> EditRecord:
    return {
        "filename": path,
        "cell": document.position(edit.span.start).cell,
        "content": edit.content,
        "location": _location(document, edit.span.start),
        "end_location": _location(document, edit.span.end),
    }


def _diff(document: Document, edits: Iterable[TextEdit]) -> list[str]:
    """What the edits change, line by line, each starting with `-`, `+` or a blank for the lines between."""
    import difflib

    lines = document.lines
    hunks: list[tuple[int, int, list[TextEdit]]] = []  # first line, last line, edits
    for edit in sorted(edits):
        first, last = lines.line_of(edit.span.start), lines.line_of(edit.span.end)
        if hunks and first <= hunks[-1][1] + 1:
            before = hunks.pop()
            hunks.append((before[0], max(before[1], last), [*before[2], edit]))
        else:
            hunks.append((first, last, [edit]))
    result: list[str] = []
    for first, last, group in hunks:
        start, end = lines.starts[first], lines.line_end(last)
        old = document.source[start:end]
        parts, at = [], start
        for edit in group:
            parts += [document.source[at : edit.span.start], edit.content]
            at = edit.span.end
        new = "".join(parts) + document.source[at:end]
        if result:
            result.append("...")
        changed = difflib.ndiff(_rows(old), _rows(new))
        result += [
            line[0] + " " + line[2:][:_WIDEST]
            for line in changed
            if line[0] in "+-" or (line[2:].strip() and line[0] == " ")
        ]
    return result


def _rows(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _frame(document: Document, span: Span) -> Frame:
    cell = document.cells[document.cell_at(span.start)] if document.cells else None
    base = document.lines.line_of(cell.start) if cell is not None and cell.number is not None else 0
    final = document.lines.line_of(cell.end) if cell is not None else 0
    at = document.lines.line_of(span.start)
    until = min(document.lines.line_of(span.end), at + _MOST_LINES - 1)
    first, last = max(base, at - _CONTEXT), min(final, until + _CONTEXT)
    texts = [document.lines.line_text(line) for line in range(first, last + 1)]
    while len(texts) > 1 and not texts[0].strip() and first < at:
        first, texts = first + 1, texts[1:]
    while len(texts) > 1 and not texts[-1].strip() and last > until:
        last, texts = last - 1, texts[:-1]
    column = span.start - document.lines.starts[at]
    shift = max(0, column - _WIDEST // 3) if column > _WIDEST * 2 // 3 else 0
    return {"row": first - base + 1, "shift": shift, "lines": [text[shift : shift + _WIDEST] for text in texts]}
