"""Hyperparameters out of configuration files (YAML, JSON, TOML, INI) that a program loads, with file and line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.program import settings
from dry_debug.program.config_tree import Entry
from dry_debug.program.hydra import resolved
from dry_debug.program.hyper_fields import canonical_field, is_canonical
from dry_debug.program.values import Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MOST = 400  # values of one file; more is data
_MOST_ITEMS = 4  # mappings of a list that are looked into
LONGEST = 16  # items of a list that is a setting: betas, milestones


@dataclass(frozen=True, slots=True)
class Configured:
    """A value of a configuration file. `line` is one-based; `keys` lead to it, in the spelling of the file."""

    name: str
    value: Any
    file: str
    line: int
    keys: tuple[str, ...] = ()


def configured(program: Program) -> list[Configured]:
    """What the configuration files that this program loads say, by file and line; each place once."""
    found: dict[tuple[str, int, str], Configured] = {}
    for root in roots(program):
        for row in settings_of(root):
            found.setdefault((row.file, row.line, row.name), row)
    return sorted(found.values(), key=lambda row: (row.file, row.line))


def roots(program: Program) -> Iterator[Entry]:
    """What is loaded: by calls, by what a decorator hands over, by modules that are imported."""
    for value in _loaded(program):
        if value.kind == "settings" and isinstance(value.items, Entry) and value.items.children is not None:
            yield value.items


def _loaded(program: Program) -> Iterator[Value]:
    ini = _ini_files(program)
    yield from ini
    for call in program.index.calls:
        name = program.qualified(call)
        if name in settings.SOURCES:
            yield program.value(call)
        elif name is None or name.startswith(".") or name.partition(".")[0] not in _LIBRARIES:
            yield program.value(call)  # a helper of the project that loads
    for function in program.index.functions:
        for parameter in function.parameters()[:1] if function.decorators else ():
            yield program.evaluator.parameter(function, parameter.arg)
    for bindings in program.index.module.bindings.values():
        for binding in bindings:
            if binding.kind == "from":
                yield program.evaluator.binding(binding)


def _ini_files(program: Program) -> Iterator[Value]:
    """`parser = configparser.ConfigParser()` and `parser.read("train.ini")`."""
    if not any(name.startswith("configparser.") for name, _ in program.qualified_calls()):
        return
    for call in program.method_calls("read"):
        if call.args:
            ev, scope, stmt = program.evaluator, program.scope(call), program.statement(call)
            path = settings.text_of(ev, call.args[0], scope, stmt, None)
            if path is not None:
                yield settings.from_path(program, path, call)


def settings_of(root: Entry, *, deep: bool = False) -> Iterator[Configured]:
    """The settings of one configuration. A file none of whose values is a known field of a training run is data.

    `deep` says that the mappings that stand in a list count too: `datasets: [{path: ...}]`.
    """
    every = list(root.leaves())
    if deep:
        inner = [(keys, item) for keys, leaf in every for item in (leaf.items or ())[:_MOST_ITEMS] if item.children]
        every.extend(((*keys, *below), leaf) for keys, item in inner for below, leaf in item.leaves())
    leaves = [(keys, leaf) for keys, leaf in every if _is_setting(leaf)]
    if len(leaves) > MOST or not any(is_canonical(keys[-1]) for keys, _ in leaves):
        return
    for keys, leaf in leaves:
        known, value = resolved(root, leaf)
        yield Configured(canonical_field(keys[-1]), value if known else None, leaf.file, leaf.line, keys)


def _is_setting(leaf: Entry) -> bool:
    if leaf.items is None:
        return True
    return 0 < len(leaf.items) <= LONGEST and all(item.is_leaf for item in leaf.items)


def value_behind(program: Program, expr: ast.expr, at: ast.AST) -> tuple[bool, Any]:
    """(whether it is known, the value) of an expression that reads a setting: `args.steps`, `cfg["train"]["steps"]`."""
    if not isinstance(expr, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        return False, None
    return settings.plain(program.value(expr, at))


_LIBRARIES = frozenset(
    "torch torchvision numpy os sys math time random logging tqdm builtins transformers datasets matplotlib sklearn "
    "pandas PIL cv2 wandb argparse".split()
)
