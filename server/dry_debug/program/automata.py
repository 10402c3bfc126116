"""Order: an automaton walked over an event tree, calls inlined, loops to the fixpoint, branches kept apart by guards.

A state set is walked, not single paths: each member is a state with what the guards on its way said. An iteration's
states are not mixed with those of the one before it, so that *must* means: in some iteration, every path that gets
there is wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from dry_debug.program.events import (
    Alt,
    CallTree,
    Choice,
    Event,
    Exit,
    Kill,
    Leaf,
    Loop,
    Seq,
    Tree,
    TryTree,
)
from dry_debug.program.guards import Guard
from dry_debug.program.scopes import Scope
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

Certainty = Literal["must", "may", "unknown"]
MAX_STATES = 48
MAX_PASSES = 5
MAX_DEPTH = 12  # of inlined calls
MAX_WORK = 20_000  # events visited in one walk


class Automaton(Protocol):
    """What a rule says about order: states, how events change them, and where that is wrong."""

    kinds: frozenset[str]  # events that it wants to see
    start: Hashable

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, str | None]:
        """The next state, and what is wrong with this event in this state (a label) or None."""


@dataclass(frozen=True, slots=True)
class PathState:
    """A state of the automaton and what the guards on the way to it said."""

    state: Hashable
    guards: frozenset[tuple[object, bool]] = frozenset()
    taken: frozenset[tuple[str, object]] = frozenset()  # counters whose remainder test was true on the way, which test
    vague: bool = False  # two different remainder tests of one counter: nobody knows how they fit
    thrown: bool = False  # only an exception leads here


Trace = tuple[Event, ...]
States = dict[PathState, Trace]  # with the last events on the way


@dataclass(slots=True)
class Hit:
    """The automaton found something wrong at `event`."""

    event: Event
    label: str
    certainty: Certainty
    trace: Trace  # the events before it on one wrong path, oldest first
    loops: tuple[ast.AST, ...]  # the loops around it, outermost first, those of callers included


@dataclass(slots=True)
class _Tally:
    must: bool = False
    vague: bool = True
    trace: Trace = ()
    loops: tuple[ast.AST, ...] = ()


@dataclass(slots=True)
class _Flow:
    next: States
    breaks: States = field(default_factory=dict)
    continues: States = field(default_factory=dict)
    returns: States = field(default_factory=dict)


class Context:
    """Where the walk is: what the parameters of the inlined functions stand for."""

    def __init__(self, program: Program, bound: dict[Hashable, Value]) -> None:
        self.program = program
        self.bound = bound

    def resolve(self, value: Value) -> Value:
        """The caller's object where `value` is a parameter of an inlined function."""
        for _ in range(10):
            found = self.bound.get(value.base.ident) if value.base.ident is not None else None
            if found is None or found is value:
                return value
            value = found
        return value

    def same(self, value: Value, ident: Hashable) -> bool | None:
        """Whether `value` is the object named `ident`; None if nobody can tell."""
        resolved = self.resolve(value)
        mine = resolved.base.ident
        if mine == ident:
            return True
        if not resolved.known or mine is None:
            return None
        if _concrete(mine) and _concrete(ident):
            return False
        # A parameter whose callers are not known, an element of a list: it may be the object or another.
        return None


def _concrete(ident: Hashable) -> bool:
    return isinstance(ident, tuple) and bool(ident) and ident[0] in ("alloc", "attr", "var", "call")


