"""Decorators of the project that switch autograd off: `return torch.no_grad()(f)`, or a wrapper with it inside.

Only the last step is asked for: what the innermost function of the decorator gives back. All that it may give back must
be under `no_grad`; a decorator that names it and does something else besides leaves the mode unknown.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program import knowledge as know
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_WORDS = ("no_grad", "inference_mode")
_MAX_STEPS = 4  # functions inside functions of one decorator


def mode_of(program: Program, decorator: ast.expr, function: Scope) -> Literal["off", "unknown"] | None:
    """What a decorator of `function` does to autograd in it; None: nothing that is known of."""
    outer = function.parent or program.index.module
    called = isinstance(decorator, ast.Call)
    expr = decorator.func if isinstance(decorator, ast.Call) else decorator
    if program.names.qualified(expr, outer) in know.NO_GRAD:
        return "off"
    if not isinstance(expr, ast.Name | ast.Attribute):
        return None
    value = program.evaluator.value(expr, outer, function.node if isinstance(function.node, ast.stmt) else None)
    maker, home = value.scope, value.program
    if value.kind != "function" or maker is None or home is None or maker.kind != "function":
        return None
    if not any(word in home.document.source for word in _WORDS):
        return None
    return _given_back(home, maker, called)


def _given_back(home: Program, maker: Scope, called: bool) -> Literal["off", "unknown"] | None:
    """`called`: the decorator stands with arguments, so that it is what `maker` gives back that decorates."""
    if not _names_no_grad(home, maker.node):
        return None
    for _ in range(_MAX_STEPS):
        if called:
            inner = _only_function(maker)
            if inner is None:
                return "off" if _all_off(home, maker) else "unknown"
            maker, called = inner, False
            continue
        if _all_off(home, maker, decorating=True):
            return "off"
        wrapper = _only_function(maker)
        return "off" if wrapper is not None and _runs_under(home, wrapper, maker) else "unknown"
    return "unknown"


def _only_function(scope: Scope) -> Scope | None:
    """The function inside of `scope` that is all it gives back."""
    found: Scope | None = None
    for statement in scope.returns:
        name = statement.value.id if isinstance(statement.value, ast.Name) else None
        inner = [c for c in scope.children if c.kind == "function" and c.name == name]
        if len(inner) != 1 or (found is not None and found is not inner[0]):
            return None
        found = inner[0]
    return found


def _all_off(home: Program, scope: Scope, decorating: bool = False) -> bool:
    """Whether every return gives `no_grad()`, or with `decorating` what that makes of a function."""
    values = [statement.value for statement in scope.returns]
    if not values:
        return False
    for value in values:
        if decorating:
            if not isinstance(value, ast.Call):
                return False
            value = value.func
        if value is None or not _is_off(home, value, scope):
            return False
    return True


def _is_off(home: Program, expr: ast.expr, scope: Scope) -> bool:
    """`torch.no_grad()`, `torch.no_grad`, or one of several of them that a condition picks."""
    queue, looked = [expr], 0
    while queue and looked < 20:
        one = queue.pop()
        looked += 1
        if isinstance(one, ast.IfExp):
            queue += [one.body, one.orelse]
        elif isinstance(one, ast.Call) and not one.args:
            queue.append(one.func)
        elif home.names.qualified(one, scope) not in know.NO_GRAD:
            return False
    return not queue


def _runs_under(home: Program, wrapper: Scope, maker: Scope) -> bool:
    """Whether the wrapper calls the function that is decorated, and never outside of `no_grad`."""
    names = {name for name, bindings in maker.bindings.items() if any(b.kind == "param" for b in bindings)}
    calls = [c for c in wrapper.calls if isinstance(c.func, ast.Name) and c.func.id in names]
    return bool(calls) and all(home.grad_mode(c) == "off" for c in calls)


def _names_no_grad(home: Program, node: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.Attribute) and n.attr in _WORDS) or (isinstance(n, ast.Name) and n.id in _WORDS)
        for n in nodes(node)
    )
