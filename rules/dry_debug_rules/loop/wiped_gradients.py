"""LOOP005: gradients are cleared between the backward pass and the step that should use them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import moved_before
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Hit, Occurrence, collect
from dry_debug.program.evidence import Step, made
from dry_debug.program.gradient_order import Ordered, behind, orders, wiped_by
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class WipedGradients(OrderRule):
    name = "wiped-gradients"
    code = "LOOP005"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), (".zero_grad(",), (".step(",))
    why = (
        "`step()` finds no gradients: with `None` it does nothing, with zeros only momentum and weight decay move the "
        "parameters, and the loss does not fall."
    )
    instead = "Clear the gradients before the backward pass, or behind the step."
    quotes = ("DBG-CODE-10",)
    looks_at = "calls that clear gradients"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("zero_grad"))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[object] = set()
        for ordered in orders(program):
            for hit in ordered.hits:
                report = self._report(hit, ordered, program) if hit.label == "wiped" else None
                if report is not None and report.cause not in told:
                    told.add(report.cause)
                    yield report
        if program.why.listens:
            _tell(told, program)

    def _report(self, hit: Hit, ordered: Ordered, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        wipe, backward = wiped_by(hit)
        if hit.certainty != "must" or wipe is None or backward is None:
            program.why(step, "on some path the gradients are still there, or nobody knows")
            return None
        if behind(backward, step):
            program.why(step, "{} stands behind it in the iteration", backward.event, see=backward)
            return None
        hands = other_hands(program, step, ordered.optimizer)
        if hands is not None:
            program.why(step, "{} is given the optimizer and cannot be followed", hands, see=hands)
            return None
        at = wipe.here(program)
        if at is None or step.here(program) is None:
            return None
        here = wipe.event.program is program
        evidence = made(ordered.optimizer, "the optimizer")
        evidence.append(Step(backward.event.program, backward.event.node, "the gradients are computed here"))
        if not here:
            evidence.append(Step(wipe.event.program, wipe.event.node, "they are cleared here"))
        evidence.append(Step(hit.event.program, hit.event.node, "and this step should have used them"))
        fixed = here and _fix(wipe.event, backward.event, program) is not None
        return Report(
            at=at,
            headline=f"`{program.short(at, 40)}` clears the gradients before the step that should use them",
            confidence=ordered.optimizer.confidence,
            links=lambda: [kind_link(program, ordered.optimizer), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(wipe.event, backward.event, program)) if fixed else None,
            fix_title=_TITLE if fixed else "",
        )


_TITLE = "Clear the gradients before the backward pass"


def _fix(wipe: Event, backward: Event, program: Program) -> Fix | None:
    if wipe.program is not program or backward.program is not program:
        return None
    edits = moved_before(program, wipe.stmt, backward.stmt)
    return Fix(_TITLE, "unsafe", edits) if edits else None


def _tell(told: set[object], program: Program) -> None:
    reached = {event for event, _, _ in collect(program, "zero_grad")}
    for event in program.events.of_kind("zero_grad"):
        if event not in reached:
            program.why(event, "no way from the start of this file leads here")
        elif f"{WipedGradients.name}@{program.span(event.node).start}" not in told:
            program.why(event, "no gradients that a step behind it should use are certain to be there")