class Walker:
    """One walk of one automaton from one root."""

    def __init__(self, automaton: Automaton, program: Program) -> None:
        self.automaton = automaton
        self.program = program
        self.tallies: dict[tuple[Event, str], _Tally] = {}
        self.work = 0
        self.stack: list[Scope] = []
        self.loops: list[ast.AST] = []
        self.context = Context(program, {})
        self._relevant: dict[Scope, bool] = {}

    def run(self, root: Scope) -> list[Hit]:
        """Everything wrong on the paths that start at `root`."""
        self.stack.append(root)
        self._walk(self.program.events.tree(root), {PathState(self.automaton.start): ()})
        hits = []
        for (event, label), tally in self.tallies.items():
            certainty: Certainty = "must" if tally.must else "unknown" if tally.vague else "may"
            hits.append(Hit(event, label, certainty, tally.trace, tally.loops))
        return hits

    def _walk(self, tree: Tree, states: States) -> _Flow:
        if not states or self.work > MAX_WORK:
            return _Flow({})
        if isinstance(tree, Leaf):
            return _Flow(self._event(tree.event, states))
        if isinstance(tree, Seq):
            return self._seq(tree.items, states)
        if isinstance(tree, Alt):
            return self._alt(tree, states)
        if isinstance(tree, Loop):
            return self._loop(tree, states)
        if isinstance(tree, CallTree):
            return _Flow(self._call(tree, states))
        if isinstance(tree, TryTree):
            return self._try(tree, states)
        if isinstance(tree, Exit):
            return self._exit(tree, states)
        if isinstance(tree, Kill):
            return _Flow(_forget(states, frozenset((tree.name,))))
        if isinstance(tree, Choice):
            flow = _Flow({})
            for branch in tree.branches:
                _merge_flow(flow, self._walk(branch, states))
            return flow
        return _Flow(states)

    def _seq(self, items: list[Tree], states: States) -> _Flow:
        flow = _Flow(states)
        for item in items:
            inner = self._walk(item, flow.next)
            flow.next = inner.next
            _merge(flow.breaks, inner.breaks)
            _merge(flow.continues, inner.continues)
            _merge(flow.returns, inner.returns)
            if not flow.next:
                break
        return flow

    def _event(self, event: Event, states: States) -> States:
        if event.kind not in self.automaton.kinds:
            return states
        self.work += 1
        result: States = {}
        wrong: dict[str, list[tuple[PathState, Trace]]] = {}
        for path, trace in states.items():
            state, label = self.automaton.step(path.state, event, self.context)
            if label is not None:
                wrong.setdefault(label, []).append((path, trace))
            moved = path if state == path.state else PathState(state, path.guards, path.taken, path.vague, path.thrown)
            _add(result, moved, trace if state == path.state else (*trace[-5:], event))
        for label, paths in wrong.items():
            tally = self.tallies.setdefault((event, label), _Tally())
            ordinary = [p for p in states if not p.thrown]
            bad = [p for p, _ in paths if not p.thrown]
            if not tally.must:
                clean = next(((p, t) for p, t in paths if not p.thrown and not p.vague), paths[0])
                tally.trace = clean[1]
                tally.loops = tuple(self.loops)
            if any(not p.vague for p in bad):
                tally.vague = False
            if bad and len(bad) == len(ordinary) and not any(p.vague for p in bad):
                tally.must = True
        return result

    def _alt(self, tree: Alt, states: States) -> _Flow:
        flow = _Flow({})
        yes = self._assume(tree.guard, states, True)
        no = self._assume(tree.guard, states, False)
        _merge_flow(flow, self._walk(tree.then, yes))
        _merge_flow(flow, self._walk(tree.other, no))
        return flow

    def _assume(self, guard: Guard, states: States, truth: bool) -> States:
        """The states in which the test can come out as `truth`, with that remembered."""
        said = truth is not guard.negated
        result: States = {}
        for path, trace in states.items():
            if (guard.key, not said) in path.guards:
                continue
            vague, taken = path.vague, path.taken
            if guard.counter is not None:
                if said:
                    taken = taken | {(guard.counter, guard.key)}
                elif any(counter == guard.counter and key != guard.key for counter, key in taken):
                    vague = True
            assumed = PathState(path.state, path.guards | {(guard.key, said)}, taken, vague, path.thrown)
            _add(result, assumed, trace)
        return result

    def _loop(self, tree: Loop, states: States) -> _Flow:
        out: States = {}
        flow = _Flow({})
        self.loops.append(tree.node)
        seen: set[PathState] = set()
        current = states
        for _ in range(MAX_PASSES):
            current = _forget(current, tree.kills)
            if all(path in seen for path in current):
                break
            seen.update(current)
            inner = self._walk(tree.body, current)
            following: States = {}
            _merge(following, inner.next)
            _merge(following, inner.continues)
            _merge(flow.returns, inner.returns)
            _merge(flow.breaks, inner.breaks)
            _merge(out, following)
            current = following
            if not current:
                break
        self.loops.pop()
        # A loop over data runs at least once on every path that anybody cares about.
        broken, flow.breaks = flow.breaks, {}
        after: States = {}
        if not tree.endless:
            ended = self._walk(tree.orelse, out)
            _merge(after, ended.next)
            _merge(flow.breaks, ended.breaks)
            _merge(flow.continues, ended.continues)
            _merge(flow.returns, ended.returns)
        _merge(after, broken)
        flow.next = after
        return flow

    def _try(self, tree: TryTree, states: States) -> _Flow:
        body = self._walk(tree.body, states)
        flow = _Flow({})
        done = self._walk(tree.orelse, body.next)
        _merge_flow(flow, done)
        for part in (body.breaks, flow.breaks), (body.continues, flow.continues), (body.returns, flow.returns):
            _merge(part[1], part[0])
        thrown: States = {}
        for source in (states, body.next):
            for path, trace in source.items():
                _add(thrown, PathState(path.state, path.guards, path.taken, path.vague, True), trace)
        for handler in tree.handlers:
            _merge_flow(flow, self._walk(handler, thrown))
        if isinstance(tree.final, Seq) and not tree.final.items:
            return flow
        result = _Flow({})
        for name in ("next", "breaks", "continues", "returns"):
            part = getattr(flow, name)
            if part:
                final = self._walk(tree.final, part)
                _merge(getattr(result, name), final.next)
                _merge(result.returns, final.returns)
        return result

    def _exit(self, tree: Exit, states: States) -> _Flow:
        if tree.kind == "break":
            return _Flow({}, breaks=states)
        if tree.kind == "continue":
            return _Flow({}, continues=states)
        if tree.kind == "return":
            return _Flow({}, returns=states)
        return _Flow({})

    # -- inlining --------------------------------------------------------------------------------------------------------

    def _call(self, tree: CallTree, states: States) -> States:
        callee, program = tree.function.scope, tree.function.program
        if callee is None or program is None or callee in self.stack or len(self.stack) > MAX_DEPTH:
            return states
        if not self._has_kinds(program, callee, ()):
            return states
        outer = self.context
        bound = dict(outer.bound)
        for name, value in self._arguments(tree, callee, outer):
            bound[("param", callee, name)] = value
            own = program.evaluator.parameter(callee, name).base.ident
            if own is not None and own != value.base.ident and isinstance(own, tuple) and own[0] in ("param", "var"):
                bound[own] = value
        self.context = Context(program, bound)
        self.stack.append(callee)
        flow = self._walk(program.events.tree(callee), states)
        self.stack.pop()
        self.context = outer
        result: States = {}
        for part in (flow.next, flow.returns):
            for path, trace in part.items():
                kept = frozenset(g for g in path.guards if not _local_to(g[0], callee))
                _add(result, PathState(path.state, kept, path.taken, path.vague, path.thrown), trace)
        return result

    def _arguments(self, tree: CallTree, callee: Scope, outer: Context) -> list[tuple[str, Value]]:
        from dry_debug.program.calls import bind_arguments

        program = tree.program
        bound = bind_arguments(
            program.evaluator, callee, tree.call, program.scope(tree.call), program.statement(tree.call), None,
            tree.receiver,
        )  # fmt: skip
        return [(name, outer.resolve(value)) for (_, name), value in bound.items()]

    def _has_kinds(self, program: Program, scope: Scope, stack: tuple[Scope, ...]) -> bool:
        """Whether the function, or one that it calls, holds an event that the automaton wants."""
        known = self._relevant.get(scope)
        if known is not None:
            return known
        if scope in stack or len(stack) > MAX_DEPTH:
            return False
        self._relevant[scope] = False
        result = self._tree_has(program.events.tree(scope), (*stack, scope))
        self._relevant[scope] = result
        return result

    def _tree_has(self, tree: Tree, stack: tuple[Scope, ...]) -> bool:
        queue = [tree]
        while queue:
            node = queue.pop()
            if isinstance(node, Leaf):
                if node.event.kind in self.automaton.kinds:
                    return True
            elif isinstance(node, CallTree):
                function = node.function
                if function.scope is not None and function.program is not None:
                    if self._has_kinds(function.program, function.scope, stack):
                        return True
            else:
                queue.extend(_children(node))
        return False


