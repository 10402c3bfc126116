"""What becomes of what a model gives beyond the function that runs it: does any caller differentiate it?"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.derived import target_paths
from dry_debug.program.events import function_of
from dry_debug.program.fate import fate_of, fate_of_value
from dry_debug.program.model_outputs import outputs_of
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.automata import Occurrence
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.trees import CallTree


def differentiated_later(event: Event) -> ast.AST | None:
    """Where what a model gives leaves the function of its call (a `forward`) with its graph, if something may
    differentiate it then, whichever caller that is."""
    program, function = event.program, function_of(event.scope)
    if function is None or function.kind != "function":
        return None
    if program.call_sites(function) and not program.events.of_kind("backward"):
        return None
    assert isinstance(event.node, ast.Call)
    outputs = outputs_of(event.node, function, program)
    known = bool(program.call_sites(function))  # where all of it ends
    for path in sorted({*_assigned(event.stmt), *outputs.lists}):
        if "." in path and path.partition(".")[0] != function.self_name:
            return event.stmt  # an attribute of some object: who knows who reads it
        kept = [(program, path, event.stmt)]
        for owner, given, _, stmt in program.arguments_of(function, path):  # a list of the caller that is filled here
            outside = dotted(given)
            if outside is not None and stmt is not None:
                kept.append((owner, outside, stmt))
        for owner, where, stmt in kept:
            fate = fate_of(owner, where, stmt, lists=True)
            if fate.backward and fate.differentiated is not None:
                return fate.differentiated[1] if fate.differentiated[0] is program else event.node
            known = known and not fate.unknown
    inside = (function, *function.below())
    generates = any(scope.yields for scope in inside)
    for node in nodes(function.node) if generates else [back for scope in inside for back in scope.returns]:
        back = node.value if isinstance(node, ast.Return | ast.Yield) else None
        if back is None or not outputs.carries(back):
            continue
        if not known or (event.node in nodes(back) and not outputs.end_here()):
            return node
    return None


def evaluating_call(place: Occurrence) -> CallTree | None:
    """The call on the way to a model's that gets what the model gives, if all becomes of it there and nothing
    differentiates it, whatever other callers do: `pred, true = self.process_one_batch(batch)`."""
    program, call = place.event.program, place.event.node
    for tree in reversed(place.calls):
        assert isinstance(call, ast.Call)
        if not _only_gives_back(call, program):
            return None
        program, call = tree.program, tree.call
        fate = fate_of_value(program, call)
        if not fate.backward and not fate.unknown:
            return tree
    return None


def _only_gives_back(call: ast.Call, program: Program) -> bool:
    """Whether the function around a call gives back what that gives: no backward pass, and it is kept nowhere."""
    function = function_of(program.scope(call))
    if function is None or function.kind != "function" or "backward" in program.host.reach.kinds(program, function):
        return False
    outputs = outputs_of(call, function, program)
    if outputs.lists or not outputs.given_back():
        return False
    return not any(
        stmt.value is not None and outputs.carries(stmt.value) and any("." in path for path in _assigned(stmt))
        for stmt in program.flow.assignments(function)
    )


def _assigned(stmt: ast.stmt) -> list[str]:
    """The variables and attributes that a statement assigns."""
    if isinstance(stmt, ast.AugAssign | ast.AnnAssign):
        return list(target_paths(stmt.target))
    return [path for target in stmt.targets for path in target_paths(target)] if isinstance(stmt, ast.Assign) else []
