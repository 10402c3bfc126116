"""Where a resumed run starts: the epoch behind the one that was finished when the checkpoint was written."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.checkpoint_rows import Row
from dry_debug.fixes.layout import free_name, lines_before
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import LoopNode, names_in
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.checkpoints import LoadSite
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run


def start_at(
    changes: Changes, row: Row, stmt: ast.stmt, held: str, key: str, run: Run, program: Program
) -> list[str] | None:
    """The lines that set the first epoch from the checkpoint `held`, and the loop made to begin there.

    `stmt` is a statement of the block that loads. None where the loop cannot be told.
    """
    over = range_of(run, program)
    if over is None or not finished(run, program):
        return None
    scope = program.scope(stmt)
    first = over.args[0]
    if len(over.args) > 1 and dotted(first) is not None:
        name = dotted(first) or ""
        if "." not in name and program.scope(run.loop) is not scope:
            return None
        if _set_from(name, held, program):
            return []
        if "." in name and (scope.class_scope is not program.scope(run.loop).class_scope or name.count(".") > 1):
            return None
        return [f"{name} = {held}.get({key}, {name} - 1) + 1"]
    if program.scope(run.loop) is not scope or stmt.lineno > run.loop.lineno:
        return None
    number = 0 if len(over.args) == 1 else first.value if isinstance(first, ast.Constant) else None
    name = free_name(program, f"start_{row.name}", f"first_{row.name}") or ""
    if type(number) is not int or not name:
        return None
    outer = shared_block(stmt, run.loop, program)
    if outer is None or not lines_before(changes, outer, [f"{name} = {number}"], program):
        return None
    begin_at(changes, over, name, program)
    return [f"{name} = {held}.get({key}, {number - 1}) + 1"]


def _set_from(name: str, held: str, program: Program) -> bool:
    """Whether the variable is set from the checkpoint already."""
    return any(
        held in names_in(a.value)
        for a in program.index.assignments
        if isinstance(a, ast.Assign) and any(dotted(t) == name for t in a.targets)
    )


def begin_at(changes: Changes, over: ast.Call, name: str, program: Program) -> None:
    """`range(n)` or `range(1, n)` made to start at the variable `name`."""
    span = program.span(over.args[0])
    if len(over.args) == 1:
        changes.insert(span.start, f"{name}, ", program)
    else:
        changes.replace(span, name, program)


def range_of(run: Run, program: Program) -> ast.Call | None:
    """The `range` call that the run's loop goes over, if that is what it counts with."""
    loop = run.loop
    if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
        return None
    over = loop.iter
    while isinstance(over, ast.Call) and over.args:
        name = (program.qualified(over) or "").rpartition(".")[2]
        if name in ("range", "trange"):
            plain = not over.keywords or name == "trange"
            return over if len(over.args) < 3 and plain and not isinstance(over.args[0], ast.Starred) else None
        if not isinstance(over.args[0], ast.Call):
            return None
        over = over.args[0]
    return None


def finished(run: Run, program: Program) -> bool:
    """Whether the save stands behind the training of its epoch."""
    loop = run.loop
    if any(x.kind == "batch" and x.node is loop for x in program.training.loops.training):
        return False
    stmt = program.statement(run.site.node)
    top: ast.AST | None = stmt
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if block is loop:
            break
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return True  # a method that the loop calls
        if isinstance(block, LoopNode):
            return False
        top = block
    steps = [e.stmt for e in program.events.of_kind("optimizer_step") if program.index.inside(e.stmt, loop)]
    if steps and stmt is not None:
        return all(step.lineno < stmt.lineno for step in steps)
    return top in loop.body and loop.body.index(top) > 0


def shared_block(stmt: ast.stmt, loop: ast.stmt, program: Program) -> ast.stmt | None:
    """The statement around `stmt`, or it itself, that stands in a block around `loop`."""
    blocks = set(program.index.ancestors(loop))
    current: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if block in blocks:
            return current if isinstance(current, ast.stmt) else None
        current = block
    return None


def add_one(changes: Changes, load: LoadSite, held: str, run: Run, program: Program) -> None:
    """`start = checkpoint["epoch"]` where the finished epoch was saved: the run goes on at the one behind it."""
    over = range_of(run, program)
    if over is None or len(over.args) < 2 or not finished(run, program):
        return
    start = dotted(over.args[0])
    counter = run.loop.target.id if isinstance(run.loop, ast.For) and isinstance(run.loop.target, ast.Name) else ""
    saved = {e.key for e in run.site.entries if isinstance(e.node, ast.Name) and e.node.id == counter}
    others = [s for s in program.training.checkpoints.saves if s is not run.site]
    if start is None or not saved or any(_other(e.node, counter) for s in others for e in s.entries if e.key in saved):
        return
    for a in program.index.assignments:
        value = a.value
        if not isinstance(a, ast.Assign) or len(a.targets) != 1 or dotted(a.targets[0]) != start:
            continue
        if not isinstance(value, ast.Subscript) or dotted(value.value) != held or program.scope(a) is not (
            program.scope(load.node)
        ):  # fmt: skip
            continue
        if isinstance(value.slice, ast.Constant) and value.slice.value in saved:
            end = program.span(value).end
            changes.replace(Span(end, end), " + 1", program)


def _other(node: ast.AST, counter: str) -> bool:
    return not (isinstance(node, ast.Name) and node.id == counter)
