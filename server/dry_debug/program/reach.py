"""Which kinds of events a function comes to, itself and through everything that it calls: a summary of the function.

Many files call the same helpers. What a helper comes to does not depend on who calls it, so it is found out once and
kept for the other analyses of a run; of a helper that comes to nothing, nobody looks at the body again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.trees import CallTree, Leaf, children
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

Kinds = frozenset[str]
Key = tuple[str, int, str]  # path of the file, first line and name of the function

_NOTHING: Kinds = frozenset()


@dataclass(slots=True)
class _Open:
    """A function whose calls are being followed. `low` is the lowest open function that it comes back to."""

    scope: Scope
    program: Program
    number: int
    low: int
    calls: Iterator[tuple[Program, Scope]]
    kinds: set[str]
    lasting: bool


class Reach:
    """The summaries of one host. `fresh` are those of the current analysis, by function; the others are kept."""

    def __init__(self) -> None:
        self.fresh: dict[Scope, tuple[Kinds, bool]] = {}
        self.kept: dict[Key, Kinds] = {}

    def kinds(self, program: Program, scope: Scope) -> Kinds:
        """The kinds of events that a call of the function may come to."""
        known = self._known(program, scope)
        return known[0] if known is not None else self._find(program, scope)

    def _known(self, program: Program, scope: Scope) -> tuple[Kinds, bool] | None:
        known = self.fresh.get(scope)
        if known is None and self.kept and program.host.keeps(program):
            kinds = self.kept.get(_key(program, scope))
            if kinds is not None:
                known = self.fresh[scope] = kinds, True
        return known

    def _find(self, program: Program, scope: Scope) -> Kinds:
        """Tarjan's search without recursion: functions that call each other come to the same."""
        stack = [self._open(program, scope, 0)]
        numbers = {scope: 0}
        closed: list[_Open] = []  # done, but an open function below them belongs to their circle
        while True:
            top = stack[-1]
            call = next(top.calls, None)
            if call is not None:
                owner, callee = call
                known = self._known(owner, callee)
                if known is not None:
                    top.kinds |= known[0]
                    top.lasting = top.lasting and known[1]
                elif callee in numbers:
                    top.low = min(top.low, numbers[callee])
                else:
                    numbers[callee] = len(numbers)
                    stack.append(self._open(owner, callee, numbers[callee]))
                continue
            stack.pop()
            if top.low < top.number:
                below = stack[-1]
                below.low = min(below.low, top.low)
                closed.append(top)
            else:
                circle = [top]
                while closed and closed[-1].number > top.number:
                    circle.append(closed.pop())
                self._settle(circle)
                if stack:
                    stack[-1].kinds |= top.kinds
                    stack[-1].lasting = stack[-1].lasting and top.lasting
            if not stack:
                return self.fresh[scope][0]

    def _open(self, program: Program, scope: Scope, number: int) -> _Open:
        kinds: set[str] = set()
        calls: dict[Scope, Program] = {}
        queue = [program.events.tree(scope)]
        while queue:
            node = queue.pop()
            if isinstance(node, Leaf):
                kinds.add(node.event.kind)
                continue
            if isinstance(node, CallTree):
                for owner, callee in node.functions():
                    calls[callee] = owner
            queue.extend(children(node))
        rows = iter([(owner, callee) for callee, owner in calls.items()])
        return _Open(scope, program, number, number, rows, kinds, program.host.keeps(program))

    def _settle(self, circle: list[_Open]) -> None:
        top = circle[0]
        for member in circle:
            top.kinds |= member.kinds
            top.lasting = top.lasting and member.lasting
        kinds = frozenset(top.kinds) or _NOTHING
        lasting = top.lasting and top.program.host.evaluation.fuel > 0
        for member in circle:
            self.fresh[member.scope] = kinds, lasting
            if lasting:
                self.kept[_key(member.program, member.scope)] = kinds


def _key(program: Program, scope: Scope) -> Key:
    return program.document.path, getattr(scope.node, "lineno", 0), scope.qualname
