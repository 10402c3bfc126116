"""Objects of one's own that are told to change: `output.free_features()`, in whatever function that stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.evidence import Step
from dry_debug.program.handed_back import handed_back
from dry_debug.program.scopes import dotted
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

MAX_PLACES = 8  # functions in which one object is looked for
_OF_TENSORS = frozenset(
    "backward retain_grad register_hook detach cpu cuda to item tolist numpy append extend insert".split()
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A variable that holds the object: `inner` in a function that is handed it or makes it, else in its caller."""

    name: str
    scope: Scope
    program: Program
    inner: bool = False


def told_to_change(program: Program, value: ast.expr, at: ast.AST) -> Step | None:
    """The call, a statement by itself, that tells the object `value` (read in `at`) to change itself, with no
    method of tensors; also in functions that hand it in or back, and in those that are handed it."""
    if not isinstance(value, ast.Name):
        return None
    todo = [_Place(value.id, program.scope(at), program)]
    seen: set[tuple[str, Scope]] = set()
    while todo and len(seen) < MAX_PLACES:
        place = todo.pop()
        if (place.name, place.scope) in seen:
            continue
        seen.add((place.name, place.scope))
        call = _told(place)
        if call is not None:
            return Step(place.program, call, "")
        todo.extend(_further(place))
    return None


def _told(place: _Place) -> ast.Call | None:
    for call in place.scope.calls:
        func = call.func
        if not isinstance(func, ast.Attribute) or dotted(func.value) != place.name or func.attr in _OF_TENSORS:
            continue
        stmt = place.program.statement(call)
        if isinstance(stmt, ast.Expr) and stmt.value is call and not func.attr.endswith("_"):
            return call
    return None


def _further(place: _Place) -> Iterator[_Place]:
    """The same object under the names that it has in other functions."""
    program, bindings = place.program, place.scope.bindings.get(place.name, ())
    for _, owner, function, names in program.flow.takers(place.name, place.scope):
        for name in names:
            yield _Place(name, function, owner, inner=True)
    for binding in bindings:
        if binding.kind == "assign" and isinstance(binding.value, ast.Call):
            for owner, expr, back in handed_back(program, binding.value, binding.path):
                if isinstance(expr, ast.Name):
                    yield _Place(expr.id, owner.scope(back), owner, inner=True)
        elif binding.kind == "param" and not place.inner:
            for other, passed, where, _ in program.arguments_of(place.scope, place.name):
                if isinstance(passed, ast.Name):
                    yield _Place(passed.id, where, other)
