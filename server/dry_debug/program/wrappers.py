"""Where a program puts a wrapper for several devices (DDP, DataParallel, FSDP) around a model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.reached import reached
from dry_debug.program.scopes import dotted
from dry_debug.program.values import Value
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

DEVICE_WRAPPERS = ("ddp", "dp", "fsdp")
Wrapped = tuple[str, str, ast.AST]  # kind, name of the object, node


def puts_on(program: Program, expr: ast.expr, value: Value) -> bool:
    """Whether `expr`, whose value is the wrapped model `value`, puts the wrapper on; `x.module` takes it off."""
    if isinstance(expr, ast.Call) and value.wraps is not None and _put_on_by(program, expr, value):
        return True
    return any(isinstance(n, ast.Call) and program.qualified(n) in know.WRAPPERS for n in nodes(expr))


def _put_on_by(program: Program, call: ast.Call, value: Value) -> bool:
    """Whether the functions that `call` runs put the wrapper on, as far as they are known: no getter does."""
    owner, target = value.origin, program.target(call)
    if owner is None or value.node is None or target.scope is None or target.program is None:
        return True
    put_on = owner.scope(value.node)
    if put_on is target.scope or not isinstance(target.scope.node, ast.stmt):
        return True
    return any(scope is put_on for _, scope in reached(target.program, target.scope.node))


def wrapped_parts(program: Program, seen: set[ast.AST]) -> Iterator[Wrapped]:
    """`model.features = nn.DataParallel(model.features)`: an attribute of another object than `self`.

    `seen` are the assigned targets that are told already.
    """
    for assignment in program.index.assignments:
        if not isinstance(assignment, ast.Assign) or not isinstance(assignment.value, ast.Call):
            continue
        target = assignment.targets[0]
        path = dotted(target) if isinstance(target, ast.Attribute) and target not in seen else None
        how = know.WRAPPERS.get(program.qualified(assignment.value) or "") if path is not None else None
        if path is not None and how in DEVICE_WRAPPERS and path.partition(".")[0] != "self":
            yield how, path, target
    for call in program.calls_of("torch.distributed.fsdp.fully_shard"):
        if call.args and isinstance(program.statement(call), ast.Expr):  # in place
            yield "fsdp", program.short(call.args[0]), call
