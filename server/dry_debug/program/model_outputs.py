"""Where what a model gives goes in a function, with its graph: into which variables, out of the graph, back out."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given as given_for
from dry_debug.program.fate import fate_of_value
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import names_in, nodes, parts

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_DEPTH = 2  # of functions that hand an output on to one another


class Outputs:
    """Which variables of a function hold what a model gave, with its graph."""

    def __init__(
        self, call: ast.Call | None, function: Scope, program: Program, given: str = "", depth: int = 0
    ) -> None:
        """`call` gives it, or the parameter `given` holds it."""
        self.program = program
        self.call = call
        self.function = function
        self.depth = depth
        self.names: set[str] = {given} if given else set()
        self.lists: set[str] = set()  # of these, what collects
        steps, self._enders = _passing_on(function, program)
        before = -1
        while len(self.names) > before:  # a loop may hand a value on against the order of its lines
            before = len(self.names)
            for step in steps:
                self._follow(step)

    def _follow(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign) and self.carries(node.value):
            self.names.update(*map(names_in, node.targets))
        elif isinstance(node, ast.AugAssign) and self.carries(node.value):
            self.names |= names_in(node.target)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and any(map(self.carries, node.args)):
            filled = names_in(node.func.value)
            self.names |= filled
            self.lists |= filled

    def carries(self, expr: ast.expr) -> bool:
        """Whether an expression may hold a graph of the model's."""
        held = self.program.flow.held
        known = held.get(expr)
        if known is None:
            known = held[expr] = _held_by(expr)
        names, calls = known
        return self.call in calls or not self.names.isdisjoint(names)

    def ends(self, node: ast.expr) -> bool:
        """Whether an expression takes what the model gave out of its graph: `.detach()`, `.item()`, `.argmax(1)`."""
        if isinstance(node, ast.Attribute) and node.attr == "data":
            return self.carries(node.value)
        if not isinstance(node, ast.Call) or last_name(node.func) not in _ENDS:
            return False
        given = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return any(map(self.carries, (*given, *node.args)))

    def taken_out(self) -> bool:
        """Whether something takes what the model gave out of its graph, here or in a function that is given it."""
        if any(map(self.ends, self._enders)):
            return True
        return any(self._taken_out_by(call) for call in self.function.calls) if self.depth < _DEPTH else False

    def _taken_out_by(self, call: ast.Call) -> bool:
        if call is self.call or not any(map(self.carries, (*call.args, *(k.value for k in call.keywords)))):
            return False
        target = self.program.target(call)
        if target.scope is None or target.program is None or not isinstance(target.scope.node, ast.FunctionDef):
            return False
        for parameter in target.scope.parameters():
            expr = given_for(call, target.scope, parameter.arg)
            if (
                expr is not None
                and self.carries(expr)
                and _takes_out(target.program, target.scope, parameter.arg, self.depth + 1)
            ):
                return True
        return False

    def bare_array(self) -> ast.Call | None:
        """A `numpy()` of what the model gave, or of that in another shape, without `detach()`: it raises where there
        is a graph."""
        for node in self._enders:
            func = node.func if isinstance(node, ast.Call) else None
            if isinstance(func, ast.Attribute) and func.attr == "numpy" and self._is_output(func.value):
                assert isinstance(node, ast.Call)
                return node
        return None

    def _is_output(self, expr: ast.expr) -> bool:
        """Whether an expression is the tensor that the model gave, elsewhere or in another shape, with its graph."""
        for _ in range(_MOST_STEPS):
            if expr is self.call:
                return True
            if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr in _SAME_GRAPH:
                expr = expr.func.value
            elif isinstance(expr, ast.Name):
                made = self.function.bindings.get(expr.id, ())
                if len(made) != 1 or made[0].kind != "assign" or made[0].path or made[0].value is None:
                    return False
                expr = made[0].value
            else:
                return False
        return False

    def given_back(self) -> bool:
        """Whether the function gives back what the model gave, with its graph."""
        return any(back.value is not None and self.carries(back.value) for back in self.function.returns)

    def end_here(self) -> bool:
        """Whether all that becomes of it can be seen, and nothing differentiates it."""
        if self.call is None:
            return False
        fate = fate_of_value(self.program, self.call)
        return not fate.backward and not fate.unknown


