"""Order rules that say one thing of all hits with one label: what they look up, what they tell and how they report."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.callers import confirmed
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.paths import Occurrence

if TYPE_CHECKING:
    from dry_debug.program.automata import Hit
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value
    from dry_debug.text.spans import TextEdit


class Walked(Protocol):
    """What walks over a program found."""

    @property
    def hits(self) -> Sequence[Hit]: ...


W = TypeVar("W", bound=Walked)


class HitRule(OrderRule, Generic[W]):
    """Judges the hits with `label` in each of `walks`; what is no must is left alone, with `unsure` as the reason."""

    label: ClassVar[str]
    unsure: ClassVar[str] = ""

    def walks(self, program: Program) -> Iterable[W]:
        """What was walked."""
        raise NotImplementedError

    def look(self, hit: Hit, walked: W, program: Program) -> Report | None:
        """What is wrong with a hit that is a must."""
        raise NotImplementedError

    def tell(self, told: set[ast.AST], program: Program) -> None:
        """Says of the subjects that are not in `told`, the places of the reports, why nothing is said of them."""
        raise NotImplementedError

    def check(self, program: Program) -> Iterator[Report]:
        told: set[ast.AST] = set()
        for walked in self.walks(program):
            for hit in walked.hits:
                if hit.label != self.label:
                    continue
                if hit.certainty != "must":
                    if self.unsure:
                        program.why(Occurrence(hit.event, hit.calls), self.unsure)
                    continue
                report = self.look(hit, walked, program)
                if report is not None and isinstance(report.at, ast.AST) and report.at not in told:
                    told.add(report.at)
                    yield report
        if program.why.listens:
            self.tell(told, program)

    def report(
        self,
        program: Program,
        at: ast.AST,
        headline: str,
        objects: Sequence[Value],
        evidence: list[Step],
        title: str,
        edits: Sequence[TextEdit],
    ) -> Report:
        """A report that is as sure as what its `objects` are; without `edits` it offers no fix."""
        objects = [confirmed(value) for value in objects]
        return Report(
            at=at,
            headline=headline,
            confidence=weakest(*(value.confidence for value in objects)),
            links=lambda: [*(kind_link(program, value) for value in objects), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: Fix(title, "unsafe", tuple(edits))) if edits else None,
            fix_title=title if edits else "",
        )


def out_of_sight(program: Program, place: Occurrence, value: Value, reason: str) -> bool:
    """Whether something that cannot be followed has `value` in its hands; `reason` says so of it (`{}`)."""
    hands = other_hands(program, place, value)
    if hands is not None:
        program.why(place, reason, hands, see=hands)
    return hands is not None


HAS_OPTIMIZER = "{} is given the optimizer and cannot be followed"
HAS_SCALER = "{} is given the scaler and cannot be followed: it may update it"
