"""What of a program an automaton can notice: pruned trees of the functions, conditions that are worth remembering."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dry_debug.program.guards import Guard, Test
from dry_debug.program.pruning import prune
from dry_debug.program.trees import Alt, CallTree, Leaf, Tree, children

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


class Relevance:
    """For one set of event kinds, from the roots of one program; shared by all automata that want these kinds."""

    def __init__(self, kinds: frozenset[str], program: Program) -> None:
        self.kinds = kinds | {"step"} if "optimizer_step" in kinds else kinds
        self._trees: dict[Scope, Tree] = {}
        self._counts: Counter[object] = Counter()
        self._lonely: dict[Test, bool] = {}
        self.roots = [root for root in program.events.roots() if self.relevant(program, root)]
        seen: set[Scope] = set()
        for root in self.roots:
            self._count(program, root, seen)

    def lonely(self, test: Test) -> bool:
        """Whether no other condition can agree with or contradict the test: then nobody needs to remember it."""
        known = self._lonely.get(test)
        if known is None:
            known = self._lonely[test] = self._counts[_topic(test)] < 2
        return known

    def tree(self, program: Program, scope: Scope) -> Tree:
        """What is left of the function's tree."""
        known = self._trees.get(scope)
        if known is None:
            known = self._trees[scope] = prune(program.events.tree(scope), self._wanted)
        return known

    def relevant(self, program: Program, scope: Scope) -> bool:
        """Whether the function, or one that it calls, holds a wanted event."""
        return not self.kinds.isdisjoint(program.host.reach.kinds(program, scope))

    def reaches(self, tree: CallTree) -> bool:
        """Whether a call leads to a wanted event."""
        return any(
            function.scope is not None
            and function.program is not None
            and self.relevant(function.program, function.scope)
            for function in (tree.function, *tree.passed.values())
        )

    def _wanted(self, tree: Leaf | CallTree) -> bool:
        if isinstance(tree, Leaf):
            return tree.event.kind in self.kinds
        return tree.function.scope is None or self.reaches(tree)  # one that was passed in is known on the way only

    def _count(self, program: Program, root: Scope, seen: set[Scope]) -> None:
        """How often each condition is asked in what a root leads to."""
        queue: list[tuple[Program, Scope]] = [(program, root)]
        while queue:
            owner, scope = queue.pop()
            if scope in seen:
                continue
            seen.add(scope)
            nodes = [self.tree(owner, scope)]
            while nodes:
                node = nodes.pop()
                nodes.extend(children(node))
                if isinstance(node, Alt):
                    for test in _tests(node.guard):
                        self._counts[_topic(test)] += 1
                elif isinstance(node, CallTree):
                    for function in (node.function, *node.passed.values()):
                        if function.scope is not None and function.program is not None:
                            queue.append((function.program, function.scope))


def _topic(test: Test) -> object:
    return (test.owner, test.subject if test.subject is not None else test.text)


def _tests(guard: Guard) -> list[Test]:
    found = [guard.test] if guard.test is not None else []
    for part in guard.parts:
        found.extend(_tests(part))
    return found
