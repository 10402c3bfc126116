"""Entries of a dict that a backward pass goes over, `out["loss"].backward()`, also where functions stand between."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.arguments import given
from dry_debug.program.carried import backward_passes, own_passes
from dry_debug.program.handed_back import handed_back
from dry_debug.program.walks import Repeated

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


class Entry(NamedTuple):
    """`name[key]`, the key as it is written, and the backward pass over it, or the call that leads there."""

    name: str
    key: str
    backward: ast.Call | None = None

    @property
    def text(self) -> str:
        return f"{self.name}[{self.key}]"


def differentiated_entry(program: Program, value: ast.expr, stmt: ast.stmt, loop: Repeated) -> Entry | None:
    """The entry of the dict `value`, read in `stmt`, that a backward pass of the same iteration of `loop` went over.

    None also where something may have put another value in its place. A dict that the function `loop` is handed is
    followed to the calls of it.
    """
    if not isinstance(value, ast.Name):
        return None
    scope = program.scope(stmt)
    own = _gone_over(program, value.id, scope, stmt, loop)
    if _comes_in(scope, value.id) and isinstance(loop, ast.FunctionDef | ast.AsyncFunctionDef):
        for _, passed, where, at in program.arguments_of(scope, value.id):
            around = program.loop_around(at) if at is not None else None
            if at is None or around is None or not isinstance(passed, ast.Name):
                continue
            if own is not None:
                if _made_anew(program, passed.id, where, around):
                    return own
                continue
            found = differentiated_entry(program, passed, at, around)
            if found is not None and not _stored(program, Entry(value.id, found.key), scope, loop):
                return found._replace(name=value.id)
        return None
    return own if own is not None and _made_anew(program, value.id, scope, loop) else None


def _gone_over(program: Program, name: str, scope: Scope, stmt: ast.stmt, loop: Repeated) -> Entry | None:
    """The entry of `name` that a pass inside `loop`, before `stmt`, goes over, if it is left there."""
    for entry in _passes(program, name, scope):
        assert entry.backward is not None
        at = program.statement(entry.backward)
        if at is None or _position(at) >= _position(stmt) or not program.index.inside(at, loop):
            continue
        if not _stored(program, entry, scope, loop) and not _changed_by_function(program, name, scope):
            return entry
    return None


def _passes(program: Program, name: str, scope: Scope) -> Iterator[Entry]:
    """The backward passes over entries of `name`: of `scope`, and of functions that are handed the dict."""
    for call, over in backward_passes(program, scope):
        entry = _entry_of(program, over, scope)
        if entry is not None and entry.name == name and not _keeps_graph(call):
            yield entry._replace(backward=call)
    for call, owner, function, names in program.flow.takers(name, scope):
        for inner, over in own_passes(owner, function) if function is not scope else ():
            entry = _entry_of(owner, over, function)
            if entry is None or _keeps_graph(inner) or entry.name not in names:
                continue
            if _comes_in(function, entry.name):
                yield Entry(name, entry.key, call)


def _entry_of(program: Program, expr: ast.expr, scope: Scope) -> Entry | None:
    """Which entry of a variable of `scope` an expression is: by itself, by its name, by the function that picks it."""
    if isinstance(expr, ast.Name):
        made = [b for b in scope.bindings.get(expr.id, ()) if b.value is not None]
        if len(made) != 1 or made[0].kind != "assign" or made[0].value is None:
            return None
        if isinstance(made[0].value, ast.Call):
            return _picked(program, made[0].value, made[0].path)
        if made[0].path:
            return None
        expr = made[0].value
    if not (isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Constant)):
        return None
    return Entry(expr.value.id, program.text(expr.slice)) if isinstance(expr.value, ast.Name) else None


def _picked(program: Program, call: ast.Call, path: tuple[int | None, ...]) -> Entry | None:
    """`loss = pick(out)`, where the function gives back an entry of what it is handed."""
    back = handed_back(program, call, path)
    if len(back) != 1:
        return None
    owner, expr, at = back[0]
    function = owner.scope(at)
    if isinstance(expr, ast.Name):  # through one variable, not through another function
        made = [b for b in function.bindings.get(expr.id, ()) if b.value is not None]
        if len(made) != 1 or made[0].path or not isinstance(made[0].value, ast.Subscript):
            return None
    entry = _entry_of(owner, expr, function)
    if entry is None or not _comes_in(function, entry.name):
        return None
    passed = given(call, function, entry.name)
    return Entry(passed.id, entry.key) if isinstance(passed, ast.Name) else None


def _comes_in(scope: Scope, name: str) -> bool:
    return [b.kind for b in scope.bindings.get(name, ())] == ["param"]


def _made_anew(program: Program, name: str, scope: Scope, loop: Repeated) -> bool:
    """Whether the variable gets its value in one place, inside the loop."""
    made = [b.stmt for b in scope.bindings.get(name, ()) if b.stmt is not None and b.kind == "assign"]
    return len(made) == 1 and program.index.inside(made[0], loop)


def _position(stmt: ast.stmt) -> tuple[int, int]:
    return stmt.lineno, stmt.col_offset


def _keeps_graph(call: ast.Call) -> bool:
    return any(k.arg in ("retain_graph", "create_graph") for k in call.keywords)


def _changed_by_function(program: Program, name: str, scope: Scope) -> bool:
    """Whether a function of the project that is handed the dict stores entries in it."""
    for _, owner, function, names in program.flow.takers(name, scope):
        for target in _targets(owner, function):
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id in names:
                return True
    return False


def _stored(program: Program, entry: Entry, scope: Scope, loop: Repeated) -> bool:
    """Whether a statement of the loop gives the entry another value."""
    return any(
        isinstance(target, ast.Subscript) and program.text(target) == entry.text
        for target in _targets(program, scope, loop)
    )


def _targets(program: Program, scope: Scope, loop: Repeated | None = None) -> Iterator[ast.expr]:
    """What the assignments of a scope (inside `loop`) give another value; `+=` changes the value that is there."""
    for stmt in program.flow.assignments(scope):
        if not isinstance(stmt, ast.AugAssign) and (loop is None or program.index.inside(stmt, loop)):
            yield from stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
