"""States of an automaton on the paths of a program, and what the guards on the way to them said."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.guards import Guard, Test
from dry_debug.program.trees import CallTree, Event

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.program import Program
    from dry_debug.program.relevance import Relevance

MAX_STATES = 48
_KEPT = object()


class Occurrence(NamedTuple):
    """An event on a path, and the calls through which the walk came to it, outermost first."""

    event: Event
    calls: tuple[CallTree, ...]

    def here(self, program: Program) -> ast.AST | None:
        """The event's node if it stands in `program`, else the innermost call in `program` that leads to it."""
        if self.event.program is program:
            return self.event.node
        return next((tree.call for tree in reversed(self.calls) if tree.program is program), None)


Trace = tuple[Occurrence, ...]


class PathState:
    """A state of the automaton and what the guards on the way to it said. Not to be changed: it is a key.

    Of one walk there is one object for equal states (`table` holds them), so that the many sets of states compare by
    identity; a walk makes ten thousands. `release` a walk's states when it is over: they hold each other.
    """

    __slots__ = ("guards", "state", "table", "taken", "thrown", "vague")

    def __init__(
        self,
        state: Hashable,
        guards: frozenset[tuple[Test, bool]] = frozenset(),
        taken: frozenset[tuple[str, Test | None]] = frozenset(),
        vague: bool = False,
        thrown: bool = False,
        table: dict[_Key, PathState] | None = None,
    ) -> None:
        self.state = state
        self.guards = guards
        self.taken = taken  # counters whose remainder test was true, which test
        self.vague = vague  # nobody knows whether this path exists, or what it does
        self.thrown = thrown  # only an exception leads here
        self.table = {(state, guards, taken, vague, thrown): self} if table is None else table

    def release(self) -> None:
        """Let go of all states of the walk that began with this one."""
        self.table.clear()

    def but(
        self, *, state: Hashable = _KEPT, guards: frozenset[tuple[Test, bool]] | None = None,
        taken: frozenset[tuple[str, Test | None]] | None = None, vague: bool | None = None, thrown: bool | None = None,
    ) -> PathState:  # fmt: skip
        """The state with some fields changed."""
        key = (
            self.state if state is _KEPT else state,
            self.guards if guards is None else guards,
            self.taken if taken is None else taken,
            self.vague if vague is None else vague,
            self.thrown if thrown is None else thrown,
        )
        table = self.table
        known = table.get(key)
        if known is None:
            known = table[key] = PathState(*key, table)
        return known


_Key = tuple[Hashable, frozenset[tuple[Test, bool]], frozenset[tuple[str, Test | None]], bool, bool]
States = dict[PathState, Trace]  # with the last events on the way


class Flow:
    """How states leave a tree."""

    __slots__ = ("breaks", "continues", "next", "returns")

    def __init__(
        self, next: States, breaks: States | None = None, continues: States | None = None, returns: States | None = None
    ) -> None:
        self.next = next
        self.breaks: States = {} if breaks is None else breaks
        self.continues: States = {} if continues is None else continues
        self.returns: States = {} if returns is None else returns

    def merge(self, other: Flow) -> None:
        merge(self.next, other.next)
        self.merge_exits(other)

    def merge_exits(self, other: Flow) -> None:
        if other.breaks:
            merge(self.breaks, other.breaks)
        if other.continues:
            merge(self.continues, other.continues)
        if other.returns:
            merge(self.returns, other.returns)


def add(states: States, path: PathState, trace: Trace) -> None:
    """Put a path into `states`; where there are too many, what its guards said is forgotten rather than the path, and
    nothing about it is sure: it may go on where its guards would not have let it."""
    if path in states:
        return
    if len(states) >= MAX_STATES and path.guards:
        path = path.but(guards=frozenset(), vague=True)
        if path in states:
            return
    states[path] = trace


def merge(into: States, other: States) -> None:
    if not into and len(other) <= MAX_STATES:
        into.update(other)
        return
    for path, trace in other.items():
        if path not in into:
            add(into, path, trace)


def vague(states: States) -> States:
    """The same states, none of them sure."""
    result: States = {}
    for path, trace in states.items():
        add(result, path.but(vague=True), trace)
    return result


def forget(states: States, names: frozenset[str], spared: frozenset[object] = frozenset()) -> States:
    """The states without what guards said that read one of `names`, but for those of `spared` owners."""
    if not names:
        return states
    said = {g for path in states if path.guards for g in path.guards}
    gone = [g for g in said if g[0].owner not in spared and not g[0].names.isdisjoint(names)]
    if not gone:
        return states
    result: States = {}
    for path, trace in states.items():
        if path.guards:
            # but not `taken`: how two remainders of a counter fit stays unknown
            path = path.but(guards=path.guards.difference(gone))
        add(result, path, trace)
    return result


