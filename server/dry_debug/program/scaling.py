"""The protocol of a GradScaler (scale, backward, unscale, step, update), and where a program leaves it."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.automata import Automaton, Hit, collect, run
from dry_debug.program.gradient_order import one_object
from dry_debug.program.relations import different
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.values import Ident, Value
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_MOST = 6  # pairs of a scaler and an optimizer in one program
_MOST_HOPS = 3  # functions that hand a loss on


class Scaled(NamedTuple):
    """One scaler with one optimizer. `only`: the program steps no other, unless in a function of its own.
    `hits`: labels as in `Protocol`."""

    scaler: Value
    optimizer: Value
    only: bool
    hits: list[Hit]


def protocols(program: Program) -> list[Scaled]:
    """How the scalers that the program comes to are used with its optimizers; switched off ones are left out."""
    known = program.events.scaled
    if known is None:
        known = program.events.scaled = list(_protocols(program))
    return known


def _protocols(program: Program) -> Iterator[Scaled]:
    if by_the_book(program) or not program.events.may_come(frozenset(("backward", "optimizer_step"))):
        return
    steps = collect(program, "optimizer_step")
    scalers = [scaler for _, _, scaler in (*steps, *collect(program, "backward")) if scaler.kind == "scaler"]
    optimizers = {o.base.ident: o for event, o, _ in steps if o.base.ident is not None and one_object(event, o)}
    pairs = 0
    for scaler in {s.base.ident: s for s in scalers if s.base.ident is not None}.values():
        if disabled(scaler):
            program.why(None, "the scaler is switched off with `enabled=False`")
            continue
        for optimizer in optimizers.values():
            pairs += 1
            if pairs > _MOST:
                return
            hits = run(Protocol(scaler, optimizer.base.ident), program)
            only = all(o is optimizer or _apart(o, optimizer, steps) for o in optimizers.values())
            yield Scaled(scaler, optimizer, only, hits)


def _apart(other: Value, optimizer: Value, steps: list[tuple[Event, Value, Value]]) -> bool:
    """Whether `other` is made and stepped in one function that has nothing to do with `optimizer`."""
    made, owner = other.base.args, other.base.origin
    home = owner.index.scope_of.get(made) if owner is not None and made is not None else None
    if home is None or owner is None or home.kind != "function":
        return False
    mine = {event.scope for event, o, _ in steps if o.base.ident == other.base.ident}
    others = {event.scope for event, o, _ in steps if o.base.ident == optimizer.base.ident}
    # Functions that `home` calls are the same training.
    called = {owner.target(call).scope for call in owner.events.calls_in(home)}
    return mine == {home} and home not in others and not called & others


def by_the_book(program: Program) -> bool:
    """Whether the lines of each function show that all is right: then nobody has to walk."""
    open_steps: dict[Scope, Event] = {}
    unscaled: dict[Scope, int] = {}
    optimizers: dict[Scope, int] = {}
    events = program.events.of_kind("backward", "unscale", "optimizer_step", "scaler_update")
    if not events:
        return not program.leaves_file  # the functions of other files that it calls may do it all
    for event in events:
        scaled = event.other.kind == "scaler"
        if event.kind == "scaler_update":
            if unscaled.pop(event.scope, 0) > optimizers.pop(event.scope, 0):
                return False
            open_steps.pop(event.scope, None)
        elif event.kind == "unscale":
            unscaled[event.scope] = unscaled.get(event.scope, 0) + 1
        elif not scaled:
            return False
        elif event.kind == "optimizer_step":
            open_steps[event.scope] = event
            optimizers[event.scope] = optimizers.get(event.scope, 0) + 1
    return not open_steps and not unscaled


class Protocol(Automaton):
    """Of one scaler and one optimizer.

    A state is (gradients, unscaled, stepped): `none`, `plain`, `scaled` or `mixed`; whether `unscale_` ran since the
    last update; `never`, `updated`, or the step since the last update. Labels: `again` (the same step without an
    update between), `bypassed` (the optimizer itself steps with scaled gradients), `unscaled` (the scaler steps with
    gradients of a loss that was not scaled), `twice` (`unscale_` for the second time).
    """

    kinds = frozenset(("create", "zero_grad", "set_grad", "backward", "unscale", "optimizer_step", "scaler_update"))
    start = ("none", False, "never")

    def __init__(self, scaler: Value, optimizer: Ident) -> None:
        self.scaler = scaler.base.ident
        self.ident = optimizer

    def counts(self, state: Hashable, label: Hashable) -> bool:
        assert isinstance(state, tuple)
        gradients, _, stepped = state
        if label == "again":
            return bool(stepped != "never")
        return bool(gradients not in ("none", "plain") if label == "bypassed" else gradients != "none")

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        assert isinstance(state, tuple)
        gradients, unscaled, stepped = state
        kind = event.kind
        if kind == "backward":
            return (self._after_backward(gradients, event, context), unscaled, stepped), None
        if kind == "zero_grad":
            return ("none", unscaled, stepped), None
        if kind == "set_grad":
            return ("mixed", unscaled, stepped), None
        if kind == "scaler_update":
            return (gradients, False, "updated" if stepped != "never" else stepped), None
        same = context.same(event.obj, self.ident)
        if kind == "create":
            anew = same is not False or context.made_by_call(self.ident)
            return (self.start if anew else state), None
        if kind == "unscale":
            if same is not True:
                return (state if same is False else (gradients, None, stepped)), None
            return (gradients, True, stepped), "twice" if unscaled is True else None
        if same is not True:
            return state if same is False else ("mixed", None, "updated"), None
        if not self._by_scaler(event, context):
            wrong = gradients == "scaled" and unscaled is False and not event.handled
            return ("none", unscaled, stepped), "bypassed" if wrong else None
        if not _is_step(event):  # a scaler that is called does the rest, too
            return ("none", False, "updated"), None
        label = "again" if stepped is event else "unscaled" if gradients == "plain" else None
        return ("none", unscaled, event), label

    def _after_backward(self, gradients: str, event: Event, context: Context) -> str:
        other = context.resolve(event.other)
        if event.handled or (other.known and other.kind != "scaler"):
            return "mixed"
        now = "mixed" if _may_be_scaled(event) else "plain"
        if other.kind == "scaler":
            now = "mixed" if different(other.base.ident, self.scaler) else "scaled"
        return now if gradients in ("none", now) else "mixed"

    def _by_scaler(self, event: Event, context: Context) -> bool:
        other = context.resolve(event.other)
        return other.kind == "scaler"


def _may_be_scaled(event: Event) -> bool:
    """Whether what is differentiated gets a scaled value on some way, or is a parameter that nobody is seen to give."""
    call = event.node
    func = call.func if isinstance(call, ast.Call) else None
    return isinstance(func, ast.Attribute) and _holds_scaled(func.value, event.scope, event.program)


def _holds_scaled(expr: ast.expr, scope: Scope, program: Program, hops: int = 0) -> bool:
    if any(isinstance(n, ast.Attribute) and n.attr == "scale" for n in nodes(expr)):
        return True
    if not isinstance(expr, ast.Name):
        return isinstance(expr, ast.Call) and _scales(expr, program)
    found = program.names.lookup(expr.id, scope)
    for binding in found[1] if found is not None else ():
        value = binding.value
        if binding.kind == "param":
            passed = program.arguments_of(binding.scope, expr.id) if hops < _MOST_HOPS else []
            if not passed or any(_holds_scaled(given, where, owner, hops + 1) for owner, given, where, _ in passed):
                return True
        elif isinstance(value, ast.Call) and _scales(value, program):
            return True
    return False


def _scales(call: ast.Call, program: Program) -> bool:
    """`scaler.scale(loss)`, or a function of the project that calls such a method."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "scale":
        return True
    scope = program.target(call).scope
    return scope is not None and any(last_name(inner.func) == "scale" for inner in scope.calls)


