"""Events (backward, step, eval, ...) of one file, found once; the trees of its functions are built when asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.event_kinds import CLIPS, METHODS, clip, scaler_call
from dry_debug.program.knowledge import kind_of_call
from dry_debug.program.model_calls import evaluates, forward, loads, only_runs, takes
from dry_debug.program.scopes import Block, Scope
from dry_debug.program.trees import CallTree, Event, Leaf, Tree
from dry_debug.program.values import UNKNOWN, Ident, Value
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.automata import Context, Hit
    from dry_debug.program.gradient_order import Ordered
    from dry_debug.program.program import Program
    from dry_debug.program.relevance import Reached
    from dry_debug.program.scaling import Scaled
    from dry_debug.program.tree_builder import Row, TreeBuilder

__all__ = ["CallTree", "Event", "EventIndex", "Leaf", "Tree"]


@dataclass(slots=True)
class _Nodes:
    """What may be an event in one function."""

    calls: list[ast.Call] = field(default_factory=list)
    makers: list[ast.Call] = field(default_factory=list)
    assignments: list[ast.Assign | ast.AnnAssign] = field(default_factory=list)


class EventIndex:
    """The events of one program, and the trees of its functions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.index = program.index
        self.walked = 0  # what the walks over the trees have cost so far
        self.at: dict[ast.stmt, list[Row]] = {}  # of the functions that were looked at
        self.in_lambdas: dict[Scope, list[Row]] = {}  # they happen where the lambda is called
        self.collected: dict[frozenset[str], list[tuple[Event, Value, Value]]] = {}  # see automata.collect
        self.contexts: dict[tuple[CallTree, ...], Context] = {}  # by the calls that lead there, see walker
        self.evaluating: dict[Block, bool] = {}  # see model_calls
        # By loop: whether it goes from scores to classes, and whether it compares; see inference.
        self.comparing: dict[ast.AST, tuple[bool, bool]] = {}
        self.modes: dict[Ident, list[Hit]] = {}  # see inference.modes
        self.scaled: list[Scaled] | None = None  # see scaling.protocols
        self.ordered: list[Ordered] | None = None  # see gradient_order.orders
        self._relevance: dict[tuple[frozenset[str], bool], Reached] = {}
        self._bare: dict[Scope, Tree] = {}
        self._of_function: dict[Scope, list[Event]] = {}
        self._of_kinds: dict[tuple[str, ...], list[Event]] = {}

    def release(self) -> None:
        """Take the index apart: it and the builder of its trees hold each other."""
        self.__dict__.clear()

    # -- finding events ----------------------------------------------------------------------------------------------

    @cached_property
    def _nodes(self) -> dict[Scope, _Nodes]:
        """By function (or module), in source order: calls, calls that make an optimizer, assignments to gradients."""
        found: dict[Scope, _Nodes] = {}
        of_scope: dict[Scope | None, _Nodes | None] = {None: None}
        stmt_of, scope_of = self.index.stmt_of, self.index.scope_of

        def nodes_of(stmt: ast.stmt | None) -> _Nodes | None:
            scope = scope_of.get(stmt) if stmt is not None else None
            if scope not in of_scope:
                function = function_of(scope)
                of_scope[scope] = None if function is None else found.setdefault(function, _Nodes())
            return of_scope[scope]

        stmt, nodes = None, None
        for call in self.index.calls:
            here = stmt_of.get(call)
            if here is not stmt:  # most statements hold several calls
                stmt, nodes = here, nodes_of(here)
            if nodes is not None:
                nodes.calls.append(call)
        for name, calls in self.program._calls_by_name.items():
            if kind_of_call(name) == "optimizer":
                for call in calls:
                    nodes = nodes_of(stmt_of.get(call))
                    if nodes is not None:
                        nodes.makers.append(call)
        source = self.program.document.source
        if ".grad" in source or "._grad" in source:
            for assignment in self.index.assignments:
                nodes = nodes_of(assignment) if _sets_gradient(assignment) else None
                if nodes is not None:
                    nodes.assignments.append(assignment)
        return found

    @cached_property
    def _evaluates(self) -> bool:
        """Whether the text says that something is evaluated: then calls of models are events."""
        source = self.program.document.source
        return evaluates(source) or (takes(source) and self.trains_nothing)

    @cached_property
    def own_methods(self) -> frozenset[str]:
        """The names of the methods of the file's classes."""
        return frozenset(child.name for cls in self.index.classes for child in cls.children if child.kind == "function")

    @cached_property
    def runs_only(self) -> bool:
        """Whether the file loads weights into a model, runs it, and trains nothing."""
        return loads(self.program.document.source) and self.trains_nothing

    @cached_property
    def trains_nothing(self) -> bool:
        """Whether no line of the file speaks of gradients or of an optimizer."""
        return only_runs(self.program.document.source)

    def calls_in(self, function: Scope) -> list[ast.Call]:
        """The calls in the statements of a function or of the module body, in source order."""
        nodes = self._nodes.get(function)
        return nodes.calls if nodes is not None else []

    def functions(self) -> list[Scope]:
        """The functions (and the module) in whose statements there is a call or an assignment to a gradient."""
        return list(self._nodes)

    def within(self, function: Scope) -> list[Event]:
        """The events in the statements of a function or of the module body, in source order."""
        known = self._of_function.get(function)
        if known is None:
            known = self._of_function[function] = []
            nodes = self._nodes.get(function)
            if nodes is not None:
                self._collect(nodes, known)
                known.sort(key=_place)
        return known

    @cached_property
    def all(self) -> list[Event]:
        """The events of the file in source order."""
        found = [event for function in self._nodes for event in self.within(function)]
        found.sort(key=_place)
        return found

    def _collect(self, nodes: _Nodes, found: list[Event]) -> None:
        looks, names = self._evaluates, self.program.call_names
        for call in nodes.calls:
            func = call.func
            kind = func.__class__
            event = None
            if kind is ast.Attribute:
                finder = METHODS.get(func.attr)  # type: ignore[attr-defined]
                if finder is not None:
                    event = finder(self, call, func)  # type: ignore[arg-type]
                    scope = self.index.scope_of[call]
                    if scope.kind == "lambda":
                        if event is not None:
                            self.in_lambdas.setdefault(scope, []).append((_end(call), Leaf(event), call))
                        continue
                elif looks and names.get(call) is None:
                    event = forward(self, call, func)
            elif kind is ast.Name and func.id in CLIPS:  # type: ignore[attr-defined]
                event = clip(self, call, func)
            elif looks and names.get(call) is None:
                event = forward(self, call, func)
            if event is None and call.keywords and len(call.args) > 1 and (kind is ast.Name or kind is ast.Attribute):
                for stepped in scaler_call(self, call, func):
                    self._add(stepped, call, found)
            if kind is ast.Call or kind is ast.Subscript:
                if self.program.value(call).kind == "optimizer":
                    event = self.event("create", self.program.value(call), call)
            elif event is None and (call.args or call.keywords) and _like_making(call) and self._may_make(call, nodes):
                made = self.program.value(call)  # by a class of the project
                if made.kind == "optimizer" and made.ident == ("alloc", call):
                    event = self.event("create", made, call)
            if event is not None:
                self._add(event, call, found)
        for call in nodes.makers:
            event = self.event("create", self.program.value(call), call)
            if event is not None:
                self._add(event, call, found)
        for assignment in nodes.assignments:
            self._grad_assignment(assignment, found)

    def _may_make(self, call: ast.Call, nodes: _Nodes) -> bool:
        """Whether the call itself may make an optimizer, but by the name of a library's: what it gives is not asked.

        What a function of the project gives is made in that function, or where it has it from.
        """
        name = self.program.call_names.get(call)
        if (name is not None and name.startswith(_MAKES_BY_NAME)) or call in nodes.makers:
            return False
        function = self.program.target(call).scope
        return function is None or function.name == "__init__"

    def _add(self, event: Event, node: ast.AST, found: list[Event]) -> None:
        found.append(event)
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

    def _grad_assignment(self, node: ast.Assign | ast.AnnAssign, found: list[Event]) -> None:
        """`p.grad = None` clears gradients of something, `p.grad = g` replaces them."""
        cleared = isinstance(node.value, ast.Constant) and node.value.value is None
        event = self.event("zero_grad" if cleared else "set_grad", UNKNOWN, node)
        if event is not None:
            self._add(event, node, found)

    def of_kind(self, *kinds: str) -> list[Event]:
        """The events of these kinds in source order."""
        known = self._of_kinds.get(kinds)
        if known is None:
            known = self._of_kinds[kinds] = [e for e in self.all if e.kind in kinds]
        return known

    def may_come(self, kinds: frozenset[str]) -> bool:
        """Whether the program may come to an event of these kinds; a few of its calls tell it of most files."""
        if "optimizer_step" in kinds:
            kinds = kinds | {"step"}
        if any(event.kind in kinds for event in self.all) or self.in_lambdas:
            return True
        return self.program.leaves_file

    # -- trees -------------------------------------------------------------------------------------------------------

    @cached_property
    def _builder(self) -> TreeBuilder:
        from dry_debug.program.tree_builder import TreeBuilder

        return TreeBuilder(self)

    @cached_property
    def _user_calls(self) -> dict[ast.stmt, list[tuple[tuple[int, int], Tree]]]:
        return {stmt: [(end, tree) for end, tree, _ in rows] for stmt, rows in self._builder.user_calls.items()}

    def calls_of(self, function: Scope) -> Iterator[tuple[ast.stmt, list[Tree]]]:
        """The calls of the project's functions in the statements of a function or of the module body."""
        for stmt, rows in self._builder.calls_in(function).items():
            yield stmt, [tree for _, tree, _ in rows]

    def tree(self, function: Scope) -> Tree:
        """The event tree of a function or of the module body."""
        return self._builder.tree(function)

    def bare_tree(self, function: Scope) -> Tree:
        """The event tree without what matters to conditions alone, for walks that remember none."""
        from dry_debug.program.pruning import bare

        known = self._bare.get(function)
        if known is None:
            known = self._bare[function] = bare(self.tree(function), self._leads)
        return known

    def _leads(self, tree: CallTree) -> bool:
        """Whether a call comes to an event of any kind; one that was passed in is known on the way only."""
        if tree.function.scope is None:
            return True
        reach = self.program.host.reach
        return any(reach.kinds(program, scope) for program, scope in tree.functions())

    def relevance(self, kinds: frozenset[str], remembers: bool) -> Reached:
        """The trees cut down to events of these kinds."""
        from dry_debug.program.relevance import Reached, Relevance

        if "optimizer_step" in kinds:
            kinds = kinds | {"step"}
        if not self.in_lambdas and not self.program.leaves_file:
            kinds = kinds & self._kinds  # so that automata which differ in what does not happen share the trees
        known = self._relevance.get((kinds, remembers))
        if known is None:
            known = self._relevance[(kinds, remembers)] = (Relevance if remembers else Reached)(kinds, self.program)
        return known

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(event.kind for event in self.all)

    def has_events(self, function: Scope) -> bool:
        """Whether the function's own statements hold an event or a call of a project function."""
        return self._builder.has_events(function)

    def roots(self) -> list[Scope]:
        """The module, and the functions that nothing in this file calls."""
        return self._builder.roots


