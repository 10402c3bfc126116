"""Library trainers (transformers, TRL, Lightning): which models one trains and what it reads."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import argument
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

Role = Literal["train", "eval", "test"]

# Arguments of the trainers of transformers and TRL. Reference and reward models are only asked, not trained.
_TRAINED = ("model", "value_model")
_READ: dict[str, Role] = {"train_dataset": "train", "eval_dataset": "eval", "test_dataset": "test"}
# Arguments of a Lightning trainer's methods, by position behind the model.
_GIVEN: dict[str, dict[str, tuple[int, Role]]] = {
    "fit": {"train_dataloaders": (1, "train"), "train_dataloader": (1, "train"), "val_dataloaders": (2, "eval")},
    "validate": {"dataloaders": (1, "eval"), "val_dataloaders": (1, "eval")},
    "test": {"dataloaders": (1, "test"), "test_dataloaders": (1, "test")},
    "predict": {"dataloaders": (1, "test")},
}


Started = list[tuple[str, ast.Call]]


def trains(trainer: Value, calls: Started, program: Program) -> list[Value]:
    """The modules that a trainer updates, in the order in which it is given them; `calls` are those that start it."""
    found = [value for name in _TRAINED for value in _constructed(trainer, name, 0 if name == "model" else 99)]
    for method, call in calls:
        expr = argument(call, 0, "model") if method == "fit" else None
        if expr is not None:
            found.append(program.value(expr, call))
    return [value for value in found if value.kind == "module"]


def reads(trainer: Value, calls: Started, program: Program) -> list[tuple[Value, Role]]:
    """The datasets or loaders that a trainer goes through, each with what for."""
    found = [(value, role) for name, role in _READ.items() for value in _constructed(trainer, name, 99)]
    for method, call in calls:
        for name, (position, role) in _GIVEN[method].items():
            expr = argument(call, position, name)
            if expr is not None:
                found.append((program.value(expr, call), role))
    result: list[tuple[Value, Role]] = []
    for value, role in found:
        parts = [value]
        if value.kind == "dict":
            parts = [part for _, part in value.items or ()]
        elif value.kind == "container":
            parts = list(value.items or ())
        result.extend((part, role) for part in parts if part.kind in ("dataset", "loader"))
    return result


def passed_to(method: str, call: ast.Call) -> list[tuple[ast.expr, Role]]:
    """The loaders in a call of a Lightning trainer's method, as expressions."""
    found: list[tuple[ast.expr, Role]] = []
    for name, (position, role) in _GIVEN.get(method, {}).items():
        expr = argument(call, position, name)
        if expr is not None and all(expr is not known for known, _ in found):
            found.append((expr, role))
    return found


def started(program: Program) -> Started:
    """The calls of this file that have a library's trainer go through data: (method, call)."""
    return [
        (method, call)
        for method in _GIVEN
        for call in program.method_calls(method)
        if isinstance(call.func, ast.Attribute) and program.value(call.func.value, call).kind == "trainer"
    ]


def _constructed(trainer: Value, name: str, position: int) -> list[Value]:
    """The values that the trainer was made with under an argument's name; several where branches make it."""
    made = [each for each in trainer.items or () if isinstance(each, Value)] or [trainer]
    found: list[Value] = []
    for each in made:
        call, owner = each.args, each.origin
        if call is None or owner is None or call not in owner.index.scope_of:
            continue
        # The first argument of Lightning's trainer is not the model.
        first = 99 if (each.type or "").startswith("lightning.") else position
        expr = argument(call, first, name)
        if expr is not None:
            found.append(owner.value(expr, call))
            continue
        for keyword in call.keywords:  # `Trainer(model=net, **data)`
            if keyword.arg is None:
                found.extend(value for key, value in _entries(owner, keyword.value, call) if key == name)
    return found


def _entries(program: Program, expr: ast.expr, call: ast.Call) -> list[tuple[object, Value]]:
    """The entries of a dict that is unpacked into a call, also of one that a comprehension picks from."""
    if isinstance(expr, ast.DictComp) and len(expr.generators) == 1:
        source = expr.generators[0].iter
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and source.func.attr == "items":
            expr = source.func.value
    value = program.value(expr, call)
    return list(value.items or ()) if value.kind == "dict" else []
