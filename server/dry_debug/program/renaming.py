"""Conditions on a function's parameters, put in the terms of the call: `if train:` is `if phase == "train":` there.

So a helper's test on what it is given agrees with (or contradicts) the caller's own test, and with that of another
helper that is given the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dry_debug.program.arguments import places_taken
from dry_debug.program.guards import Guard, guard_of, home_of
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import nodes
from dry_debug.records import replace

if TYPE_CHECKING:
    from dry_debug.program.trees import CallTree
    from dry_debug.program.values import Value

MAX_NODES = 30  # of a condition, and of an argument, that is looked at
_PLAIN = (
    ast.Name, ast.Attribute, ast.Constant, ast.UnaryOp, ast.Not, ast.Compare, ast.BoolOp, ast.boolop, ast.cmpop,
)  # fmt: skip


class Renaming:
    """What the parameters of one call's callee are called where the call stands."""

    __slots__ = ("_guards", "_paths", "callee", "caller", "given")

    def __init__(self, callee: Scope, caller: Scope, given: dict[str, ast.expr]) -> None:
        self.callee = callee
        self.caller = caller
        self.given = given
        self._guards: dict[int, tuple[Guard, Guard]] = {}  # by identity; the first keeps the identity taken
        self._paths = {name: path for name, expr in given.items() if (path := dotted(expr)) is not None}

    def guard(self, guard: Guard) -> Guard:
        """The condition as the caller would write it; as it is where it reads more than that."""
        known = self._guards.get(id(guard))
        if known is None:
            known = self._guards[id(guard)] = (guard, self._guard(guard))
        return known[1]

    def name(self, name: str) -> str | None:
        """The caller's name of a variable or attribute of a parameter that is given a new value."""
        root, dot, rest = name.partition(".")
        path = self._paths.get(root)
        return f"{path}.{rest}" if dot and path is not None else None

    def _guard(self, guard: Guard) -> Guard:
        if guard.scope is self.callee and guard.expr is not None and self._reads_given(guard):
            expr = self._renamed(guard.expr)
            if expr is not None:
                found = guard_of(expr, self.caller)
                return found.opposite() if guard.negated else found
        if guard.parts:
            parts = tuple(self.guard(part) for part in guard.parts)
            if any(new is not old for new, old in zip(parts, guard.parts, strict=True)):
                return replace(guard, parts=parts)
        return guard

    def _reads_given(self, guard: Guard) -> bool:
        return not self.given.keys().isdisjoint(guard.names)

    def _renamed(self, expr: ast.expr) -> ast.expr | None:
        """The expression with the arguments for the parameters; None where it reads what the caller has not."""
        small = _small(expr)
        if small is None:
            return None
        for node in small:
            if not isinstance(node, ast.Name) or node.id in self.given:
                continue
            if home_of(node.id, self.callee) is not home_of(node.id, self.caller):
                return None
        return _replaced(expr, self.given)


def _small(expr: ast.expr) -> list[ast.AST] | None:
    found: list[ast.AST] = []
    for node in nodes(expr):
        found.append(node)
        if len(found) > MAX_NODES:
            return None
    return found


def _replaced(node: ast.expr, given: dict[str, ast.expr]) -> ast.expr:
    """A copy with names replaced. Recursive: only for what `_small` let through."""
    if isinstance(node, ast.Name):
        return given.get(node.id, node)
    fields: dict[str, Any] = {}
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.expr):
            fields[name] = _replaced(value, given)
        elif value.__class__ is list:
            fields[name] = [_replaced(item, given) if isinstance(item, ast.expr) else item for item in value]
        else:
            fields[name] = value
    return node.__class__(**fields)


def of_call(tree: CallTree, function: Value, wanted: Callable[[str], bool]) -> Renaming | None:
    """The renaming for a call of `function`; None where nothing of it can be named by the caller.

    `wanted` says whether a parameter is read by a condition at all.
    """
    callee = function.scope
    if callee is None or callee.kind != "function":
        return None
    parameters = [a.arg for a in callee.parameters()]
    given: dict[str, ast.expr] = {}
    call = tree.call
    if callee.is_method:
        own = parameters[0] if parameters else ""
        func = call.func
        receiver = func.value if isinstance(func, ast.Attribute) and func.attr == callee.name else None
        if tree.receiver is not None and receiver is not None and dotted(receiver) is not None and wanted(own):
            given[own] = receiver
        parameters = parameters[1:]
    starred = any(k.arg is None for k in call.keywords)
    taken = places_taken(function)
    for name, expr in zip(parameters[taken:], call.args, strict=False):
        if isinstance(expr, ast.Starred):
            starred = True
            break
        given[name] = expr
    given.update({k.arg: k.value for k in call.keywords if k.arg in parameters and k.arg is not None})
    if not starred and not taken and not tree.opaque:
        for name in parameters:
            if name not in given and isinstance(default := callee.default_of(name), ast.Constant):
                given[name] = default
    caller = tree.program.scope(call)
    given = {n: e for n, e in given.items() if wanted(n) and _bound_once(callee, n) and _steady(e)}
    return Renaming(callee, caller, given) if given else None


def _bound_once(callee: Scope, name: str) -> bool:
    bindings = callee.bindings.get(name, ())
    return len(bindings) == 1 and bindings[0].kind == "param"


def _steady(expr: ast.expr) -> bool:
    """Whether the argument is a name, a path, a constant, or a plain condition on those."""
    if isinstance(expr, ast.Name | ast.Constant):
        return True
    small = _small(expr)
    return small is not None and all(isinstance(node, _PLAIN) for node in small if not isinstance(node, ast.Load))
