"""An explanation (`lint.explain`) as text for people, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dry_debug.lint.explain import Explanation, Point, Told

Shown = Callable[[str], str]  # an absolute path -> as people want to read it


def lines(told: Explanation, shown: Shown = str) -> Iterator[str]:
    """The text, line by line. `shown` makes a path readable."""
    cell = f"cell {told.cell}:" if told.cell is not None else ""
    yield f"{shown(told.path)}:{cell}{told.line}: {told.source}"
    for one in told.told:
        yield ""
        yield from _told(one, shown)
    if not told.told:
        yield ""
        yield f"No rule looks at anything on line {told.line}."
    if told.view:
        yield ""
        yield "What the model sees on this line:"
        yield from (f"  - {sentence}" for sentence in told.view)


def _told(one: Told, shown: Shown) -> Iterator[str]:
    head = f"{one.code} {one.rule}"
    found = one.chain and one.status != "syntax-error"
    if not found:
        yield f"{head}: {one.text}"
    else:
        state = "" if one.status == "reported" else ", not reported"
        yield f"{head}: {one.severity}, {one.confidence} confidence{state}"
        yield f"  {one.text}"
        yield f"  {one.why}"
    for reason in one.reasons:
        yield f"  - {'not reported: ' if found else ''}{reason.text}"
        yield from (f"      {row}" for point in reason.points for row in _point(point, shown))
    if one.chain:
        yield "  how it comes about:"
        yield from (f"    {row}" for point in one.chain for row in _point(point, shown))
    if one.links:
        yield f"  confidence {one.confidence}, the weakest of:"
        yield from (f"    {link.confidence} ({link.of}): {link.reason}" for link in one.links)


def _point(point: Point, shown: Shown) -> Iterator[str]:
    cell = f"cell {point.cell}:" if point.cell is not None else ""
    said = f": {point.message}" if point.message else ""
    yield f"{shown(point.path)}:{cell}{point.line}{said}"
    yield f"    {point.source}"


def data(told: Explanation) -> dict[str, Any]:
    """The same as plain data: lines start at 1, in a notebook within the cell; paths are absolute."""
    return {
        "filename": told.path,
        "cell": told.cell,
        "line": told.line,
        "source": told.source,
        "rules": [
            {
                "code": one.code,
                "name": one.rule,
                "status": one.status,
                "message": one.text,
                "severity": one.severity,
                "confidence": one.confidence,
                "why": one.why or None,
                "chain": [_place(point) for point in one.chain],
                "links": [{"of": x.of, "confidence": x.confidence, "reason": x.reason} for x in one.links],
                "reasons": [
                    {"message": reason.text, "places": [_place(point) for point in reason.points]}
                    for reason in one.reasons
                ],
            }
            for one in told.told
        ],
        "model": told.view,
    }


def _place(point: Point) -> dict[str, Any]:
    return {
        "filename": point.path,
        "cell": point.cell,
        "line": point.line,
        "source": point.source,
        "message": point.message or None,
    }
