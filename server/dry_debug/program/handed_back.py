"""What a function of the project gives back to a call of it: the expressions of its returns, where they stand."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_RETURNS = 4

# An expression that is given back: the file that it stands in, the expression, and the return statement.
Given = tuple["Program", ast.expr, ast.Return]


def handed_back(program: Program, call: ast.Call, path: tuple[int | None, ...] = ()) -> list[Given]:
    """What `call` gives, as the function says it; `path` picks from it, as in `Binding.path` (`a, b = make()`).

    Empty where the function is not known, gives back nothing, or something that cannot be picked from.
    """
    target = program.target(call)
    function, owner = target.scope, target.program
    if target.kind != "function" or function is None or owner is None or function.kind != "function":
        return []
    if function.yields or function.name == "__init__" or len(function.returns) > MAX_RETURNS:
        return []
    found: list[Given] = []
    for back in function.returns:
        expr = back.value
        for step in path:
            parts = expr.elts if isinstance(expr, ast.Tuple | ast.List) else []
            if step is None or step >= len(parts) or any(isinstance(part, ast.Starred) for part in parts):
                return []
            expr = parts[step]
        if expr is None:
            return []
        found.append((owner, expr, back))
    return found
