"""What of a program an automaton can notice: pruned trees of the functions, conditions that are worth remembering."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dry_debug.program.guards import Guard, Test
from dry_debug.program.pruning import prune
from dry_debug.program.renaming import Renaming, of_call
from dry_debug.program.trees import Alt, CallTree, Leaf, Loop, Tree, children
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_MOST_EXPORTED = 40  # conditions of one function that its callers are told of
_MOST_AGAIN = 3  # conditions that only the next iteration asks again, of those that are remembered
_LEVELS = 4  # of calls through which a condition is followed


class Reached:
    """For one set of event kinds: what the walk of an automaton comes to which needs to know no more than that.

    Its trees are cut down to events of any kind, and hold nothing that conditions depend on: all such walks share them.
    """

    def __init__(self, kinds: frozenset[str], program: Program) -> None:
        self.kinds = kinds
        self.roots = [root for root in program.events.roots() if self.relevant(program, root)]

    def tree(self, program: Program, scope: Scope) -> Tree:
        """What is left of the function's tree."""
        return program.events.bare_tree(scope)

    def relevant(self, program: Program, scope: Scope) -> bool:
        """Whether the function, or one that it calls, holds a wanted event."""
        return not self.kinds.isdisjoint(program.host.reach.kinds(program, scope))

    def reaches(self, tree: CallTree) -> bool:
        """Whether a call leads to a wanted event."""
        return any(self.relevant(program, scope) for program, scope in tree.functions())


