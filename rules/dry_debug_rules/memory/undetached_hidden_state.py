"""MEM003: recurrent state carries the autograd graph of one batch into the backward pass of the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.fixes import state as states
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.carried import backward_passes
from dry_debug.program.carried_state import CarriedState, carried_states, only_looks
from dry_debug.program.evidence import Step, made
from dry_debug.program.links import Link, kind_link

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_RETAINED = (
    "`retain_graph=True` only moves the error: each backward pass goes back through all batches before, whose weights "
    "the optimizer has changed by then (`modified by an inplace operation`), or takes longer every time."
)


class UndetachedHiddenState(Rule):
    name = "undetached-hidden-state"
    code = "MEM003"
    shape = "order"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("backward", "training_step"), ("for ", "while ", "training_step"))
    why = (
        "The second backward pass reaches into the graph of the batch before, which the first one has freed: "
        "`Trying to backward through the graph a second time`."
    )
    instead = "Detach the state at the head of every batch."
    quotes = ("MEM-PIT-2", "MEM-PIT-x", "MEM-RF-3")
    looks_at = "backward passes in a loop, and what a `training_step` keeps"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for scope in (program.index.module, *program.index.functions):
            for call, _ in backward_passes(program, scope, retaining=True, computed=True):
                yield call
        for stmt in program.index.assignments:
            if program.scope(stmt).name == "training_step" and isinstance(stmt.value, ast.Call):
                yield stmt

    def check(self, program: Program) -> Iterator[Report]:
        for found in carried_states(program):
            if only_looks(program, found):
                program.why(found.at, "the graph is kept on purpose: nothing in the loop changes the weights")
                continue
            yield Report(
                at=found.at,
                headline=_headline(found, program),
                why=_RETAINED if found.retains else None,
                confidence=found.confidence,
                severity="critical" if found.confidence == "high" else "warning",
                evidence=_evidence(found, program),
                links=partial(_links, found, program),
                fix=partial(states.fix, program, found),
                fix_title=states.title(found),
            )
        if program.why.listens:
            for call in self.subjects(program):
                program.why(
                    call, "no state that a module hands on goes from one iteration into the next with its graph"
                )


def _headline(found: CarriedState, program: Program) -> str:
    paths = " and ".join(f"`{path}`" for path in found.paths[:2])
    verb = "carry" if len(found.paths) > 1 else "carries"
    return f"{paths} {verb} the graph of one iteration into the backward pass of the next"


def _evidence(found: CarriedState, program: Program) -> list[Step]:
    steps = made(found.module, f"`{program.short(found.call.func, 30)}`")
    if found.at is not program.statement(found.call):
        steps.append(Step(program, found.call, "the state of the iteration before goes in here"))
    if found.backward is not None:
        steps.append(Step(program, found.backward, "each iteration runs a backward pass"))
    else:
        steps.append(Step(program, found.loop, "the trainer runs a backward pass after each `training_step`"))
    return steps


def _links(found: CarriedState, program: Program) -> list[Link]:
    links = [kind_link(program, found.module, program.short(found.call.func, 30))]
    links.append(Link("path", "high", "nothing in the loop detaches the state or sets it anew"))
    return links
