"""Parts of a value: what unpacking, iterating and looking up gives, and whether a field was given at all."""

from __future__ import annotations

import ast

from dry_debug.program.scopes import dotted
from dry_debug.program.values import UNKNOWN, Value, join


def unpack(value: Value, path: tuple[int | None, ...]) -> Value:
    """The part of `value` that an unpacking target at `path` gets."""
    for index in path:
        if value.kind == "container" and value.items:
            if index is None or not -len(value.items) <= index < len(value.items):
                return UNKNOWN
            value = value.items[index]
        elif value.kind in ("batch", "output"):
            value = value.but(via=None)
        elif value.kind == "container":
            value = element(value)
        elif value.kind == "dataset" and value.via == "split":
            value = value.but(ident=("part", value.ident, index))
        elif value.kind == "tensor":
            value = value.but(via=None)
        else:
            return UNKNOWN
    return value


def element(value: Value) -> Value:
    """What iterating over `value` gives."""
    if value.kind == "container":
        if value.thunk is not None:
            return value.thunk()
        if value.items:
            return join(list(value.items), ("part", value.ident, "element"))
        return UNKNOWN
    if value.kind in ("loader", "dataset"):
        return Value("batch", attached=False, node=value.node, program=value.program, confidence=value.confidence)
    if value.kind in ("tensor", "batch"):
        return value.but(via=None)
    if value.kind == "params":
        return value
    return UNKNOWN


def held(value: Value) -> Value:
    """What a dict holds under a key that is not known, and what a sequence holds."""
    if value.kind != "dict":
        return element(value)
    if value.thunk is not None:
        return value.thunk()
    values = [v for _, v in value.items or ()]
    return join(values, ("part", value.ident, "element")) if values else UNKNOWN


def given_to(instance: Value, attr: str) -> bool:
    """Whether a dataclass's field may have been given when the object was made, so that its default says nothing."""
    call, cls = instance.args, instance.scope
    if call is None or cls is None or not cls.decorators:
        return False
    if not any((dotted(d.func if isinstance(d, ast.Call) else d) or "").endswith("dataclass") for d in cls.decorators):
        return False
    return bool(call.args) or any(k.arg in (None, attr) for k in call.keywords)
