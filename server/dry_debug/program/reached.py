"""Which functions of the project run when a block runs: those that it calls, and what they call, in any file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import Scope
from dry_debug.program.trees import CallTree, Choice

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_FUNCTIONS = 60  # functions that are looked at, and
MAX_DEPTH = 3  # calls between the block and a function: what lies deeper is not told


def reached(program: Program, block: ast.stmt) -> Iterator[tuple[Program, Scope]]:
    """The functions, with the program that each stands in, that `block` (a statement or a function) leads to."""
    seen: set[Scope] = set()
    level = list(_called(program, block))
    for _ in range(MAX_DEPTH):
        below: list[tuple[Program, Scope]] = []
        for owner, scope in level:
            if scope in seen or len(seen) >= MAX_FUNCTIONS:
                continue
            seen.add(scope)
            yield owner, scope
            if isinstance(scope.node, ast.stmt):
                below.extend(_called(owner, scope.node))
        level = below


def _called(program: Program, block: ast.stmt) -> Iterator[tuple[Program, Scope]]:
    first, last = block.lineno, block.end_lineno or block.lineno
    for stmt, trees in program.events._user_calls.items():
        if not first <= stmt.lineno <= last:
            continue
        for _, tree in trees:
            for one in tree.branches if isinstance(tree, Choice) else [tree]:
                if isinstance(one, CallTree) and one.function.scope is not None and one.function.program is not None:
                    yield one.function.program, one.function.scope
