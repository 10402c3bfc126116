"""What is not reached as the program is set up by default: `if args.optimizer == "sgd": ... else: ...`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.spec.trace import trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def left_out(program: Program) -> list[tuple[int, int]]:
    """(first line, last line), one-based, of every block that a test on a setting leaves out by its default."""
    found: list[tuple[int, int]] = []
    for node in ast.walk(program.tree):
        if isinstance(node, ast.If):
            chosen = _decided(program, node.test, node)
            block = node.orelse if chosen else node.body if chosen is False else []
            if block:
                found.append((block[0].lineno, block[-1].end_lineno or block[-1].lineno))
    return found


def _decided(program: Program, test: ast.expr, at: ast.AST) -> bool | None:
    """What a comparison of a setting with a text gives by the default; None for every other test."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1):
        return None
    left, op, right = test.left, test.ops[0], test.comparators[0]
    if not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) or not isinstance(
        left, ast.Name | ast.Attribute | ast.Subscript | ast.Call
    ):
        return None
    wanted = _texts(right)
    if not wanted:
        return None
    if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and left.func.attr == "lower":
        left = left.func.value
    traced = trace(program, left, at)
    if not traced.known or not isinstance(traced.value, str):
        return None
    found = traced.value in wanted
    return found if isinstance(op, ast.Eq | ast.In) else not found


def _texts(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    texts = [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return texts if len(texts) == len(elements) else []