def leave(states: States, owner: object) -> States:
    """The states without what guards said about the variables of a function that is left."""
    said = {g for path in states if path.guards for g in path.guards}
    gone = [g for g in said if g[0].owner == owner]
    if not gone:
        return dict(states)
    result: States = {}
    for path, trace in states.items():
        if path.guards:
            path = path.but(guards=path.guards.difference(gone))
        add(result, path, trace)
    return result


def assume(guard: Guard, states: States, truth: bool, context: Context, relevance: Relevance | None) -> States:
    """The states in which the condition can come out as `truth`, with that remembered (not if `relevance` is None)."""
    fixed = guard.constant if guard.constant is not None else context.truth(guard)
    if fixed is not None:
        return states if fixed is truth else {}
    if relevance is None:
        return states
    if guard.counter is None and (guard.test is None or (not guard.parts and relevance.lonely(guard.test))):
        return states
    if guard.counter is None and guard.test is not None and not guard.parts:
        return _assume_plain(guard.test, states, truth is not guard.negated)
    result: States = {}
    asked = _asked(guard, context, relevance)
    for path, trace in states.items():
        assumed = _assume(asked, path, truth)
        if assumed is not None and assumed not in result:
            add(result, assumed, trace)
    return result


class _Asked:
    """A condition as it is asked of many paths at one place: what is the same for all of them is looked up once."""

    __slots__ = ("conjunction", "counter", "fixed", "lonely", "negated", "parts", "test")

    def __init__(self, guard: Guard, fixed: bool | None, lonely: bool, parts: list[_Asked]) -> None:
        self.test = guard.test
        self.negated = guard.negated
        self.counter = guard.counter
        self.conjunction = guard.conjunction
        self.fixed = fixed  # how it comes out here on every path
        self.lonely = lonely
        self.parts = parts

    def holds(self, test: Test | None) -> bool:
        """Whether a test is one of those that this condition is put together from."""
        return any(part.test == test or part.holds(test) for part in self.parts)


def _asked(guard: Guard, context: Context, relevance: Relevance) -> _Asked:
    fixed = guard.constant if guard.constant is not None else context.truth(guard)
    lonely = guard.test is not None and relevance.lonely(guard.test)
    return _Asked(guard, fixed, lonely, [_asked(part, context, relevance) for part in guard.parts])


def _assume_plain(test: Test, states: States, said: bool) -> States:
    """The states in which a single test that others ask, too, came out as `said`: most guards are no more than that."""
    fact, opposite = (test, said), (test, not said)
    result: States = {}
    for path, trace in states.items():
        guards = path.guards
        if opposite in guards or (said and test.subject is not None and _other_value(test, path)):
            continue
        if fact not in guards:
            path = path.but(guards=guards | {fact})
        if path not in result:
            add(result, path, trace)
    return result


def _assume(asked: _Asked, path: PathState, truth: bool) -> PathState | None:
    said = truth is not asked.negated
    test = asked.test
    is_vague, taken = path.vague, path.taken
    if asked.counter is not None:
        if said:
            taken = taken | {(asked.counter, test)}
        elif any(counter == asked.counter and other != test and not asked.holds(other) for counter, other in taken):
            is_vague = True
    if test is None:
        return path if is_vague == path.vague else path.but(vague=is_vague)
    if (test, not said) in path.guards:
        return None
    if said and test.subject is not None and _other_value(test, path):
        return None
    guards = path.guards
    if not asked.lonely and (test, said) not in guards:
        guards = guards | {(test, said)}
    assumed = path
    if guards is not path.guards or taken is not path.taken or is_vague is not path.vague:
        assumed = path.but(guards=guards, taken=taken, vague=is_vague)
    if asked.parts and said is asked.conjunction:
        for part in asked.parts:  # all hold, or none does
            if part.fixed is not None:
                if part.fixed is not said:
                    return None
                continue
            inner = _assume(part, assumed, said)
            if inner is None:
                return None
            assumed = inner
    elif asked.parts and all(_known(part, path) is asked.conjunction for part in asked.parts):
        return None  # `a and b` cannot be false where both hold
    return assumed


def _known(asked: _Asked, path: PathState) -> bool | None:
    """What the path already says about a condition."""
    if asked.fixed is not None or asked.test is None:
        return asked.fixed
    for said in (True, False):
        if (asked.test, said) in path.guards:
            return said is not asked.negated
    return None


def _other_value(test: Test, path: PathState) -> bool:
    return any(
        said and other.subject == test.subject and other.owner == test.owner and other.value != test.value
        for other, said in path.guards
    )
