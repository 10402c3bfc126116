"""What a confidence is composed of: how sure the kind of an object, the path and the resolution are, in words."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal, NamedTuple

from dry_debug.program.evidence import Confidence, file_name, home_of
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

WORDS = {
    "module": "a module",
    "optimizer": "an optimizer",
    "scheduler": "a learning rate scheduler",
    "scaler": "a GradScaler",
    "loader": "a data loader",
    "dataset": "a dataset",
    "sampler": "a sampler",
    "loss": "a loss function",
    "tensor": "a tensor",
    "output": "the output of a module",
    "batch": "part of a batch",
    "params": "parameters",
    "container": "a collection",
    "dict": "a dict",
    "instance": "an object of this project",
    "number": "a number",
    "state": "a state dict",
    "engine": "an engine",
    "pipeline": "a pipeline",
    "ema": "a moving average",
    "function": "a function",
    "pymodule": "an imported module",
    "class": "a class",
    "library": "a library's object",
    "text": "a text",
}


class Link(NamedTuple):
    """One link of the chain that a confidence is the weakest of."""

    of: Literal["kind", "path", "resolution"]
    confidence: Confidence
    reason: str


def kind_link(program: Program, value: Value, text: str | None = None) -> Link:
    """How it is known what `value` is; `text` is what the user calls it."""
    name = f"`{text}`" if text else _name(program, value) or "it"
    word = WORDS.get(value.kind, value.kind.replace("_", " "))
    said = f"{name} is {word}"
    if value.confidence == "high":
        origin = home_of(value, program)
        if value.node is None or origin is None:
            return Link("kind", "high", said)
        file = "" if origin is program else f" of {file_name(origin)}"
        return Link("kind", "high", f"{said}, made at line {origin.line(value.node)}{file}")
    if value.confidence == "low":
        return Link("kind", "low", f"{said} by its name only")
    used = _uses(value)
    if used:
        return Link("kind", "medium", f"{said} by usage ({', '.join(f'.{u}()' for u in used)}) only")
    return Link("kind", "medium", f"{said} on some way to here; another way brings what is not known, or it is a part")


def path_link() -> Link:
    """Of a finding about order: rules report only what is wrong on every path."""
    return Link("path", "high", "every path of an iteration that gets there is wrong")


def _name(program: Program, value: Value) -> str | None:
    found = program.training.components.named(value)
    return f"`{found.name}`" if found is not None else None


def _uses(value: Value) -> list[str]:
    """The methods that are called on the variable by which `value` is known."""
    ident = value.base.ident
    owner = value.program
    if not (isinstance(ident, tuple) and len(ident) == 3 and ident[0] in ("var", "param")) or owner is None:
        return []
    home, path = ident[1], str(ident[2])
    if not isinstance(home, Scope) or value.args is not None:
        return []
    found: dict[str, None] = {}
    for call in owner.index.calls:
        func = call.func
        if not isinstance(func, ast.Attribute) or dotted(func.value) != path:
            continue
        scope: Scope | None = owner.scope(call)
        while scope is not None and scope is not home:
            scope = scope.parent
        if scope is home:
            found[func.attr] = None
    return list(found)[:4]