def _children(node: Tree) -> list[Tree]:
    if isinstance(node, Seq):
        return node.items
    if isinstance(node, Alt):
        return [node.then, node.other]
    if isinstance(node, Loop):
        return [node.body, node.orelse]
    if isinstance(node, Choice):
        return node.branches
    if isinstance(node, TryTree):
        return [node.body, *node.handlers, node.orelse, node.final]
    return []


def _local_to(key: object, callee: Scope) -> bool:
    return isinstance(key, tuple) and bool(key) and key[0] == id(callee)


def _forget(states: States, names: frozenset[str]) -> States:
    """The states without what guards said that read one of `names`."""
    if not names:
        return states
    result: States = {}
    for path, trace in states.items():
        if path.guards:
            kept = frozenset(g for g in path.guards if not _reads(g[0], names))
            path = PathState(path.state, kept, path.taken, path.vague, path.thrown)
        _add(result, path, trace)
    return result


def _reads(key: object, names: frozenset[str]) -> bool:
    """Whether the dumped test in a guard's key mentions one of `names` (dotted names by their attribute)."""
    if not (isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], str)):
        return False
    for name in names:
        head, _, attr = name.rpartition(".")
        if (f"attr='{attr}'" if head else f"id='{attr}'") in key[1]:
            return True
    return False


def _add(states: States, path: PathState, trace: Trace) -> None:
    if path in states:
        return
    if len(states) >= MAX_STATES:  # too many guards: forget them rather than paths
        path = PathState(path.state, frozenset(), path.taken, path.vague, path.thrown)
        if path in states:
            return
    states[path] = trace


def _merge(into: States, other: States) -> None:
    for path, trace in other.items():
        _add(into, path, trace)


def _merge_flow(into: _Flow, other: _Flow) -> None:
    _merge(into.next, other.next)
    _merge(into.breaks, other.breaks)
    _merge(into.continues, other.continues)
    _merge(into.returns, other.returns)


def run(automaton: Automaton, program: Program) -> list[Hit]:
    """Walk from every root of the program; one hit an event and label, the most certain one."""
    best: dict[tuple[Event, str], Hit] = {}
    order: dict[Certainty, int] = {"must": 0, "may": 1, "unknown": 2}
    for root in program.events.roots():
        for hit in Walker(automaton, program).run(root):
            known = best.get((hit.event, hit.label))
            if known is None or order[hit.certainty] < order[known.certainty]:
                best[(hit.event, hit.label)] = hit
    return sorted(best.values(), key=lambda h: (h.event.program is not program, h.event.stmt.lineno))
