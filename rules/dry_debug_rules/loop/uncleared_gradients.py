"""LOOP001: an optimizer steps again with gradients that it has already applied."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after, line_before
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Automaton, Hit, Occurrence, collect, run
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.hands import other_hands
from dry_debug.program.relations import covers, different, touches
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value


class UnclearedGradients(OrderRule):
    name = "uncleared-gradients"
    code = "LOOP001"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch", "accelerate", "lightning"), ("optim", ".step("))
    why = (
        "`backward()` adds to the gradients that are there, so stale gradients go into every later update and the "
        "model trains wrong."
    )
    quotes = ("DBG-CODE-10",)

    def check(self, program: Program) -> Iterator[Report]:
        steps = collect(program, "optimizer_step")
        seen: set[object] = set()
        for _, optimizer, _ in steps:
            ident = optimizer.base.ident
            if ident is None or ident in seen:
                continue
            seen.add(ident)
            automaton = _Gradients(optimizer, covers(optimizer, program), program)
            for hit in run(automaton, program):
                report = self._report(hit, automaton, program)
                if report is not None:
                    yield report
                    break  # one missing call is one mistake, however many steps it spoils

    def _report(self, hit: Hit, automaton: _Gradients, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        at = step.here(program)
        if hit.certainty != "must" or at is None:
            return None
        loop = next((node for node in reversed(hit.loops) if isinstance(node, ast.stmt)), None)
        if other_hands(program, step, automaton.optimizer):
            return None
        confidence: Confidence = weakest(
            automaton.optimizer.confidence, "high" if _single(automaton.optimizer) else "medium"
        )
        path = _path(hit.event) or "optimizer"
        here = hit.event.program is program
        evidence = _evidence(hit, program, loop)
        cleared = [e for e in automaton.clearing if e.kind == "zero_grad" and e.program is hit.event.program]
        if cleared:
            where = cleared[0]
            evidence.append(Step(where.program, where.node, "they are cleared here, but not between the two steps"))
        what = f"`{path[:36]}.step()`" if here else f"`{program.short(at, 40)}`"
        missing = "not cleared in this loop" if cleared else "never cleared"
        return Report(
            at=at,
            headline=f"{what} applies old gradients again: they are {missing}",
            confidence=confidence,
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(hit, path, program)) if here else None,
            fix_title=f"Clear the gradients (`{path[:60]}.zero_grad()`)" if here else "",
        )


class _Gradients(Automaton):
    """Of one optimizer: step -> stepped -> backward -> stale -> the same step again: wrong. Clearing: `cleared`.

    `first` is the time before the first step, which says nothing: with accumulation it may be many iterations long.
    A state is its name and the steps made since the last clearing. A single leftover between two phases of training,
    each of which clears for itself, is not worth a word.
    """

    kinds = frozenset(("create", "zero_grad", "set_grad", "backward", "optimizer_step"))
    start = ("first", frozenset[object]())

    def __init__(self, optimizer: Value, covered: list[Value], program: Program) -> None:
        self.optimizer = optimizer
        self.ident = optimizer.base.ident
        self.covered = covered
        self.program = program
        self.clearing: dict[Event, None] = {}

    def counts(self, state: Hashable, label: Hashable) -> bool:
        return isinstance(state, tuple) and state[0] != "first"

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        assert isinstance(state, tuple)
        kind, (name, applied) = event.kind, state
        cleared = state if name == "first" else ("cleared", frozenset())
        if kind == "optimizer_step":
            if context.same(event.obj, self.ident) is not True:
                return state, None
            if event.handled:
                return cleared, None
            wrong = name == "stale" and event in applied
            return ("stepped", applied | {event}), "stale" if wrong else None
        if kind == "backward":
            if event.handled:
                return cleared, None
            return (("stale", applied) if name == "stepped" else state), None
        if kind == "create":
            made = context.same(event.obj, self.ident) is not False or context.made_by_call(self.ident)
            return (self.start if made else state), None
        if kind == "zero_grad" and not self._clears(event, context):
            return state, None
        self.clearing[event] = None
        return cleared, None

    def _clears(self, event: Event, context: Context) -> bool:
        """Whether the event may clear gradients of this optimizer: unless it certainly clears others only."""
        obj = context.resolve(event.obj)
        if obj.kind == "optimizer":
            if not different(obj.base.ident, self.ident):
                return True
            theirs = covers(obj, self.program)
            return not theirs or any(touches(m, self.covered) is not False for m in theirs)
        if obj.kind == "module":
            return touches(obj, self.covered) is not False
        return True


def _single(optimizer: Value) -> bool:
    """Whether the identity is that of one object, not of any element of a collection."""
    ident = optimizer.base.ident
    return not (isinstance(ident, tuple) and ident and ident[0] == "part")


def _path(event: Event) -> str | None:
    """How the user spells the optimizer of a step: `opt` in `opt.step()` and in `scaler.step(opt)`."""
    call = event.node
    if not isinstance(call, ast.Call):
        return None
    if event.other.kind == "scaler":
        return dotted(call.args[0]) if call.args else None
    return dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None


def _evidence(hit: Hit, program: Program, loop: ast.AST | None) -> list[Step]:
    told = {
        "optimizer_step": "this step applies the gradients and leaves them there",
        "backward": "this `backward()` adds new gradients to the applied ones",
    }
    steps: list[Step] = []
    last = [o.event for o in hit.trace if o.event.kind in told][-2:]
    for event in last:
        steps.append(Step(event.program, event.node, told[event.kind]))
    if hit.event.program is not program:
        steps.append(Step(hit.event.program, hit.event.node, "the step"))
    if loop is not None and isinstance(loop, ast.For | ast.AsyncFor):
        owner = hit.event.program if loop in hit.event.program.index.parent else program
        if loop in owner.index.parent:
            steps.append(Step(owner, loop.target, "in this loop"))
    return steps


def _fix(hit: Hit, path: str, program: Program) -> Fix | None:
    if _path(hit.event) is None:
        return None
    code = f"{path}.zero_grad()"
    before = _first_backward(hit, program)
    edit = line_before(program, before, code) if before is not None else line_after(program, hit.event.stmt, code)
    return Fix(f"Clear the gradients (`{path[:60]}.zero_grad()`)", "unsafe", (edit,)) if edit is not None else None


def _first_backward(hit: Hit, program: Program) -> ast.stmt | None:
    """The statement beside the step (in its block) with the first backward since another step; None: not there."""
    index = program.index
    block = index.parent.get(hit.event.stmt)
    first: ast.stmt | None = None
    for event in program.events.all:
        if event.scope is not hit.event.scope or event.stmt.lineno > hit.event.stmt.lineno:
            continue
        stmt: ast.AST | None = event.stmt
        while stmt is not None and index.parent.get(stmt) is not block:
            stmt = index.parent.get(stmt)
        if event.kind == "optimizer_step" and event.stmt.lineno < hit.event.stmt.lineno:
            first = None
        elif event.kind == "backward" and first is None and isinstance(stmt, ast.stmt) and stmt is not hit.event.stmt:
            first = stmt
    return first
