"""What Lightning does with a module's hooks: which optimizers it is given, how often a hook runs, in which mode."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.evaluate import Evaluator
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

HOOKS = frozenset(("training_step", "configure_optimizers"))
# Hooks that the trainer calls in evaluation mode with autograd switched off.
EVALUATING = frozenset(("validation_step", "test_step", "predict_step"))
# Hooks of modules and data modules that return loaders, and what for.
LOADERS: dict[str, Literal["train", "eval", "test"]] = {
    "train_dataloader": "train",
    "val_dataloader": "eval",
    "test_dataloader": "test",
    "predict_dataloader": "test",
}
_EACH_BATCH = frozenset(
    "training_step on_train_batch_start on_train_batch_end optimizer_step training_step_end on_before_zero_grad "
    "on_before_backward on_after_backward on_before_optimizer_step optimizer_zero_grad lr_scheduler_step".split()
)
_EACH_EPOCH = frozenset(
    "on_train_epoch_start on_train_epoch_end training_epoch_end on_validation_epoch_end validation_epoch_end "
    "on_validation_end on_train_epoch_start on_validation_epoch_start".split()
)


# Methods of a Lightning module of which it is known that they clear no gradients.
KNOWN = frozenset(
    "optimizers lr_schedulers manual_backward log log_dict print clip_gradients toggle_optimizer untoggle_optimizer "
    "toggled_optimizer all_gather save_hyperparameters parameters named_parameters".split()
)


def trained_by_trainer(cls: Scope | None) -> bool:
    """Whether a class has the hooks that a Lightning trainer trains it by."""
    return cls is not None and not HOOKS.isdisjoint(cls.bindings)


def turns(function: Scope) -> Literal["batch", "epoch"] | None:
    """How often the trainer calls a hook of a module; None for what is no such hook."""
    cls = function.parent if function.parent is not None and function.parent.kind == "class" else None
    if not trained_by_trainer(cls):
        return None
    return "batch" if function.name in _EACH_BATCH else "epoch" if function.name in _EACH_EPOCH else None


def repeats(function: Scope, program: Program) -> bool:
    """Whether a function is a `training_step` that alone sees to the gradients of each batch."""
    if function.name != "training_step" or turns(function) is None:
        return False
    return not any(
        event.scope is not function
        and event.scope.class_scope is function.class_scope
        and turns(event.scope) is not None
        for event in program.events.of_kind("zero_grad")
    )


def evaluates(function: Scope) -> bool:
    """Whether a function is a hook that the trainer runs without gradients."""
    if function.name not in EVALUATING:
        return False
    cls = function.parent if function.parent is not None and function.parent.kind == "class" else None
    return trained_by_trainer(cls)


def configured(ev: Evaluator, cls: Scope, what: Literal["optimizer", "scheduler"], place: ast.AST) -> Value:
    """What `self.optimizers()` or `self.lr_schedulers()` gives: one object, or the list of them."""
    from dry_debug.program.calls import returned

    function = ev.class_attribute(cls, "configure_optimizers")
    if function.kind != "function" or function.scope is None or function.program is None:
        return UNKNOWN
    result = returned(ev, function, None, function.scope, None, None)
    found = _members(result, what, 0)
    if len(found) == 1:
        return found[0]
    return Value("container", items=found, node=place, program=ev.program, ident=("alloc", place)) if found else UNKNOWN


def _members(value: Value, what: str, depth: int) -> list[Value]:
    """The optimizers or schedulers in what `configure_optimizers` returns, in their order."""
    if value.kind == what:
        return [value]
    if depth > 4:
        return []
    inner: list[Value] = []
    if value.kind == "container":
        inner = list(value.items or ())
    elif value.kind == "dict":
        inner = [v for key, v in value.items or () if key in ("optimizer", "lr_scheduler", "scheduler")]
    return [member for part in inner[:16] for member in _members(part, what, depth + 1)]


def interval(program: Program, scheduler: Value) -> Literal["epoch", "step"] | None:
    """How often the trainer steps a scheduler that `configure_optimizers` returns: once an epoch unless it says so."""
    call, owner = scheduler.args, scheduler.origin
    if call is None or owner is None:
        return None
    scope = owner.index.scope_of.get(call)
    if scope is None or scope.name != "configure_optimizers":
        return None
    for node in nodes(scope.node):
        if not isinstance(node, ast.Dict):
            continue
        pairs = {k.value: v for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)}
        held = pairs.get("scheduler")
        if held is None:
            continue
        value = owner.evaluator.value(held, scope, owner.statement(call))
        if held is call or value.base.ident == scheduler.base.ident:
            how = pairs.get("interval")
            if isinstance(how, ast.Constant) and how.value in ("step", "epoch"):
                return how.value  # type: ignore[return-value]
            return "epoch" if how is None and None not in node.keys else None
    return "epoch"
