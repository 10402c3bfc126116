"""LOOP006: the optimizer steps on cleared gradients, before the backward pass of the same iteration."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import moved_behind
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Hit, Occurrence, collect
from dry_debug.program.evidence import Step, made
from dry_debug.program.gradient_order import Ordered, behind, orders, wiped_by
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class StepBeforeBackward(OrderRule):
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

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("optimizer_step"))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Event] = set()
        for ordered in orders(program):
            for hit in ordered.hits:
                report = self._report(hit, ordered, program) if hit.label == "wiped" else None
                if report is not None and hit.event not in told:
                    told.add(hit.event)
                    yield report
        if program.why.listens:
            _tell(told, program)

    def _report(self, hit: Hit, ordered: Ordered, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        wipe, backward = wiped_by(hit)
        at = step.here(program)
        if hit.certainty != "must" or wipe is None or backward is None or at is None:
            return None
        if not behind(backward, step) or hit.event.program is not program:
            return None
        hands = other_hands(program, step, ordered.optimizer)
        if hands is not None:
            program.why(step, "{} is given the optimizer and cannot be followed", hands, see=hands)
            return None
        evidence = made(ordered.optimizer, "the optimizer")
        evidence.append(Step(wipe.event.program, wipe.event.node, "the gradients are cleared here"))
        evidence.append(Step(backward.event.program, backward.event.node, "and computed only here, behind the step"))
        together = hit.event.scope is backward.event.scope
        edits = moved_behind(program, hit.event.stmt, backward.event.stmt) if together else None
        return Report(
            at=at,
            headline=f"`{program.short(at, 40)}` runs before `backward()`: it applies cleared gradients",
            confidence=ordered.optimizer.confidence,
            links=lambda: [kind_link(program, ordered.optimizer), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: Fix(_TITLE, "unsafe", edits)) if edits else None,
            fix_title=_TITLE if edits else "",
        )


_TITLE = "Step behind the backward pass"


def _tell(told: set[Event], program: Program) -> None:
    reached = {event for event, _, _ in collect(program, "optimizer_step")}
    for event in program.events.of_kind("optimizer_step"):
        if event not in reached:
            program.why(event, "no way from the start of this file leads here")
        elif event not in told:
            program.why(event, "it comes behind a backward pass, or its gradients are not cleared before it")
