"""Builds the event tree of a function: only the statements that hold events, and the blocks and exits around them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.dispatch import is_hook
from dry_debug.program.guards import Guard, given_names, guard_of
from dry_debug.program.project_calls import ProjectCalls
from dry_debug.program.reaching import terminates
from dry_debug.program.scopes import Scope, dotted, never_goes_on
from dry_debug.program.trees import (
    EMPTY,
    Alt,
    CallTree,
    Choice,
    Exit,
    Kill,
    Loop,
    Seq,
    Tree,
    TryTree,
    Yield,
)
from dry_debug.program.walks import BodyNode, ForNode, LoopNode, TryNode, WithNode, names_in, nodes, parts

if TYPE_CHECKING:
    from dry_debug.program.events import EventIndex

Row = tuple[tuple[int, int], Tree, ast.AST]  # where it ends, the tree, the node it stands for
MAX_NESTING = 60


class TreeBuilder:
    """The trees of one program's functions, remembered."""

    def __init__(self, events: EventIndex) -> None:
        self.events = events
        self.program = events.program
        self.index = events.index
        self._trees: dict[Scope, Tree] = {}
        self._guards: dict[tuple[ast.expr, Scope], Guard] = {}
        self._calls_of: dict[Scope, dict[ast.stmt, list[Row]]] = {}
        self._active_in: dict[Scope, set[ast.AST]] = {}

    @cached_property
    def user_calls(self) -> dict[ast.stmt, list[Row]]:
        """Calls of the project's functions in the whole file, by statement."""
        found: dict[ast.stmt, list[Row]] = {}
        for function in self.events.functions():
            found.update(self.calls_in(function))
        return found

    @cached_property
    def _calls(self) -> ProjectCalls:
        return ProjectCalls(self.program)

    def calls_in(self, function: Scope) -> dict[ast.stmt, list[Row]]:
        """Calls of the project's functions in the statements of one function, or of the module body."""
        known = self._calls_of.get(function)
        if known is None:
            self.events.within(function)  # the lambdas with events
            calls = self.events.calls_in(function)
            known = self._calls_of[function] = self._calls.of(calls)
            lambdas = {*self.events.in_lambdas, *self._calls.in_lambdas}
            self._calls.hand_on(calls, lambdas, known)
        return known

    @cached_property
    def roots(self) -> list[Scope]:
        """The module, and the functions that nothing in this file calls."""
        assert self.events.all is not None  # what they pass to `step` as a closure is called, too
        called = {
            tree.function.scope for rows in (*self.user_calls.values(), *self.events.at.values()) for _, tree, _ in rows
            if isinstance(tree, CallTree)
        }  # fmt: skip
        result = [self.index.module]
        for function in self.index.functions:
            if function.kind != "function" or function in called or not self.has_events(function):
                continue
            if not self.program.call_sites(function):
                result.append(function)
        return result

    def _guard(self, test: ast.expr, scope: Scope) -> Guard:
        known = self._guards.get((test, scope))
        if known is None:
            known = self._guards[(test, scope)] = guard_of(test, scope)
        return known

    def has_events(self, function: Scope) -> bool:
        """Whether the function's own statements hold an event or a call of a project function."""
        return bool(self._active(function))

    def _active(self, function: Scope) -> set[ast.AST]:
        """The statements of the function that hold events or calls, and the blocks around them."""
        known = self._active_in.get(function)
        if known is None:
            known = self._active_in[function] = set()
            for stmt in (*(event.stmt for event in self.events.within(function)), *self.calls_in(function)):
                self._mark(stmt, known)
        return known

    def _mark(self, stmt: ast.AST, active: set[ast.AST]) -> None:
        active.add(stmt)
        block = self.index.parent.get(stmt)
        while block is not None and block not in active and not isinstance(block, BodyNode):
            active.add(block)
            block = self.index.parent.get(block)

    # -- one function ------------------------------------------------------------------------------------------------

    def tree(self, function: Scope) -> Tree:
        """The event tree of a function or of the module body."""
        known = self._trees.get(function)
        if known is not None:
            return known
        self._trees[function] = EMPTY
        if function.kind == "lambda":
            around = function.parent
            while around is not None and around.kind not in ("function", "module"):
                around = around.parent
            if around is not None:
                self.calls_in(around)
            rows = [*self.events.in_lambdas.get(function, ()), *self._calls.in_lambdas.get(function, ())]
            rows.sort(key=lambda row: row[0])
            self._trees[function] = Seq([tree for _, tree, _ in rows])
            return self._trees[function]
        active = set(self._active(function))
        self._yields: dict[ast.AST, Yield] = {}
        if active:
            for stmt in self.index.exits:
                if self.index.scope_of[stmt] is function:
                    self._mark(stmt, active)
            if function.yields:
                for stmt in _yield_statements(function.node):
                    self._yields[stmt] = Yield()
                    self._mark(stmt, active)
            self._mark_guard_names(function, active)
        body = getattr(function.node, "body", [])
        result = self._block(body, active, function, 0) if active and isinstance(body, list) else EMPTY
        self._trees[function] = result
        return result

    def _mark_guard_names(self, function: Scope, active: set[ast.AST]) -> None:
        """Statements that bind a name which some guard reads, here or in what it is given to, are part of the order."""
        names = {n for stmt in active if isinstance(stmt, ast.If) for n in self._guard(stmt.test, function).names}
        calls = [
            tree.call for rows in self.calls_in(function).values() for _, tree, _ in rows if isinstance(tree, CallTree)
        ]
        given = {name for call in calls for name in given_names(call)}
        cls = function.class_scope
        for name in names | given:
            head, _, attr = name.partition(".")
            bindings = function.bindings.get(name, [])
            if attr and cls is not None and head == function.self_name:
                bindings = [b for b in cls.attributes.get(attr, []) if b.scope is function]
            for b in bindings:
                if b.stmt is not None and b.kind in ("assign", "aug"):
                    self._mark(b.stmt, active)
        for stmt in self.program.flow.assignments(function) if names or given else ():
            for target in stmt.targets if isinstance(stmt, ast.Assign) else (stmt.target,):
                if isinstance(target, ast.Attribute) and not isinstance(stmt, ast.AugAssign):  # `args.amp = False`
                    path = dotted(target) or "self."
                    if not path.startswith("self.") and (path in names or path.partition(".")[0] in given):
                        self._mark(stmt, active)

    def _block(self, stmts: list[ast.stmt], active: set[ast.AST], scope: Scope, depth: int) -> Tree:
        items: list[Tree] = []
        for stmt in stmts:
            if stmt in active:
                self._statement(stmt, items, active, scope, depth)
        return items[0] if len(items) == 1 else Seq(items) if items else EMPTY

    def _own(self, stmt: ast.stmt, function: Scope) -> list[Tree]:
        """The events and calls of the statement itself, in the order in which they run."""
        rows = [*self.events.at.get(stmt, ()), *self.calls_in(function).get(stmt, ())]
        if not rows:
            return []
        rows.sort(key=lambda row: row[0])
        value = getattr(stmt, "value", None)
        if len(rows) == 1 and rows[0][2] is value:  # `loss.backward()`, `out = train(batch)`
            return [rows[0][1]]
        conditional = _conditional_parts(stmt)
        trees: list[Tree] = []
        for _, tree, node in rows:
            for test, truth, inside in conditional:
                if node in inside:
                    guard = self._guard(test, self.program.scope(stmt))
                    tree = Alt(guard, tree, EMPTY) if truth else Alt(guard, EMPTY, tree)
            trees.append(tree)
        return trees

    def _statement(self, stmt: ast.stmt, items: list[Tree], active: set[ast.AST], scope: Scope, depth: int) -> None:
        own = self._own(stmt, scope)
        if depth > MAX_NESTING:
            items.extend(own)
            return
        if isinstance(stmt, LoopNode):
            items.append(self._loop(stmt, own, items, active, scope, depth))
            return
        if isinstance(stmt, WithNode):
            self._with(stmt, own, items, active, scope, depth)
            return
        items.extend(own)
        if isinstance(stmt, ast.If):
            items.append(self._if(stmt, active, scope, depth))
        elif isinstance(stmt, TryNode):
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
        elif stmt in self._yields:
            items.append(self._yields[stmt])
        elif isinstance(stmt, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            items.extend(Kill(name) for t in targets if (name := dotted(t)) is not None)
        elif never_goes_on(stmt) or any(_never_returns(tree, stmt) for tree in own):
            items.append(Exit("raise"))

    def _loop(
        self,
        stmt: LoopNode,
        own: list[Tree],
        items: list[Tree],
        active: set[ast.AST],
        scope: Scope,
        depth: int,
    ) -> Tree:
        body = self._block(stmt.body, active, scope, depth + 1)
        orelse = self._block(stmt.orelse, active, scope, depth + 1)
        if isinstance(stmt, ast.While):  # its test runs in each iteration
            endless = isinstance(stmt.test, ast.Constant) and bool(stmt.test.value)
            body = Seq([*own, body]) if own else body
            return Loop(body, orelse, stmt, endless, self._changing(stmt, scope))
        loop = Loop(body, orelse, stmt, False, self._changing(stmt, scope))
        driver = self._driver(stmt, own, scope)
        if driver is not None:
            driver.body = loop
            items.extend(tree for tree in own if tree is not driver)
            return driver
        items.extend(own)
        return loop

    def _driver(self, stmt: ast.For | ast.AsyncFor, own: list[Tree], scope: Scope) -> CallTree | None:
        """The generator of the project that gives the elements, or the `__iter__` of an object."""
        given = self.program.training.loops.iterated(stmt, scope)
        for tree in own:
            if isinstance(tree, CallTree) and tree.call is given and _generates(tree):
                return tree
        if not any("__iter__" in c.bindings for c in self.index.classes):
            return None
        value = self.program.value(given, stmt)
        if value.scope is None or value.program is None or value.scope.kind != "class":
            return None
        method = value.program.evaluator.class_attribute(value.scope, "__iter__")
        if method.kind != "function":
            return None
        tree = CallTree(method, _without_arguments(given), self.program, value)
        return tree if _generates(tree) else None

    def _changing(self, stmt: LoopNode, scope: Scope) -> frozenset[str]:
        """Names that an iteration may give another value: the loop's targets, and attributes set outside `__init__`."""
        names: set[str] = set() if isinstance(stmt, ast.While) else names_in(stmt.target)
        cls = scope.class_scope
        if cls is not None:
            names.update(
                f"{cls_self}.{attr}"
                for attr, bindings in cls.attributes.items()
                for b in bindings
                if b.scope.name != "__init__" and b.scope is not scope and (cls_self := b.scope.self_name) is not None
            )
        return frozenset(names)

    def _with(
        self,
        stmt: ast.With | ast.AsyncWith,
        own: list[Tree],
        items: list[Tree],
        active: set[ast.AST],
        scope: Scope,
        depth: int,
    ) -> None:
        """The block of a `with`; the project's own context managers run around it."""
        body = self._block(stmt.body, active, scope, depth + 1)
        managers: list[CallTree] = []
        for tree in own:
            expressions = [item.context_expr for item in stmt.items]
            if isinstance(tree, CallTree) and tree.call in expressions and _generates(tree):
                managers.append(tree)
            else:
                items.append(tree)
        for manager in reversed(managers):
            manager.body = body
            body = manager
        before, after = self._enter_and_exit(stmt)
        items.extend(before)
        items.append(TryTree(body, [], EMPTY, Seq(after)) if after else body)

    def _enter_and_exit(self, stmt: ast.With | ast.AsyncWith) -> tuple[list[Tree], list[Tree]]:
        """The calls of `__enter__` and `__exit__` where a class of the project has them."""
        before: list[Tree] = []
        after: list[Tree] = []
        if not any("__exit__" in c.bindings for c in self.index.classes):
            return before, after
        for item in stmt.items:
            value = self.program.value(item.context_expr, stmt)
            if value.scope is None or value.program is None or value.scope.kind != "class":
                continue
            for name, target in (("__enter__", before), ("__exit__", after)):
                method = value.program.evaluator.class_attribute(value.scope, name)
                if method.kind == "function":
                    target.append(CallTree(method, _without_arguments(item.context_expr), self.program, value))
        return before, after

    def _if(self, stmt: ast.If, active: set[ast.AST], scope: Scope, depth: int) -> Tree:
        """An `if` with its `elif`s, without recursion over the chain."""
        rows: list[tuple[Guard, Tree, list[Tree]]] = []
        current = stmt
        while True:
            guard = self._guard(current.test, scope)
            rows.append((guard, self._block(current.body, active, scope, depth + 1), []))
            rest = current.orelse
            if len(rest) == 1 and isinstance(rest[0], ast.If):
                current = rest[0]
                rows[-1][2].extend(self._own(current, scope))
                continue
            tree = self._block(rest, active, scope, depth + 1)
            break
        for guard, then, before in reversed(rows):
            other = Seq([*before, tree]) if before else tree
            tree = Alt(guard, then, other) if guard.constant is None else (then if guard.constant else other)
        return tree


def _without_arguments(expr: ast.expr) -> ast.Call:
    """A call that Python makes by itself, as of `__iter__`, at the place of `expr`."""
    return ast.copy_location(ast.Call(expr, [], []), expr)


def _generates(tree: CallTree) -> bool:
    function = tree.function
    if function.scope is None or function.program is None or not function.scope.yields:
        return False
    return function.program.events.has_events(function.scope)


def _yield_statements(function: ast.AST) -> Iterator[ast.stmt]:
    queue: list[ast.AST] = list(getattr(function, "body", []))
    while queue:
        node = queue.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        value = node.value if isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) else None
        if isinstance(node, ast.stmt) and isinstance(value, ast.Yield | ast.YieldFrom):
            yield node
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            queue.extend(ast.iter_child_nodes(node))


