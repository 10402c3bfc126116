"""What a program does when a loop is over: in its function behind it, and behind the calls that lead to it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dry_debug.program.reached import reached
from dry_debug.program.scopes import Scope

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.walks import LoopNode

MAX_CALLS = 3  # between the loop and the function behind whose call something comes


def comes_after(program: Program, loop: LoopNode, nodes: Iterable[ast.AST]) -> bool:
    """Whether one of `nodes` (of this file) runs behind `loop`, as far as the order of the lines shows it."""
    wanted = list(nodes)
    places: list[tuple[Scope, int]] = [(program.scope(loop), loop.end_lineno or loop.lineno)]
    seen: set[Scope] = set()
    for _ in range(MAX_CALLS):
        following: list[tuple[Scope, int]] = []
        for scope, line in places:
            if _behind(program, scope, line, wanted):
                return True
            if scope.kind == "function" and scope not in seen:
                seen.add(scope)
                for call in program.call_sites(scope):
                    stmt = program.statement(call)
                    if stmt is not None:
                        following.append((program.scope(stmt), stmt.end_lineno or stmt.lineno))
        places = following
    return False


def _behind(program: Program, scope: Scope, line: int, wanted: list[ast.AST]) -> bool:
    """Whether one of the nodes stands in `scope` behind `line`, or in a function that a call there leads to."""
    homes = {program.scope(node) for node in wanted}
    if any(program.scope(node) is scope and getattr(node, "lineno", 0) > line for node in wanted):
        return True
    if homes == {scope}:
        return False
    for call in scope.calls:
        stmt = program.statement(call)
        if stmt is None or call.lineno <= line or program.target(call).kind != "function":
            continue
        if any(inner in homes for owner, inner in reached(program, stmt) if owner is program):
            return True
    return False