def function_of(scope: Scope | None) -> Scope | None:
    """The function (or module) whose statements run in this scope; None inside a lambda."""
    while scope is not None and scope.kind in ("comprehension", "class"):
        scope = scope.parent
    return scope if scope is not None and scope.kind in ("module", "function") else None


def _sets_gradient(node: ast.Assign | ast.AnnAssign) -> bool:
    """`p.grad = ...`"""
    for target in node.targets if isinstance(node, ast.Assign) else (node.target,):
        if isinstance(target, ast.Attribute) and target.attr in ("grad", "_grad"):
            return True
    return False


def _end(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "end_lineno", None) or 0, getattr(node, "end_col_offset", None) or 0)


_MAKES_BY_NAME = ("torch.", "builtins.", "numpy.")  # what the names of these make is in a table
_MAKING = frozenset(("params", "lr", "betas", "weight_decay"))


def _like_making(call: ast.Call) -> bool:
    """Whether the arguments are such as an optimizer is made with; cheap, as all calls of a file are asked."""
    for keyword in call.keywords:
        if keyword.arg in _MAKING:
            return True
    if not call.args:
        return False
    first = call.args[0]
    if first.__class__ is ast.Name:
        return "param" in first.id or "group" in first.id
    return isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute) and first.func.attr == "parameters"


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
