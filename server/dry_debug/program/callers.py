"""Calls from other files: who in the project calls a function of this one, and with what.

The answer reads other files. It is for a question that a finding hangs on, after all cheaper ones, and never for the
value of every parameter.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.evidence import Step
from dry_debug.program.scopes import Scope

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

Site = tuple["Program", ast.Call]
MOST = 40  # calls that are looked at, of one function


class Callers:
    """The calls from other files of one program's functions. Tests of the project do not count: they are no runs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: dict[Scope, list[Site]] = {}

    def users(self, name: str = "") -> list[Program]:
        """The programs that may import the file, with `name` in their text."""
        found = self.program.host.importers(self.program.document.path, name)
        return [other for other in found if other is not self.program and not other.is_test]

    def of(self, function: Scope) -> list[Site]:
        """The calls in other files that lead to `function`, a method too; the nearest file first.

        Empty where nobody is seen to call it: that does not say that nobody does.
        """
        known = self._known.get(function)
        if known is None:
            self._known[function] = []  # of a question that leads back to itself
            known = self._known[function] = self._find(function)
        return known

    def _find(self, function: Scope) -> list[Site]:
        around = function.parent
        if around is None or around.kind not in ("module", "class") or function.kind != "function":
            return []
        name = around.name if function.name in ("__init__", "forward", "__call__") else function.name
        found: list[Site] = []
        users = self.users(name)
        if around.kind == "class" and name != around.name:  # who has the class from a file that hands it on
            known = set(map(id, users))
            users += [o for o in self.users(around.name) if id(o) not in known and name in o.document.source]
        for other in users:
            called = {name} | {
                a.asname for stmt in other.index.imports for a in stmt.names if a.asname and a.name == name
            }
            for call in [call for each in sorted(called) for call in other.calls_by_last_name(each)][:MOST]:
                target = other.target(call)
                if target.kind == "function" and target.scope is function:
                    found.append((other, call))
        return found[:MOST]

    def here_or_elsewhere(self, function: Scope) -> list[Site]:
        """The calls of the function in its own file; where there is none, those in others."""
        own: list[Site] = [(self.program, call) for call in self.program.call_sites(function)]
        return own or self.of(function)

    def passed(self, function: Scope, name: str) -> list[tuple[Program, ast.Call, ast.expr | None]]:
        """What the calls in other files give for the parameter `name`; None where that cannot be seen."""
        return [(other, call, given(call, function, name)) for other, call in self.of(function)]

    def arguments(self, function: Scope, name: str) -> list[tuple[Program, ast.expr, Scope, ast.stmt | None]]:
        """What the calls of a function give for a parameter (as `Program.arguments_of`): those of its own file; where
        there is none, those in others."""
        own = self.program.arguments_of(function, name)
        if own or self.program.call_sites(function):
            return own
        passed = self.passed(function, name)
        return [(other, e, other.scope(call), other.statement(call)) for other, call, e in passed if e is not None]


def confirmed(value: Value) -> Value:
    """A parameter that is known by its usage alone, as the callers in other files show it: as sure as what they pass,
    if all that are seen pass an object of that kind; else `value` as it is."""
    place = parameter_of(value)
    if value.confidence == "high" or place is None:
        return value
    owner, function, name = place
    passed = owner.callers.passed(function, name)
    sure = [other.value(expr, call) for other, call, expr in passed if expr is not None]
    if not sure or len(sure) < len(passed) or any(v.kind != value.kind or v.confidence != "high" for v in sure):
        return value
    return value.but(confidence="high", node=sure[0].node, program=sure[0].program, home=sure[0].home)


def parameter_of(value: Value) -> tuple[Program, Scope, str] | None:
    """The file, the function and the name of the parameter that a value is the content of, where that is known."""
    ident, owner = value.base.ident, value.base.program
    if not (isinstance(ident, tuple) and len(ident) == 3 and ident[0] in ("var", "param")) or owner is None:
        return None
    function, name = ident[1], ident[2]
    if not isinstance(function, Scope) or function.kind != "function" or not isinstance(name, str):
        return None
    bound = function.bindings.get(name, ())
    return (owner, function, name) if len(bound) == 1 and bound[0].kind == "param" else None


def without_gradients(program: Program, node: ast.AST) -> Step | None:
    """A call in another file of the function around `node` (a call or statement), or of a function that calls it in
    its own file, where autograd is switched off or may be."""
    seen: set[Scope] = set()
    queue = [program.scope(node)]
    while queue and len(seen) < MOST:
        function: Scope | None = queue.pop()
        while function is not None and function.kind not in ("function", "module"):
            function = function.parent
        if function is None or function.kind != "function" or function in seen:
            continue
        seen.add(function)
        for other, call in program.callers.of(function):
            if other.grad_mode(call) != "on":
                return Step(other, call, "autograd may be off in this call")
        queue.extend(program.scope(call) for call in program.call_sites(function))
    return None
