"""Restoring later than the load: before the loop, where what is made after the load is there too."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import indent_of, is_plain
from dry_debug.program.reaching import side
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_PURE = ("os.path.isfile", "os.path.exists", "os.path.isdir", "builtins.len", "builtins.isinstance", "builtins.bool")
_OF_PATHS = ("exists", "is_file", "is_dir")


@dataclass(slots=True)
class Later:
    """The statement to restore before, and the test under which there is something to restore ("": always)."""

    before: ast.stmt
    test: str


def before_loop(restore: ast.stmt, variable: str, loop: ast.stmt, program: Program) -> Later | None:
    """The place before `loop` for what is taken from the checkpoint that `variable` holds at the statement `restore`.

    None where the variable does not live that long, or what led to the load cannot be asked again.
    """
    scope, index = program.scope(restore), program.index
    if program.scope(loop) is not scope or restore.lineno > loop.lineno:
        return None
    around = list(index.ancestors(loop))
    tests: list[str] = []
    current: ast.AST = restore
    for block in index.ancestors(restore):
        if block in around:
            break
        if isinstance(block, ast.If):
            asked = _asked(block, current, restore, loop, program)
            if asked is None:
                return None
            tests.insert(0, asked)
        elif not isinstance(block, ast.With):
            return None
        current = block
    else:
        return None
    top: ast.AST = loop
    while index.parent.get(top) is not block and index.parent.get(top) is not None:
        top = index.parent[top]
    lines = [b.stmt.lineno for b in scope.bindings.get(variable, []) if b.stmt is not None]
    if (
        any(restore.lineno < line < loop.lineno for line in lines)
        or not isinstance(top, ast.stmt)
        or indent_of(program, top) is None
    ):
        return None
    return Later(top, " and ".join(tests))


def _asked(block: ast.If, inner: ast.AST, restore: ast.stmt, loop: ast.stmt, program: Program) -> str | None:
    """The test of `block` as it was answered on the way to `inner`, if it gives the same answer before the loop."""
    test, where = block.test, side(block, inner)
    if not is_plain(program, test) or where not in ("body", "orelse"):
        return None
    for node in nodes(test):
        if isinstance(node, ast.Call) and not _asks_only(node, block, program):
            return None
        if isinstance(node, ast.NamedExpr | ast.Await | ast.Lambda):
            return None
        name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else None
        if name is not None and _changes(name, block, loop, program):
            return None
    text = " ".join(program.text(test).split())
    if where == "orelse":
        return f"not ({text})"
    loose = isinstance(test, ast.IfExp) or (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or))
    return f"({text})" if loose else text


def _asks_only(call: ast.Call, block: ast.If, program: Program) -> bool:
    """Whether the call changes nothing, and says the same when it is asked again: also `path.exists()`."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in _OF_PATHS and not call.args and not call.keywords:
        return True
    return program.names.qualified(func, program.scope(block)) in _PURE


def _changes(name: str, first: ast.stmt, last: ast.stmt, program: Program) -> bool:
    """Whether something between the two statements assigns the variable or attribute."""
    scope = program.scope(first)
    if any(b.stmt is not None and first.lineno < b.stmt.lineno < last.lineno for b in scope.bindings.get(name, ())):
        return True
    return any(
        first.lineno < a.lineno < last.lineno and program.scope(a) is scope
        and any(dotted(t) == name for t in (a.targets if isinstance(a, ast.Assign) else [a.target]))
        for a in program.index.assignments
    )  # fmt: skip
