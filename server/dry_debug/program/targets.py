"""Which function of the project a call leads to, and which calls of a file lead to one of its functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.knowledge import gives_tensors
from dry_debug.program.scopes import Scope
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def find_targets(program: Program, call: ast.Call) -> tuple[Value, Value | None]:
    """The function that a call leads to and the object that it is a method of; UNKNOWN, None."""
    func, own = call.func, program.own_attributes
    if isinstance(func, ast.Attribute) and own is not None and func.attr not in own:
        return UNKNOWN, None  # what it is called on need not be known
    scope, stmt = program.scope(call), program.statement(call)
    ev = program.evaluator
    if isinstance(func, ast.Attribute):
        inner = func.value
        if isinstance(inner, ast.Call) and program.names.qualified(inner.func, scope) == "builtins.super":
            return _super(program, scope, func.attr)
        if _gives_tensors(inner, program):
            return UNKNOWN, None
        base = ev.value(inner, scope, stmt)
        if base.kind == "pymodule":
            return callable_of(ev.member(base, func.attr)), None
        if base.scope is not None and base.scope.kind == "class" and base.program is not None:
            found = base.program.evaluator.class_attribute(base.scope, func.attr, base)
            return (found, base) if found.kind == "function" else _object(found)
        if base.known:
            return UNKNOWN, None
    value = ev.value(func, scope, stmt)
    return _object(value) if value.kind in ("instance", "scheduler") else (callable_of(value), None)


def _gives_tensors(expr: ast.expr, program: Program) -> bool:
    """Whether it is what a function of torch gives, or a method of that: `torch.cat(rows).mean()`. The project has no
    methods for that, and what the rows are may be a long story."""
    while isinstance(expr, ast.Call):
        name = program.qualified(expr)
        if name is not None:
            return gives_tensors(name)
        expr = expr.func.value if isinstance(expr.func, ast.Attribute) else expr.func
    return False


def _object(value: Value) -> tuple[Value, Value | None]:
    """`early_stopping(loss, model)`: the `__call__` of the object's class, and the object."""
    if value.kind in ("instance", "scheduler") and value.scope is not None and value.program is not None:
        found = value.program.evaluator.class_attribute(value.scope, "__call__")
        if found.kind == "function":
            return found, value
    return UNKNOWN, None


def callable_of(value: Value) -> Value:
    """The function of the project that calling `value` runs: itself, the `__init__` of a class, the `forward` of a
    module; UNKNOWN if there is none."""
    if value.kind == "class" and value.scope is not None and value.program is not None:
        found = value.program.evaluator.class_attribute(value.scope, "__init__")
        return found if found.kind == "function" else UNKNOWN
    if value.kind == "module" and value.base.scope is not None and value.base.program is not None:
        found = value.base.program.evaluator.class_attribute(value.base.scope, "forward")
        return found if found.kind == "function" else UNKNOWN
    return value if value.kind == "function" else UNKNOWN


def _super(program: Program, scope: Scope, attr: str) -> tuple[Value, Value | None]:
    cls = scope.class_scope
    if cls is None:
        return UNKNOWN, None
    for base in program.evaluator.bases(cls):
        if base.kind == "class" and base.scope is not None and base.program is not None:
            found = base.program.evaluator.class_attribute(base.scope, attr)
            if found.kind == "function":
                return found, base.program.evaluator.instance_of(base.scope)
    return UNKNOWN, None


def calls_to(program: Program, function: Scope) -> list[ast.Call]:
    """The calls in this file that lead to `function` (a method: through an instance, or making one)."""
    name = function.name
    cls = function.parent if function.parent is not None and function.parent.kind == "class" else None
    if name == "__init__" and cls is not None:
        candidates = list(program.calls_by_last_name(cls.name))
        for other in program.index.classes:
            if other is not cls and any(getattr(b, "id", "") == cls.name for b in other.node.bases):  # type: ignore[union-attr]
                candidates += [] if "__init__" in other.bindings else program.calls_by_last_name(other.name)
    elif name == "forward" and cls is not None:
        return []
    else:
        candidates = program.calls_by_last_name(name)
    found = []
    for call in candidates:
        if not _plausible(program, call, function, cls):
            continue
        target = program.target(call)
        if target.kind == "function" and target.scope is function:
            found.append(call)
    return found


def _plausible(program: Program, call: ast.Call, function: Scope, cls: Scope | None) -> bool:
    """Cheap test before values are asked: a plain name for a function, an attribute for a method."""
    if cls is None:
        if not isinstance(call.func, ast.Name):
            return False
        found = program.names.lookup(call.func.id, program.scope(call))
        return found is not None and any(b.node is function.node for b in found[1])
    return isinstance(call.func, ast.Attribute) or function.name == "__init__"
