"""Order: what a rule says about it (an automaton), what the walk over the event trees answers (hits)."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from typing import TYPE_CHECKING, Literal

from dry_debug.program.events import owned
from dry_debug.program.guards import Guard
from dry_debug.program.paths import Occurrence, States, Trace
from dry_debug.program.relations import different, given_by_maker
from dry_debug.program.trees import CallTree, Event
from dry_debug.program.trees import children as _children
from dry_debug.program.values import Ident, Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

__all__ = [
    "Automaton", "Certainty", "Context", "Hit", "Occurrence", "Trace", "Visit", "_children", "collect", "run", "visits",
]  # fmt: skip

Certainty = Literal["must", "may", "unknown"]
_TRUTHY = frozenset("optimizer module scaler scheduler loader dataset function class instance pymodule ema".split())


class Automaton:
    """What a rule says about order: states, how events change them, and where that is wrong."""

    kinds: frozenset[str]  # events that it wants to see
    start: Hashable = None
    remembers = True  # what the guards on the way said; False where only what is reached matters
    seldom = True  # its labels say that something is wrong: most programs get none
    ways = False  # the calls that lead to an event's function count each for itself

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        """The next state, and what is wrong with this event in this state (a label) or None.

        Asked once for all paths that come to the event in `state`: it must depend on nothing else.
        """
        raise NotImplementedError

    def counts(self, state: Hashable, label: Hashable) -> bool:
        """Whether a path in `state` is one of those of which all must be wrong for `label` to be a must."""
        return True

    def way(self, calls: tuple[CallTree, ...]) -> ast.Call | None:
        """What tells apart the hits of one event that it has the same label for: the call of its function, if that."""
        return calls[-1].call if self.ways and calls else None


@dataclass(slots=True)
class Hit:
    """The automaton found something wrong at `event`.

    `must`: in some iteration every path that gets there (and counts) is wrong; `may`: some path is; `unknown`: only
    paths of which nobody knows whether they exist.
    """

    event: Event
    label: Hashable
    certainty: Certainty
    trace: Trace  # the events before it on one wrong path that changed the state, oldest first
    loops: tuple[ast.AST, ...]  # the loops around it, outermost first, those of callers included
    calls: tuple[CallTree, ...]  # the calls through which the walk came there


class Context:
    """Where the walk is: what the parameters of the inlined functions stand for."""

    def __init__(self, program: Program, bound: dict[Hashable, Value], calls: tuple[CallTree, ...] = ()) -> None:
        self.program = program
        self.bound = bound
        self.calls = calls

    def resolve(self, value: Value) -> Value:
        """The caller's object where `value` is a parameter or an attribute of an inlined function's object."""
        for _ in range(10):
            ident = value.base.ident
            if ident is None:
                return value
            found = self.bound.get(ident)
            if found is None:
                found = self._of_instance(value, ident)
            if found is None or found is value or found.base.ident == ident:
                return value
            value = found
        return value

    def _of_instance(self, value: Value, ident: Ident) -> Value | None:
        """`self.x` of the instance whose method is being walked."""
        if not (isinstance(ident, tuple) and len(ident) > 1):
            return None
        if ident[0] == "alloc":
            if value.kind != "optimizer" or value.program is None:
                return None
            home = value.program.index.scope_of.get(ident[1])
            cls = home.class_scope if home is not None else None
            instance = self.bound.get(("self", cls)) if cls is not None else None
            return owned(value, self.resolve(instance)) if instance is not None else None
        if ident[0] not in ("var", "attr") or len(ident) != 3:
            return None
        instance = self.bound.get(("self", ident[1]))
        if instance is None or instance.program is None or instance.scope is None or not instance.env:
            return None
        attr = str(ident[2]).removeprefix("self.")
        if "." in attr:
            return None
        found = instance.program.evaluator.class_attribute(instance.scope, attr, instance)
        return found if found.kind == value.kind or not value.known else None

    def same(self, value: Value, ident: Hashable) -> bool | None:
        """Whether `value` is the object named `ident`; None if nobody can tell."""
        resolved = self.resolve(value)
        mine = resolved.base.ident
        if mine == ident or (self.made_by_call(ident) and given_by_maker(mine, ident)):
            return True
        if not resolved.known or mine is None:
            return None
        return False if different(mine, ident) else None

    def made_by_call(self, ident: Hashable) -> bool:
        """Whether the object named `ident` is what one of the calls that are being walked gives back."""
        return isinstance(ident, tuple) and len(ident) > 1 and any(tree.call is ident[1] for tree in self.calls)

    def truth(self, guard: Guard) -> bool | None:
        """How a condition on a parameter of an inlined function comes out, if the call shows it."""
        scope, name = guard.scope, guard.variable
        if scope is None or name is None or not self.calls:
            return None
        bindings = scope.bindings.get(name, ())
        if len(bindings) != 1 or bindings[0].kind != "param":
            return None
        value = self.bound.get(("param", scope, name))
        result: bool | None = None
        if value is None:
            default = scope.default_of(name)
            if not isinstance(default, ast.Constant) or ("partly", scope) in self.bound or not self._entered(scope):
                return None
            if ("given", scope, name) in self.bound:
                return None
            result = default.value == guard.literal if guard.compares else bool(default.value)
        elif value.kind == "const" and not value.maybe_none:
            result = value.const == guard.literal if guard.compares else bool(value.const)
        elif value.kind in _TRUTHY and not guard.compares and not value.maybe_none:
            result = True
        return result is not guard.negated if result is not None else None

    def _entered(self, scope: object) -> bool:
        return any(tree.function.scope is scope for tree in self.calls)


def run(automaton: Automaton, program: Program) -> list[Hit]:
    """Walk from every root of the program; one hit an event and label (and way to it), the most certain one.

    What lies whole in another file, which shows it as surely when it is walked by itself, is left to that file: there
    it is told, and there it can be mended.
    """
    hits = _hits(automaton, program)
    told: dict[Program, set[tuple[Event, Hashable]]] = {}
    found: list[Hit] = []
    for hit in hits:
        other = hit.event.program
        if other is not program and hit.certainty == "must" and not _brings_objects(hit, program):
            if other not in told:
                walked = other.events.walked  # what this costs is not the other file's
                told[other] = {(h.event, h.label) for h in _hits(automaton, other) if h.certainty == "must"}
                other.events.walked = walked
            if (hit.event, hit.label) in told[other]:
                place = Occurrence(hit.event, hit.calls)
                program.why(place, "the mistake lies whole in another file and is told there: {}", hit.event, see=place)
                continue
        found.append(hit)
    return found


_OBJECTS = frozenset("optimizer module scaler scheduler ema instance params".split())


def _brings_objects(hit: Hit, program: Program) -> bool:
    """Whether the call that leads to the other file gives it a model, an optimizer, ...: the mistake lies in both."""
    tree = next((t for t in reversed(hit.calls) if t.program is program), None)
    calls = [tree.call] if tree is not None else []
    if tree is not None and tree.receiver is not None:  # what its object was made with
        made = tree.receiver.args
        if made is None or made not in program.index.scope_of:
            return True
        calls.append(made)
    for call in calls:
        for expr in (*call.args, *(k.value for k in call.keywords)):
            if isinstance(expr, ast.Starred) or _holds_object(program.value(expr, call)):
                return True
    return False


def _holds_object(value: Value, depth: int = 0) -> bool:
    if value.kind in ("container", "dict") and depth < 3:
        items = [v[1] if isinstance(v, tuple) else v for v in value.items or ()]
        return value.thunk is not None or any(_holds_object(item, depth + 1) for item in items)
    return value.kind in _OBJECTS


def _hits(automaton: Automaton, program: Program) -> list[Hit]:
    from dry_debug.program.walker import Walker

    if not program.events.may_come(automaton.kinds):
        return []
    best: dict[tuple[Event, Hashable, ast.Call | None], Hit] = {}
    order: dict[Certainty, int] = {"must": 0, "may": 1, "unknown": 2}
    if automaton.remembers and automaton.seldom:
        # Who remembers no guard comes by all the paths that there are, and more: where none of them is wrong, none is.
        walked, easy = program.events.walked, Walker(automaton, program, remembers=False)
        if not any(easy.run(root) for root in easy.relevance.roots):
            return []
        program.events.walked = walked
    walker = Walker(automaton, program)
    for root in walker.relevance.roots:
        for hit in walker.run(root):
            key = (hit.event, hit.label, automaton.way(hit.calls))
            known = best.get(key)
            if known is None or order[hit.certainty] < order[known.certainty]:
                best[key] = hit
    return sorted(best.values(), key=lambda h: (h.event.program is not program, h.event.stmt.lineno))


@dataclass(slots=True)
class Visit:
    """The walk came to an event in a state. `trace`: the last events before it that changed the state."""

    event: Event
    state: Hashable
    trace: Trace
    context: Context
    sure: bool  # the path exists as far as anybody knows, and no exception leads to it

    @property
    def place(self) -> Occurrence:
        return Occurrence(self.event, self.context.calls)


def visits(automaton: Automaton, program: Program) -> list[Visit]:
    """Every (event, state) that a walk from the roots comes to. Costs a walk of its own: for explanations only."""
    from dry_debug.program.walker import Walker

    found: list[Visit] = []

    class Watching(Walker):
        def _event(self, event: Event, states: States) -> States:
            step = self._step(event) if event.kind == "step" else event
            if step.kind in self.automaton.kinds:
                for path, trace in states.items():
                    sure = not path.vague and not path.thrown
                    found.append(Visit(step, path.state, trace, self.context, sure))
            return super()._event(event, states)

    walked = program.events.walked
    walker = Watching(automaton, program)
    for root in walker.relevance.roots:
        walker.run(root)
    program.events.walked = walked
    return found


# What the rules ask for, each something else: one walk answers them all.
_TOGETHER = frozenset(("forward", "optimizer_step", "eval", "clip", "backward", "scheduler_step", "zero_grad"))


class _Collector(Automaton):
    remembers = False

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self.start = 0
        self.found: dict[tuple[Event, Ident, Ident], tuple[Event, Value, Value]] = {}

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        obj, other = context.resolve(event.obj), context.resolve(event.other)
        self.found.setdefault((event, obj.base.ident, other.base.ident), (event, obj, other))
        return state, None


def collect(program: Program, *kinds: str) -> list[tuple[Event, Value, Value]]:
    """The events of these kinds that the program comes to, with their objects as the callers see them."""
    wanted = frozenset(kinds)
    known = program.events.collected.get(wanted)
    if known is None:
        if wanted < _TOGETHER:
            rows = collect(program, *_TOGETHER) if program.events.may_come(wanted) else []
            known = [row for row in rows if row[0].kind in wanted]
        else:
            collector = _Collector(wanted)
            run(collector, program)
            known = list(collector.found.values())
        program.events.collected[wanted] = known
    return known
