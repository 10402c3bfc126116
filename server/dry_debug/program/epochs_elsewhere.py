"""Loaders that a file makes and hands out: whether other files train on them epoch after epoch, and who tells them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.calls import argument
from dry_debug.program.evidence import Step
from dry_debug.program.imported_files import imported_files
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import is_name, loop_head, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MOST_FILES = 60
_EVALUATES = re.compile(r"(?i)(?<![a-z])(val|test|eval|dev|infer|pred)")
# What prepares loaders, or trains by itself, tells the samplers the epoch without a word of it in the project.
_TOLD_BY = frozenset(
    ("accelerate", "deepspeed", "lightning", "pytorch_lightning", "ignite", "ray", "catalyst", "composer")
)


def tells_epoch(program: Program) -> bool:
    """Whether something in the file may tell a sampler the epoch."""
    source = program.document.source
    return "set_epoch" in source or "sampler.epoch" in source


def trains_elsewhere(program: Program) -> Step | None:
    """An epoch loop in the files that import this one or in what those import; None where there is none, where one of
    them tells a sampler the epoch, and where a library may do so."""
    if program.callers.users("set_epoch"):
        return None
    around = {id(program): program}
    for user in program.callers.users():
        around[id(user)] = user
        for other in imported_files(user):
            around[id(other)] = other
        if len(around) > MOST_FILES:
            return None  # too many to read them all
    if any(tells_epoch(each) or _left_to_library(each) for each in around.values()):
        return None
    for other in around.values():
        if other is program or other.is_test:
            continue
        for loop in other.training.loops.all:
            if loop.kind == "epoch" and loop.node in other.index.parent:
                return Step(other, loop_head(loop.node), "each epoch")
    return None


def _left_to_library(program: Program) -> bool:
    tops = {
        name.partition(".")[0]
        for stmt in program.index.imports
        for name in ([a.name for a in stmt.names] if isinstance(stmt, ast.Import) else [stmt.module or ""])
    }
    return bool(tops & _TOLD_BY) or ("transformers" in tops and "Trainer(" in program.document.source)


def hands_out_for_training(program: Program, sampler: ast.Call) -> bool:
    """Whether what the call makes goes into a loader of training data that its function gives back or keeps on an
    object. Of several in one function the first is that of the training, unless a name says otherwise."""
    stmt, scope = program.statement(sampler), program.scope(sampler)
    maker = program.qualified(sampler)
    if next((call for call in scope.calls if program.qualified(call) == maker), sampler) is not sampler:
        return False
    names = [n for t in stmt.targets if (n := dotted(t))] if isinstance(stmt, ast.Assign) else []
    for call in scope.calls:
        given = argument(call, 3, "sampler")
        if given is None or (dotted(given) not in names and given is not sampler):
            continue
        made = program.statement(call)
        if not isinstance(made, ast.Assign | ast.Return) or program.value(call).kind != "loader":
            continue
        held = made.targets[0] if isinstance(made, ast.Assign) else None
        data = argument(sampler, 0, "dataset")
        texts = [*names, program.text(data) if data is not None else "", program.text(held) if held is not None else ""]
        backs = [back.value for back in scope.returns if back.value is not None]
        kept = held is None or isinstance(held, ast.Attribute) or (
            isinstance(held, ast.Name) and any(is_name(n, held.id) for back in backs for n in nodes(back))
        )  # fmt: skip
        if kept and not any(_EVALUATES.search(text) for text in texts):
            return True
    return False
