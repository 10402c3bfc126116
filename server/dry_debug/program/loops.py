"""The loops of a training program: epochs, batches, iterations, evaluation."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from dry_debug.program.events import CallTree, Event, Leaf, Tree
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

LoopKind = Literal["epoch", "batch", "iteration", "eval"]
LoopNode = ast.For | ast.AsyncFor | ast.While


@dataclass(slots=True, eq=False)
class TrainingLoop:
    """A loop and what it goes over. `value` is what is iterated over (UNKNOWN for `while`)."""

    kind: LoopKind
    node: LoopNode
    scope: Scope
    value: Value


class Loops:
    """The loops of one program that train or evaluate."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._trains: dict[Scope, bool] = {}
        self._loops: dict[Scope, bool] = {}

    @cached_property
    def all(self) -> list[TrainingLoop]:
        """Every training and evaluation loop, in source order."""
        index = self.program.index
        scopes = [index.module, *index.functions]
        inner = {loop: self._steps_in(loop) for scope in scopes for loop in scope.loops}
        found: list[TrainingLoop] = []
        for scope in scopes:
            for loop in scope.loops:
                kind = self._kind(loop, scope, inner)
                if kind is not None:
                    found.append(TrainingLoop(kind, loop, scope, self._over(loop, scope)))
        found.sort(key=lambda f: f.node.lineno)
        return found

    def _over(self, loop: LoopNode, scope: Scope) -> Value:
        from dry_debug.program.values import UNKNOWN

        if isinstance(loop, ast.While):
            return UNKNOWN
        return self.program.evaluator.value(loop.iter, scope, loop)

    def _kind(self, loop: LoopNode, scope: Scope, inner: dict[LoopNode, bool]) -> LoopKind | None:
        if inner[loop]:
            # A loop that holds a loop (here or in a called function) that trains is over epochs.
            if self._holds_training_loop(loop, scope, inner):
                return "epoch"
            return "batch" if self._over_data(loop, scope) else ("epoch" if self._named_epoch(loop) else "iteration")
        if self._over_data(loop, scope) and self._evaluates(loop, scope):
            return "eval"
        return None

    def _named_epoch(self, loop: LoopNode) -> bool:
        return not isinstance(loop, ast.While) and "epoch" in (dotted(loop.target) or "")

    def _holds_training_loop(self, loop: LoopNode, scope: Scope, inner: dict[LoopNode, bool]) -> bool:
        for other in scope.loops:
            if other is not loop and inner[other] and self._within(other, loop):
                return True
        for tree in self._calls_in(loop):
            callee, owner = tree.function.scope, tree.function.program
            if callee is not None and owner is not None and self._function_loops(owner, callee, 0):
                return True
        return False

    def _function_loops(self, program: Program, scope: Scope, depth: int) -> bool:
        """Whether a function holds a loop that trains."""
        loops = program.training.loops
        if scope in loops._loops:
            return loops._loops[scope]
        loops._loops[scope] = False
        result = any(loops._steps_in(loop) for loop in scope.loops)
        if not result and depth < 6:
            result = any(
                self._function_loops(t.function.program, t.function.scope, depth + 1)
                for t in calls_of_tree(program.events.tree(scope))
                if t.function.program is not None and t.function.scope is not None
            )
        loops._loops[scope] = result
        return result

    def _steps_in(self, loop: LoopNode) -> bool:
        """Whether `backward` or an optimizer step happens in the loop, in called functions too."""
        for event in self.program.events.of_kind("backward", "optimizer_step"):
            if self._within(event.stmt, loop):
                return True
        return any(
            self._function_trains(tree.function.program, tree.function.scope, 0)
            for tree in self._calls_in(loop)
            if tree.function.program is not None and tree.function.scope is not None
        )

    def _function_trains(self, program: Program, scope: Scope, depth: int) -> bool:
        loops = program.training.loops
        if scope in loops._trains:
            return loops._trains[scope]
        loops._trains[scope] = False
        tree = program.events.tree(scope)
        result = any(e.kind in ("backward", "optimizer_step") for e in events_of_tree(tree))
        if not result and depth < 6:
            result = any(
                self._function_trains(t.function.program, t.function.scope, depth + 1)
                for t in calls_of_tree(tree)
                if t.function.program is not None and t.function.scope is not None
            )
        loops._trains[scope] = result
        return result

    def _calls_in(self, loop: LoopNode) -> list[CallTree]:
        return [
            tree
            for stmt, trees in self.program.events._user_calls.items()
            if self._within(stmt, loop) and stmt is not loop
            for _, tree in trees
            if isinstance(tree, CallTree)
        ]

    def _within(self, stmt: ast.AST, loop: ast.AST) -> bool:
        return any(block is loop for block in self.program.index.ancestors(stmt))

    def _over_data(self, loop: LoopNode, scope: Scope) -> bool:
        if isinstance(loop, ast.While):
            return False
        value = self._over(loop, scope)
        if value.kind == "loader":
            return True
        if value.kind == "container" and value.thunk is not None:
            inner = value.thunk()
            return any(v.kind == "batch" for v in inner.items or ()) or inner.kind == "batch"
        return value.kind in ("dataset",)

    def _evaluates(self, loop: LoopNode, scope: Scope) -> bool:
        first = loop.body[0] if loop.body else None
        if first is not None and self.program.grad_mode(first) == "off":
            return True
        return any(
            block_mode == "off"
            for w in self.program.index.withs
            if self._within(w, loop)
            for block_mode in [self.program._with_mode(w)]
        )


def events_of_tree(tree: Tree) -> list[Event]:
    """The events that stand in the tree itself, not in called functions."""
    return [node.event for node in _nodes(tree) if isinstance(node, Leaf)]


def calls_of_tree(tree: Tree) -> list[CallTree]:
    """The calls in the tree itself."""
    return [node for node in _nodes(tree) if isinstance(node, CallTree)]


def _nodes(tree: Tree) -> list[Tree]:
    from dry_debug.program.automata import _children

    found: list[Tree] = []
    queue = [tree]
    while queue:
        node = queue.pop()
        found.append(node)
        queue.extend(_children(node))
    return found
