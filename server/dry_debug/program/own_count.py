"""Loops that count themselves, `while step < limit:` and `while True:` with `step += 1` inside: what they count, and
what a run that goes on from a save has to begin with."""

from __future__ import annotations

import ast
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.resume_signs import PROGRESS
from dry_debug.program.scopes import Binding, dotted
from dry_debug.program.walks import LoopNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class OwnCount(NamedTuple):
    """A number that a loop counts up by one: `name` is the variable or attribute, `stmt` where it is counted."""

    name: str
    stmt: ast.stmt


def own_counts(program: Program, loop: ast.While) -> list[OwnCount]:
    """What `loop` counts: numbers that decide when it ends, or that are called steps, epochs, iterations."""
    scope = program.scope(loop)
    cls, me = scope.class_scope, scope.self_name
    tables = [("", scope.bindings), *([(f"{me}.", cls.attributes)] if cls is not None and me is not None else [])]
    ends = _names_of_ends(program, loop)
    found = []
    for prefix, table in tables:
        for name, bindings in table.items():
            inside = [b for b in bindings if b.stmt is not None and program.index.inside(b.stmt, loop)]
            if len(inside) != 1 or not _by_one(inside[0]) or inside[0].stmt is None:
                continue
            path = prefix + name
            if (path in ends or PROGRESS.search(name)) and any(_whole(program, b) for b in bindings if b not in inside):
                found.append(OwnCount(path, inside[0].stmt))
    return found


def ahead(program: Program, count: ast.stmt, save: ast.stmt) -> int | None:
    """What has to be added to the number as it is at the statement `save`, so that a run which begins its loop with it
    goes on behind what was trained; None where that cannot be told.

    1 where the round is trained and not yet counted, 0 where both or neither has happened.
    """
    index, around = program.index, loops_around(program, save)
    shared = next((block for block in around if index.inside(count, block)), None)
    if shared is None:
        return None
    if shared is not around[0]:
        return 0  # in the midst of what it counts: that begins again
    trained = [stmt.lineno < save.lineno for stmt in program.training.loops.training_statements(shared)]
    if not trained or len(set(trained)) > 1:
        return None
    counted = count.lineno < save.lineno
    within = takewhile(lambda block: block is not shared, index.ancestors(count))
    if not counted and any(isinstance(block, ast.If) and not index.inside(save, block) for block in within):
        return None  # it is counted in some of the rounds
    added = trained[0] - counted
    return added if added >= 0 else None


def loops_around(program: Program, stmt: ast.stmt) -> list[ast.stmt]:
    """The loops that a statement stands in, the innermost first."""
    return [block for block in program.index.ancestors(stmt) if isinstance(block, LoopNode)]


def _names_of_ends(program: Program, loop: ast.While) -> set[str]:
    """The variables and attributes in the tests that decide whether the loop goes on."""
    tests: list[ast.expr] = [loop.test]
    for stmt in program.index.parent:
        leaves = isinstance(stmt, ast.If) and isinstance(stmt.body[-1], ast.Break | ast.Return)
        if isinstance(stmt, ast.If) and leaves and program.index.inside(stmt, loop):
            tests.append(stmt.test)
    return {name for test in tests for n in nodes(test) if (name := dotted(n)) is not None}


def _by_one(b: Binding) -> bool:
    value = b.value
    by_one = isinstance(value, ast.Constant) and type(value.value) is int and value.value == 1
    return b.kind == "aug" and isinstance(b.stmt, ast.AugAssign) and isinstance(b.stmt.op, ast.Add) and by_one


def _whole(program: Program, b: Binding) -> bool:
    """Whether a whole number is bound."""
    if b.kind != "assign" or b.path or b.value is None:
        return False
    if isinstance(b.value, ast.Constant):
        return type(b.value.value) is int
    value = program.evaluator.binding(b)
    return value.kind == "number" or (value.kind == "const" and type(value.const) is int)
