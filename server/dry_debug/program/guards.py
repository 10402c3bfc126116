"""Conditions that decide which way a path goes, in a form in which two of them can be recognised as the same."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from dry_debug.program.scopes import Scope, dotted


@dataclass(frozen=True, slots=True)
class Guard:
    """`key` is equal for equal conditions; `negated` says that the condition is the opposite of `key`'s.

    `names` are the variables it reads, `counter` the one whose remainder it tests (`i` in `i % 4 == 0`), `constant` its
    value if that is fixed. A condition that may answer differently each time has a key of its own.
    """

    key: object
    negated: bool
    names: frozenset[str]
    counter: str | None
    constant: bool | None


# Calls that answer the same each time they are asked, for the time of a training step.
_STEADY = frozenset(
    "len isinstance hasattr getattr is_initialized get_rank get_world_size is_available is_main_process bool any all "
    "is_dist_avail_and_initialized is_master is_rank_zero".split()
)
_OPPOSITE = {ast.NotEq: ast.Eq, ast.IsNot: ast.Is, ast.NotIn: ast.In, ast.GtE: ast.Lt, ast.LtE: ast.Gt}


def guard_of(test: ast.expr, scope: Scope) -> Guard:
    """The guard of an `if` test in `scope`."""
    negated = False
    original = test
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negated = not negated
        test = test.operand
    if isinstance(test, ast.Constant):
        return Guard(("constant",), negated, frozenset(), None, bool(test.value) is not negated)
    if _is_main(test):
        return Guard(("main",), negated, frozenset(), None, not negated)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPPOSITE:
        negated = not negated
        test = ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is) and _is_none(test.comparators[0]):
        # `if scaler is None` is the opposite of `if scaler` for everything that these guards are about.
        test, negated = test.left, not negated
    names: set[str] = set()
    counter: str | None = None
    steady = True
    for node in ast.walk(test):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            path = dotted(node)
            if path is not None:
                names.add(path)
        elif isinstance(node, ast.Call):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            steady = steady and last in _STEADY
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            counter = next((dotted(n) for n in ast.walk(node.left) if isinstance(n, ast.Name | ast.Attribute)), None)
    key: object = (_owner(test, scope), ast.dump(test)) if steady else ("once", id(original))
    return Guard(key, negated, frozenset(names), counter, None)


def _owner(test: ast.expr, scope: Scope) -> object:
    """Whose variables the test reads: attributes (`args.amp`, `self.amp`) mean the same in every function."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and not _inside_attribute(node, test):
            if node.id in scope.bindings:
                return id(scope)
    cls = scope.class_scope
    return id(cls) if cls is not None and any(isinstance(n, ast.Name) and n.id == scope.self_name for n in ast.walk(test)) else ""


def _inside_attribute(name: ast.Name, test: ast.expr) -> bool:
    return any(isinstance(n, ast.Attribute) and n.value is name for n in ast.walk(test))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
    )