class Relevance(Reached):
    """For one set of event kinds, from the roots of one program; shared by all automata that want these kinds."""

    def __init__(self, kinds: frozenset[str], program: Program) -> None:
        super().__init__(kinds, program)
        self._trees: dict[Scope, Tree] = {}
        self._counts: Counter[object] = Counter()
        # What is asked again in each iteration of a loop that does not change it, and one place where it is.
        self._again: dict[object, Alt] = {}
        self._lonely: dict[Test, bool] = {}
        self._renamings: dict[tuple[CallTree, Scope | None], Renaming | None] = {}
        self._nesting = 0  # trees that are made for the sake of one that calls them
        self._exported: dict[Scope, list[Guard]] = {}
        seen: set[Scope] = set()
        for root in self.roots:
            self._count(program, root, seen)
        alone = [topic for topic in self._again if self._counts[topic] < 2]
        if len(alone) > _MOST_AGAIN:  # each one doubles the states of its loop: those that decide the most
            alone.sort(key=lambda topic: _decides(self._again[topic]), reverse=True)
        self._counts.update(alone[:_MOST_AGAIN])

    def lonely(self, test: Test) -> bool:
        """Whether no other condition can agree with or contradict the test: then nobody needs to remember it."""
        known = self._lonely.get(test)
        if known is None:
            known = self._lonely[test] = self._counts[_topic(test)] < 2
        return known

    def met_again(self, guard: Guard) -> bool:
        """Whether another condition can agree with or contradict this one, or a part of it."""
        return any(not self.lonely(test) for test in _tests(guard))

    def tree(self, program: Program, scope: Scope) -> Tree:
        """What is left of the function's tree."""
        known = self._trees.get(scope)
        if known is None:
            known = self._trees[scope] = prune(program.events.tree(scope), self._wanted, self._asked)
        return known

    def _wanted(self, tree: Leaf | CallTree) -> bool:
        if isinstance(tree, Leaf):
            return tree.event.kind in self.kinds
        return tree.function.scope is None or self.reaches(tree)  # one that was passed in is known on the way only

    def renaming(self, tree: CallTree, function: Value) -> Renaming | None:
        """What the parameters that conditions of the callee (or of what it calls) read are called at the call."""
        key = (tree, function.scope)
        if key not in self._renamings:
            program, scope = function.program, function.scope
            read = self._read(program, scope) if program is not None and scope is not None else frozenset[str]()
            self._renamings[key] = of_call(tree, function, read.__contains__) if read else None
        return self._renamings[key]

    def _read(self, program: Program, scope: Scope) -> frozenset[str]:
        """The parameters of a function that conditions in it, or in what it calls, read."""
        return frozenset(name for guard in self._exports(program, scope) for name in guard.names)

    def _exports(self, program: Program, scope: Scope, depth: int = 0) -> list[Guard]:
        """The conditions in a function and in what it calls that read its parameters, in its own terms."""
        known = self._exported.get(scope)
        if known is not None:
            return known
        found: list[Guard] = []
        self._exported[scope] = found  # also while it is made: a function may call itself
        own = {a.arg for a in scope.parameters()} if scope.kind == "function" else set()
        queue = [self.tree(program, scope)] if own else []
        while queue and len(found) < _MOST_EXPORTED:
            node = queue.pop()
            queue.extend(children(node))
            if isinstance(node, Alt) and not own.isdisjoint(node.guard.names):
                found.append(node.guard)
            elif isinstance(node, CallTree) and depth < _LEVELS:
                callee, owner = node.function.scope, node.function.program
                if callee is not None and owner is not None and self._exports(owner, callee, depth + 1):
                    found += [g for g in self._renamed(node) if not own.isdisjoint(g.names)]
        return found

    def _renamed(self, tree: CallTree) -> list[Guard]:
        """The conditions of what is called, in the terms of the call, but for those that are the same there."""
        owner, callee = tree.function.program, tree.function.scope
        if owner is None or callee is None:
            return []
        exported = self._exports(owner, callee, 1)
        renaming = self.renaming(tree, tree.function) if exported else None
        if renaming is None:
            return []
        return [new for guard in exported if (new := renaming.guard(guard)) is not guard]

    def _asked(self, tree: CallTree) -> frozenset[str]:
        """The variables of the caller that conditions in the callee read."""
        if self._nesting >= _LEVELS:
            return frozenset()
        self._nesting += 1
        names = frozenset(name for guard in self._renamed(tree) for name in guard.names)
        self._nesting -= 1
        return names

    def _count(self, program: Program, root: Scope, seen: set[Scope]) -> None:
        """How often each condition is asked in what a root leads to."""
        queue: list[tuple[Program, Scope]] = [(program, root)]
        while queue:
            owner, scope = queue.pop()
            if scope in seen:
                continue
            seen.add(scope)
            # With the names that the loops around change: what none of them changes is asked again in each iteration.
            nodes: list[tuple[Tree, tuple[frozenset[str], ...]]] = [(self.tree(owner, scope), ())]
            while nodes:
                node, loops = nodes.pop()
                inside = (*loops, node.kills) if isinstance(node, Loop) else loops
                nodes.extend((child, inside) for child in children(node))
                if isinstance(node, Alt):
                    for test in _tests(node.guard):
                        self._counts[_topic(test)] += 1
                        if any(test.names.isdisjoint(kills) for kills in loops):
                            self._again.setdefault(_topic(test), node)
                elif isinstance(node, CallTree):
                    for guard in self._renamed(node):
                        for test in _tests(guard):
                            self._counts[_topic(test)] += 1
                    queue.extend(node.functions())


def _topic(test: Test) -> object:
    return (test.owner, test.subject if test.subject is not None else test.text)


def _decides(alt: Alt) -> tuple[int, int]:
    """How much hangs on a condition: first the events of the poorer of its two ways, then those of both."""
    sizes = []
    for way in (alt.then, alt.other):
        queue, size = [way], 0
        while queue:
            node = queue.pop()
            size += isinstance(node, Leaf | CallTree)
            queue.extend(children(node))
        sizes.append(size)
    return min(sizes), sum(sizes)


def _tests(guard: Guard) -> list[Test]:
    found = [guard.test] if guard.test is not None else []
    for part in guard.parts:
        found.extend(_tests(part))
    return found
