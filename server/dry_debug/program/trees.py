"""Event trees: what of a function can matter for the order of events. Plain nodes, no analysis."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.guards import Guard
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.walks import LoopNode


@dataclass(slots=True, eq=False)
class Event:
    """Something that happens to an object.

    `kind`: create (an optimizer is made), zero_grad, set_grad (gradients are replaced), backward, optimizer_step,
    scheduler_step, step (of something that only callers may know), unscale, scaler_update, clip, train, eval, mode
    (train or eval, not known which), set_epoch, forward (a model is called in a loop or without gradients, see
    `model_calls`). `obj` is the optimizer, module, loss, ...; `other` the second object
    (the scaler of a step or backward).
    """

    kind: str
    obj: Value
    node: ast.AST
    program: Program
    stmt: ast.stmt
    scope: Scope
    other: Value = UNKNOWN
    handled: bool = False  # clip: the launcher unscales by itself; step: a closure that is not known does the rest

    @property
    def line(self) -> int:
        return self.program.line(self.node)


class Tree:
    """Base of the nodes of an event tree."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Seq(Tree):
    items: list[Tree]


@dataclass(slots=True, eq=False)
class Leaf(Tree):
    event: Event


@dataclass(slots=True, eq=False)
class Alt(Tree):
    guard: Guard
    then: Tree
    other: Tree


@dataclass(slots=True, eq=False)
class Choice(Tree):
    """Branches of which one is taken, nothing known about which (match)."""

    branches: list[Tree]


@dataclass(slots=True, eq=False)
class Loop(Tree):
    body: Tree
    orelse: Tree
    node: LoopNode
    endless: bool
    kills: frozenset[str]  # names whose value an iteration changes


@dataclass(slots=True, eq=False)
class TryTree(Tree):
    body: Tree
    handlers: list[Tree]
    orelse: Tree
    final: Tree


@dataclass(slots=True, eq=False)
class Exit(Tree):
    kind: str  # return, raise, break, continue


@dataclass(slots=True, eq=False)
class Kill(Tree):
    """A name gets a new value: what a guard said of it no longer holds."""

    name: str


@dataclass(slots=True, eq=False)
class Yield(Tree):
    """A generator hands control to the block that drives it."""


@dataclass(slots=True, eq=False)
class CallTree(Tree):
    """A call of a function of the project; `function.scope` in `function.program` is what runs.

    A function that is passed in (`fn()` inside a decorator) has no scope; its `ident` is the parameter. `body` is the
    block that runs at the callee's `yield`: of a `with` over a context manager, or the Loop over a generator.
    """

    function: Value
    call: ast.Call
    program: Program
    receiver: Value | None = None
    body: Tree | None = None
    passed: dict[object, Value] = field(default_factory=dict)  # further parameters: a decorator's function
    opaque: bool = False  # something unknown runs around it

    def functions(self) -> list[tuple[Program, Scope]]:
        """The functions that may run here and whose bodies are known, each with the program that holds it."""
        return [
            (function.program, function.scope)
            for function in (self.function, *self.passed.values())
            if function.scope is not None and function.program is not None
        ]


EMPTY = Seq([])


def children(node: Tree) -> list[Tree]:
    """The nodes directly below `node`."""
    cls = node.__class__  # each kind is a class of its own, and the trees are gone through often
    if cls is Leaf or cls is Exit or cls is Kill or cls is Yield:
        return []
    if isinstance(node, Seq):
        return node.items
    if isinstance(node, Alt):
        return [node.then, node.other]
    if isinstance(node, Loop):
        return [node.body, node.orelse]
    if isinstance(node, Choice):
        return node.branches
    if isinstance(node, TryTree):
        return [node.body, *node.handlers, node.orelse, node.final]
    if isinstance(node, CallTree) and node.body is not None:
        return [node.body]
    return []


def after_yield(tree: Tree) -> Tree | None:
    """What is left of a generator once it has handed control to the block that drives it; None where it does not, or in
    a loop, from which it may do so again."""
    if isinstance(tree, Yield):
        return EMPTY
    if isinstance(tree, Seq):
        for at, item in enumerate(tree.items):
            rest = after_yield(item)
            if rest is not None:
                return Seq([rest, *tree.items[at + 1 :]])
    elif isinstance(tree, TryTree):
        rest = after_yield(tree.body)
        return TryTree(rest, tree.handlers, tree.orelse, tree.final) if rest is not None else None
    elif isinstance(tree, Alt | Choice):
        found = (after_yield(branch) for branch in children(tree))
        return next((rest for rest in found if rest is not None), None)
    return None
