"""Guards that let something happen only every so many times: remainders, counters that start again, distances."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.reaching import beside
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import Repeated

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_TESTS = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp)
Count = tuple[ast.expr, ast.AST]  # how many times, and the statement in which that stands


def guards(program: Program, stmt: ast.stmt) -> list[tuple[ast.If, Count]]:
    """The guards of this kind that `stmt` is behind, in its loop or function: around it, or skipping it."""
    found: list[tuple[ast.If, Count]] = []
    current: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        for before in beside(block, current)[0]:
            if isinstance(before, ast.If) and isinstance(before.body[-1], ast.Continue | ast.Return):
                count = every(program, before)
                if count is not None:
                    found.append((before, count))
        if isinstance(block, Repeated):
            break
        if isinstance(block, ast.If):
            count = every(program, block)
            if count is not None:
                found.append((block, count))
        current = block
    return found


def every(program: Program, block: ast.If) -> Count | None:
    """`n` of `if (i + 1) % n == 0`, `if count == n` with `count = 0` in the block, `if i - last >= n`."""
    modulus = modulus_in(block.test)
    if modulus is not None:
        return modulus, block
    for node in ast.walk(block.test):
        if isinstance(node, ast.Name):
            found = _behind_name(program, node, block)
        elif isinstance(node, ast.Call):
            found = _returned(program, node)
        else:
            found = _counter(node, block)
        if found is not None:
            return found
    return None


def modulus_in(test: ast.AST) -> ast.expr | None:
    """`n` in `(i + 1) % n == 0`, also inside `or` and `and`."""
    for node in ast.walk(test):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return node.right
    return None


def _behind_name(program: Program, name: ast.Name, block: ast.If) -> Count | None:
    """A variable that holds the test, or a parameter that is given it: `step(x, update=(i + 1) % n == 0)`."""
    home = program.names.lookup(name.id, program.scope(block))
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    if home is None or one is None:
        return None
    if one.kind == "assign" and not one.path and isinstance(one.value, _TESTS):
        modulus = modulus_in(one.value)
        return (modulus, one.stmt or block) if modulus is not None else None
    if one.kind == "param" and home[0].kind == "function":
        for owner, expr, _, stmt in program.arguments_of(home[0], name.id):
            modulus = modulus_in(expr) if owner is program and isinstance(expr, _TESTS) else None
            if modulus is not None:
                return modulus, stmt or block
    return None


def _returned(program: Program, call: ast.Call) -> Count | None:
    """`if is_update_step(i):` of a function of this file that returns the test."""
    target = program.target(call)
    if target.scope is None or target.program is not program:
        return None
    for returned in target.scope.returns:
        modulus = modulus_in(returned.value) if isinstance(returned.value, _TESTS) else None
        if modulus is not None:
            return modulus, returned
    return None


def _counter(node: ast.AST, block: ast.If) -> Count | None:
    """`count == n` or `i - last >= n` where the block sets the variable anew."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.GtE)):
        return None
    left = node.left
    if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Sub):
        path, again = dotted(left.right), dotted(left.left)
    else:
        path, again = dotted(left), "0"
    if path is None or again is None:
        return None
    for stmt in block.body:
        if isinstance(stmt, ast.Assign) and any(dotted(target) == path for target in stmt.targets):
            value = stmt.value
            text = str(value.value) if isinstance(value, ast.Constant) else dotted(value)
            if text == again:
                return node.comparators[0], block
    return None
