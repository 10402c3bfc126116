"""What a data loader draws its indices from, and which loaders are trained on, epoch after epoch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.loops import TrainingLoop
from dry_debug.program.reached import reached
from dry_debug.program.reaching import always_in
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import LoopNode, is_name
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


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
    epochs = [loop for loop in loops.training if loop.kind == "epoch"]
    for outer in epochs:
        if any(other is not outer and inside(outer.node, other.node) for other in epochs):
            continue
        for loop in loops.training:
            if loop.kind == "batch" and inside(loop.node, outer.node):
                yield from _read(program, outer, loop)
        yield from _restarted(program, outer)
        for owner, function in reached(program, outer.node):
            for loop in owner.training.loops.training:
                if loop.kind == "batch" and loop.scope is function:
                    yield from _read(owner, outer, loop)


def _restarted(program: Program, outer: TrainingLoop) -> Iterator[EpochRead]:
    """`batches = iter(loader)` in every epoch, and in a loop inside it the steps that take `next(batches)`; each of
    them may stand in a function that the epoch calls."""
    places: list[tuple[Program, Scope, ast.AST]] = [(program, outer.scope, outer.node)]
    if "next(" not in program.document.source and not program.leaves_file:
        return
    places += [(owner, function, function.node) for owner, function in reached(program, outer.node)]
    for owner, scope, block in places:
        for name, value in _iterators(owner, scope, block) if "next(" in owner.document.source else ():
            if not _takes_next(owner, scope, name):
                continue
            for home, inner, around in places:
                loops = home.training.loops
                for loop in loops.training:
                    inside = loop.scope is inner and loop is not outer and home.index.inside(loop.node, around)
                    if inside and loops.steps_in(loop.node, only_steps=True):
                        yield EpochRead(outer.node, value, home, loop.node)
                        return


def _iterators(program: Program, scope: Scope, block: ast.AST) -> Iterator[tuple[str, Value]]:
    """The variables of `scope` that each run of `block` sets to a new iterator over a loader, with the loader."""
    for name, bindings in scope.bindings.items():
        for binding in bindings:
            made = binding.value if binding.kind == "assign" and not binding.path else None
            if (
                isinstance(made, ast.Call)
                and binding.stmt is not None
                and always_in(program.index, binding.stmt, block)
            ):
                value = _iterated(program, made)
                if value.kind == "loader":
                    yield name, value


def _iterated(program: Program, call: ast.Call) -> Value:
    """What an iterator goes through that `iter(...)` makes, or a function of this file that returns one."""
    if program.qualified(call) == "builtins.iter":
        return program.value(call.args[0], call) if len(call.args) == 1 else UNKNOWN
    target = program.target(call)
    backs = target.scope.returns if target.scope is not None and target.program is program else []
    for back in backs[:1]:
        made = back.value
        if isinstance(made, ast.Name) and target.scope is not None:
            bound = target.scope.bindings.get(made.id, [])
            made = bound[0].value if len(bound) == 1 and not bound[0].path else None
        if isinstance(made, ast.Call) and program.qualified(made) == "builtins.iter" and len(made.args) == 1:
            return program.value(made.args[0], made)
    return UNKNOWN


def _takes_next(program: Program, scope: Scope, name: str) -> bool:
    """Whether `next(...)` is called on a variable, in its function or in one of this file that it is handed to."""
    if _next_of(program, scope, name):
        return True
    for calling, function, parameter in program.index.handed_on.get(name, ()):
        if calling is scope and _next_of(program, function, parameter):
            return True
    return False


def _next_of(program: Program, scope: Scope, name: str) -> bool:
    return any(
        program.scope(call) is scope and len(call.args) > 0 and is_name(call.args[0], name)
        for call in program.calls_of("builtins.next")
    )


def _read(owner: Program, outer: TrainingLoop, loop: TrainingLoop) -> Iterator[EpochRead]:
    value = owner.training.loops.gone_through(loop)
    if value.kind == "loader" and owner.training.loops.steps_in(loop.node, only_steps=True):
        yield EpochRead(outer.node, value, owner, loop.node)
