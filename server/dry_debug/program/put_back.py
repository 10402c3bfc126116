"""Whether models are in training mode at every step of an optimizer: told by the lines around it, without a walk."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.events import function_of
from dry_debug.program.reaching import beside
from dry_debug.program.trees import CallTree, Tree, children
from dry_debug.program.walks import BodyNode

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Ident

_EVAL = frozenset(("eval",))
_STEPS = frozenset(("optimizer_step", "step"))
# Python calls these by itself, where no call of them is written.
_UNWRITTEN = frozenset(("__iter__", "__next__", "__enter__", "__exit__"))


def put_back_each_time(program: Program) -> bool:
    """Whether no step that the program can come to finds a model in evaluation mode.

    All of it stands in this file, and a `train()` of the model stands right behind each `eval()`, or before each step
    with nothing between the two that leaves the model in evaluation mode.
    """
    events = program.events
    if events.in_lambdas or program.leaves_file:
        return False
    evals = events.of_kind("eval")
    if any(event.obj.base.ident is None for event in evals):
        return False
    if any(child.name in _UNWRITTEN and _reaches(_EVAL, program, child)
           for cls in program.index.classes for child in cls.children):  # fmt: skip
        return False
    lasting = {
        event.obj.base.ident for event in evals if not _ends_in_training(event.stmt, event.obj.base.ident, event)
    }
    return all(_behind_train(step, model) for step in events.of_kind(*_STEPS) for model in lasting)


def _behind_train(step: Event, model: Ident) -> bool:
    """Whether a `train()` of the model stands before a step, in a block around it, however many loops lie between, and
    what runs between the two leaves no model in evaluation mode."""
    function = function_of(step.scope)
    if function is None or function.yields:
        return False
    parent = step.program.index.parent
    at: ast.AST = step.stmt
    while not isinstance(at, BodyNode):
        before, _ = beside(parent.get(at), at)
        switch = next((stmt for stmt in reversed(before) if _is_train(stmt, model, step)), None)
        if switch is not None:
            last: int = getattr(at, "end_lineno", None) or 0
            return all(
                stmt is not step.stmt and _ends_in_training(stmt, model, step)
                for stmt in _coming_to(_EVAL, range(switch.lineno, last + 1), switch, step)
            )
        block = parent.get(at)
        if block is None:
            return False
        at = block
    return False


def _ends_in_training(stmt: ast.stmt, model: Ident, near: Event) -> bool:
    """Whether a `train()` of the model stands behind a statement, beside it, and nothing between the two steps, or
    leaves the block."""
    index, function = near.program.index, function_of(near.scope)
    if function is None or function.yields:
        return False
    _, behind = beside(index.parent.get(stmt), stmt)
    switch = next((other for other in behind if _is_train(other, model, near)), None)
    if switch is None:
        return False
    lines = range(stmt.lineno, switch.lineno)
    if any(leaving.lineno in lines for leaving in index.exits):
        return False
    return all(other is stmt for other in _coming_to(_STEPS, lines, stmt, near))


def _is_train(stmt: ast.stmt, model: Ident, near: Event) -> bool:
    """Whether a statement is a `train()` of the model, in the function of the event `near`."""
    if not isinstance(stmt, ast.Expr):
        return False
    trains = near.program.events.of_kind("train")
    return any(event.node is stmt.value and event.obj.base.ident == model for event in trains)


def _coming_to(kinds: frozenset[str], lines: range, but: ast.stmt, near: Event) -> Iterator[ast.stmt]:
    """The statements in these lines that may come to an event of these kinds, themselves or in what they call."""
    program, function = near.program, function_of(near.scope)
    for event in program.events.of_kind(*kinds):
        if event.stmt.lineno in lines:
            yield event.stmt
    for stmt, trees in program.events.calls_of(function) if function is not None else ():
        if stmt.lineno in lines and stmt is not but and any(_leads_to(kinds, tree) for tree in trees):
            yield stmt


def _leads_to(kinds: frozenset[str], tree: Tree) -> bool:
    queue = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, CallTree):
            called = node.functions()
            if not called or any(_reaches(kinds, program, scope) for program, scope in called):
                return True  # without any it was passed in: only the caller knows what it does
        queue.extend(children(node))
    return False


def _reaches(kinds: frozenset[str], program: Program, function: Scope) -> bool:
    return not kinds.isdisjoint(program.host.reach.kinds(program, function))
