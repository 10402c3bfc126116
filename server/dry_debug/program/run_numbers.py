"""Numbers that a run keeps besides its objects: the steps that it has made, how long nothing has improved."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.resume_signs import PROGRESS
from dry_debug.program.scopes import Binding, Scope, dotted
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# The steps of a run, or epochs without a better result; sums of losses and hits are made anew every epoch.
COUNTED = re.compile(
    r"step|iter|global|update|patien|wait|no_improv|not_improv|bad_|stale|counter|early", re.IGNORECASE
)


def counters(program: Program, loop: LoopNode) -> Iterator[tuple[str, ast.stmt]]:
    """(name, where it is counted) of each number that `loop` counts up from what it was before the loop."""
    outer = outermost(program, loop)
    scope = program.scope(outer)
    cls, me = scope.class_scope, scope.self_name
    tables = [("", scope.bindings), *([(f"{me}.", cls.attributes)] if cls is not None and me is not None else [])]
    for prefix, table in tables:
        for name, bindings in table.items():
            counted = next((b for b in bindings if b.kind == "aug" and _by_one(b)), None)
            if counted is None or counted.stmt is None or not COUNTED.search(name):
                continue
            if not prefix and not _inside(program, counted, outer):
                continue
            if _kept([b for b in bindings if b.kind != "aug"], program, scope, outer):
                yield prefix + name, counted.stmt


def _by_one(b: Binding) -> bool:
    return isinstance(b.stmt, ast.AugAssign) and isinstance(b.stmt.op, ast.Add) and isinstance(b.value, ast.Constant)


def outermost(program: Program, loop: LoopNode) -> LoopNode:
    """The loop over epochs that is outside of `loop` in its function, if there is one."""
    found = loop
    loops = {x.node: x.node for x in program.training.loops.training}
    for block in program.index.ancestors(loop):
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            break
        if block in loops:
            found = loops[block]
    return found


def _kept(bindings: list[Binding], program: Program, scope: Scope, loop: LoopNode) -> bool:
    """Whether it begins once, before the loop, and begins again at most under a condition."""
    begun = [
        b for b in bindings
        if _number(b) and not _inside(program, b, loop) and (b.scope is scope or b.scope.name == "__init__")
    ]  # fmt: skip
    again = [b for b in bindings if b not in begun]
    return bool(begun) and all(_number(b) and _conditional(program, b, loop) for b in again)


def _number(b: Binding) -> bool:
    """Whether it gets a whole number, also one of several (`a, b = 0, 0`), or where a run was (`args.start_step`)."""
    value = b.value
    for at in b.path:
        inside = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        value = inside[at] if at is not None and at < len(inside) else None
    if isinstance(value, ast.Name | ast.Attribute) and PROGRESS.search((dotted(value) or "").rpartition(".")[2]):
        return b.kind == "assign"
    return b.kind == "assign" and isinstance(value, ast.Constant) and type(value.value) is int


def _inside(program: Program, b: Binding, loop: LoopNode) -> bool:
    return b.stmt is not None and any(block is loop for block in program.index.ancestors(b.stmt))


def _conditional(program: Program, b: Binding, loop: LoopNode) -> bool:
    """Whether it is begun anew only now and then: when the result improved."""
    if b.stmt is None:
        return False
    for block in program.index.ancestors(b.stmt):
        if block is loop or isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        if isinstance(block, ast.If):
            return True
        if isinstance(block, LoopNode):
            return False
    return False