def _is_step(event: Event) -> bool:
    call = event.node
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "step"


def disabled(scaler: Value) -> bool:
    """Whether the scaler was made with `enabled=False`."""
    call = scaler.args
    if call is None:
        return False
    return any(k.arg == "enabled" and isinstance(k.value, ast.Constant) and not k.value.value for k in call.keywords)


def spelled(program: Program, event: Event, scaler: Value) -> str | None:
    """What the scaler is called in the function of an event: by its calls there."""
    for call in event.scope.calls:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in ("scale", "step", "unscale_", "update"):
            value = program.value(func.value, call)
            if value.kind == "scaler" and not different(value.base.ident, scaler.base.ident):
                return dotted(func.value)
    return None


def tell_protocols(program: Program, label: str, kinds: tuple[str, ...], fine: str) -> None:
    """Tells of the events of these kinds why nothing is said of them: `fine`, where the walk came to them."""
    if by_the_book(program):
        program.why(None, fine if program.events.of_kind("scaler_update") else "nothing here uses a GradScaler")
        return
    reached = {event for event, _, _ in collect(program, *kinds)}
    wrong = {hit.event for one in protocols(program) for hit in one.hits if hit.label == label}
    for event in program.events.of_kind(*kinds):
        if event not in reached:
            program.why(event, "no way from the start of this file leads here")
        elif event not in wrong:
            program.why(event, fine if protocols(program) else "no GradScaler is known to be used in this program")
    for one in protocols(program):
        for hit in one.hits:
            if hit.label == label and hit.certainty != "must":
                program.why(hit.event, "on some path it is right, or nobody knows")
