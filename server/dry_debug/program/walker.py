"""The walk of an automaton over event trees: calls inlined, loops to the fixpoint, branches kept apart by guards.

A state set is walked, not single paths: each member is a state with what the guards on its way said. An iteration's
states are not mixed with those of the one before it, so that *must* means: in some iteration, every path that gets
there is wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable
from typing import TYPE_CHECKING

from dry_debug.program import lightning
from dry_debug.program.arguments import bind_arguments, places_taken
from dry_debug.program.automata import Automaton, Certainty, Context, Hit
from dry_debug.program.guards import Guard
from dry_debug.program.paths import (
    SURE,
    VAGUE,
    Flow,
    Occurrence,
    PathState,
    States,
    Trace,
    Walk,
    add,
    assume,
    forget,
    leave,
    merge,
    vague,
)
from dry_debug.program.relevance import Relevance
from dry_debug.program.renaming import Renaming
from dry_debug.program.scopes import Scope
from dry_debug.program.trees import (
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
    Yield,
    after_yield,
)
from dry_debug.program.values import Value
from dry_debug.records import dataclass, replace

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_PASSES = 5
MAX_DEPTH = 12  # of inlined calls
MAX_WORK = 20_000  # states taken over an event, a branch or a call in one walk; then nothing is sure
MAX_TOGETHER = 100_000  # in all walks over one file; then nothing more is walked
_CALL = 10  # what entering a function costs, in these units


@dataclass(slots=True)
class _Tally:
    must: bool = False
    vague: bool = True
    trace: Trace = ()
    loops: tuple[ast.AST, ...] = ()
    calls: tuple[CallTree, ...] = ()


@dataclass(slots=True)
class _Driven:
    """The block that runs at the `yield` of the function being walked."""

    body: Tree | None
    context: Context
    exits: Flow
    in_loop: bool
    driver: Tree  # of that function


class Walker:
    """Walks one automaton over one program, from one root at a time."""

    def __init__(self, automaton: Automaton, program: Program, remembers: bool = True) -> None:
        """`remembers` what the guards on the way said, if the automaton does; else no hit is surer than another."""
        self.automaton = automaton
        self.program = program
        self._steps: dict[Event, Event] = {}
        self.relevance = program.events.relevance(automaton.kinds, remembers and automaton.remembers)
        self._remembers = self.relevance if isinstance(self.relevance, Relevance) else None
        self._reset()

    def _reset(self) -> None:
        self.tallies: dict[tuple[Event, Hashable, ast.Call | None], _Tally] = {}
        self.work = 0
        self.stack: list[Scope] = []
        self.renamings: list[Renaming | None] = []  # of the calls on the stack
        self.loops: list[ast.AST] = []
        self.driven: list[_Driven | None] = []
        self.context = Context(self.program, {})
        self._done: dict[tuple[object, ...], States] = {}

    def run(self, root: Scope) -> list[Hit]:
        """Everything wrong on the paths that start at `root`."""
        if self.program.events.walked > MAX_TOGETHER:
            return []
        self._reset()
        self.stack.append(root)
        self.driven.append(None)
        tree = self.relevance.tree(self.program, root)
        walk = Walk()
        states: States = {walk.state(self.automaton.start): ()}
        if lightning.repeats(root, self.program):
            self._repeat(tree, states, root)
        else:
            self._walk(tree, states)
        walk.release()
        self.program.events.walked += self.work
        hits = []
        for (event, label, _), tally in self.tallies.items():
            sure = self.work <= MAX_WORK
            certainty: Certainty = "unknown" if tally.vague or not sure else "must" if tally.must else "may"
            hits.append(Hit(event, label, certainty, tally.trace, tally.loops, tally.calls))
        return hits

    def _repeat(self, tree: Tree, states: States, root: Scope) -> None:
        """A hook that a trainer calls for each batch is the body of a loop that nobody has written down."""
        self.loops.append(root.node)
        seen: set[PathState] = set()
        for _ in range(MAX_PASSES):
            if not states or all(path in seen for path in states):
                break
            seen.update(states)
            flow = self._walk(tree, states)
            states = {}
            for part in (flow.next, flow.returns):
                for path, trace in part.items():
                    add(states, path.but(said=0), trace)  # what was tested is another batch's by now
        self.loops.pop()

    def _walk(self, tree: Tree, states: States) -> Flow:
        if not states or self.work > MAX_WORK:
            return Flow({})
        if isinstance(tree, Leaf):
            return Flow(self._event(tree.event, states))
        if isinstance(tree, Seq):
            return self._seq(tree.items, states)
        if isinstance(tree, Alt):
            flow = Flow({})
            rest: Tree = tree
            while isinstance(rest, Alt):  # a chain of `elif`s, without recursion
                self.work += 1 + len(states) // 2
                if self.work > MAX_WORK:
                    return Flow({})
                guard = self._guard(rest.guard, states)
                flow.merge(self._walk(rest.then, assume(guard, states, True, self.context, self._remembers)))
                states = assume(guard, states, False, self.context, self._remembers)
                rest = rest.other
            flow.merge(self._walk(rest, states))
            return flow
        if isinstance(tree, Loop):
            return self._loop(tree, states)
        if isinstance(tree, CallTree):
            return self._call(tree, states)
        if isinstance(tree, TryTree):
            return self._try(tree, states)
        if isinstance(tree, Exit):
            return _exit(tree, states)
        if isinstance(tree, Kill):
            return Flow(self._forget(states, frozenset((tree.name,))))
        if isinstance(tree, Yield):
            return self._yield(states)
        if isinstance(tree, Choice):
            flow = Flow({})
            for branch in tree.branches:
                flow.merge(self._walk(branch, states))
            return flow
        return Flow(states)

    def _guard(self, guard: Guard, states: States) -> Guard:
        """The condition in the terms of the outermost caller that tests the same somewhere."""
        if self._remembers is None or not self.renamings or guard.constant is not None:
            return guard
        if guard.test is None or not states or self.context.truth(guard) is not None:
            return guard
        best = current = guard
        for renaming in reversed(self.renamings):
            if renaming is not None:
                current = renaming.guard(current)
                # A path like `cfg.train` means the same everywhere unless the call says what `cfg` is.
                shared = best.test is not None and best.test.owner == ""
                if shared or current.constant is not None or self._remembers.met_again(current):
                    best = current
        return best

    def _forget(self, states: States, names: frozenset[str]) -> States:
        """What is said no longer of variables that get a new value in the function being walked."""
        if self._remembers is None or not names or not any(path.said for path in states):
            return states
        owners: frozenset[object] = frozenset()
        if len(self.stack) > 1:
            renaming = self.renamings[-1]
            if renaming is not None:
                more = {new for name in names if (new := renaming.name(name)) is not None}
                if more:
                    states = forget(states, frozenset(more))
            here = self.stack[-1]
            if all(name in here.bindings for name in names):  # variables of its own: a caller's are others
                owners = frozenset(id(scope) for scope in self.stack[:-1] if scope is not here)
        return forget(states, names, owners)

    def _unsure(self, states: States) -> States:
        """The states, none of them sure. Who remembers no guard only asks whether anything is found, however sure."""
        return vague(states) if self._remembers is not None else states

    def _seq(self, items: list[Tree], states: States) -> Flow:
        flow = Flow(states)
        for item in items:
            if item.__class__ is Leaf and self.work <= MAX_WORK:
                states = self._event(item.event, states)
            elif item.__class__ is Kill and self.work <= MAX_WORK:
                states = self._forget(states, frozenset((item.name,)))
            else:
                inner = self._walk(item, states)
                states = inner.next
                flow.merge_exits(inner)
            if not states:
                break
        flow.next = states
        return flow

    def _event(self, event: Event, states: States) -> States:
        automaton = self.automaton
        if event.kind == "step":
            event = self._step(event)
        if event.kind not in automaton.kinds:
            return states
        self.work += len(states)
        result: States = {}
        wrong: dict[Hashable, list[tuple[PathState, Trace]]] = {}
        steps: dict[Hashable, tuple[Hashable, Hashable | None]] = {}  # most paths differ in their guards alone
        for path, trace in states.items():
            taken = steps.get(path.state)
            if taken is None:
                taken = steps[path.state] = automaton.step(path.state, event, self.context)
            state, label = taken
            if label is not None:
                wrong.setdefault(label, []).append((path, trace))
            if state is path.state or state == path.state:
                if path not in result:
                    add(result, path, trace)
            else:
                add(result, path.but(state=state), (*trace[-5:], Occurrence(event, self.context.calls)))
        for label, paths in wrong.items():
            self._tally(event, label, paths, states)
        return result

    def _step(self, event: Event) -> Event:
        """A step of something that turns out to be an optimizer here."""
        obj = self.context.resolve(event.obj)
        if obj.kind != "optimizer":
            return event
        known = self._steps.get(event)
        if known is None:
            known = self._steps[event] = replace(event, kind="optimizer_step")
        return known

    def _tally(self, event: Event, label: Hashable, paths: list[tuple[PathState, Trace]], states: States) -> None:
        key = (event, label, self.automaton.way(self.context.calls))
        tally = self.tallies.setdefault(key, _Tally())
        rivals = [p for p in states if not p.thrown and self.automaton.counts(p.state, label)]
        bad = [p for p, _ in paths if not p.thrown]
        # A path that may be none proves nothing, and takes nothing from the others where it is as wrong as they are.
        proves = any(p.vague == SURE for p in bad) and not any(p.vague == VAGUE for p in bad)
        must = proves and len(bad) == len(rivals)
        if not tally.must:
            clean = next(((p, t) for p, t in paths if not p.thrown and not p.vague), paths[0])
            tally.trace = clean[1]
            tally.loops = tuple(self.loops)
            tally.calls = self.context.calls
        if any(not p.vague for p in bad):
            tally.vague = False
        tally.must = tally.must or must

    def _loop(self, tree: Loop, states: States) -> Flow:
        out: States = {}
        flow = Flow({})
        self.loops.append(tree.node)
        seen: set[PathState] = set()
        current = states
        for _ in range(MAX_PASSES):
            current = self._forget(current, tree.kills)
            if all(path in seen for path in current):
                break
            seen.update(current)
            inner = self._walk(tree.body, current)
            following: States = {}
            merge(following, inner.next)
            merge(following, inner.continues)
            merge(flow.returns, inner.returns)
            merge(flow.breaks, inner.breaks)
            merge(out, following)
            current = following
            if not current:
                break
        self.loops.pop()
        # A loop over data runs at least once on every path that anybody cares about.
        broken, flow.breaks = flow.breaks, {}
        after: States = {}
        if not tree.endless:
            ended = self._walk(tree.orelse, out)
            merge(after, ended.next)
            flow.merge_exits(ended)
        merge(after, broken)
        flow.next = after
        return flow

    def _try(self, tree: TryTree, states: States) -> Flow:
        body = self._walk(tree.body, states)
        flow = Flow({})
        flow.merge(self._walk(tree.orelse, body.next))
        flow.merge_exits(body)
        thrown: States = {}
        for source in (states, body.next):
            if self._remembers is None:
                merge(thrown, source)
                continue
            for path, trace in source.items():
                add(thrown, path.but(thrown=True), trace)
        for handler in tree.handlers:
            flow.merge(self._walk(handler, thrown))
        if isinstance(tree.final, Seq) and not tree.final.items:
            return flow
        result = Flow({})
        for name in ("next", "breaks", "continues", "returns"):
            part = getattr(flow, name)
            if part:
                final = self._walk(tree.final, part)
                merge(getattr(result, name), final.next)
                merge(result.returns, final.returns)
        return result

    # -- inlining ------------------------------------------------------------------------------------------------------

    def _call(self, tree: CallTree, states: States) -> Flow:
        function = tree.function
        if function.scope is None:  # a function that was passed in
            function = self.context.bound.get(function.ident, function)
        callee, program = function.scope, function.program
        plain = Flow(states) if tree.body is None else None
        called = tree if function is tree.function else replace(tree, function=function)
        if callee is None or program is None or not self.relevance.reaches(called):
            return plain or self._walk(tree.body, states)  # type: ignore[arg-type]
        if callee in self.stack or len(self.stack) > MAX_DEPTH:
            unsure = self._unsure(states)
            return Flow(unsure) if plain else self._walk(tree.body, unsure)  # type: ignore[arg-type]
        outer = self.context
        key = (tree, outer.calls, frozenset(states))
        done = self._done.get(key) if tree.body is None else None
        if done is not None:
            return Flow(dict(done))
        self.work += _CALL
        self.context = self._inside(tree, callee, program, function, outer)
        self.stack.append(callee)
        self.renamings.append(self._remembers.renaming(tree, function) if self._remembers is not None else None)
        exits = Flow({})
        inner = self.relevance.tree(program, callee)
        self.driven.append(_Driven(tree.body, outer, exits, isinstance(tree.body, Loop), inner))
        flow = self._walk(inner, states)
        self.driven.pop()
        self.stack.pop()
        self.renamings.pop()
        self.context = outer
        merged: States = {}
        merge(merged, flow.next)
        merge(merged, flow.returns)
        result = leave(merged, id(callee)) if self._remembers is not None else merged
        if callee.yields and tree.body is None:  # nobody knows when its parts run
            merge(result, states)
            result = self._unsure(result)
        elif tree.opaque:
            result = self._unsure(result)
        if tree.body is None:
            self._done[key] = dict(result)
        merge(result, exits.next)
        return Flow(result, exits.breaks, exits.continues, exits.returns)

    def _yield(self, states: States) -> Flow:
        """The driving block runs here, in its own surroundings."""
        driven = self.driven[-1]
        if driven is None or driven.body is None:
            return Flow(states)
        callee, context, renaming = self.stack.pop(), self.context, self.renamings.pop()
        self.driven.pop()
        self.context = driven.context
        body = driven.body.body if isinstance(driven.body, Loop) else driven.body
        if isinstance(driven.body, Loop):
            states = self._forget(states, driven.body.kills)
            self.loops.append(driven.body.node)
        flow = self._walk(body, states)
        if isinstance(driven.body, Loop):
            self.loops.pop()
        self.context = context
        self.driven.append(driven)
        self.stack.append(callee)
        self.renamings.append(renaming)
        if driven.in_loop:
            merge(driven.exits.returns, flow.returns)
            merge(flow.next, flow.continues)
            merge(driven.exits.next, flow.breaks)
        else:
            merge(driven.exits.returns, self._left(flow.returns, driven.driver, callee))
            merge(driven.exits.breaks, self._left(flow.breaks, driven.driver, callee))
            merge(driven.exits.continues, self._left(flow.continues, driven.driver, callee))
        return Flow(flow.next)

    def _left(self, states: States, driver: Tree, manager: Scope) -> States:
        """Whoever leaves a `with` block by `return` or `break` runs what its manager does behind the `yield`, too."""
        rest = after_yield(driver) if states else None
        if rest is None:
            return states
        flow = self._walk(rest, states)
        merged: States = {}
        merge(merged, flow.next)
        merge(merged, flow.returns)
        return leave(merged, id(manager)) if self._remembers is not None else merged

    def _inside(self, tree: CallTree, callee: Scope, program: Program, function: Value, outer: Context) -> Context:
        """The context in a called function. It is told by the calls on the way, whatever is walked for."""
        calls = (*outer.calls, tree)
        contexts = self.program.events.contexts
        known = contexts.get(calls)
        if known is None:
            known = contexts[calls] = Context(program, self._bound(tree, callee, function, outer), calls)
        return known

    def _bound(self, tree: CallTree, callee: Scope, function: Value, outer: Context) -> dict[Hashable, Value]:
        """What the callee's parameters, and the attributes of its object, stand for."""
        bound = dict(outer.bound)
        for key in [k for k in bound if isinstance(k, tuple) and len(k) == 3 and k[1] is callee]:
            del bound[key]
        program = tree.program
        receiver = tree.receiver
        if receiver is not None and receiver.scope is not None and receiver.program is not None:
            receiver = self._instance(outer.resolve(receiver), outer)
            if receiver.scope is not None and receiver.ident != ("self", receiver.scope):
                for cls in _lineage(receiver):
                    bound[("self", cls)] = receiver
        rows = bind_arguments(
            program.evaluator, callee, tree.call, program.scope(tree.call), program.statement(tree.call), None,
            tree.receiver, places_taken(function),
        )  # fmt: skip
        home = function.program
        for (scope, name), value in (*(function.env or {}).items(), *rows.items()):
            resolved = outer.resolve(value)
            bound[("param", scope, name)] = resolved
            bound[("var", scope, name)] = resolved
            if home is not None and isinstance(scope, Scope):
                parameter = next((b for b in scope.bindings.get(name, ()) if b.kind == "param"), None)
                own = home.evaluator.binding(parameter).base.ident if parameter is not None else None
                if not isinstance(own, tuple) or own == resolved.base.ident:
                    continue
                # What the only call in the callee's own file gives is not what a call in another file gives.
                if own[0] in ("param", "var") or (own[0] == "alloc" and program is not home and resolved.known):
                    bound[own] = resolved
        for name in _given(tree.call, callee):
            bound[("given", callee, name)] = _GIVEN
        if any(isinstance(a, ast.Starred) for a in tree.call.args) or any(k.arg is None for k in tree.call.keywords):
            bound[("partly", callee)] = _GIVEN
        bound.update(tree.passed)
        return bound

    def _instance(self, receiver: Value, outer: Context) -> Value:
        """The receiver with the arguments that its class was called with."""
        made, owner, cls = receiver.args, receiver.program, receiver.scope
        if receiver.kind != "instance" or made is None or owner is None or cls is None or receiver.env:
            return receiver
        init = owner.evaluator.class_attribute(cls, "__init__")
        caller = self._program_of(made, outer)
        if init.kind != "function" or init.scope is None or caller is None:
            return receiver
        rows = bind_arguments(
            caller.evaluator, init.scope, made, caller.scope(made), caller.statement(made), None, receiver
        )
        own = [a.arg for a in init.scope.parameters()][:1]
        env = {key: outer.resolve(value) for key, value in rows.items() if key[1] not in own}
        return receiver.but(env=env) if env else receiver

    def _program_of(self, call: ast.Call, outer: Context) -> Program | None:
        """The file in which a call stands: that of the walk's start or of one of the calls on the way."""
        for program in (outer.program, self.program, *(tree.program for tree in outer.calls)):
            if call in program.index.scope_of:
                return program
        return None


_GIVEN = Value("const", const=True)


def _given(call: ast.Call, callee: Scope) -> list[str]:
    """The parameters for which the call gives something, known or not."""
    return callee.passed_names()[: len(call.args)] + [k.arg for k in call.keywords if k.arg is not None]


def _lineage(instance: Value) -> list[Scope]:
    """The class of an instance and its bases in the project."""
    found: list[Scope] = []
    queue = [instance]
    while queue and len(found) < 8:
        value = queue.pop()
        if value.scope is None or value.scope.kind != "class" or value.program is None or value.scope in found:
            continue
        found.append(value.scope)
        queue.extend(value.program.evaluator.bases(value.scope))
    return found


def _exit(tree: Exit, states: States) -> Flow:
    if tree.kind == "break":
        return Flow({}, breaks=states)
    if tree.kind == "continue":
        return Flow({}, continues=states)
    if tree.kind == "return":
        return Flow({}, returns=states)
    return Flow({})
