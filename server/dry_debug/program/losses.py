"""Losses that functions of other files apply to what they are given: the call here is the call of the loss."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.flow import LossCall
from dry_debug.program.scopes import Scope
from dry_debug.program.trees import CallTree
from dry_debug.program.values import Value
from dry_debug.program.walks import names_in

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_MARK = "marked"  # an operation that nothing else is called


def in_other_files(program: Program, names: frozenset[str]) -> Iterator[LossCall]:
    """Calls of functions of other files that give an argument, as it comes in, to one of the losses `names`."""
    if not program.leaves_file:
        return
    words = {name.rpartition(".")[2] for name in names}
    known: dict[Scope, tuple[str, str, ast.AST] | None] = {}
    for trees in program.events._user_calls.values():
        for _, tree in trees:
            if not isinstance(tree, CallTree):
                continue
            callee, owner = tree.function.scope, tree.function.program
            if callee is None or owner is None or owner is program:
                continue
            if callee not in known:
                named = any(word in owner.document.source for word in words)
                known[callee] = _parameter(owner, callee, names) if named else None
            found = known[callee]
            if found is None:
                continue
            prediction = given(tree.call, callee, found[0])
            if prediction is not None:
                made = Value("loss", type=found[1], node=found[2], program=owner)
                yield LossCall(tree.call, found[1], prediction, made)


def _parameter(owner: Program, callee: Scope, names: frozenset[str]) -> tuple[str, str, ast.AST] | None:
    """The parameter that the function gives to a loss as it comes in, the name of the loss, and its call."""
    for loss in owner.flow.own_loss_calls(names):
        if owner.scope(loss.call) is not callee:
            continue
        inside = names_in(loss.prediction)
        for arg in callee.parameters():
            if arg.arg not in inside and not callee.bindings.keys() & inside:
                continue
            env = {(callee, arg.arg): Value("tensor", attached=True, via=_MARK, node=arg, program=owner)}
            value = owner.evaluator.value(loss.prediction, callee, owner.statement(loss.call), env)
            if value.via == _MARK and value.node is arg:
                return arg.arg, loss.name, loss.call
    return None
