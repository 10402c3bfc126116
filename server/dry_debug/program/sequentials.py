"""What an `nn.Sequential` ends with: its arguments, or the layers that are added to it afterwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.same_object import called
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_ADDING = ("add_module", "append")
_DEPTH = 4  # of methods that lay a model out for one another


def last_module(sequential: Value) -> Value | None:
    """The module at the end of `nn.Sequential(...)`, as far as its arguments show it, and what is added to it."""
    made, program = sequential.args, sequential.program
    if made is None or program is None:
        return None
    added = _added_last(program, made)
    if added is not None:
        return added.base if added.kind == "module" else None
    if not made.args:
        return None
    last = made.args[-1]
    if isinstance(last, ast.Call) and program.qualified(last) == "collections.OrderedDict" and last.args:
        pairs = last.args[0]
        if not isinstance(pairs, ast.List | ast.Tuple) or not pairs.elts:
            return None
        pair = pairs.elts[-1]
        if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
            return None
        last = pair.elts[1]
    elif isinstance(last, ast.Starred):
        return _last_of_list(program, last.value, made)
    value = program.value(last, made)
    return value.base if value.kind == "module" else None


def _added_last(program: Program, made: ast.Call) -> Value | None:
    """What the last `net.add_module("name", layer)` or `net.append(layer)` puts into the `nn.Sequential(...)` that
    `made` makes; None where there is no such call."""
    stmt = program.statement(made)
    if not isinstance(stmt, ast.Assign) or stmt.value is not made or len(stmt.targets) != 1:
        return None
    path = dotted(stmt.targets[0])
    home = program.scope(made)
    if path is None:
        return None
    own, _, attr = path.partition(".")
    cls = home.class_scope if attr and own == home.self_name else None
    scopes = [home] if cls is None else [home, *(s for s in cls.code() if s is not home)]
    adds: list[ast.Call] = []
    for scope in scopes:
        receiver = path if cls is None or scope is home else f"{scope.self_name}.{attr}"
        if not scope.receivers.get(receiver, frozenset()).isdisjoint(_ADDING):
            adds += _adding(scope, receiver)
    if not adds:
        return None
    homes = [program.statement(add) for add in adds]
    if all(program.scope(add) is home for add in adds):
        # In a branch the last may not run, and a variable may be filled anew.
        sure = homes[-1] is not None and program.index.parent.get(homes[-1]) is program.index.parent.get(stmt)
        last = adds[-1] if sure else None
    else:
        last = _runs_last(program, cls, stmt, dict(zip(adds, homes, strict=True)))
    return program.value(last.args[-1], last) if last is not None and last.args else UNKNOWN


def _runs_last(
    program: Program, cls: Scope | None, made: ast.stmt, adds: dict[ast.Call, ast.stmt | None]
) -> ast.Call | None:
    """The one of `adds` (with their statements) that runs last when an object of the class is made; None where that
    is not sure: one of them runs in a branch, twice, before the statement `made`, or who knows when."""
    init = cls.bindings.get("__init__", []) if cls is not None else []
    order = list(_laid_out(program, program.index.scopes[init[-1].node], {cls})) if init else []
    if any(stmt is None or order.count(stmt) != 1 for stmt in (made, *adds.values())):
        return None
    places = {order.index(stmt): call for call, stmt in adds.items() if stmt is not None}
    return places[max(places)] if order.index(made) < min(places) else None


def _adding(scope: Scope, receiver: str) -> list[ast.Call]:
    return [
        call
        for call in scope.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in _ADDING and dotted(call.func.value) == receiver
    ]


def _laid_out(program: Program, function: Scope, within: set[Scope | None]) -> Iterator[ast.stmt]:
    """The statements that always run when a class's object is made, in their order: those of `function`, and of the
    methods and functions that it calls with the object. `within`: the class, and the functions that are being read."""
    if len(within) > _DEPTH or function in within or not isinstance(function.node, ast.FunctionDef):
        return
    cls = function.class_scope
    for stmt in function.node.body:
        yield stmt
        call = stmt.value if isinstance(stmt, ast.Expr | ast.Assign | ast.Return) else None
        callee = called(program.index, call, function) if isinstance(call, ast.Call) else None
        if callee is not None and callee.class_scope is cls:
            yield from _laid_out(program, callee, within | {function})


def _last_of_list(program: Program, expr: ast.expr, made: ast.Call) -> Value | None:
    """The module that a list of layers ends with: its last `append` before the use, else its literal's last element."""
    if not isinstance(expr, ast.Name):
        return None
    appends = [
        call
        for call in program.scope(made).calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == expr.id
    ]
    if appends:
        last = appends[-1]  # in a branch it may not run: then nobody knows what is last
        stmt, home = program.statement(last), program.statement(made)
        if last.func.attr != "append" or len(last.args) != 1 or stmt is None or home is None:  # type: ignore[attr-defined]
            return None
        if program.index.parent.get(stmt) is not program.index.parent.get(home):
            return None
        value = program.value(last.args[0], last)
    else:
        value = program.value(expr, made)
        if value.kind == "container":
            value = value.items[-1] if value.items else UNKNOWN
    return value.base if value.kind == "module" else None
