"""Whether code asks for the phase that a module is in: training or evaluation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.handed_back import handed_back
from dry_debug.program.reaching import side, terminates
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Words of a test that is, or may be, about the phase, or about drawing samples on purpose.
_WORDS = (
    "train eval infer test stage mode phase valid sampl mc_ mcdrop bayes uncertain monte stochastic augment "
    "is_grad_enabled deterministic predict use_drop apply_drop do_drop with_drop enable"
).split()
MAX_BINDINGS = 8
MAX_HOPS = 3  # functions that give back what they were given by others


def asks_for_phase(expr: ast.AST) -> bool:
    """Whether a name in `expr` has to do with the phase."""
    for node in nodes(expr):
        text = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        lowered = text.lower()
        if text and any(word in lowered for word in _WORDS):
            return True
    return False


def held_by_phase(program: Program, node: ast.AST) -> bool:
    """Whether a test around `node`, or one in front of it that leaves the function, asks for the phase."""
    stmt = program.statement(node)
    if stmt is None:
        return True
    if any(asks_for_phase(test) for test in _tests_in_statement(program, node)):
        return True
    current: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.If | ast.While) and asks_for_phase(block.test):
            return True
        body = getattr(block, side(block, current), [])
        for before in body if isinstance(body, list) else ():
            if before is current:
                break
            if isinstance(before, ast.If) and terminates(before.body) and asks_for_phase(before.test):
                return True
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return asks_for_phase(ast.Name(block.name)) if block.name != "forward" else False
        current = block
    return False


def _tests_in_statement(program: Program, node: ast.AST) -> Iterator[ast.expr]:
    """The tests of conditional expressions, and the operands of `and`, that decide whether `node` is reached."""
    if isinstance(node, ast.stmt):
        return
    parents = program.flow.parents_near(node)
    child, outer = node, parents.get(node)
    while outer is not None and not isinstance(outer, ast.stmt):
        if isinstance(outer, ast.IfExp) and child is not outer.test:
            yield outer.test
        elif isinstance(outer, ast.BoolOp):
            yield from (v for v in outer.values if v is not child)
        child, outer = outer, parents.get(outer)


def chosen_by_phase(program: Program, expr: ast.expr, at: ast.AST, hops: int = 0) -> bool:
    """Whether `expr`, or what a variable or attribute in it is set to, asks for the phase; or where it is set."""
    if asks_for_phase(expr):
        return True
    if isinstance(expr, ast.Call) and _given_by_phase(program, expr, (), hops):
        return True
    scope = program.scope(at)
    for node in nodes(expr):
        bindings = []
        if isinstance(node, ast.Name):
            found = program.names.lookup(node.id, scope)
            bindings = found[1] if found is not None else []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == scope.self_name:
            cls = scope.class_scope
            bindings = cls.attributes.get(node.attr, []) if cls is not None else []
        for binding in bindings[:MAX_BINDINGS]:
            if binding.kind == "param":
                continue
            if binding.value is not None and asks_for_phase(binding.value):
                return True
            if binding.stmt is not None and isinstance(node, ast.Name) and held_by_phase(program, binding.stmt):
                return True
            if isinstance(binding.value, ast.Call) and _given_by_phase(program, binding.value, binding.path, hops):
                return True
    return False


def _given_by_phase(program: Program, call: ast.Call, path: tuple[int | None, ...], hops: int) -> bool:
    """Whether the function of the project that is called asks for the phase to say what it gives back."""
    if hops >= MAX_HOPS:
        return False
    back = handed_back(program, call, path)
    return any(held_by_phase(owner, stmt) or chosen_by_phase(owner, expr, stmt, hops + 1) for owner, expr, stmt in back)
