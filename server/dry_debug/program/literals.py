"""What stands at a place as it is written: a literal, a variable that is bound to one, arithmetic on them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def literal(program: Program, expr: ast.expr, at: ast.AST, depth: int = 0) -> tuple[bool, Any]:
    """(whether it is known, the value) of a literal, a constant variable, or arithmetic on them. Runs no code."""
    if isinstance(expr, ast.Constant):
        return True, expr.value
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        known, value = literal(program, expr.operand, at, depth + 1)
        return (known, -value) if known and isinstance(value, int | float) else (False, None)
    if isinstance(expr, ast.Tuple | ast.List) and len(expr.elts) <= 16:
        rows = [literal(program, e, at, depth + 1) for e in expr.elts]
        return (True, [v for _, v in rows]) if all(k for k, _ in rows) else (False, None)
    if isinstance(expr, ast.BinOp) and depth < 20:
        left = literal(program, expr.left, at, depth + 1)
        right = literal(program, expr.right, at, depth + 1)
        if left[0] and right[0] and isinstance(left[1], int | float) and isinstance(right[1], int | float):
            return arithmetic(expr.op, left[1], right[1])
        return False, None
    if isinstance(expr, ast.Call) and len(expr.args) == 1 and not expr.keywords and depth < 8:
        kind = program.qualified(expr)
        if kind in ("builtins.int", "builtins.float"):  # `int(5e4)`
            known, inner = literal(program, expr.args[0], at, depth + 1)
            return _converted(kind, inner) if known else (False, None)
    value = program.value(expr, at)
    if value.kind == "number" and isinstance(expr, ast.Name) and depth < 8:  # what arithmetic on constants gave
        home = program.names.lookup(expr.id, program.scope(at))
        one = home[1][0] if home is not None and len(home[1]) == 1 else None
        if one is not None and one.kind == "assign" and not one.path and isinstance(one.value, ast.BinOp):
            return literal(program, one.value, one.stmt or at, depth + 1)
    return (True, value.const) if value.kind == "const" else (False, None)


def _converted(kind: str, value: Any) -> tuple[bool, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:
        return False, None
    return True, int(value) if kind == "builtins.int" else float(value)


def arithmetic(op: ast.operator, left: float, right: float) -> tuple[bool, Any]:
    """(whether it is known, the value) of a bounded operation on two numbers."""
    try:
        if isinstance(op, ast.Add):
            return True, left + right
        if isinstance(op, ast.Sub):
            return True, left - right
        if isinstance(op, ast.Mult):
            return True, left * right
        if isinstance(op, ast.Div):
            return True, left / right
        if isinstance(op, ast.FloorDiv):
            return True, left // right
        if isinstance(op, ast.Pow) and abs(left) <= 1e6 and abs(right) <= 64:
            return True, left**right
    except (ArithmeticError, ValueError):
        pass
    return False, None