_NO_TESTS = frozenset((ast.Name, ast.Constant, ast.Lambda))  # what a lambda tests, it tests where it is called


def _conditional_parts(stmt: ast.stmt) -> list[tuple[ast.expr, bool, set[ast.AST]]]:
    """Parts of a statement's own expressions that run only when a test has come out one way: innermost first."""
    found: list[tuple[ast.expr, bool, set[ast.AST]]] = []
    queue: list[ast.AST] = [*_expressions(stmt)]
    while queue:
        node = queue.pop()
        if node.__class__ in _NO_TESTS:
            continue
        if isinstance(node, ast.IfExp):
            found.append((node.test, True, set(nodes(node.body))))
            found.append((node.test, False, set(nodes(node.orelse))))
        elif isinstance(node, ast.BoolOp):
            truth = isinstance(node.op, ast.And)
            found.append((node.values[0], truth, {n for v in node.values[1:] for n in nodes(v)}))
        queue.extend(n for n in parts(node) if isinstance(n, ast.expr))
    found.reverse()
    return found


def _expressions(stmt: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement itself, without those of its blocks."""
    if isinstance(stmt, ast.If | ast.While):
        return [stmt.test]
    if isinstance(stmt, ForNode):
        return [stmt.target, stmt.iter]
    return [n for n in parts(stmt) if isinstance(n, ast.expr)]


def _never_returns(tree: Tree, stmt: ast.stmt) -> bool:
    """Whether the statement is a call of a function that always raises: `fail(kind)`."""
    if not (isinstance(tree, CallTree) and isinstance(stmt, ast.Expr) and tree.call is stmt.value):
        return False
    callee = tree.function.scope
    if callee is None or callee.kind != "function" or callee.yields or callee.returns or tree.opaque:
        return False
    body = getattr(callee.node, "body", [])
    return isinstance(callee.node, ast.FunctionDef) and terminates(body) and not is_hook(callee)