def outputs_of(call: ast.Call, function: Scope, program: Program) -> Outputs:
    """The variables of a function that hold what `call` in it gave."""
    known = program.flow.outputs.get((call, function))
    if known is None:
        known = program.flow.outputs[call, function] = Outputs(call, function, program)
    return known


def _takes_out(program: Program, function: Scope, parameter: str, depth: int) -> bool:
    """Whether a function takes what it is given for a parameter out of its graph."""
    known = program.flow.takes_out.get((function, parameter, depth))
    if known is None:
        known = Outputs(None, function, program, parameter, depth).taken_out()
        program.flow.takes_out[function, parameter, depth] = known
    return known


def _passing_on(function: Scope, program: Program) -> tuple[list[ast.Call | ast.stmt], list[ast.Call | ast.Attribute]]:
    """Of a function: what hands a value on to a variable or a list, and what would take an output out of its graph."""
    known = program.flow.passing_on.get(function)
    if known is None:
        scopes = (function, *function.below())
        calls = [call for scope in scopes for call in scope.calls]
        enders: list[ast.Call | ast.Attribute] = [call for call in calls if last_name(call.func) in _ENDS]
        steps: list[ast.Call | ast.stmt] = [
            call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in _COLLECTS
        ]
        steps += [stmt for scope in scopes for stmt in program.flow.assignments(scope)]
        steps.sort(key=lambda step: step.lineno)
        # No index holds attributes. A module has no place of its own in the text.
        text = program.text(function.node) if function.kind == "function" else program.document.source
        if ".data" in text:
            enders += [n for n in nodes(function.node) if isinstance(n, ast.Attribute) and n.attr == "data"]
        known = program.flow.passing_on[function] = steps, enders
    return known


def _held_by(expr: ast.expr) -> tuple[set[str], set[ast.AST]]:
    """The variables and the calls whose graph the value of an expression may hold."""
    names: set[str] = set()
    calls: set[ast.AST] = set()
    queue: list[ast.AST] = [expr]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            if node.attr not in _WITHOUT_GRAPH:
                queue.append(node.value)
        elif isinstance(node, ast.Call):
            calls.add(node)
            if last_name(node.func) not in _WITHOUT_GRAPH:
                queue.extend(parts(node))
        elif not isinstance(node, ast.Compare):
            queue.extend(parts(node))
    return names, calls


def taken_out_nearby(event: Event) -> bool:
    """Whether the statement of a call, or a method of the variable that it sets, takes something out of its graph: a
    cheap look, by names alone."""
    stmt = event.stmt
    if not isinstance(stmt, ast.Expr | ast.Assign | ast.AugAssign | ast.Return):
        return False
    if any(isinstance(n, ast.Call) and last_name(n.func) in _ENDS for n in nodes(stmt)):
        return True
    names = [name for t in stmt.targets for name in names_in(t)] if isinstance(stmt, ast.Assign) else []
    return any(not _ENDS.isdisjoint(event.scope.receivers.get(name, ())) for name in names)


_ENDS = frozenset("item tolist numpy detach argmax".split())
_SAME_GRAPH = frozenset(
    "cpu cuda to float double half squeeze unsqueeze view reshape flatten contiguous permute transpose clone".split()
)
_MOST_STEPS = 12  # from an array back to the call
_COLLECTS = frozenset(("append", "extend"))
_WITHOUT_GRAPH = frozenset(
    "item tolist numpy detach detach_ data argmax argmin eq ne gt lt ge le long int bool "
    "float shape size dim numel device dtype".split()
)
