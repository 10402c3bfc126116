"""Loaders and samplers of a training loop that can say how far they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.run_numbers import outermost
from dry_debug.program.sampling import samplers
from dry_debug.program.scopes import dotted
from dry_debug.program.values import Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.walks import LoopNode

# A loader of torchdata that has `state_dict` and `load_state_dict`; the loader of PyTorch has neither. What it says
# at the end of an epoch makes some versions leave out the next one (meta-pytorch/data, issue 1437).
STATEFUL = "torchdata.stateful_dataloader.StatefulDataLoader"


@dataclass(slots=True, eq=False)
class Position:
    """Something that gives data and has a state: `name` is what it is called beside the loop. `within`: the loop in
    which alone its state is of use."""

    name: str
    value: Value
    within: LoopNode | None = None


def stateful_data(program: Program, loop: LoopNode) -> Iterator[Position]:
    """What the loops in and around `loop` go over, if it has a state; else the sampler that it draws from, if that
    is a class of the project with `load_state_dict`."""
    outer = outermost(program, loop)
    scope = program.scope(outer)
    seen: set[str] = set()
    for each in program.training.loops.training:
        over = each.node.iter if isinstance(each.node, ast.For) else None
        if over is None or not (each.node is outer or program.index.inside(each.node, outer)):
            continue
        while isinstance(over, ast.Call) and over.args and not isinstance(over.func, ast.Attribute):
            over = over.args[0]  # `enumerate(tqdm(loader))`
        name, loader = dotted(over), program.value(over, each.node)
        if name is None or name in seen or loader.kind != "loader":
            continue
        seen.add(name)
        if _is_stateful(loader):
            yield Position(name, loader, each.node)
            continue
        for sampler in samplers(loader):
            called = program.training.components.name_at(sampler, scope)
            if called is not None and called not in seen and _loads_state(sampler):
                seen.add(called)
                yield Position(called, sampler)


def _is_stateful(loader: Value) -> bool:
    call, owner = loader.base.args, loader.base.origin
    return call is not None and owner is not None and owner.qualified(call) == STATEFUL


def _loads_state(sampler: Value) -> bool:
    cls, owner = sampler.scope, sampler.program
    if cls is None or cls.kind != "class" or owner is None:
        return False
    return all(
        owner.evaluator.class_attribute(cls, name).kind == "function" for name in ("state_dict", "load_state_dict")
    )
