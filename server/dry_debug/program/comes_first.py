"""Which of several places a program comes to first, by the calls that lead there: not by the line it stands on."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Positions from the top level inwards: of a call, of a call in the function called there, ..., of the place itself.
Path = tuple[tuple[float, int], ...]

_NEVER = (math.inf, 0)  # a function that nothing in the file calls
_MAX_FUNCTIONS = 30  # that are looked into for one place


class ComesFirst:
    """Sort keys for places of one file: `sorted(calls, key=ComesFirst(program))`.

    Of a place in a function the first call that leads there counts; what nobody calls comes last, in the order of the
    file. Bodies of classes run where they stand.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[ast.AST, Path] = {}

    def __call__(self, node: ast.AST) -> Path:
        """The key of a statement or expression of the file."""
        here = ((getattr(node, "lineno", 0), getattr(node, "col_offset", 0)),)
        stmt = node if isinstance(node, ast.stmt) else self._program.statement(node)
        return (*self._entered(stmt, frozenset()), *here) if stmt is not None else here

    def _entered(self, stmt: ast.stmt, open_: frozenset[ast.AST]) -> Path:
        """How the program first gets into the function around `stmt`; empty at the top level."""
        program = self._program
        function = next(
            (b for b in program.index.ancestors(stmt) if isinstance(b, ast.FunctionDef | ast.AsyncFunctionDef)), None
        )
        if function is None:
            return ()
        if function in self._known:
            return self._known[function]
        if function in open_ or len(open_) == _MAX_FUNCTIONS:
            return (_NEVER,)
        paths: list[Path] = []
        for call in program.call_sites(program.index.scopes[function])[:_MAX_FUNCTIONS]:
            at = program.statement(call)
            if at is not None:
                paths.append((*self._entered(at, open_ | {function}), (call.lineno, call.col_offset)))
        found = min(paths, default=(_NEVER,))
        if not open_:
            self._known[function] = found
        return found
