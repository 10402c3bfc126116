"""Loaders that a file makes and hands out: whether other files train on them epoch after epoch, and who tells them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Step
from dry_debug.program.imported_files import imported_files
from dry_debug.program.sampling import samplers
from dry_debug.program.walks import is_name, loop_head, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

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
        return None  # quicker than to read them all
    around = {id(program): program}
    users = program.callers.users()
    for user in (*users, *(further for each in users for further in each.callers.users())):
        if id(user) in around:
            continue
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
        for loop in other.training.loops.training:
            if loop.kind == "epoch" and loop.node in other.index.parent:
                return Step(other, loop_head(loop.node), "each epoch")
    return None


def _left_to_library(program: Program) -> bool:
    stars = [module for module, level in program.index.module.imports_star if not level]
    tops = {*(name.partition(".")[0] for name in stars), *(one.top for one in program.imported)}
    return bool(tops & _TOLD_BY) or ("transformers" in tops and "Trainer(" in program.document.source)


def hands_out_for_training(program: Program, sampler: ast.Call) -> bool:
    """Whether what the call makes goes into a loader of training data that its function gives back or keeps on an
    object. Of several in one function the first is that of the training, unless a name says otherwise."""
    seen: set[Scope] = set()
    for call in program.index.calls:
        scope = program.scope(call)
        if argument(call, 3, "sampler") is None or scope in seen:
            continue
        loader = program.value(call)
        drawn = samplers(loader) if loader.kind == "loader" else []
        if drawn:
            seen.add(scope)
        if any(each.args is sampler for each in drawn) and _handed_out(program, call, sampler):
            return True
    return False


def _handed_out(program: Program, loader: ast.Call, sampler: ast.Call) -> bool:
    scope, stmt = program.scope(loader), program.statement(loader)
    if not isinstance(stmt, ast.Assign | ast.Return):
        return False
    held = stmt.targets[0] if isinstance(stmt, ast.Assign) else None
    parts = (held, argument(loader, 3, "sampler"), argument(sampler, 0, "dataset"))
    if any(_EVALUATES.search(program.text(part)) for part in parts if part is not None):
        return False
    backs = [back.value for back in scope.returns if back.value is not None]
    return (
        held is None
        or isinstance(held, ast.Attribute)
        or (isinstance(held, ast.Name) and any(is_name(n, held.id) for back in backs for n in nodes(back)))
    )
