"""Functions of a file that are handed what others work with: a class's own object (`build_parts(self)`), a variable."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.scope_index import ScopeIndex
    from dry_debug.program.scopes import Scope

_ROUNDS = 4  # of functions that hand the object on to others


def adopt(index: ScopeIndex) -> None:
    """Give each class the attributes that functions of its file set on its object, and say whom they act for.

    A function acts for a class (`Scope.acts_for`) where every call of it in the file stands in the class's methods, or
    in functions that act for it, and passes the object as the same parameter.
    """
    calls = {function: sites for function, sites in index.plain_calls.items() if _hands_names(sites)}
    if not calls:
        return
    adopted: set[tuple[Scope, Scope, str]] = set()
    for _ in range(_ROUNDS):
        before = len(adopted)
        for function, sites in calls.items():
            given = {_given(call, function, index) for call in sites}
            alone = next(iter(given)) if len(given) == 1 else None
            if alone is not None and function.acts_for is None:
                function.acts_for = alone
                alone[0].actors.append(function)
            for one in given:
                if one is not None and (function, *one) not in adopted:
                    adopted.add((function, *one))
                    _take(index, function, *one)
        if len(adopted) == before:
            return


def _hands_names(sites: list[ast.Call]) -> bool:
    """Whether one of the calls passes a plain variable: that costs less to ask than whose object it is."""
    for call in sites:
        for arg in call.args:
            if arg.__class__ is ast.Name:
                return True
        for keyword in call.keywords:
            if keyword.value.__class__ is ast.Name:
                return True
    return False


def plain_calls(index: ScopeIndex) -> dict[Scope, list[ast.Call]]:
    """By function of the module, the calls of it by its plain name."""
    functions = {
        name: index.scopes[bindings[0].node]
        for name, bindings in index.module.bindings.items()
        if len(bindings) == 1 and bindings[0].kind == "def"
    }
    calls: dict[Scope, list[ast.Call]] = {}
    for call in index.calls if functions else ():
        func = call.func
        if func.__class__ is ast.Name and func.id in functions and not _shadowed(func.id, index.scope_of[call]):
            calls.setdefault(functions[func.id], []).append(call)
    return calls


def handed_on(index: ScopeIndex) -> dict[str, list[tuple[Scope, Scope, str]]]:
    """By name of a variable: (the scope that hands it on, the function that gets it, the parameter for it)."""
    found: dict[str, list[tuple[Scope, Scope, str]]] = {}
    for function, sites in index.plain_calls.items():
        parameters = [a.arg for a in function.parameters()]
        for call in sites:
            rows = list(zip(call.args, parameters, strict=False))
            rows += [(k.value, k.arg) for k in call.keywords if k.arg in parameters]
            for expr, parameter in rows:
                if isinstance(expr, ast.Starred):
                    break
                if isinstance(expr, ast.Name) and len(function.bindings.get(parameter, ())) == 1:
                    found.setdefault(expr.id, []).append((index.scope_of[call], function, parameter))
    return found


def _shadowed(name: str, scope: Scope | None) -> bool:
    """Whether a scope around the use, below the module, binds the name itself."""
    while scope is not None and scope.kind != "module":
        if scope.kind != "class" and name in scope.bindings:
            return True
        scope = scope.parent
    return False


def _given(call: ast.Call, function: Scope, index: ScopeIndex) -> tuple[Scope, str] | None:
    """The class whose object the call passes, and the parameter that takes it; None where it passes none."""
    scope = index.scope_of[call]
    cls = scope.class_scope
    own = scope.self_name if cls is not None else None
    if cls is None or own is None:
        return None
    for at, arg in enumerate(call.args):
        if isinstance(arg, ast.Starred):
            break
        if isinstance(arg, ast.Name) and arg.id == own:
            parameters = function.parameters()
            return (cls, parameters[at].arg) if at < len(parameters) else None
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Name) and keyword.value.id == own and keyword.arg is not None:
            return cls, keyword.arg
    return None


def _take(index: ScopeIndex, function: Scope, cls: Scope, parameter: str) -> None:
    """The class takes over what the function, or one inside of it, sets on the parameter."""
    for name, binding in index.set_on:
        if name == parameter and (binding.scope is function or function in _around(binding.scope)):
            cls.attributes.setdefault(binding.name, []).append(binding)


def _around(scope: Scope) -> list[Scope]:
    found: list[Scope] = []
    parent = scope.parent
    while parent is not None:
        found.append(parent)
        parent = parent.parent
    return found
