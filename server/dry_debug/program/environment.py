"""What is known of parameters inside one call of a function, with what was already answered under it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from dry_debug.program.scopes import Binding, Scope
from dry_debug.program.values import Value

Env = Mapping[tuple[Scope, str], Value]


class Environments:
    """One environment for equal parameters, so that calls which pass the same values share their answers.

    They are kept by who passes the values: a module of the project outlives the analysis of the file that calls it.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[frozenset[tuple[Scope, str, int]], Bound] = {}

    def of(self, given: dict[tuple[Scope, str], Value]) -> Bound | None:
        """The environment with these parameters, None without any."""
        if not given:
            return None
        # The environment keeps the values alive, so that their numbers stay theirs.
        key = frozenset((scope, name, id(value)) for (scope, name), value in given.items())
        bound = self._known.get(key)
        if bound is None:
            bound = self._known[key] = Bound(given)
        return bound

    def release(self) -> None:
        """Forget all answers: environments and the values in them hold each other."""
        queue = [self]
        while queue:
            current = queue.pop()
            for bound in current._known.values():
                bound.values_of.clear()
                bound.bindings.clear()
                bound.attributes.clear()
                queue.append(bound.inner)
            current._known.clear()


class Bound(dict[tuple[Scope, str], Value]):
    """An environment that remembers the answers given under it.

    Without that, a chain of assignments in a called function asks twice as often with every link of it.
    """

    __slots__ = ("attributes", "bindings", "inner", "values_of")

    def __init__(self, given: Env) -> None:
        super().__init__(given)
        self.values_of: dict[ast.AST, Value] = {}
        self.bindings: dict[Binding, Value] = {}
        self.attributes: dict[tuple[Scope, str], Value] = {}
        self.inner = Environments()  # of the calls that are made under it
