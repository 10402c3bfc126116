"""Events (backward, step, eval, ...) of one file, found once; the trees of its functions are built when asked for."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from dry_debug.program.event_kinds import CLIPS, METHODS, clip
from dry_debug.program.knowledge import kind_of_call
from dry_debug.program.scopes import Scope
from dry_debug.program.trees import CallTree, Event, Leaf, Tree
from dry_debug.program.values import UNKNOWN, Ident, Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.relevance import Relevance
    from dry_debug.program.tree_builder import Row, TreeBuilder

__all__ = ["CallTree", "Event", "EventIndex", "Leaf", "Tree"]


class EventIndex:
    """The events of one program, and the trees of its functions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.index = program.index
        self.all: list[Event] = []
        self.walked = 0  # what the walks over the trees have cost so far
        self.at: dict[ast.stmt, list[Row]] = {}
        self.in_lambdas: dict[Scope, list[Row]] = {}  # they happen where the lambda is called
        self.collected: dict[frozenset[str], list[tuple[Event, Value, Value]]] = {}  # see automata.collect
        self._relevance: dict[frozenset[str], Relevance] = {}
        self._collect()

    # -- finding events ----------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        for call in self.index.calls:
            func = call.func
            event = None
            if isinstance(func, ast.Attribute):
                finder = METHODS.get(func.attr)
                if finder is not None:
                    event = finder(self, call, func)
                    scope = self.index.scope_of[call]
                    if scope.kind == "lambda":
                        if event is not None:
                            self.in_lambdas.setdefault(scope, []).append((_end(call), Leaf(event), call))
                        continue
            elif isinstance(func, ast.Name):
                if func.id in CLIPS:
                    event = clip(self, call, func)
            elif isinstance(func, ast.Call | ast.Subscript) and self.program.value(call).kind == "optimizer":
                event = self.event("create", self.program.value(call), call)
            if event is not None:
                self._add(event, call)
        for name, calls in self.program._calls_by_name.items():
            if kind_of_call(name) == "optimizer":
                for call in calls:
                    event = self.event("create", self.program.value(call), call)
                    if event is not None:
                        self._add(event, call)
        if "grad" in self.program.document.source:
            for assignment in self.index.assignments:
                self._grad_assignment(assignment)
        self.all.sort(key=_place)

    def _add(self, event: Event, node: ast.AST) -> None:
        self.all.append(event)
        self.at.setdefault(event.stmt, []).append((_end(node), Leaf(event), node))

    def event(
        self, kind: str, obj: Value, call: ast.AST, other: Value = UNKNOWN, handled: bool = False
    ) -> Event | None:
        """An event at `call`, or None where its statement is not known (inside a lambda's default, say)."""
        stmt = self.program.statement(call)
        if stmt is None:
            return None
        return Event(kind, obj, call, self.program, stmt, self.program.scope(call), other, handled)

    def receiver(self, func: ast.Attribute, call: ast.Call) -> Value:
        """The value of what a method is called on."""
        return self._value(func.value, call)

    def argument(self, call: ast.Call, position: int = 0) -> Value:
        """The value of a positional argument."""
        return self._value(call.args[position], call) if len(call.args) > position else UNKNOWN

    def _value(self, expr: ast.expr, call: ast.Call) -> Value:
        scope, stmt = self.program.scope(call), self.program.statement(call)
        value = self.program.evaluator.value(expr, scope, stmt)
        if value.kind == "optimizer" and isinstance(expr, ast.Attribute):
            owner = self.program.evaluator.value(expr.value, scope, stmt).base
            return owned(value, owner)
        return value

    def variable(self, path: str, call: ast.Call) -> Ident:
        """The identity of a variable (`opt`, `self.opt`) of which nothing else is known."""
        scope = self.program.scope(call)
        if path.startswith("self.") and scope.class_scope is not None:
            return ("var", scope.class_scope, path)
        found = self.program.names.lookup(path.partition(".")[0], scope)
        return ("var", found[0] if found else scope, path)

    def closure(self, expr: ast.expr, call: ast.Call, event: Event) -> bool:
        """`optimizer.step(closure)` runs the closure first: put it before the step if it is known."""
        value = self.program.value(expr, call)
        if value.kind != "function" or value.scope is None or not isinstance(value.node, ast.FunctionDef | ast.Lambda):
            return isinstance(expr, ast.Constant) and expr.value is None
        self.at.setdefault(event.stmt, []).append((_end(call), CallTree(value, call, self.program), call))
        return True

    def _grad_assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        """`p.grad = None` clears gradients of something, `p.grad = g` replaces them."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if not any(isinstance(t, ast.Attribute) and t.attr in ("grad", "_grad") for t in targets):
            return
        cleared = isinstance(node.value, ast.Constant) and node.value.value is None
        event = self.event("zero_grad" if cleared else "set_grad", UNKNOWN, node)
        if event is not None:
            self._add(event, node)

    def of_kind(self, *kinds: str) -> list[Event]:
        """The events of these kinds in source order."""
        return [e for e in self.all if e.kind in kinds]

    # -- trees -------------------------------------------------------------------------------------------------------

    @cached_property
    def _builder(self) -> TreeBuilder:
        from dry_debug.program.tree_builder import TreeBuilder

        return TreeBuilder(self)

    @cached_property
    def _user_calls(self) -> dict[ast.stmt, list[tuple[tuple[int, int], Tree]]]:
        return {stmt: [(end, tree) for end, tree, _ in rows] for stmt, rows in self._builder.user_calls.items()}

    def tree(self, function: Scope) -> Tree:
        """The event tree of a function or of the module body."""
        return self._builder.tree(function)

    def relevance(self, kinds: frozenset[str]) -> Relevance:
        """The trees cut down to events of these kinds."""
        from dry_debug.program.relevance import Relevance

        known = self._relevance.get(kinds)
        if known is None:
            known = self._relevance[kinds] = Relevance(kinds, self.program)
        return known

    def has_events(self, function: Scope) -> bool:
        """Whether the function's own statements hold an event or a call of a project function."""
        return self._builder.has_events(function)

    def roots(self) -> list[Scope]:
        """The module, and the functions that nothing in this file calls."""
        return self._builder.roots


def _end(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "end_lineno", None) or 0, getattr(node, "end_col_offset", None) or 0)


def _place(event: Event) -> tuple[int, int, int]:
    node = event.node
    return event.stmt.lineno, getattr(node, "end_lineno", None) or 0, getattr(node, "end_col_offset", None) or 0


def owned(value: Value, owner: Value) -> Value:
    """An optimizer that a class of the project makes for itself: another one in each of its instances."""
    ident = value.ident
    if not (isinstance(ident, tuple) and ident and ident[0] == "alloc" and owner.scope is not None):
        return value
    mine = owner.ident
    if owner.scope.kind != "class" or value.program is None or not isinstance(mine, tuple) or mine[0] == "self":
        return value
    home = value.program.index.scope_of.get(ident[1])
    if home is None or home.class_scope is None:
        return value
    return value.but(ident=("own", owner.ident, ident))
