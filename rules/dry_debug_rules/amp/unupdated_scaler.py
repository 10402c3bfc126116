"""AMP005: a scaler steps an optimizer again without an update in between."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Hit, Occurrence
from dry_debug.program.evidence import Step, made
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.scaling import Scaled, protocols, spelled, tell_protocols

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class UnupdatedScaler(OrderRule):
    name = "unupdated-scaler"
    code = "AMP005"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Scaler", ".scale("), (".step(",))
    why = (
        "`update()` ends the iteration for the scaler: without it the second `step` of the same optimizer raises "
        "RuntimeError, and the loss scale is never adapted."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Update the scaler once in each iteration, behind all steps."
    looks_at = "steps that a GradScaler makes"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("optimizer_step") if e.other.kind == "scaler")

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Event] = set()
        for scaled in protocols(program):
            for hit in scaled.hits:
                if hit.label == "again" and hit.certainty == "must" and hit.event not in told:
                    report = self._report(hit, scaled, program)
                    if report is not None:
                        told.add(hit.event)
                        yield report
        if program.why.listens:
            fine = "an `update()` comes before the same step runs again, or it runs only once"
            tell_protocols(program, "again", ("optimizer_step",), fine)

    def _report(self, hit: Hit, scaled: Scaled, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        hands = other_hands(program, place, scaled.scaler)
        if hands is not None:
            program.why(place, "{} is given the scaler and cannot be followed: it may update it", hands, see=hands)
            return None
        if at is None:
            return None
        here = hit.event.program is program
        evidence = made(scaled.scaler, "the scaler")
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the step"))
        loop = next((node for node in reversed(hit.loops) if isinstance(node, ast.For | ast.AsyncFor)), None)
        home = next((p for p in (program, hit.event.program) if loop is not None and loop in p.index.scope_of), None)
        if loop is not None and home is not None:
            evidence.append(Step(home, loop.target, "each iteration of this loop steps, none updates"))
        name = spelled(hit.event.program, hit.event, scaled.scaler)
        return Report(
            at=at,
            headline=f"`{program.short(at, 40)}` is never followed by `{(name or 'scaler')[:24]}.update()`"
            if here
            else f"`{program.short(at, 40)}` steps with a GradScaler that is never updated",
            confidence=scaled.scaler.confidence,
            links=lambda: [kind_link(program, scaled.scaler), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(hit, name, program)) if here and name is not None else None,
            fix_title=_title(name) if here and name is not None else "",
        )


def _title(name: str) -> str:
    return f"Update the scaler after the step (`{name[:60]}.update()`)"


def _fix(hit: Hit, name: str, program: Program) -> Fix | None:
    """Behind the last step of a scaler in the same block: all optimizers step before the one update."""
    block = program.index.parent.get(hit.event.stmt)
    last = hit.event.stmt
    for event in program.events.of_kind("optimizer_step"):
        beside = program.index.parent.get(event.stmt) is block and event.scope is hit.event.scope
        if beside and event.other.kind == "scaler" and event.stmt.lineno > last.lineno:
            last = event.stmt
    edit = line_after(program, last, f"{name}.update()")
    return Fix(_title(name), "unsafe", (edit,)) if edit is not None else None
