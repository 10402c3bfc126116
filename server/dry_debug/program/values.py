"""What the model thinks an expression is: plain data with its origin and how sure that is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any

from dry_debug.program.evidence import Confidence, weakest
from dry_debug.program.knowledge import Kind

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

Ident = Hashable


class Value:
    """An abstract value.

    `ident` names the object (two values with one ident are one object for the rules); `node` is where it was made, in
    `program`, which is also the file of `scope`; `home` is the file of `node` if that is another one (an object of an
    imported class). `attached` tells whether a tensor carries a graph (None: not known), `via` the operation that made
    it (`softmax`, `loss`, ...). `wraps` is the module inside a DDP or compile wrapper. `maybe_none` says that another
    path leaves None here.
    """

    __slots__ = (
        "args", "attached", "confidence", "const", "env", "home", "ident", "items", "kind", "maybe_none", "node",
        "program", "scope", "thunk", "type", "via", "wraps",
    )  # fmt: skip

    def __init__(
        self,
        kind: Kind,
        *,
        type: str | None = None,
        ident: Ident = None,
        confidence: Confidence = "high",
        node: ast.AST | None = None,
        program: Program | None = None,
        scope: Scope | None = None,
        const: Any = None,
        items: Any = None,
        attached: bool | None = None,
        via: str | None = None,
        wraps: Value | None = None,
        maybe_none: bool = False,
        args: ast.Call | None = None,
        env: Any = None,
        thunk: Callable[[], Value] | None = None,
        home: Program | None = None,
    ) -> None:
        self.kind: Kind = kind
        self.type = type
        self.ident = ident
        self.confidence: Confidence = confidence
        self.node = node
        self.program = program
        self.scope = scope  # of a function, a class, or the class of an instance
        self.const = const
        self.items = items  # container: list of Values; dict: list of (key, Value)
        self.attached = attached
        self.via = via
        self.wraps = wraps
        self.maybe_none = maybe_none
        self.args = args  # the call that made it
        self.env = env  # parameters of the function in which it was made, if they were known there
        self.home = home
        self.thunk = thunk  # element of a container, when asked

    def but(self, **changes: Any) -> Value:
        """A copy with some fields changed."""
        new = Value.__new__(Value)
        new.kind = self.kind
        new.type = self.type
        new.ident = self.ident
        new.confidence = self.confidence
        new.node = self.node
        new.program = self.program
        new.scope = self.scope
        new.const = self.const
        new.items = self.items
        new.attached = self.attached
        new.via = self.via
        new.wraps = self.wraps
        new.maybe_none = self.maybe_none
        new.args = self.args
        new.env = self.env
        new.home = self.home
        new.thunk = self.thunk
        for name, value in changes.items():
            setattr(new, name, value)
        return new

    def __repr__(self) -> str:
        line = getattr(self.node, "lineno", None)
        return f"Value({self.kind}, {self.type}, line {line}, {self.confidence})"

    @property
    def known(self) -> bool:
        return self.kind != "unknown"

    @property
    def origin(self) -> Program | None:
        """The file that `node` stands in."""
        return self.home if self.home is not None else self.program

    @property
    def base(self) -> Value:
        """The innermost module behind wrappers; the value itself otherwise."""
        value, depth = self, 0
        while value.wraps is not None and depth < 10:
            value, depth = value.wraps, depth + 1
        return value


UNKNOWN = Value("unknown", confidence="low")
NONE = Value("const", const=None)


MAX_CHOICES = 24  # classes and functions of which one is called: a registry
_CALLABLE = frozenset(("class", "library", "function", "choice"))


MAX_BRANCHES = 24  # makers of one variable that are told apart


def join(values: list[Value], place: Ident) -> Value:
    """One value for what several paths bring: the shared kind, and the shared identity or that of the variable.

    Unknown members lower the confidence; `None` members only set `maybe_none`.
    """
    if len(values) == 1:
        return values[0] if values[0].kind != "unknown" else UNKNOWN
    some = [v for v in values if not (v.kind == "const" and v.const is None)]
    none = len(some) < len(values)
    if not some:
        return values[0] if values else UNKNOWN
    known = [v for v in some if v.kind != "unknown"]
    if not known:
        return UNKNOWN
    first = known[0]
    if len(known) == 1 and len(some) == 1:
        return first.but(maybe_none=True) if none and not first.maybe_none else first
    kinds = {v.kind for v in known}
    if kinds <= _CALLABLE and (len(kinds) > 1 or len({(v.type, v.scope) for v in known}) > 1):
        makers = [m for v in known for m in (v.items if v.kind == "choice" else [v])]
        sure = weakest(*(v.confidence for v in known), "high" if len(known) == len(some) else "medium")
        return Value("choice", items=makers[:MAX_CHOICES], confidence=sure, maybe_none=none)
    if len(kinds) > 1:
        return UNKNOWN
    if first.kind == "const":
        same = all(v.const == first.const and type(v.const) is type(first.const) for v in known)
        return first if same and len(known) == len(some) else UNKNOWN
    if first.kind == "settings":
        return first if len(known) == len(some) and all(v.items is first.items for v in known) else UNKNOWN
    confidence = weakest(*(v.confidence for v in known), "high" if len(known) == len(some) else "medium")
    idents = {v.base.ident for v in known}
    lead = max(known, key=lambda v: v.wraps is not None)  # a wrapper on one path: the wrapper speaks
    changes: dict[str, Any] = {"confidence": confidence, "maybe_none": none or any(v.maybe_none for v in known)}
    if len(idents) > 1:
        changes["ident"] = place
        changes["wraps"] = None
        if len({v.scope for v in known}) > 1:
            changes["scope"] = None
        if len({v.type for v in known}) > 1:
            changes["type"] = None
        changes["args"] = first.args if len({id(v.args) for v in known}) == 1 else None
        if first.kind in ("optimizer", "scheduler", "sampler", "sampling", "instance"):
            # Each branch's own, so that what they cover and drive stays known.
            changes["items"] = list(islice((i for v in known for i in (v.items or [v])), MAX_BRANCHES))
        elif first.kind == "module":
            changes["items"] = _each_module(known) if len(known) == len(some) else None
    if first.kind in ("tensor", "output", "distribution"):
        changes["attached"] = _agree([v.attached for v in known], True)
        changes["via"] = first.via if len({v.via for v in known}) == 1 else None
    return lead.but(**changes)


def _each_module(modules: list[Value]) -> list[Value] | None:
    """The modules that the branches make; None: more of them than are told apart."""
    each = list(islice((i for v in modules for i in (v.base.items or [v])), MAX_BRANCHES + 1))
    return each if len(each) <= MAX_BRANCHES else None


def _agree(states: list[bool | None], strongest: bool) -> bool | None:
    if any(s is strongest for s in states):
        return strongest if all(s is strongest for s in states) else None
    return states[0] if len(set(states)) == 1 else None
