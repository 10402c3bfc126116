"""Which `torch.load` a value was taken from as it is, and onto what device `map_location` puts it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.evidence import Confidence
from dry_debug.program.handed_back import handed_back
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import dotted
from dry_debug.program.settings import plain

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding, Scope

# A `torch.load`, and the file that it stands in.
Load = tuple["Program", ast.Call]

MAX_HOPS = 8
_GPU = re.compile(r"(cuda|mps|xpu|npu|hpu)\b")


def loaded_by(expr: ast.expr, at: ast.stmt | None, program: Program, hops: int = 0) -> Load | None:
    """The `torch.load` that `expr`, in the statement `at`, comes from without any change: it or a part of it, also
    through a parameter that one call gives, and through functions of other files."""
    if hops > MAX_HOPS or at is None:
        return None
    if isinstance(expr, ast.Subscript):
        return loaded_by(expr.value, at, program, hops + 1)
    if isinstance(expr, ast.Call):
        if program.qualified(expr) == "torch.load":
            return program, expr
        func = expr.func
        if isinstance(func, ast.Attribute) and func.attr in ("get", "pop") and expr.args:
            return loaded_by(func.value, at, program, hops + 1)
        return _read_by(expr, (), program, hops)
    if not isinstance(expr, ast.Name):
        return None
    found = _bindings(expr.id, at, program)
    if len(found) != 1:
        return None
    one = found[0]
    if one.path:
        return _read_by(one.value, one.path, program, hops) if one.kind == "assign" else None
    if one.kind == "assign" and one.value is not None:
        return loaded_by(one.value, one.stmt, program, hops + 1)
    if one.kind == "param":
        passed = program.callers.arguments(one.scope, expr.id)
        if len(passed) == 1:
            owner, given_, _, stmt = passed[0]
            return loaded_by(given_, stmt, owner, hops + 1)
    return None


def _read_by(call: ast.expr | None, path: tuple[int | None, ...], program: Program, hops: int) -> Load | None:
    """By what a function of the project gives back: `held = read(path)`, `held, epoch = read(path)`."""
    back = handed_back(program, call, path) if isinstance(call, ast.Call) else []
    loads = {loaded_by(expr, stmt, owner, hops + 1) for owner, expr, stmt in back}
    return next(iter(loads)) if len(loads) == 1 else None


def mapped_to(expr: ast.expr, at: ast.stmt | None, program: Program, hops: int = 0) -> Confidence | None:
    """How sure it is that this `map_location` moves everything onto a GPU, where there is one; None: not at all."""
    if hops > MAX_HOPS or at is None:
        return None
    if isinstance(expr, ast.Constant):
        return "high" if isinstance(expr.value, str) and _GPU.match(expr.value) else None
    if isinstance(expr, ast.JoinedStr):
        return mapped_to(expr.values[0], at, program, hops + 1) if expr.values else None
    if isinstance(expr, ast.IfExp):
        return mapped_to(expr.body, at, program, hops + 1) or mapped_to(expr.orelse, at, program, hops + 1)
    if isinstance(expr, ast.Lambda):
        body = expr.body
        moved = isinstance(body, ast.Call) and isinstance(body.func, ast.Attribute) and body.func.attr == "cuda"
        return "high" if moved else None
    if isinstance(expr, ast.Call):
        if program.qualified(expr) == "torch.device" and expr.args:
            return mapped_to(expr.args[0], at, program, hops + 1)
        return _chosen_by(expr, (), program, hops)
    if isinstance(expr, ast.Name):
        found = _bindings(expr.id, at, program)
        if len(found) == 1 and found[0].kind == "param":
            return _of_parameter(expr.id, found[0].scope, at, program, hops)
        return _any(found, program, hops)
    if not isinstance(expr, ast.Attribute):
        return None
    scope = program.scope(at)
    if scope.class_scope is not None and scope.self_name is not None and dotted(expr.value) == scope.self_name:
        return _any(scope.class_scope.attributes.get(expr.attr, []), program, hops)
    known, default = plain(program.value(expr, at))
    return "high" if known and isinstance(default, str) and _GPU.match(default) else None


def _bindings(name: str, at: ast.stmt, program: Program) -> list[Binding]:
    scope = program.scope(at)
    home = program.names.lookup(name, scope)
    if home is None:
        return []
    return reaching(program.index, home[1], at) if home[0] is scope else home[1]


def _any(found: list[Binding], program: Program, hops: int) -> Confidence | None:
    for one in found[:MAX_HOPS]:
        if one.kind == "assign" and one.value is not None:
            if one.path:
                onto = _chosen_by(one.value, one.path, program, hops)
            else:
                onto = mapped_to(one.value, one.stmt, program, hops + 1)
            if onto is not None:
                return onto
    return None


def _chosen_by(call: ast.expr, path: tuple[int | None, ...], program: Program, hops: int) -> Confidence | None:
    """By what a function of the project gives back: `device = pick_device()`."""
    for owner, expr, stmt in handed_back(program, call, path) if isinstance(call, ast.Call) else ():
        onto = mapped_to(expr, stmt, owner, hops + 1)
        if onto is not None:
            return onto
    return None


def _of_parameter(name: str, scope: Scope, at: ast.stmt, program: Program, hops: int) -> Confidence | None:
    """By what the calls pass; where none is seen, a model that is moved to it shows what it is for."""
    passed = program.callers.arguments(scope, name)
    for owner, expr, _, stmt in passed[:MAX_HOPS]:
        onto = mapped_to(expr, stmt, owner, hops + 1)
        if onto is not None:
            return onto
    default = scope.default_of(name)
    if default is not None:
        return mapped_to(default, at, program, hops + 1)
    return "medium" if not passed and _moves_to(name, scope, program, hops) else None


def _moves_to(name: str, scope: Scope, program: Program, hops: int) -> bool:
    """Whether a function moves something to the variable: `net.to(device)`, also in a function that is handed it."""
    for call in scope.calls:
        taken = [a for a in (*call.args, *(k.value for k in call.keywords)) if isinstance(a, ast.Name) and a.id == name]
        if not taken:
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr == "to" and call.args[:1] == taken[:1]:
            return True
        target = program.target(call) if hops < MAX_HOPS else None
        inner = target.scope if target is not None and target.kind == "function" else None
        if target is None or inner is None or target.program is None or inner.kind != "function":
            continue
        named = next((p.arg for p in inner.parameters() if given(call, inner, p.arg) is taken[0]), None)
        if named is not None and _moves_to(named, inner, target.program, hops + 4):
            return True
    return False
