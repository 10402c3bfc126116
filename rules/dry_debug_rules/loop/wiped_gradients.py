"""LOOP005: gradients are cleared between the backward pass and the step that should use them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HAS_OPTIMIZER, HitRule, out_of_sight
from dry_debug.lint.new_lines import moved_before
from dry_debug.program.automata import Occurrence, collect
from dry_debug.program.evidence import Step, made
from dry_debug.program.gradient_order import Ordered, behind, orders, wiped_by

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.program import Program


class WipedGradients(HitRule[Ordered]):
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
    label = "wiped"
    unsure = "on some path the gradients are still there, or nobody knows"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("zero_grad"))

    def walks(self, program: Program) -> Iterable[Ordered]:
        return orders(program)

    def look(self, hit: Hit, walked: Ordered, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        wipe, backward = wiped_by(hit)
        if wipe is None or backward is None:
            program.why(step, self.unsure)
            return None
        if behind(backward, step):
            program.why(step, "{} stands behind it in the iteration", backward.event, see=backward)
            return None
        if out_of_sight(program, step, walked.optimizer, HAS_OPTIMIZER):
            return None
        at = wipe.here(program)
        if at is None or step.here(program) is None:
            return None
        here = wipe.event.program is program
        evidence = made(walked.optimizer, "the optimizer")
        evidence.append(Step(backward.event.program, backward.event.node, "the gradients are computed here"))
        if not here:
            evidence.append(Step(wipe.event.program, wipe.event.node, "they are cleared here"))
        evidence.append(Step(hit.event.program, hit.event.node, "and this step should have used them"))
        headline = f"`{program.short(at, 40)}` clears the gradients before the step that should use them"
        together = here and backward.event.program is program
        edits = moved_before(program, wipe.event.stmt, backward.event.stmt) if together else ()
        return self.report(program, at, headline, [walked.optimizer], evidence, _TITLE, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        reached = {event for event, _, _ in collect(program, "zero_grad")}
        for event in program.events.of_kind("zero_grad"):
            if event not in reached:
                program.why(event, "no way from the start of this file leads here")
            elif event.node not in told:
                program.why(event, "no gradients that a step behind it should use are certain to be there")


_TITLE = "Clear the gradients before the backward pass"
