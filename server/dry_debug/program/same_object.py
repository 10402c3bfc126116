"""The variables of a file that hold one object: in a function, in those that it is handed to, where it comes back.

By names alone: functions that are called by their plain name, and methods that are called on `self`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import is_name

if TYPE_CHECKING:
    from dry_debug.program.scope_index import ScopeIndex
    from dry_debug.program.scopes import Scope

MOST = 8  # variables that one object goes through

# A plain variable: the function (or module) in which it goes by the name.
Variable = tuple["Scope", str]


def everywhere(index: ScopeIndex, scope: Scope, name: str) -> list[Variable]:
    """All variables that hold what `name` in `scope` holds, the one first that it is made in."""
    return onward(index, *origin(index, scope, name))


def origin(index: ScopeIndex, scope: Scope, name: str) -> Variable:
    """The variable that what `name` holds was made in: back through the only call that hands it in, and into a function
    that gives it back; as far as that is the only way."""
    for _ in range(MOST):
        bound = [b for b in scope.bindings.get(name, ()) if b.kind != "aug"]
        before = _before(index, scope, name) if [b.kind for b in bound] == ["param"] else None
        value = bound[0].value if len(bound) == 1 and bound[0].kind == "assign" else None
        if isinstance(value, ast.Call):
            before = _made_in(index, value, scope, bound[0].path)
        if before is None:
            break
        scope, name = before
    return scope, name


def _before(index: ScopeIndex, function: Scope, name: str) -> Variable | None:
    """What the only call of a function hands it for a parameter, if that is a variable."""
    sites = _sites(index, function)
    passed = given(sites[0], function, name) if len(sites) == 1 else None
    return (_function(index.scope_of[sites[0]]), passed.id) if isinstance(passed, ast.Name) else None


def _made_in(index: ScopeIndex, call: ast.Call, scope: Scope, path: tuple[int | None, ...]) -> Variable | None:
    """The variable that a function of the file gives back to a call of it."""
    callee = called(index, call, scope)
    if callee is None or len(callee.returns) != 1 or len(path) > 1:
        return None
    back = callee.returns[0].value
    if path and isinstance(back, ast.Tuple) and path[0] is not None and path[0] < len(back.elts):
        back = back.elts[path[0]]
    elif path:
        return None
    return (callee, back.id) if isinstance(back, ast.Name) else None


def onward(index: ScopeIndex, scope: Scope, name: str) -> list[Variable]:
    """The variable itself, those of functions that it is handed to, and those that get it back; at most MOST."""
    found = [(scope, name)]
    for where, spelled in found:
        further = [
            (callee, parameter.arg)
            for call, callee in _handing(index, where, spelled)
            for parameter in callee.parameters()
            if is_name(given(call, callee, parameter.arg), spelled) and len(callee.bindings.get(parameter.arg, ())) == 1
        ]
        further += _given_back(index, where, spelled)
        found += [one for one in further if one not in found]
        if len(found) > MOST:
            break
    return found[:MOST]


def _handing(index: ScopeIndex, scope: Scope, name: str) -> list[tuple[ast.Call, Scope]]:
    """The calls in a scope that hand a variable on to functions of the file."""
    found = []
    for call in scope.calls:
        for value in (*call.args, *[keyword.value for keyword in call.keywords]):
            if isinstance(value, ast.Name) and value.id == name:
                callee = called(index, call, scope)
                if callee is not None:
                    found.append((call, callee))
                break
    return found


def _given_back(index: ScopeIndex, function: Scope, name: str) -> list[Variable]:
    found: list[Variable] = []
    for back in function.returns:
        parts = back.value.elts if isinstance(back.value, ast.Tuple) else []
        at = next((i for i, part in enumerate(parts) if is_name(part, name)), None)
        if at is None and not is_name(back.value, name):
            continue
        for call in _sites(index, function):
            stmt = index.stmt_of.get(call)
            target = stmt.targets[0] if isinstance(stmt, ast.Assign) and stmt.value is call else None
            if at is not None:
                target = target.elts[at] if isinstance(target, ast.Tuple) and at < len(target.elts) else None
            if isinstance(target, ast.Name):
                found.append((_function(index.scope_of[call]), target.id))
    return found


def called(index: ScopeIndex, call: ast.Call, scope: Scope) -> Scope | None:
    """The function of the module, or method of the own class, that a call leads to by its name."""
    func, cls = call.func, scope.class_scope
    bound = []
    if isinstance(func, ast.Name):
        bound = index.module.bindings.get(func.id, [])
    elif isinstance(func, ast.Attribute) and cls is not None and dotted(func.value) == scope.self_name:
        bound = cls.bindings.get(func.attr, [])
    return index.scopes.get(bound[0].node) if len(bound) == 1 and bound[0].kind == "def" else None


def _sites(index: ScopeIndex, function: Scope) -> list[ast.Call]:
    """The calls of a function of the module by its name, or of a method on the object of its class."""
    cls = function.parent
    if cls is None or cls.kind != "class":
        return index.plain_calls.get(function, [])
    found: list[ast.Call] = []
    for scope in cls.code() if not function.name.startswith("__") else ():
        if function.name in scope.receivers.get(scope.self_name or "", ()):
            found += [call for call in scope.calls if called(index, call, scope) is function]
    return found


def _function(scope: Scope) -> Scope:
    while scope.kind == "comprehension" and scope.parent is not None:
        scope = scope.parent
    return scope
