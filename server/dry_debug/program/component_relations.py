"""What the components of a program have to do with one another: which updates, drives, wraps and reads which."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import lightning, relations, trainers
from dry_debug.program.arguments import argument
from dry_debug.program.done_elsewhere import scheduler_calls
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.components import Component, Components, Role
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value


def relate(components: Components) -> None:
    """Fills what each component covers, wraps, drives and reads, and the roles of data sets and loaders."""
    program = components.program
    for component in components.all:
        value = component.value
        if component.kind == "optimizer":
            component.covers = _covered(components, value)
        elif component.kind == "scheduler":
            driven = relations.drives(value, program) or _driven_at_its_calls(program, component)
            component.drives = _names(components, [driven] if driven is not None else [])
        elif component.kind == "loader":
            read = relations.reads(value, program)
            component.reads = _names(components, [read] if read is not None else [])
            hook = lightning.LOADERS.get(component.scope.name)
            component.role = component.role or role_by_name(component.name) or hook
        elif component.kind == "dataset":
            component.role = role_by_name(component.name) or _split_role(value)
        elif component.kind == "model" and value.wraps is not None:
            component.wraps = [n for n in _names(components, [value.wraps]) if n != component.name]
        elif component.kind == "ema" and value.args is not None and value.origin is program:
            component.wraps = _names(components, [program.value(a, value.args) for a in value.args.args[:1]])
        elif component.kind == "trainer":
            _relate_trainer(components, component)
    for component in components.of("scaler"):
        for event in program.events.of_kind("optimizer_step"):
            if event.other.known and event.other.base.ident == component.ident:
                for name in _names(components, [event.obj]):
                    if name not in component.wraps:
                        component.wraps.append(name)
    for component in components.of("loader"):
        if component.role is None and component.reads:
            held = next((c for c in components.of("dataset") if c.name == component.reads[0]), None)
            component.role = held.role if held is not None else None
        if component.role is None:
            read = relations.reads(component.value, program)
            component.role = _split_role(read) if read is not None else None


def _covered(components: Components, optimizer: Value) -> list[str]:
    """The names of what an optimizer covers: of components; of a part of one, the component; else as written."""
    names: list[str] = []
    for module in relations.covers(optimizer, components.program):
        known = _names_where_made(components, module, optimizer)
        part = None if known else _name_of_part(components, module, optimizer)
        names.extend(name for name in (*known, *([part] if part else [])) if name not in names)
    return names


def _names_where_made(components: Components, module: Value, optimizer: Value) -> list[str]:
    """`self.net` where a method makes the optimizer, if `net` is what another method calls the same model."""
    held, made = components.named(module), optimizer.args
    scope = components.program.index.scope_of.get(made) if made is not None else None
    if scope is None or scope.class_scope is None or held is None or held.scope.class_scope is not scope.class_scope:
        return _names(components, [module])
    there = components.name_at(module, scope)
    return [there] if there is not None else _names(components, [module])


def _name_of_part(components: Components, module: Value, optimizer: Value) -> str | None:
    """`policy` for `policy.actor.parameters()`, else what is written there."""
    expr = relations.written_for(module, optimizer)
    owner = optimizer.origin
    if owner is not components.program or expr is None or optimizer.args is None:
        return None
    outer = expr
    while isinstance(outer, ast.Attribute):
        outer = outer.value
        whole = owner.value(outer, optimizer.args)
        found = _names(components, [whole])
        if found and whole.kind != "instance":  # an agent's `self.actor` is no part of a model `self`
            return found[0]
    return dotted(expr)


def _driven_at_its_calls(program: Program, component: Component) -> Value | None:
    """The optimizer that a scheduler written by hand gets each time: `schedule(optimizer, step)`."""
    if component.value.scope is None:
        return None
    for call, _, value in scheduler_calls(program):
        if value.base.ident == component.ident:
            for expr in call.args:
                passed = program.value(expr, call)
                if passed.kind == "optimizer":
                    return passed
    return None


def _relate_trainer(components: Components, trainer: Component) -> None:
    program = components.program
    calls = [
        (method, call)
        for method, call in trainers.started(program)
        if isinstance(call.func, ast.Attribute) and components.named(program.value(call.func.value, call)) is trainer
    ]
    trainer.covers = _names(components, trainers.trains(trainer.value, calls, program))
    read = trainers.reads(trainer.value, calls, program)
    trainer.reads = _names(components, [value for value, _ in read])
    for value, role in read:
        held = components.named(value)
        if held is not None and held.kind in ("dataset", "loader") and held.role is None:
            held.role = role


def _names(components: Components, values: list[Value]) -> list[str]:
    names = []
    for value in values:
        found = components.named(value)
        ident = value.base.ident
        name = found.name if found is not None else ""
        if found is None and isinstance(ident, tuple) and ident and ident[0] == "self":
            name = "self"
        if name and name not in names:
            names.append(name)
    return names


def role_by_name(name: str) -> Role | None:
    """What data are for by what they are called: `val_loader`."""
    words = name.lower().replace(".", "_").split("_")
    text = name.lower()
    if (
        any(w in ("val", "vali", "valid", "validation", "dev", "eval", "evaluation") for w in words)
        or "valid" in text
        or "valloader" in text
    ):
        return "eval"
    if "test" in text:
        return "test"
    return "train" if "train" in text else None


def _split_role(value: Value) -> Role | None:
    """torchvision's datasets take `train=True` or `split="val"`."""
    call = value.args
    if call is None:
        return None
    train = argument(call, 99, "train")
    if isinstance(train, ast.Constant) and isinstance(train.value, bool):
        return "train" if train.value else "test"
    split = argument(call, 99, "split")
    return role_by_name(split.value) if isinstance(split, ast.Constant) and isinstance(split.value, str) else None
