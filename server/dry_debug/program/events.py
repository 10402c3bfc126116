"""Events (backward, step, eval, ...) and the event tree of each function.

A tree keeps only what can matter for the order of events: sequences, branches with their guards, loops, exits, events
and calls of the project's own functions. Statements without any of these are not in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from dry_debug.program.guards import Guard, guard_of
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_NESTING = 60


@dataclass(slots=True, eq=False)
class Event:
    """Something that happens to an object.

    `kind`: zero_grad, backward, optimizer_step, scheduler_step, unscale, scaler_update, clip, train, eval, mode (train
    or eval, not known which), set_epoch. `obj` is the optimizer, module, loss, ... ; `other` the second object (the
    scaler of a step or backward, the modules whose parameters are clipped).
    """

    kind: str
    obj: Value
    node: ast.AST
    program: Program
    stmt: ast.stmt
    scope: Scope
    other: Value = UNKNOWN
    handled: bool = False  # clip: the launcher unscales by itself

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
    node: ast.For | ast.AsyncFor | ast.While
    endless: bool
    kills: frozenset[str]  # names that an iteration binds anew


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
class CallTree(Tree):
    """A call of a function of the project; `function.scope` in `function.program` is what runs."""

    function: Value
    call: ast.Call
    program: Program
    receiver: Value | None = None


EMPTY = Seq([])


@dataclass(slots=True)
class _Statement:
    events: list[tuple[tuple[int, int], Tree]] = field(default_factory=list)


class EventIndex:
    """The events of one program, and the trees of its functions, built when they are asked for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.index = program.index
        self.all: list[Event] = []
        self._at: dict[ast.stmt, list[tuple[tuple[int, int], Tree]]] = {}
        self._active: dict[Scope, set[ast.AST]] = {}
        self._trees: dict[Scope, Tree] = {}
        self._collect()

    # -- finding events ----------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        finders = _METHODS
        for call in self.index.calls:
            func = call.func
            if isinstance(func, ast.Attribute):
                finder = finders.get(func.attr)
                if finder is not None:
                    event = finder(self, call, func)
                    if event is not None:
                        self._add(event, call)
            elif isinstance(func, ast.Name) and func.id in _CLIPS:
                event = _clip(self, call, func)
                if event is not None:
                    self._add(event, call)
        if ".grad" in self.program.document.source:
            for assignment in self.index.assignments:
                self._grad_assignment(assignment)
        self.all.sort(key=lambda e: (e.stmt.lineno, e.node.end_lineno or 0, e.node.end_col_offset or 0))  # type: ignore[attr-defined]

    def _add(self, event: Event, call: ast.AST) -> None:
        self.all.append(event)
        end = (call.end_lineno or 0, call.end_col_offset or 0)  # type: ignore[attr-defined]
        self._at.setdefault(event.stmt, []).append((end, Leaf(event)))

    def event(self, kind: str, obj: Value, call: ast.AST, other: Value = UNKNOWN, handled: bool = False) -> Event | None:
        """An event at `call`, or None where its statement is not known (inside a lambda's default, say)."""
        stmt = self.program.statement(call)
        if stmt is None:
            return None
        return Event(kind, obj, call, self.program, stmt, self.program.scope(call), other, handled)

    def receiver(self, func: ast.Attribute, call: ast.Call) -> Value:
        """The value of what a method is called on."""
        return self.program.evaluator.value(func.value, self.program.scope(call), self.program.statement(call))

    def argument(self, call: ast.Call, position: int = 0) -> Value:
        if len(call.args) <= position:
            return UNKNOWN
        return self.program.value(call.args[position], call)

    def _grad_assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        """`p.grad = None` clears gradients of something."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        cleared = any(isinstance(t, ast.Attribute) and t.attr == "grad" for t in targets)
        if cleared and isinstance(node.value, ast.Constant) and node.value.value is None:
            event = self.event("zero_grad", UNKNOWN, node)
            if event is not None:
                self._add(event, node)

    def of_kind(self, *kinds: str) -> list[Event]:
        """The events of these kinds in source order."""
        return [e for e in self.all if e.kind in kinds]

    # -- trees -------------------------------------------------------------------------------------------------------

    @cached_property
    def _user_calls(self) -> dict[ast.stmt, list[tuple[tuple[int, int], Tree]]]:
        """Calls of the project's functions, by statement, in the order in which they run."""
        program = self.program
        local = {f.name for f in self.index.functions} | {c.name for c in self.index.classes}
        imported = {
            b.name for bindings in self.index.module.bindings.values() for b in bindings if b.kind in ("from", "import")
        }
        result: dict[ast.stmt, list[tuple[tuple[int, int], Tree]]] = {}
        for call in self.index.calls:
            if self.index.scope_of[call].kind == "lambda":
                continue
            func = call.func
            if isinstance(func, ast.Name):
                if func.id not in local and func.id not in imported:
                    continue
            elif not isinstance(func, ast.Attribute):
                continue
            elif func.attr not in local and not self._foreign_receiver(func, call):
                continue
            function, receiver = program._targets(call)
            stmt = program.statement(call)
            if function.kind == "function" and stmt is not None and function.scope is not None:
                end = (call.end_lineno or 0, call.end_col_offset or 0)
                result.setdefault(stmt, []).append((end, CallTree(function, call, program, receiver)))
        return result

    def _foreign_receiver(self, func: ast.Attribute, call: ast.Call) -> bool:
        """Whether the method may belong to a class or module of another file of the project."""
        if self.program.names.qualified(func, self.program.scope(call)) is not None and dotted(func) is None:
            return False
        root = func.value
        if not isinstance(root, ast.Name | ast.Attribute):
            return False
        value = self.receiver(func, call)
        return value.program is not None and value.program is not self.program and value.scope is not None or (
            value.kind == "pymodule"
        )

    def roots(self) -> list[Scope]:
        """The module, and the functions that nothing in this file calls."""
        result = [self.index.module]
        for function in self.index.functions:
            if function.kind == "function" and not self.program.call_sites(function) and self.has_events(function):
                result.append(function)
        return result

    def has_events(self, function: Scope) -> bool:
        """Whether the function's own statements hold an event or a call of a project function."""
        return bool(self._active_of(function))

    def _active_of(self, function: Scope) -> set[ast.AST]:
        """Statements of `function` that hold events or calls, and the blocks around them."""
        if not self._active:
            for table in (self._at, self._user_calls):
                for stmt in table:
                    scope = self._function_of(self.index.scope_of.get(stmt))
                    if scope is None:
                        continue
                    active = self._active.setdefault(scope, set())
                    self._mark(stmt, active)
            self._active.setdefault(self.index.module, set())
        return self._active.get(function, set())

    def _mark(self, stmt: ast.AST, active: set[ast.AST]) -> None:
        active.add(stmt)
        for block in self.index.ancestors(stmt):
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) or block in active:
                break
            active.add(block)

    @staticmethod
    def _function_of(scope: Scope | None) -> Scope | None:
        while scope is not None and scope.kind in ("comprehension", "class"):
            scope = scope.parent
        return scope if scope is not None and scope.kind in ("module", "function") else None

    def tree(self, function: Scope) -> Tree:
        """The event tree of a function or of the module body."""
        known = self._trees.get(function)
        if known is not None:
            return known
        self._trees[function] = EMPTY
        active = set(self._active_of(function))
        if active:
            for stmt in self.index.exits:
                if self.index.scope_of[stmt] is function:
                    self._mark(stmt, active)
            self._mark_guard_names(function, active)
        body = getattr(function.node, "body", [])
        result = self._block(body, active, function, 0) if active and isinstance(body, list) else EMPTY
        self._trees[function] = result
        return result

    def _mark_guard_names(self, function: Scope, active: set[ast.AST]) -> None:
        """Statements that bind a name which some guard reads are part of the order, too."""
        names = {n for stmt in active if isinstance(stmt, ast.If) for n in guard_of(stmt.test, function).names}
        cls = function.class_scope
        for name in names:
            head, _, attr = name.partition(".")
            bindings = function.bindings.get(name, [])
            if attr and cls is not None and head == function.self_name:
                bindings = [b for b in cls.attributes.get(attr, []) if b.scope is function]
            for b in bindings:
                if b.stmt is not None and b.kind in ("assign", "aug"):
                    self._mark(b.stmt, active)

    def _block(self, stmts: list[ast.stmt], active: set[ast.AST], scope: Scope, depth: int) -> Tree:
        items: list[Tree] = []
        for stmt in stmts:
            if stmt in active:
                self._statement(stmt, items, active, scope, depth)
        return items[0] if len(items) == 1 else Seq(items) if items else EMPTY

    def _own(self, stmt: ast.stmt) -> list[Tree]:
        rows = [*self._at.get(stmt, ()), *self._user_calls.get(stmt, ())]
        rows.sort(key=lambda row: row[0])
        return [tree for _, tree in rows]

    def _statement(
        self, stmt: ast.stmt, items: list[Tree], active: set[ast.AST], scope: Scope, depth: int
    ) -> None:
        items.extend(self._own(stmt))
        if depth > MAX_NESTING:
            return
        if isinstance(stmt, ast.If):
            items.append(self._if(stmt, active, scope, depth))
        elif isinstance(stmt, ast.For | ast.AsyncFor | ast.While):
            body = self._block(stmt.body, active, scope, depth + 1)
            orelse = self._block(stmt.orelse, active, scope, depth + 1)
            endless = isinstance(stmt, ast.While) and isinstance(stmt.test, ast.Constant) and bool(stmt.test.value)
            items.append(Loop(body, orelse, stmt, endless, frozenset(_bound(stmt))))
        elif isinstance(stmt, ast.With | ast.AsyncWith):
            items.append(self._block(stmt.body, active, scope, depth + 1))
        elif isinstance(stmt, ast.Try | ast.TryStar):
            items.append(
                TryTree(
                    self._block(stmt.body, active, scope, depth + 1),
                    [self._block(h.body, active, scope, depth + 1) for h in stmt.handlers],
                    self._block(stmt.orelse, active, scope, depth + 1),
                    self._block(stmt.finalbody, active, scope, depth + 1),
                )
            )
        elif isinstance(stmt, ast.Match):
            items.append(Choice([*(self._block(c.body, active, scope, depth + 1) for c in stmt.cases), EMPTY]))
        elif isinstance(stmt, ast.Return | ast.Raise | ast.Break | ast.Continue):
            items.append(Exit(type(stmt).__name__.lower()))
        elif isinstance(stmt, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            items.extend(Kill(name) for t in targets if (name := dotted(t)) is not None)
        elif _leaves_process(stmt):
            items.append(Exit("raise"))

    def _if(self, stmt: ast.If, active: set[ast.AST], scope: Scope, depth: int) -> Tree:
        """An `if` with its `elif`s, without recursion over the chain."""
        rows: list[tuple[Guard, Tree, list[Tree]]] = []
        current = stmt
        while True:
            guard = guard_of(current.test, scope)
            rows.append((guard, self._block(current.body, active, scope, depth + 1), []))
            rest = current.orelse
            if len(rest) == 1 and isinstance(rest[0], ast.If):
                current = rest[0]
                rows[-1][2].extend(self._own(current))
                continue
            tree = self._block(rest, active, scope, depth + 1)
            break
        for guard, then, before in reversed(rows):
            other = Seq([*before, tree]) if before else tree
            tree = Alt(guard, then, other) if guard.constant is None else (then if guard.constant else other)
        return tree


def _bound(loop: ast.For | ast.AsyncFor | ast.While) -> Iterator[str]:
    if not isinstance(loop, ast.While):
        for node in ast.walk(loop.target):
            if isinstance(node, ast.Name):
                yield node.id


def _leaves_process(stmt: ast.stmt) -> bool:
    if not (isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call)):
        return False
    return dotted(stmt.value.func) in ("sys.exit", "exit", "quit", "os._exit", "os.abort")


