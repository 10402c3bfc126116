"""What an event happens to, as it is written."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument

if TYPE_CHECKING:
    from dry_debug.program.events import Event


def object_of(event: Event) -> ast.expr | None:
    """The expression of the object: the receiver, or the optimizer that a scaler steps or unscales."""
    node = event.node
    if not isinstance(node, ast.Call):
        return None
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    first = node.args[0] if node.args else None
    if event.other.kind == "scaler" and len(node.args) > 1 and event.kind in ("backward", "optimizer_step"):
        return node.args[event.kind == "optimizer_step"]  # `loss_scaler(loss, optimizer, ...)`
    if event.kind in ("unscale", "clip") or (event.kind == "optimizer_step" and event.other.known):
        target = argument(node, 0, "optimizer", "parameters")
        if event.kind == "clip" and isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
            return target.func.value
        return target
    if event.kind == "backward" and isinstance(node.func, ast.Attribute) and node.func.attr == "manual_backward":
        return first
    if event.kind == "backward" and event.other.kind in ("accelerator", "fabric", "scaler"):
        if event.other.kind == "scaler" and isinstance(receiver, ast.Call):
            return receiver.args[0] if receiver.args else None
        return first
    return receiver
