"""Hyperparameters that a file declares on objects: options of click, typer and absl, classes, namespaces, overrides."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.program import settings
from dry_debug.program.arguments import argument
from dry_debug.program.hyper_defaults import defaults
from dry_debug.program.hyper_fields import CONFIG_WORDS, Hyperparameter, Origin, canonical_field, is_canonical
from dry_debug.program.literals import literal
from dry_debug.program.scopes import Binding, Scope, dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What makes an object that settings are put on, or that holds the ones that it is given.
_MAKERS = frozenset(
    (
        "easydict.EasyDict types.SimpleNamespace argparse.Namespace builtins.dict yacs.config.CfgNode "
        "fvcore.common.config.CfgNode ml_collections.ConfigDict ml_collections.config_dict.ConfigDict "
        "ml_collections.config_dict.create omegaconf.OmegaConf.create munch.Munch munch.munchify box.Box dotmap.DotMap "
        "addict.Dict attrdict.AttrDict collections.OrderedDict transformers.HfArgumentParser"
    ).split()
)
_CLICK = ("click.option", "click.argument", "rich_click.option", "asyncclick.option")
_TYPER = ("typer.Option", "typer.Argument")
_CONFIG_CLASSES = (*CONFIG_WORDS, "opt", "options", "option", "flags", "hyperparameter", "hparam", "conf")
_PRIVATE_BASES = frozenset(("Enum", "IntEnum", "StrEnum", "Exception", "Protocol", "ABC"))


def declared(program: Program) -> Iterator[Hyperparameter]:
    """All of them, in no particular order."""
    yield from _decorated(program)
    yield from _typer(program)
    yield from _flags(program)
    yield from _classes(program)
    yield from _made(program)
    yield from _put_on(program)
    yield from _updated(program)


def declares_options(program: Program) -> bool:
    """Whether a file has options of its command line that no `add_argument` and no `fire.Fire(main)` declares."""
    found = (*_decorated(program), *_typer(program), *_flags(program), *program.method_calls("set_defaults"))
    return bool(found)


def _row(program: Program, name: str, expr: ast.expr, node: ast.AST) -> Hyperparameter | None:
    """The hyperparameter `name`, if `expr` is a literal, or arithmetic on literals and constants."""
    if not isinstance(expr, ast.Constant | ast.UnaryOp | ast.BinOp | ast.List | ast.Tuple):
        return None
    known, value = literal(program, expr, node)
    if known and isinstance(value, bool | int | float | str | list):
        origin: Origin = "computed" if isinstance(expr, ast.BinOp) else "literal"
        return Hyperparameter(canonical_field(name), value, node, origin)
    return None


# -- command lines ---------------------------------------------------------------------------------------------------


def _decorated(program: Program) -> Iterator[Hyperparameter]:
    """`@click.option("--lr", default=0.1)`."""
    for name in _CLICK:
        for call in program.calls_of(name):
            _, attribute = settings.names_of(call)
            if attribute is None:
                continue
            known, default = settings.default_of(program, call)
            flag = next((k.value for k in call.keywords if k.arg == "is_flag"), None)
            if not known and isinstance(flag, ast.Constant) and flag.value is True:
                default = False
            yield Hyperparameter(canonical_field(attribute), default, call, "argparse")


def _typer(program: Program) -> Iterator[Hyperparameter]:
    """The parameters of functions that `@app.command()` makes commands of: typer reads their defaults."""
    for function in program.index.functions:
        if not any(_is_command(program, d, function) for d in function.decorators):
            continue
        for parameter, default in defaults(function):
            expr = default
            if isinstance(default, ast.Call) and program.qualified(default) in _TYPER:
                given = next((k.value for k in default.keywords if k.arg == "default"), None)
                positional = default.args[0] if default.args else None
                found = given if given is not None else positional
                if found is None:
                    continue
                expr = found
            if isinstance(expr, ast.Constant) and expr.value in (None, ...):
                yield Hyperparameter(canonical_field(parameter.arg), None, parameter, "argparse")
                continue
            known, value = literal(program, expr, function.stmt or function.node)
            if known:
                yield Hyperparameter(canonical_field(parameter.arg), value, parameter, "argparse")


def _is_command(program: Program, decorator: ast.expr, function: Scope) -> bool:
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    if not isinstance(func, ast.Attribute) or func.attr not in ("command", "callback"):
        return False
    found = program.names.lookup(func.value.id, function.parent or program.index.module) if isinstance(
        func.value, ast.Name) else None  # fmt: skip
    made = [b.value for b in found[1]] if found is not None else []
    return any(isinstance(m, ast.Call) and program.qualified(m) == "typer.Typer" for m in made)


def _flags(program: Program) -> Iterator[Hyperparameter]:
    """`flags.DEFINE_float("lr", 0.1, "...")` of absl."""
    for name, call in program.qualified_calls():
        if not name.startswith("absl.flags.DEFINE_") or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        default = argument(call, 1, "default")
        known, value = literal(program, default, call) if default is not None else (False, None)
        yield Hyperparameter(canonical_field(str(call.args[0].value)), value if known else None, call, "argparse")


# -- classes ---------------------------------------------------------------------------------------------------------


def _classes(program: Program) -> Iterator[Hyperparameter]:
    """`class Config: lr = 0.1`, also with what its `__init__` assigns; no dataclass, no module."""
    for cls in program.index.classes:
        if not is_config_class(cls) or cls.decorators:
            continue
        for bindings in (*cls.bindings.values(), *cls.attributes.values()):
            for binding in bindings:
                if binding.scope is not cls and binding.scope.name != "__init__":
                    continue
                yield from _bound(program, binding)


def is_config_class(cls: Scope) -> bool:
    """Whether a class without a decorator is there to hold settings, by its name and what it assigns."""
    node = cls.node
    if not isinstance(node, ast.ClassDef) or any(
        (dotted(b) or "").rpartition(".")[2] in _PRIVATE_BASES for b in node.bases
    ):
        return False
    if not cls.name.lower().endswith(_CONFIG_CLASSES):
        return False
    names = [*cls.bindings, *cls.attributes]
    return any(is_canonical(name) for name in names)


def _bound(program: Program, binding: Binding) -> Iterator[Hyperparameter]:
    if binding.kind != "assign" or binding.path or binding.value is None or binding.stmt is None:
        return
    found = _row(program, binding.name, binding.value, binding.stmt)
    if found is not None:
        yield found


# -- objects ---------------------------------------------------------------------------------------------------------


def _made(program: Program) -> Iterator[Hyperparameter]:
    """`SimpleNamespace(lr=0.1)`, `EasyDict({"lr": 0.1})`, `wandb.init(config={"lr": 0.1})`, and a dict in a dict."""
    for assignment in program.index.assignments:
        target = assignment.targets[0] if isinstance(assignment, ast.Assign) else assignment.target
        value, name = assignment.value, (dotted(target) or "").rpartition(".")[2].lower()
        if isinstance(value, ast.Call) and program.qualified(value) in _MAKERS:
            pairs = list(_pairs(value))
            known = sum(is_canonical(key) for key, _, _ in pairs)
            if known and (name.endswith(_CONFIG_CLASSES) or 2 * known >= len(pairs)):
                yield from _of_pairs(program, pairs)
        elif isinstance(value, ast.Dict) and name.endswith(_CONFIG_CLASSES):
            inner = [pair for each in value.values if isinstance(each, ast.Dict) for pair in _pairs(each)]
            outer = [key for key, _, _ in _pairs(value)]
            if any(is_canonical(key) for key in (*outer, *(key for key, _, _ in inner))):
                yield from _of_pairs(program, inner)
    for call in program.calls_of("wandb.init"):
        config = next((k.value for k in call.keywords if k.arg == "config"), None)
        if isinstance(config, ast.Dict) or (isinstance(config, ast.Call) and program.qualified(config) in _MAKERS):
            yield from _of_pairs(program, list(_pairs(config)))


_Pair = tuple[str, ast.expr, ast.AST]


def _pairs(node: ast.expr, depth: int = 0) -> Iterator[_Pair]:
    """(key, value, where) of what a dict or a call of keyword arguments says, and what stands inside it says."""
    if depth > 6:
        return
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg is not None:
                yield from _pair(keyword.arg, keyword.value, keyword.value, depth)
        for argument in node.args[:1]:
            yield from _pairs(argument, depth + 1)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from _pair(key.value, value, key, depth)


def _pair(key: str, value: ast.expr, at: ast.AST, depth: int) -> Iterator[_Pair]:
    if isinstance(value, ast.Dict | ast.Call):
        yield from _pairs(value, depth + 1)
    else:
        yield key, value, at


def _of_pairs(program: Program, pairs: list[_Pair]) -> Iterator[Hyperparameter]:
    for key, value, at in pairs:
        if not isinstance(value, ast.Constant | ast.UnaryOp | ast.List | ast.Tuple | ast.BinOp):
            continue
        known, constant = literal(program, value, at)
        if known and isinstance(constant, bool | int | float | str | list):
            yield Hyperparameter(canonical_field(key), constant, at, "literal")


def put_on(program: Program, variable: str) -> Iterator[Hyperparameter]:
    """What the top of a file puts on one of its variables that is made to hold settings."""
    bindings = program.index.module.bindings.get(variable, [])
    made = bindings[0].value if len(bindings) == 1 else None
    if isinstance(made, ast.Call) and program.qualified(made) in _MAKERS:
        for found in _put_on(program):
            targets = found.node.targets if isinstance(found.node, ast.Assign) else []
            root = _place(targets[0])[1] if targets else None
            if root is not None and root.id == variable and program.scope(found.node).kind == "module":
                yield found


def _put_on(program: Program) -> Iterator[Hyperparameter]:
    """`cfg.TRAIN.LR = 0.1` on an object for settings; `args.lr = args.lr * args.batch_size / 256` on options."""
    for assignment in program.index.assignments:
        if not isinstance(assignment, ast.Assign) or assignment.value is None or len(assignment.targets) != 1:
            continue
        target = assignment.targets[0]
        name, root = _place(target)
        if name is None or root is None or isinstance(assignment.value, ast.Call | ast.Dict | ast.Lambda):
            continue
        kind = _holder(program, root, assignment)
        if kind is None or (kind == "options" and not is_canonical(name)):
            continue
        found = _row(program, name, assignment.value, assignment)
        if found is None and isinstance(assignment.value, ast.BinOp):
            found = _computed(program, name, assignment.value, assignment)
        if found is not None:
            yield found


def _place(target: ast.expr) -> tuple[str | None, ast.Name | None]:
    """(the last name, the variable at the root) of `cfg.a.b` and `cfg["a"]["b"]`."""
    name: str | None = None
    if isinstance(target, ast.Attribute):
        name = target.attr
    elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        name = target.slice.value if isinstance(target.slice.value, str) else None
    node: ast.expr = target
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return name, node if isinstance(node, ast.Name) else None


def _holder(program: Program, root: ast.Name, at: ast.stmt) -> str | None:
    """What kind of thing for settings a variable holds: "options" of a command line or a file, an "object", or None."""
    seen = 0
    scope = program.scope(at)
    name = root.id
    while seen < 4:
        found = program.names.lookup(name, scope)
        if found is None:
            return None
        binding = found[1][0]
        value = binding.value
        if binding.kind == "assign" and isinstance(value, ast.Name):
            name, scope, seen = value.id, binding.scope, seen + 1
            continue
        if binding.kind == "assign" and isinstance(value, ast.Call) and program.qualified(value) in _MAKERS:
            lowered = name.lower().strip("_")
            return "object" if lowered.endswith(_CONFIG_CLASSES) or lowered == "c" else None
        break
    kind = program.value(root, at).kind
    return "object" if kind == "trainer_args" else "options" if kind == "settings" else None


def _computed(program: Program, name: str, expr: ast.BinOp, at: ast.stmt) -> Hyperparameter | None:
    known, value = settings.number_of(program, expr, at)
    return Hyperparameter(canonical_field(name), value, at, "computed") if known else None


def _updated(program: Program) -> Iterator[Hyperparameter]:
    """`cfg.update({"lr": 0.1})` and `parser.set_defaults(lr=0.1)`."""
    for call in program.method_calls("update"):
        held = call.func.value if isinstance(call.func, ast.Attribute) else None
        stmt = program.statement(call)
        if isinstance(held, ast.Name) and stmt is not None and _holder(program, held, stmt) is not None:
            yield from _of_pairs(program, list(_pairs(call)))
    for call in program.method_calls("set_defaults"):
        for keyword in call.keywords:
            if keyword.arg is not None and keyword.arg != "func":
                known, value = literal(program, keyword.value, call)
                if known and isinstance(value, bool | int | float | str | list):
                    yield Hyperparameter(canonical_field(keyword.arg), value, keyword.value, "argparse")


def computed_from_settings(program: Program) -> Iterator[tuple[ast.Assign, str, Any]]:
    """`lr = args.lr * args.batch_size / 256`: (assignment, name, value by the defaults)."""
    for assignment in program.index.assignments:
        if not isinstance(assignment, ast.Assign) or not isinstance(assignment.value, ast.BinOp):
            continue
        target = assignment.targets[0]
        if isinstance(target, ast.Name) and is_canonical(target.id):
            if literal(program, assignment.value, assignment)[0]:
                continue  # listed as a constant
            known, value = settings.number_of(program, assignment.value, assignment)
            if known:
                yield assignment, target.id, value
