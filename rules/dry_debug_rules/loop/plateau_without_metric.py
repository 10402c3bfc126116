"""LOOP014: `ReduceLROnPlateau` is stepped without the metric that it watches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.evidence import made
from dry_debug.program.links import kind_link
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

MAX_HOPS = 3  # functions between the loop and the step
PLATEAU = "torch.optim.lr_scheduler.ReduceLROnPlateau"


class PlateauWithoutMetric(SiteRule):
    name = "plateau-without-metric"
    code = "LOOP014"
    severity = "critical"
    fix_kind = "none"
    triggers = (("ReduceLROnPlateau",), (".step(",))
    why = "`step` requires the value to watch: the call raises TypeError, often only at the end of the first epoch."
    quotes = ("DBG-RF-4",)
    instead = "Give `step` the value to watch, mostly the loss of the validation."
    looks_at = "steps of `ReduceLROnPlateau`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("scheduler_step"))

    def check(self, program: Program) -> Iterator[Report]:
        for event in program.events.of_kind("scheduler_step"):
            report = self._report(event, event.obj, program)
            if report is not None:
                yield report

    def _report(self, event: Event, scheduler: Value, program: Program) -> Report | None:
        call = event.node
        assert isinstance(call, ast.Call)
        types = {scheduler.type} if not scheduler.items else {each.type for each in scheduler.items}
        if types != {PLATEAU}:
            program.why(call, "it is not known to be a `ReduceLROnPlateau`")
            return None
        given = [*call.args, *(k.value for k in call.keywords)]
        epoch = self._epoch(call, program)
        if given and epoch is None:
            program.why(call, "it is given what it watches: {}", given[0])
            return None
        guard = _asks_kind(event.stmt, program)
        if guard is not None:
            program.why(call, "{} asks which scheduler it is", guard, see=guard)
            return None
        counted = epoch is not None
        return Report(
            at=call,
            headline=f"`{program.short(call, 36)}` is given the number of the epoch instead of the metric to watch"
            if counted
            else f"`{program.short(call, 36)}` lacks the metric that `ReduceLROnPlateau` watches",
            why="The scheduler takes the number for the metric: it rises each epoch, so with `mode='min'` the learning "
            "rate falls as soon as the patience is over, whatever the loss does."
            if counted
            else None,
            confidence=scheduler.confidence,
            links=lambda: [kind_link(program, scheduler)],
            evidence=made(scheduler, "the scheduler"),
        )

    @staticmethod
    def _epoch(call: ast.Call, program: Program) -> ast.expr | None:
        """The only argument, if it is the variable of a loop over `range`, also of one that a caller runs."""
        if len(call.args) != 1 or call.keywords or not isinstance(call.args[0], ast.Name):
            return None
        name, stmt = call.args[0], program.statement(call)
        return name if stmt is not None and _counts(name, stmt, program) else None


def _counts(expr: ast.expr, stmt: ast.stmt, program: Program, hops: int = 0) -> bool:
    found = program.names.lookup(expr.id, program.scope(stmt)) if isinstance(expr, ast.Name) else None
    if found is None or not isinstance(expr, ast.Name):
        return False
    if [b.kind for b in found[1]] == ["param"] and hops < MAX_HOPS:
        sites = program.call_sites(found[0])
        passed = program.arguments_of(found[0], expr.id)
        return 0 < len(passed) == len(sites) and all(
            at is not None and _counts(given, at, owner, hops + 1) for owner, given, _, at in passed
        )
    if any(b.kind != "for" for b in found[1]):
        return False
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.For) and isinstance(block.target, ast.Name) and block.target.id == expr.id:
            return isinstance(block.iter, ast.Call) and program.qualified(block.iter) == "builtins.range"
    return False


def _asks_kind(stmt: ast.stmt, program: Program, hops: int = 0) -> ast.expr | None:
    """A condition around the step that asks of which class a scheduler is, or what it is called.

    Also one around each call of its function.
    """
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.If | ast.While) and any(map(_of_scheduler, nodes(block.test))):
            return block.test
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            sites = [program.statement(c) for c in program.call_sites(program.index.scopes[block])]
            if hops < MAX_HOPS:
                found = [_asks_kind(site, program, hops + 1) if site is not None else None for site in sites]
                return found[0] if found and None not in found else None
            break
    return None


def _of_scheduler(node: ast.AST) -> bool:
    if isinstance(node, ast.Name) and node.id in ("isinstance", "type"):
        return True
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return "sched" in name.lower()
