"""Which findings would explain a symptom, most likely first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import TypeVar

from dry_debug.lint.finding import CONFIDENCES, SEVERITIES, Confidence, Finding, Severity
from dry_debug.records import dataclass
from dry_debug.text.document import Document
from dry_debug.triage.routing import Routing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """What is asked of a finding. `row` and `end_row` start at 1, and count within the cell in a notebook."""

    rule: str
    path: str
    row: int
    end_row: int
    severity: Severity
    confidence: Confidence


def site(path: str, document: Document, finding: Finding) -> Site:
    """The site of a finding of `document`, the file `path`."""
    first, last = document.position(finding.span.start), document.position(finding.span.end)
    end = last.line if last.cell == first.cell else first.line
    return Site(finding.rule, path, first.line + 1, end + 1, finding.severity, finding.confidence)


def suspects(routing: Routing, findings: Iterable[T], describe: Callable[[T], Site]) -> list[T]:
    """Those of `findings` that would explain the symptom, most likely first; `describe` gives the site of one.

    A finding explains it if its rule is one of those of the routing. Before all others come those at the user's own
    frame of the traceback, those in its file and those in the files of the user's other frames; then counts which area
    comes first, then the severity and the confidence, then how early the area names the rule.
    """
    places: dict[str, tuple[int, int]] = {}
    for area, stop in enumerate(routing.stops):
        for index, rule in enumerate(stop.rules):
            places.setdefault(rule, (area, index))

    def order(item: tuple[T, Site]) -> tuple[int, int, int, int, int, str, int]:
        at = item[1]
        area, index = places[at.rule]
        severity, confidence = SEVERITIES.index(at.severity), CONFIDENCES.index(at.confidence)
        return (_distance(routing, at), area, severity, confidence, index, at.path, at.row)

    described = [(finding, describe(finding)) for finding in findings]
    return [finding for finding, _ in sorted((pair for pair in described if pair[1].rule in places), key=order)]


def meant(shown: str, paths: Iterable[str]) -> list[str]:
    """Those of `paths` that a traceback may mean by `shown`, which may be relative or of another machine: the last two
    parts agree, and as many more as do of any other path."""
    parts = _parts(shown)
    best, found = 1, list[str]()
    for path in paths if parts else ():
        own = _parts(path)
        same = sum(1 for _ in takewhile(bool, (a == b for a, b in zip(reversed(own), reversed(parts), strict=False))))
        if same < max(best, min(2, len(own), len(parts))):
            continue
        if same > best:
            best, found = same, []
        found.append(path)
    return found


def _distance(routing: Routing, at: Site) -> int:
    """0 at the user's own frame, 1 in its file, 2 in the file of another frame of the user's, 3 elsewhere."""
    frame = routing.frame
    if frame is not None and meant(frame.path, [at.path]):
        return 0 if at.row <= frame.line <= at.end_row else 1
    return 2 if any(meant(other, [at.path]) for other in dict.fromkeys(f.path for f in routing.frames)) else 3


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "~")]
