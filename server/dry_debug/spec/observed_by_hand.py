"""What a training loop does itself: an update of the weights, a change of the learning rate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted, last_name
from dry_debug.spec.kinds import kind_of_call
from dry_debug.spec.observed import Observed
from dry_debug.spec.trace import Traced

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_RATE = re.compile(r"(?:^|[._\"'\[])(?:lr|learning_rate)(?:[\"'\]]*\Z|_)")


def done_by_hand(program: Program) -> Iterator[Observed]:
    """The optimizer and the schedule of a program that has no object for them."""
    if "backward" not in program.document.source or not program.training.is_training:
        return
    kinds = {kind_of_call(name) for name, _ in program.qualified_calls()}
    update = _update(program) if ".grad" in program.document.source and "optimizer" not in kinds else None
    if update is not None:
        yield Observed("optimizer", "sgd", update, Traced(True, "sgd", program, update))
    change = _change(program) or _told_to_change(program) if "scheduler" not in kinds else None
    if change is not None:
        yield Observed("scheduler", None, change, known=False)


def _update(program: Program) -> ast.AST | None:
    """`p.data.add_(p.grad, alpha=-lr)`, `p -= lr * p.grad`."""
    for call in program.index.calls:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method in ("add_", "sub_") and any(_is_gradient(a) for a in call.args):
            return call
    for node in ast.walk(program.tree) if "-=" in program.document.source else ():
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub) and _is_gradient(node.value):
            return node
    return None


def _is_gradient(expr: ast.expr) -> bool:
    parts = [expr.left, expr.right] if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Mult) else [expr]
    return any((dotted(part) or "").endswith((".grad", ".grad.data")) for part in parts)


# `adjust_learning_rate(optimizer, epoch)`, `CosineScheduler(...)` of the project
_CHANGES = re.compile(
    r"(?:adjust|update|change|set|decay|schedule)_?(?:the_)?(?:lr|learning_?rate)\w*\Z|\w*(?:lr_?sched|scheduler)\w*\Z|"
    r"\w*Schedul\w*\Z",
    re.IGNORECASE,
)


def _told_to_change(program: Program) -> ast.AST | None:
    """A call of a function or class that is there to change the learning rate."""
    for call in program.index.calls:
        if _CHANGES.match(last_name(call.func)):
            return call
    return None


def _change(program: Program) -> ast.AST | None:
    """`lr /= 4` or `group["lr"] *= 0.1` in a loop: a schedule, whose shape nobody can see."""
    source = program.document.source
    for node in ast.walk(program.tree) if "/=" in source or "*=" in source else ():
        if (
            isinstance(node, ast.AugAssign)
            and isinstance(node.op, ast.Div | ast.Mult)
            and _RATE.search(program.short(node.target, 60))
            and any(isinstance(block, ast.For | ast.While) for block in program.index.ancestors(node))
        ):
            return node
    return None
