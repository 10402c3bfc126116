"""What a data loader draws its indices from, and which loaders are trained on, epoch after epoch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dry_debug.program.calls import argument
from dry_debug.program.loops import LoopNode, TrainingLoop
from dry_debug.program.reached import reached
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(slots=True)
class EpochRead:
    """A loader that every iteration of an epoch loop goes through in training."""

    epochs: LoopNode
    loader: Value
    program: Program  # the file of `batches`
    batches: LoopNode


def samplers(loader: Value) -> list[Value]:
    """The samplers that a `DataLoader` may draw from, one for each branch; [] if that is not known."""
    found: list[Value] = []
    for made in _each(loader):
        call, owner = made.args, made.origin
        if call is None or owner is None or call not in owner.index.scope_of:
            continue
        for position, name in ((3, "sampler"), (4, "batch_sampler")):
            expr = argument(call, position, name)
            if expr is None:
                continue
            value = owner.evaluator.value(expr, owner.scope(call), owner.statement(call), made.env)
            found.extend(s for each in _each(value) for s in _inner(each))
    return found


def _inner(sampler: Value) -> Iterator[Value]:
    """The sampler behind a `BatchSampler`; itself otherwise."""
    call, owner = sampler.args, sampler.origin
    if call is None or owner is None or owner.qualified(call) != "torch.utils.data.BatchSampler":
        yield sampler
        return
    expr = argument(call, 0, "sampler")
    if expr is not None:
        yield from _each(owner.evaluator.value(expr, owner.scope(call), owner.statement(call), sampler.env))


def _each(value: Value) -> list[Value]:
    """The makers of a value that has several, one in each branch."""
    if value.args is None and value.items and all(isinstance(item, Value) for item in value.items):
        return [item for item in value.items if item.kind == value.kind]
    return [value]


def epoch_reads(program: Program) -> Iterator[EpochRead]:
    """The loaders that the epoch loops of this file train on, here or in the functions that they call."""
    loops, inside = program.training.loops, program.index.inside
    epochs = [loop for loop in loops.all if loop.kind == "epoch"]
    for outer in epochs:
        if any(other is not outer and inside(outer.node, other.node) for other in epochs):
            continue
        for loop in loops.all:
            if loop.kind == "batch" and inside(loop.node, outer.node):
                yield from _read(program, outer, loop)
        yield from _restarted(program, outer)
        for owner, function in reached(program, outer.node):
            for loop in owner.training.loops.all:
                if loop.kind == "batch" and loop.scope is function:
                    yield from _read(owner, outer, loop)


def _restarted(program: Program, outer: TrainingLoop) -> Iterator[EpochRead]:
    """`batches = iter(loader)` in every epoch, and in a loop inside it the steps that take `next(batches)`."""
    inside = program.index.inside
    for call in program.calls_of("builtins.iter"):
        stmt = program.statement(call)
        if len(call.args) != 1 or not isinstance(stmt, ast.Assign) or stmt.value is not call:
            continue
        name = stmt.targets[0]
        if program.index.parent.get(stmt) is not outer.node or not isinstance(name, ast.Name):
            continue
        value = program.value(call.args[0], call)
        if value.kind != "loader":
            continue
        loops = program.training.loops
        for loop in loops.all:
            if loop.scope is not outer.scope or loop is outer or not inside(loop.node, outer.node):
                continue
            if loops.steps_in(loop.node, only_steps=True) and _takes_next(program, loop, name.id):
                yield EpochRead(outer.node, value, program, loop.node)
                break


def _takes_next(program: Program, loop: TrainingLoop, name: str) -> bool:
    return any(
        len(call.args) > 0 and isinstance(call.args[0], ast.Name) and call.args[0].id == name
        and program.index.inside(program.statement(call) or call, loop.node)
        for call in program.calls_of("builtins.next")
    )  # fmt: skip


def _read(owner: Program, outer: TrainingLoop, loop: TrainingLoop) -> Iterator[EpochRead]:
    value = owner.training.loops.gone_through(loop)
    if value.kind == "loader" and owner.training.loops.steps_in(loop.node, only_steps=True):
        yield EpochRead(outer.node, value, owner, loop.node)
