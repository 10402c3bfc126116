"""What launchers give back: Accelerate and Fabric, which make models, optimizers and loaders ready for the hardware."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.evaluate import Evaluator
    from dry_debug.program.scopes import Binding, Scope


def method(ev: Evaluator, attr: str, node: ast.Call, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    """Accelerate and Fabric give back what they are given, ready for the hardware."""
    if attr in ("prepare", "setup", "setup_dataloaders", "setup_module", "setup_optimizers"):
        values = [ev.value(a, scope, stmt, env) for a in node.args]
        values = [_by_setup(attr, i, v, node, ev) for i, v in enumerate(values)]
        if len(values) == 1:
            return values[0]
        return Value("container", items=values, node=node, program=ev.program, ident=("alloc", node))
    if attr == "get_state_dict" and node.args:
        value = ev.value(node.args[0], scope, stmt, env)
        return Value("state", wraps=value, node=node, program=ev.program, confidence=value.confidence)
    if attr in ("unwrap_model", "gather", "gather_for_metrics", "reduce", "all_reduce", "all_gather", "prepare_model"):
        return ev.value(node.args[0], scope, stmt, env) if node.args else UNKNOWN
    return UNKNOWN


def prepared(ev: Evaluator, b: Binding, env: Env | None) -> Value | None:
    """What one of several names gets from `model, optimizer = accelerator.prepare(model, optimizer)`.

    Each is asked for by itself: together they would wait for each other where they are attributes. None: another call.
    """
    call, at = b.value, b.path[0]
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "prepare":
        return None
    if len(b.path) != 1 or at is None or not 0 <= at < len(call.args) or len(call.args) < 2:
        return None
    if any(isinstance(a, ast.Starred) for a in call.args):
        return None
    if ev.value(call.func.value, b.scope, b.stmt, env).kind != "accelerator":
        return None
    return ev.value(call.args[at], b.scope, b.stmt, env)


def _by_setup(attr: str, position: int, given: Value, node: ast.Call, ev: Evaluator) -> Value:
    """What Fabric sets up is what the method is for, wherever it comes from."""
    kinds: dict[str, know.Kind] = {
        "setup": "optimizer" if position else "module",
        "setup_module": "module",
        "setup_optimizers": "optimizer",
        "setup_dataloaders": "loader",
    }
    kind = kinds.get(attr)
    if kind is None or given.kind == "container" or (given.kind == kind and given.confidence != "low"):
        return given
    return Value(kind, node=node, program=ev.program, ident=("alloc", node, position), confidence="medium")
