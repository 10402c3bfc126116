"""Walking small pieces of a tree: `ast.walk` without its queue, generators and context nodes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

# One object each: an `isinstance` that spells its union out builds it anew at every test; that costs more than to ask.
LoopNode = ast.For | ast.AsyncFor | ast.While
ForNode = ast.For | ast.AsyncFor
WithNode = ast.With | ast.AsyncWith
TryNode = ast.Try | ast.TryStar
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
DefinitionNode = FunctionNode | ast.ClassDef
BodyNode = DefinitionNode | ast.Module  # what statements belong to, blocks left out
ChainNode = ast.Name | ast.Attribute  # `a`, `a.b`
PartNode = ast.Attribute | ast.Subscript  # `a.b`, `a[i]`
RowNode = ast.Tuple | ast.List
Repeated = LoopNode | ast.FunctionDef | ast.AsyncFunctionDef  # what runs again and again: a function that a loop calls
_LEAVES: frozenset[type] = frozenset(
    (ast.Load, ast.Store, ast.Del, str, int, float, bool, bytes, complex, type(None), type(...))
)
# Fields that hold a text, a number or a context, in whatever node.
_NO_NODES = frozenset(("id", "attr", "arg", "ctx", "kind", "conversion", "type_comment"))


class _Fields(dict[type, tuple[str, ...]]):
    """By the class of a node: its fields that may hold nodes. Half of all nodes are names and constants: they have
    none."""

    def __missing__(self, cls: type[ast.AST]) -> tuple[str, ...]:
        held = () if cls is ast.Constant else tuple(name for name in cls._fields if name not in _NO_NODES)
        self[cls] = held
        return held


FIELDS = _Fields()


def nodes(root: ast.AST) -> Iterator[ast.AST]:
    """`root` and every node below it but contexts, in no promised order; three times as fast as `ast.walk`."""
    stack = [root]
    pop, push = stack.pop, stack.append
    leaves, fields = _LEAVES, FIELDS
    while stack:
        node = pop()
        yield node
        for name in fields[node.__class__]:
            value: Any = getattr(node, name, None)
            cls = value.__class__
            if cls is list:
                for item in value:
                    if item.__class__ not in leaves:
                        push(item)
            elif cls not in leaves:
                push(value)


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes right below one, contexts left out: `ast.iter_child_nodes` without its generators."""
    leaves = _LEAVES
    for name in FIELDS[node.__class__]:
        value: Any = getattr(node, name, None)
        cls = value.__class__
        if cls is list:
            yield from (item for item in value if item.__class__ not in leaves)
        elif cls not in leaves:
            yield value


def names_in(expr: ast.AST) -> set[str]:
    """The variables that stand in an expression or in a target, read or stored."""
    if isinstance(expr, ast.Name):
        return {expr.id}
    return {n.id for n in nodes(expr) if isinstance(n, ast.Name)}


def loop_head(loop: ast.stmt) -> ast.AST:
    """What a finding points at for a loop: its test, or what it counts with; the statement itself where it is none."""
    if isinstance(loop, ForNode):
        return loop.target
    return loop.test if isinstance(loop, ast.While) else loop


def is_docstring(stmt: ast.stmt) -> bool:
    """Whether a statement is only a text, as a docstring is; whether it stands first, its reader looks."""
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant) and isinstance(stmt.value.value, str)


def is_text(expr: ast.AST | None) -> bool:
    """Whether an expression is a string literal, an f-string left out."""
    return isinstance(expr, ast.Constant) and isinstance(expr.value, str)


def is_name(expr: ast.AST | None, name: str) -> bool:
    """Whether an expression or a target is the plain variable `name`."""
    return isinstance(expr, ast.Name) and expr.id == name


def is_main_test(test: ast.AST) -> bool:
    """Whether a condition asks if the file is run as a script: `__name__ == "__main__"`."""
    return isinstance(test, ast.Compare) and is_name(test.left, "__name__") and isinstance(test.ops[0], ast.Eq)


def is_definition(stmt: ast.AST) -> bool:
    """Whether a statement defines a function or a class."""
    return isinstance(stmt, DefinitionNode)
