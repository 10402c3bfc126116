"""What a method call means: the event it is, by the value that it is called on."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted
from dry_debug.program.shape import shape
from dry_debug.program.trees import Event
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.events import EventIndex

CLIPS = frozenset(("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"))


def own_method(value: Value, name: str) -> bool:
    """Whether a class of the project defines the method: then its body says what happens."""
    if value.scope is None or value.program is None or value.scope.kind != "class":
        return False
    return value.program.evaluator.class_attribute(value.scope, name).kind == "function"


def _zero_grad(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if value.kind in ("tensor", "instance") and value.scope is not None and own_method(value, "zero_grad"):
        return None
    return ix.event("zero_grad", value, call)


def _backward(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if own_method(value, "backward"):
        return None
    if value.kind == "library" and value.type == "torch.autograd":
        return ix.event("backward", ix.argument(call), call)
    if value.kind in ("accelerator", "fabric"):
        return ix.event("backward", ix.argument(call), call, value)
    if value.confidence != "high" and _takes_loss(ix, call):
        return ix.event("backward", ix.argument(call), call, value, handled=True)  # DeepSpeed and its kin
    if value.kind == "tensor" or value.kind == "output":
        scaler = _scaler_of(ix, func.value, call) if value.via == "scaled" else UNKNOWN
        return ix.event("backward", value, call, scaler)
    if isinstance(func.value, ast.Call):  # `criterion(...).backward()`, `loss.mean().backward()`
        return ix.event("backward", value, call, _scaler_of(ix, func.value, call))
    if value.kind in ("unknown", "batch", "number"):
        return ix.event("backward", value, call)
    return None


def _takes_loss(ix: EventIndex, call: ast.Call) -> bool:
    """`engine.backward(loss)`: an engine of which nobody knows what its `backward` does besides."""
    if len(call.args) != 1:
        return False
    value = ix.argument(call)
    return value.kind == "tensor" and value.attached is not False and value.via == "loss"


def _scaler_of(ix: EventIndex, expr: ast.expr, call: ast.Call, depth: int = 0) -> Value:
    """The scaler in `scaler.scale(loss).backward()` or in the assignment that `scaled.backward()` rests on."""
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "scale":
        value = ix.receiver(expr.func, expr)
        return value if value.kind == "scaler" else UNKNOWN
    if isinstance(expr, ast.Name) and depth < 4:
        found = ix.program.names.lookup(expr.id, ix.program.scope(call))
        for b in found[1] if found else ():
            if isinstance(b.value, ast.Call):
                return _scaler_of(ix, b.value, b.value, depth + 1)
    return UNKNOWN


def _step(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if own_method(value, "step") and (value.kind not in ("optimizer", "scheduler") or _is_self(value)):
        return None
    if value.kind == "optimizer":
        closure = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "closure"), None)
        event = ix.event("optimizer_step", value, call)
        if closure is not None and event is not None:
            event.handled = not ix.closure(closure, call, event)
        return event
    if value.kind == "scaler":
        stepped = ix.argument(call)
        if stepped.kind != "optimizer":
            # What a GradScaler steps is an optimizer, whatever else is known of it.
            expr = call.args[0] if call.args else None
            path = dotted(expr) if expr is not None else None
            ident = stepped.ident
            if ident is None and path is not None:
                ident = ix.variable(path, call)
            stepped = Value("optimizer", ident=ident, confidence=value.confidence, node=expr, program=ix.program)
        return ix.event("optimizer_step", stepped, call, value)
    if value.kind == "scheduler":
        if value.args is None and _is_sampled(ix, call):
            return None
        return ix.event("scheduler_step", value, call)
    path = dotted(func.value)
    if value.kind == "unknown" and isinstance(func.value, ast.Subscript) and _cleared(ix, func.value, call):
        known = Value("optimizer", confidence="medium", node=func.value, program=ix.program)
        return ix.event("optimizer_step", known, call)
    if value.kind == "unknown" and path is not None and not call.args and not call.keywords:
        # Whoever calls this function knows what steps.
        return ix.event("step", Value("unknown", ident=ix.variable(path, call), confidence="low"), call)
    return None


def _is_sampled(ix: EventIndex, call: ast.Call) -> bool:
    """`self.scheduler.step(noise, t, sample).prev_sample`: the scheduler of a diffusion, whose step gives a sample."""
    return len(call.args) >= 2 and not isinstance(ix.program.statement(call), ast.Expr)


def _cleared(ix: EventIndex, expr: ast.Subscript, call: ast.Call) -> bool:
    """Whether `zero_grad` is called on `self.optimizers[name]` in the same function: then it is an optimizer."""
    same = shape(expr)
    return any(
        isinstance(other.func, ast.Attribute) and shape(other.func.value) == same
        and ix.program.scope(other) is ix.program.scope(call)
        for other in ix.program.method_calls("zero_grad")
    )  # fmt: skip


def _is_self(value: Value) -> bool:
    return value.kind == "scheduler" and isinstance(value.ident, tuple) and value.ident[0] == "self"


def _unscale(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.argument(call)
    if value.kind != "optimizer" and call.args:
        path = dotted(call.args[0])
        if path is not None and value.ident is None:
            value = Value("optimizer", ident=ix.variable(path, call), confidence="medium", program=ix.program)
    return ix.event("unscale", value, call, ix.receiver(func, call))


def _update(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    return ix.event("scaler_update", value, call) if value.kind == "scaler" else None


def _train(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if value.kind != "module" or (value.scope is not None and "train" in value.scope.bindings):
        return None
    mode = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "mode"), None)
    if mode is None or (isinstance(mode, ast.Constant) and mode.value):
        return ix.event("train", value, call)
    if isinstance(mode, ast.Name) and ix.program.value(mode, call).const is True:
        return ix.event("train", value, call)  # a parameter that is True unless somebody says otherwise
    return ix.event("eval" if isinstance(mode, ast.Constant) else "mode", value, call)


def _eval(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if value.kind != "module" or (value.scope is not None and "eval" in value.scope.bindings):
        return None
    return ix.event("eval", value, call) if not call.args else None


def _set_epoch(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    return ix.event("set_epoch", ix.receiver(func, call), call)


def clip(ix: EventIndex, call: ast.Call, func: ast.expr) -> Event | None:
    """`clip_grad_norm_(...)` of torch, or of a launcher that unscales first."""
    if isinstance(func, ast.Attribute):
        value = ix.receiver(func, call)
        if value.kind in ("accelerator", "fabric"):
            return ix.event("clip", ix.argument(call), call, value, handled=True)
        if value.kind not in ("library", "unknown", "module"):
            return None
    name = ix.program.qualified(call)
    if name is not None and not name.startswith("torch.nn.utils."):
        return None
    return ix.event("clip", ix.argument(call), call)


_SCALER_WORDS = frozenset(("clip_grad", "parameters", "create_graph", "need_update", "update_grad", "clip_mode"))


def scaler_call(ix: EventIndex, call: ast.Call, func: ast.expr) -> list[Event]:
    """`loss_scaler(loss, optimizer, parameters=...)` of timm: scales, computes gradients, clips, steps, updates."""
    if not any(k.arg in _SCALER_WORDS for k in call.keywords):
        return []
    scope, stmt = ix.program.scope(call), ix.program.statement(call)
    value = ix.program.evaluator.value(func, scope, stmt)
    if value.kind != "scaler" or own_method(value, "__call__"):
        return []
    loss, optimizer = ix.argument(call), ix.argument(call, 1)
    if optimizer.kind != "optimizer":
        return []
    found = (ix.event("backward", loss, call, value), ix.event("optimizer_step", optimizer, call, value))
    return [event for event in found if event is not None]


def _on_gradient(func: ast.Attribute) -> bool:
    path = func.value
    while isinstance(path, ast.Attribute):
        if path.attr in ("grad", "_grad"):
            return True
        path = path.value
    return False


def _zero(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    """`p.grad.zero_()` and `p.grad.data.zero_()`."""
    return ix.event("zero_grad", UNKNOWN, call) if _on_gradient(func) else None


def _replaced(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    """`p.grad.copy_(g)`: what was there before is gone."""
    return ix.event("set_grad", UNKNOWN, call) if _on_gradient(func) else None


def _scaled(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    """`p.grad.mul_(limit / norm)` in a function that is there to clip."""
    if "clip" not in ix.program.scope(call).name.lower():
        return None
    return ix.event("clip", UNKNOWN, call) if _on_gradient(func) else None


def _clamped(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    """`p.grad.data.clamp_(-1, 1)`."""
    return ix.event("clip", UNKNOWN, call) if _on_gradient(func) else None


def _manual_backward(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    return ix.event("backward", ix.argument(call), call)


def _clip_gradients(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    """`fabric.clip_gradients(model, optimizer, ...)`, `self.clip_gradients(optimizer, ...)` of a Lightning module."""
    value = ix.receiver(func, call)
    if value.kind not in ("fabric", "module") or own_method(value, "clip_gradients"):
        return None
    return ix.event("clip", ix.argument(call), call, value, handled=True)


METHODS: dict[str, Callable[[EventIndex, ast.Call, ast.Attribute], Event | None]] = {
    "zero_grad": _zero_grad,
    "zero_": _zero,
    "fill_": _replaced,
    "copy_": _replaced,
    "clamp_": _clamped,
    "mul_": _scaled,
    "backward": _backward,
    "manual_backward": _manual_backward,
    "step": _step,
    "unscale_": _unscale,
    "update": _update,
    "train": _train,
    "eval": _eval,
    "set_epoch": _set_epoch,
    "clip_grad_norm_": clip,
    "clip_grad_value_": clip,
    "clip_grad_norm": clip,
    "clip_gradients": _clip_gradients,
}
