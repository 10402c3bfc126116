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
# What is known of a path: that there is one; what it does, but not whether there is one; neither.
SURE, PERHAPS, VAGUE = range(3)
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

    Of one walk there is one object for equal states, so that the many sets of states compare by identity; a walk makes
    ten thousands. `said` is what the guards said, one bit a test and answer (`Said` tells which).
    """

    __slots__ = ("others", "said", "state", "taken", "thrown", "vague", "walk")

    def __init__(
        self,
        state: Hashable,
        walk: Walk,
        others: dict[int, PathState],
        said: int = 0,
        taken: frozenset[tuple[str, Test | None]] = frozenset(),
        vague: int = SURE,
        thrown: bool = False,
    ) -> None:
        self.state = state
        self.walk = walk
        self.others = others  # those that differ in what was said alone
        self.said = said
        self.taken = taken  # counters whose remainder test was true, which test
        self.vague = vague  # SURE, PERHAPS or VAGUE
        self.thrown = thrown  # only an exception leads here

    def saying(self, said: int) -> PathState:
        """The state with this said of the guards."""
        known = self.others.get(said)
        if known is None:
            known = self.others[said] = PathState(
                self.state, self.walk, self.others, said, self.taken, self.vague, self.thrown
            )
        return known

    def but(
        self, *, state: Hashable = _KEPT, said: int | None = None,
        taken: frozenset[tuple[str, Test | None]] | None = None, vague: int | None = None, thrown: bool | None = None,
    ) -> PathState:  # fmt: skip
        """The state with some fields changed."""
        return self.walk.state(
            self.state if state is _KEPT else state,
            self.said if said is None else said,
            self.taken if taken is None else taken,
            self.vague if vague is None else vague,
            self.thrown if thrown is None else thrown,
        )


class Walk:
    """What one walk has met: its states, one object each, and the tests that guards asked, each with its two bits.

    `release` it when the walk is over: the states hold each other.
    """

    __slots__ = ("_about", "_bits", "_rivals", "_states", "_subjects")

    def __init__(self) -> None:
        self._states: dict[_Key, dict[int, PathState]] = {}
        self._bits: dict[Test, int] = {}  # that for "it holds"; the next higher one is for "it does not"
        self._rivals: dict[Test, int] = {}
        self._subjects: dict[tuple[object, str], list[Test]] = {}
        self._about: dict[tuple[int, frozenset[str], frozenset[object]], int] = {}

    def release(self) -> None:
        """Let go of all states of the walk."""
        for states in self._states.values():
            states.clear()
        self._states.clear()

    def state(
        self, state: Hashable, said: int = 0, taken: frozenset[tuple[str, Test | None]] = frozenset(),
        vague: int = SURE, thrown: bool = False,
    ) -> PathState:  # fmt: skip
        """The one object for a state."""
        key = (state, taken, vague, thrown)
        others = self._states.get(key)
        if others is None:
            others = self._states[key] = {}
        known = others.get(said)
        if known is None:
            known = others[said] = PathState(state, self, others, said, taken, vague, thrown)
        return known

    def bit(self, test: Test) -> int:
        """The bit for "the test holds"; shifted by one it is that for "it does not"."""
        known = self._bits.get(test)
        if known is None:
            known = self._bits[test] = 1 << 2 * len(self._bits)
            self._rivals[test] = 0
            if test.subject is not None:
                same = self._subjects.setdefault((test.owner, test.subject), [])
                for other in same:
                    if other.value != test.value:
                        self._rivals[other] |= known
                        self._rivals[test] |= self._bits[other]
                same.append(test)
        return known

    def rivals(self, test: Test) -> int:
        """The bits of tests of which none holds where this one does: of the same subject for other values."""
        return self._rivals[test]

    def about(self, names: frozenset[str], spared: frozenset[object]) -> int:
        """Both bits of the tests that read one of `names`, but for those of `spared` owners."""
        key = (len(self._bits), names, spared)
        known = self._about.get(key)
        if known is None:
            known = self._about[key] = sum(
                3 * bit for test, bit in self._bits.items()
                if test.owner not in spared and not test.names.isdisjoint(names)
            )  # fmt: skip
        return known

    def of(self, owner: object) -> int:
        """Both bits of the tests about the variables of `owner`."""
        return sum(3 * bit for test, bit in self._bits.items() if test.owner == owner)


_Key = tuple[Hashable, frozenset[tuple[str, Test | None]], int, bool]
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
    """Put a path into `states`; where there are too many, what its guards said is forgotten rather than the path.

    Then it may go on where its guards would not have let it, and nobody knows whether there is such a path.
    """
    if path in states:
        return
    if len(states) >= MAX_STATES and path.said:
        path = path.but(said=0, vague=path.vague or PERHAPS)
        if path in states:
            return
    states[path] = trace


def merge(into: States, other: States) -> None:
    if len(into) + len(other) <= MAX_STATES:
        if not into:
            into.update(other)
            return
        for path, trace in other.items():
            if path not in into:
                into[path] = trace
        return
    for path, trace in other.items():
        if path not in into:
            add(into, path, trace)


def vague(states: States) -> States:
    """The same states, none of them sure."""
    result: States = {}
    for path, trace in states.items():
        add(result, path.but(vague=VAGUE), trace)
    return result


def forget(states: States, names: frozenset[str], spared: frozenset[object] = frozenset()) -> States:
    """The states without what guards said that read one of `names`, but for those of `spared` owners."""
    walk = _walk_of(states) if names else None
    # But not `taken`: how two remainders of a counter fit stays unknown.
    return _unsaid(states, walk.about(names, spared)) if walk is not None else states


def leave(states: States, owner: object) -> States:
    """The states without what guards said about the variables of a function that is left."""
    walk = _walk_of(states)
    return _unsaid(states, walk.of(owner)) if walk is not None else states


def _walk_of(states: States) -> Walk | None:
    for path in states:
        return path.walk
    return None


def _unsaid(states: States, gone: int) -> States:
    """The states without the bits of `gone`; `states` itself where none of them is set."""
    for path in states:
        if path.said & gone:
            break
    else:
        return states
    result: States = {}
    for path, trace in states.items():
        said = path.said
        if said & gone:
            path = path.saying(said & ~gone)
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
    walk = _walk_of(states)
    if walk is None:
        return states
    if guard.counter is None and guard.test is not None and not guard.parts:
        return _assume_plain(guard.test, states, truth is not guard.negated, walk)
    result: States = {}
    asked = _asked(guard, context, relevance, walk)
    for path, trace in states.items():
        assumed = _assume(asked, path, truth)
        if assumed is not None and assumed not in result:
            add(result, assumed, trace)
    return result


class _Asked:
    """A condition as it is asked of many paths at one place: what is the same for all of them is looked up once."""

    __slots__ = ("bit", "conjunction", "counter", "fixed", "lonely", "negated", "parts", "rivals", "test")

    def __init__(self, guard: Guard, fixed: bool | None, lonely: bool, parts: list[_Asked], walk: Walk) -> None:
        self.test = guard.test
        self.bit = walk.bit(guard.test) if guard.test is not None else 0
        self.rivals = walk.rivals(guard.test) if guard.test is not None else 0
        self.negated = guard.negated
        self.counter = guard.counter
        self.conjunction = guard.conjunction
        self.fixed = fixed  # how it comes out here on every path
        self.lonely = lonely
        self.parts = parts

    def holds(self, test: Test | None) -> bool:
        """Whether a test is one of those that this condition is put together from."""
        return any(part.test == test or part.holds(test) for part in self.parts)

    def known(self, path: PathState) -> bool | None:
        """What the path already says about the condition."""
        if self.fixed is not None or self.test is None:
            return self.fixed
        if path.said & self.bit:
            return not self.negated
        return self.negated if path.said & self.bit << 1 else None


def _asked(guard: Guard, context: Context, relevance: Relevance, walk: Walk) -> _Asked:
    fixed = guard.constant if guard.constant is not None else context.truth(guard)
    lonely = guard.test is not None and relevance.lonely(guard.test)
    return _Asked(guard, fixed, lonely, [_asked(part, context, relevance, walk) for part in guard.parts], walk)


def _assume_plain(test: Test, states: States, said: bool, walk: Walk) -> States:
    """The states in which a single test that others ask, too, came out as `said`: most guards are no more than that."""
    bit = walk.bit(test)
    fact, against = (bit, bit << 1 | walk.rivals(test)) if said else (bit << 1, bit)
    result: States = {}
    for path, trace in states.items():
        so_far = path.said
        if so_far & against:
            continue
        if not so_far & fact:
            path = path.saying(so_far | fact)
        add(result, path, trace)
    return result


def _assume(asked: _Asked, path: PathState, truth: bool) -> PathState | None:
    is_true = truth is not asked.negated
    test = asked.test
    is_vague, taken = path.vague, path.taken
    if asked.counter is not None:
        if is_true:
            taken = taken | {(asked.counter, test)}
        elif any(counter == asked.counter and other != test and not asked.holds(other) for counter, other in taken):
            is_vague = VAGUE
    if test is None:
        return path if is_vague == path.vague else path.but(vague=is_vague)
    fact, against = (asked.bit, asked.bit << 1 | asked.rivals) if is_true else (asked.bit << 1, asked.bit)
    if path.said & against:
        return None
    said = path.said if asked.lonely else path.said | fact
    assumed = path
    if said != path.said or taken is not path.taken or is_vague is not path.vague:
        assumed = path.but(said=said, taken=taken, vague=is_vague)
    if asked.parts and is_true is asked.conjunction:
        for part in asked.parts:  # all hold, or none does
            if part.fixed is not None:
                if part.fixed is not is_true:
                    return None
                continue
            inner = _assume(part, assumed, is_true)
            if inner is None:
                return None
            assumed = inner
    elif asked.parts and all(part.known(path) is asked.conjunction for part in asked.parts):
        return None  # `a and b` cannot be false where both hold
    return assumed
