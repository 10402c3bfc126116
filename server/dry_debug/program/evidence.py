"""The chain of places that led to an answer: plain sentences about nodes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

Confidence = Literal["high", "medium", "low"]
_ORDER: tuple[Confidence, ...] = ("high", "medium", "low")


class Step(NamedTuple):
    """One place and what it shows. `program` is the file that the node stands in."""

    program: Program
    node: ast.AST
    message: str


def weakest(*links: Confidence) -> Confidence:
    """Confidence is the weakest link of the chain, never chosen."""
    return max(links, key=_ORDER.index, default="high")


def place_of(step: Step, home: Program) -> str:
    """`at line 5`, `at other.py:5`."""
    line = step.program.line(step.node)
    if step.program is home:
        return f"at line {line}"
    return f"at {file_name(step.program)}:{line}"


def file_name(program: Program) -> str:
    """The name of a file without its folders."""
    return program.document.path.replace("\\", "/").rpartition("/")[2]


def made(value: Value, name: str) -> list[Step]:
    """The definition that a chain begins with: where the object called `name` was made, if that is known by binding."""
    base = value.base
    node, owner = base.args or base.node, base.origin
    if value.confidence != "high" or owner is None or not isinstance(node, ast.Call):
        return []
    return [Step(owner, node, f"{name} is made here")] if node in owner.index.scope_of else []


def home_of(value: Value, program: Program) -> Program | None:
    """The file that the node of a value stands in, seen from `program`; None if it has no place or that is not sure."""
    node = value.node
    line = getattr(node, "lineno", None)
    if node is None or line is None:
        return None
    for owner in (value.origin, program):
        if owner is not None and (node in owner.index.scope_of or not isinstance(node, ast.Call)):
            return owner if line <= len(owner.document.lines) else None
    return None