# -- what a method call means ------------------------------------------------------------------------------------------

_CLIPS = frozenset(("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"))


def _zero_grad(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if value.kind in ("tensor", "instance") and value.scope is not None and _own_method(value, "zero_grad"):
        return None
    return ix.event("zero_grad", value, call)


def _own_method(value: Value, name: str) -> bool:
    """Whether a class of the project defines the method: then its body says what happens."""
    if value.scope is None or value.program is None or value.scope.kind != "class":
        return False
    return value.program.evaluator.class_attribute(value.scope, name).kind == "function"


def _backward(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if _own_method(value, "backward"):
        return None
    if value.kind == "library" and value.type == "torch.autograd":
        return ix.event("backward", ix.argument(call), call)
    if value.kind in ("accelerator", "fabric"):
        return ix.event("backward", ix.argument(call), call, value)
    if value.kind == "tensor" or value.kind == "output":
        scaler = UNKNOWN
        if value.via == "scaled":
            scaler = _scaler_of(ix, func.value, call)
        return ix.event("backward", value, call, scaler)
    if isinstance(func.value, ast.Call):  # `criterion(...).backward()`, `loss.mean().backward()`
        return ix.event("backward", value, call)
    if value.kind in ("unknown", "batch", "number"):
        return ix.event("backward", value, call)
    return None


def _scaler_of(ix: EventIndex, expr: ast.expr, call: ast.Call) -> Value:
    """The scaler in `scaler.scale(loss).backward()` or in the assignment that `scaled.backward()` rests on."""
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "scale":
        return ix.receiver(expr.func, call)
    if isinstance(expr, ast.Name):
        found = ix.program.names.lookup(expr.id, ix.program.scope(call))
        for b in found[1] if found else ():
            if b.value is not None and isinstance(b.value, ast.Call) and b.value is not expr:
                return _scaler_of(ix, b.value, b.value)
    return UNKNOWN


def _step(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if _own_method(value, "step") and value.kind != "optimizer":
        return None
    if value.kind == "optimizer":
        return ix.event("optimizer_step", value, call)
    if value.kind == "scaler":
        return ix.event("optimizer_step", ix.argument(call), call, value)
    if value.kind == "scheduler":
        return ix.event("scheduler_step", value, call)
    return None


def _unscale(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    return ix.event("unscale", ix.argument(call), call, ix.receiver(func, call))


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
    return ix.event("eval" if isinstance(mode, ast.Constant) else "mode", value, call)


def _eval(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    value = ix.receiver(func, call)
    if value.kind != "module" or (value.scope is not None and "eval" in value.scope.bindings):
        return None
    return ix.event("eval", value, call) if not call.args else None


def _set_epoch(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    return ix.event("set_epoch", ix.receiver(func, call), call)


def _clip(ix: EventIndex, call: ast.Call, func: ast.expr) -> Event | None:
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


def _zero(ix: EventIndex, call: ast.Call, func: ast.Attribute) -> Event | None:
    """`p.grad.zero_()` and `p.grad.data.zero_()`."""
    path = func.value
    while isinstance(path, ast.Attribute):
        if path.attr == "grad":
            return ix.event("zero_grad", UNKNOWN, call)
        path = path.value
    return None


_METHODS = {
    "zero_grad": _zero_grad,
    "zero_": _zero,
    "backward": _backward,
    "manual_backward": lambda ix, call, func: ix.event("backward", ix.argument(call), call),
    "step": _step,
    "unscale_": _unscale,
    "update": _update,
    "train": _train,
    "eval": _eval,
    "set_epoch": _set_epoch,
    "clip_grad_norm_": _clip,
    "clip_grad_value_": _clip,
    "clip_grad_norm": _clip,
}
