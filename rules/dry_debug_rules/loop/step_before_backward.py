"""LOOP006: the optimizer steps on cleared gradients, before the backward pass of the same iteration."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HAS_OPTIMIZER, HitRule, out_of_sight
from dry_debug.lint.new_lines import moved_behind
from dry_debug.program.automata import Occurrence, collect
from dry_debug.program.evidence import Step, made
from dry_debug.program.gradient_order import Ordered, behind, orders, wiped_by

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.program import Program


class StepBeforeBackward(HitRule[Ordered]):
    name = "step-before-backward"
    code = "LOOP006"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("torch",), (".zero_grad(",), (".step(",))
    why = (
        "Each iteration clears the gradients, steps without any, and only then computes new ones, which the next "
        "iteration clears: the model never learns from them."
    )
    instead = "Step behind the backward pass."
    quotes = ("DBG-CODE-10",)
    looks_at = "steps of optimizers"
    label = "wiped"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("optimizer_step"))

    def walks(self, program: Program) -> Iterable[Ordered]:
        return orders(program)

    def look(self, hit: Hit, walked: Ordered, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        wipe, backward = wiped_by(hit)
        at = step.here(program)
        if wipe is None or backward is None or at is None:
            return None
        if not behind(backward, step) or hit.event.program is not program:
            return None
        if out_of_sight(program, step, walked.optimizer, HAS_OPTIMIZER):
            return None
        evidence = made(walked.optimizer, "the optimizer")
        evidence.append(Step(wipe.event.program, wipe.event.node, "the gradients are cleared here"))
        evidence.append(Step(backward.event.program, backward.event.node, "and computed only here, behind the step"))
        headline = f"`{program.short(at, 40)}` runs before `backward()`: it applies cleared gradients"
        together = hit.event.scope is backward.event.scope
        edits = moved_behind(program, hit.event.stmt, backward.event.stmt) if together else ()
        return self.report(program, at, headline, [walked.optimizer], evidence, _TITLE, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        reached = {event for event, _, _ in collect(program, "optimizer_step")}
        for event in program.events.of_kind("optimizer_step"):
            if event not in reached:
                program.why(event, "no way from the start of this file leads here")
            elif event.node not in told:
                program.why(event, "it comes behind a backward pass, or its gradients are not cleared before it")


_TITLE = "Step behind the backward pass"
