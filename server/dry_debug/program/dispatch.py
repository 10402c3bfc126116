"""Which function a call runs when its object is known: the hooks that subclasses fill in, one of several classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.trees import CallTree
from dry_debug.program.values import Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A function that runs, in `program`; `receiver` is the object whose method it is, as far as that is known."""

    program: Program
    scope: Scope
    receiver: Value | None

    @property
    def key(self) -> tuple[object, ...]:
        """Names the function and the classes that the object may be of."""
        return (self.scope, *(one.scope for one in _objects(self.receiver)))


def runs(tree: CallTree, caller: Run | None) -> Iterator[Run]:
    """What the call of `tree` runs inside `caller` (None: not known on which object that was called).

    A method that the caller calls on its own object is the one that the object's class has, not its base class.
    """
    function = tree.function
    if function.scope is None or function.program is None:
        return
    receiver = tree.receiver
    if receiver is not None and _is_self(receiver) and caller is not None and caller.receiver is not None:
        receiver, seen = caller.receiver, set[Scope]()
        for one in _objects(receiver):
            found = function
            if one.scope is not None and one.program is not None:
                found = one.program.evaluator.class_attribute(one.scope, function.scope.name)
            known = found.kind == "function" and found.scope is not None and found.program is not None
            if known and found.scope not in seen:
                assert found.scope is not None and found.program is not None
                seen.add(found.scope)
                yield Run(found.program, found.scope, receiver)
        if seen:
            return
    yield Run(function.program, function.scope, receiver)


def methods_of(receiver: Value, name: str) -> list[tuple[Value, Value]]:
    """The methods `name` of an object of one of several classes, each once, with the object."""
    found: dict[Scope, tuple[Value, Value]] = {}
    for one in _objects(receiver):
        if one.scope is None or one.program is None:
            return []
        method = one.program.evaluator.class_attribute(one.scope, name)
        if method.kind != "function" or method.scope is None:
            return []
        found.setdefault(method.scope, (method, receiver if len(found) else one))
    return list(found.values())


def is_hook(scope: Scope) -> bool:
    """Whether a method does nothing by itself: subclasses say what it does."""
    if any((dotted(d) or "").endswith("abstractmethod") for d in scope.decorators):
        return True
    body = getattr(scope.node, "body", None)
    if not isinstance(body, list):
        return False
    for stmt in body:
        nothing = isinstance(stmt, ast.Pass) or (isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant))
        raised = stmt.exc if isinstance(stmt, ast.Raise) else None
        name = dotted(raised.func if isinstance(raised, ast.Call) else raised) if raised is not None else None
        if name in ("NotImplementedError", "NotImplemented"):
            return True
        if not nothing:
            return False
    return True


def _is_self(receiver: Value) -> bool:
    return isinstance(receiver.ident, tuple) and receiver.ident[0] == "self"


def _objects(receiver: Value | None) -> list[Value]:
    if receiver is None:
        return []
    return list(receiver.items) if receiver.kind == "instance" and receiver.items else [receiver]
