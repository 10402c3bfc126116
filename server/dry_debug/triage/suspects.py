"""Which findings would explain a symptom, most likely first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from dry_debug.lint.finding import CONFIDENCES, SEVERITIES, Confidence, Finding, Severity
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
    frame of the traceback and those in its file; then counts which area comes first, then the severity and the
    confidence, then how early the area names the rule.
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


def _distance(routing: Routing, at: Site) -> int:
    frame = routing.frame
    if frame is None or not _is_same_file(frame.path, at.path):
        return 2
    return 0 if at.row <= frame.line <= at.end_row else 1


def _is_same_file(shown: str, path: str) -> bool:
    """Whether a path in a traceback, which may be relative or of another machine, may be the file `path`."""
    parts = [part for part in shown.replace("\\", "/").split("/") if part not in ("", ".", "~")]
    own = [part for part in path.replace("\\", "/").split("/") if part]
    common = min(len(parts), len(own), 2)  # the folders above may differ between the machines
    return common > 0 and parts[-common:] == own[-common:]
