"""The order of backward, clipping, step and clearing for one optimizer, and where it leaves a call without effect."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from itertools import chain, takewhile
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.automata import Automaton, Hit, collect, run
from dry_debug.program.events import function_of
from dry_debug.program.reaching import beside
from dry_debug.program.relations import belongs_to, covers, different, modules_in, touches
from dry_debug.program.values import Value
from dry_debug.program.walks import Repeated

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.paths import Occurrence
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_MOST = 6  # optimizers of one program


class Ordered(NamedTuple):
    """One optimizer, and what the walk found; labels as in `GradientOrder`."""

    optimizer: Value
    hits: list[Hit]


def orders(program: Program) -> list[Ordered]:
    """In which order the program handles the gradients of each optimizer that it steps."""
    known = program.events.ordered
    if known is None:
        known = program.events.ordered = []
        if in_order(program) or not program.events.may_come(frozenset(("optimizer_step",))):
            return known
        steps = collect(program, "optimizer_step")
        optimizers = {o.base.ident: o for event, o, _ in steps if o.base.ident is not None and one_object(event, o)}
        for optimizer in list(optimizers.values())[:_MOST]:
            automaton = GradientOrder(optimizer, covers(optimizer, program), len(optimizers) == 1, program)
            known.append(Ordered(optimizer, run(automaton, program)))
    return known


_BEFORE = {
    "zero_grad": frozenset(("optimizer_step", "zero_grad", "scheduler_step", "scaler_update")),
    "clip": frozenset(("backward", "unscale", "clip")),
    "optimizer_step": frozenset(("backward", "clip", "unscale", "optimizer_step")),
}
_AFTER_CLEARING = frozenset(("backward", "zero_grad"))


def in_order(program: Program) -> bool:
    """Whether the lines of each function show that all is right: then nobody has to walk."""
    last: dict[Scope, Event] = {}
    first: dict[Scope, Event] = {}  # a clearing that nothing stands before: what comes next has to be right
    for event in program.events.of_kind("backward", "zero_grad", "clip", "unscale", "optimizer_step", "scaler_update"):
        before = last.get(event.scope)
        opened = first.pop(event.scope, None)
        if opened is not None and event.kind not in _AFTER_CLEARING:
            return False
        wanted = _BEFORE.get(event.kind)
        if wanted is not None and (before is None or before.kind not in wanted):
            if before is not None or event.kind != "zero_grad":
                return False
            first[event.scope] = event
        last[event.scope] = event
    return not first


def one_object(event: Event, optimizer: Value) -> bool:
    """Whether a step is that of one certain optimizer: not of an element of a list, nor of one of those that a
    comprehension makes, nor of a loop's variable, nor of what is looked up anew under a key."""
    ident = optimizer.base.ident
    if isinstance(ident, tuple) and ident[:1] == ("part",):
        return False
    owner, made = optimizer.base.origin, optimizer.base.node
    if owner is not None and made is not None and owner.scope(made).kind == "comprehension":
        return False
    call = event.node
    func = call.func if isinstance(call, ast.Call) else None
    names = [*call.args[:1], func.value] if isinstance(call, ast.Call) and isinstance(func, ast.Attribute) else []
    for name in names:
        found = event.program.names.lookup(name.id, event.scope) if isinstance(name, ast.Name) else None
        if found is not None and any(b.kind in ("for", "comp") or _looked_up(b.value) for b in found[1]):
            return False
    return True


def _looked_up(made: ast.expr | None) -> bool:
    """`optimizers[key]`, where the key is not written out."""
    return isinstance(made, ast.Subscript) and not isinstance(made.slice, ast.Constant)


_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign)


def cleared_each_time(step: Event) -> bool:
    """Whether no walk is needed to see that a step never applies the gradients of its last time again.

    A statement that clears them stands before it, in the same iteration in a block around it, or right behind it.
    """
    function, ident = function_of(step.scope), step.obj.base.ident
    if function is None or ident is None or function.yields:
        return False
    for event in step.program.events.within(function):
        if event.kind == "zero_grad" and isinstance(event.stmt, ast.Expr) and event.stmt.value is event.node:
            same = event.obj.base.ident == ident
            # What an optimizer updates takes longer to find out than where the statements stand.
            near = (same or event.obj.kind == "module") and _beside(step, event.stmt)
            if near and (same or _clears_whole(event, step)):
                return True
    return False


def _beside(step: Event, clearing: ast.stmt) -> bool:
    """Whether a statement stands before the step in its iteration, in a block around it, or right behind it."""
    parent = step.program.index.parent
    at: ast.AST = step.stmt
    while True:
        block = parent.get(at)
        before, after = beside(block, at)
        behind = takewhile(lambda stmt: isinstance(stmt, _SIMPLE), after if at is step.stmt else ())
        if clearing in chain(before, behind):
            return True
        if block is None or isinstance(block, Repeated | ast.ClassDef):
            return False
        at = block


def _clears_whole(clearing: Event, step: Event) -> bool:
    """`model.zero_grad()` of a model that holds all that the optimizer of a step updates."""
    covered = covers(step.obj, step.program)
    return bool(covered) and all(belongs_to(module, clearing.obj) for module in covered)


class GradientOrder(Automaton):
    """Of one optimizer.

    States: `start`, `pending` (a backward pass was seen since the last step), `wiped` (cleared before a step could use
    them), `applied` (by a step that came behind a backward pass), `cleared` (behind such a step), `mixed`. Labels:
    `wiped` (a step whose gradients are wiped), `idle` (a clip where no new gradients are).
    """

    kinds = frozenset(("create", "zero_grad", "set_grad", "backward", "clip", "optimizer_step"))
    start = "start"

    def __init__(self, optimizer: Value, covered: list[Value], only: bool, program: Program) -> None:
        self.ident = optimizer.base.ident
        self.covered = covered
        self.only = only
        self.program = program

    def counts(self, state: Hashable, label: Hashable) -> bool:
        return state != "start"

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        kind = event.kind
        if kind == "backward":
            return ("mixed" if event.handled else "pending"), None
        if kind == "set_grad":
            return "mixed", None
        if kind == "clip":
            idle = state in ("applied", "cleared") and not event.handled and self._mine(event, context)
            return state, "idle" if idle else None
        if kind == "zero_grad":
            return self._cleared(state, self._clears(event, context)), None
        same = context.same(event.obj, self.ident)
        if kind == "create":
            return (self.start if same is not False or context.made_by_call(self.ident) else state), None
        if same is not True:
            return (state if same is False else "mixed"), None
        if state == "wiped" and not event.handled:
            return "mixed", "wiped"
        return ("applied" if state == "pending" else "mixed" if state != "start" else state), None

    @staticmethod
    def _cleared(state: Hashable, clears: bool | None) -> Hashable:
        if clears is False:
            return state
        if state == "pending":
            return "wiped" if clears else "mixed"
        return "cleared" if state == "applied" and clears else state

    def _clears(self, event: Event, context: Context) -> bool | None:
        """Whether the event clears all gradients of this optimizer; None: some of them, or nobody knows."""
        obj = context.resolve(event.obj)
        if obj.kind == "optimizer":
            if obj.base.ident == self.ident:
                return True
            if not different(obj.base.ident, self.ident):
                return None
            theirs = covers(obj, self.program)
            return None if not theirs or any(touches(m, self.covered) is not False for m in theirs) else False
        if obj.kind == "module":
            if self.covered and all(belongs_to(module, obj) for module in self.covered):
                return True
            return None if touches(obj, self.covered) is not False else False
        return None

    def _mine(self, event: Event, context: Context) -> bool:
        """Whether the clipped gradients are this optimizer's."""
        modules = [context.resolve(m) for m in modules_in(context.resolve(event.obj))]
        touched = [touches(m, self.covered) for m in modules]
        if True in touched:
            return True
        return self.only and not (modules and self.covered and None not in touched)


def wiped_by(hit: Hit) -> tuple[Occurrence | None, Occurrence | None]:
    """The clearing that the gradients of a step fell to, and the backward pass that they came from."""
    for at in range(len(hit.trace) - 1, -1, -1):
        if hit.trace[at].event.kind == "zero_grad":
            before = reversed(hit.trace[:at])
            return hit.trace[at], next((o for o in before if o.event.kind == "backward"), None)
    return None, None


def behind(one: Occurrence, other: Occurrence) -> bool:
    """Whether `one`, or the call that leads to it, stands below `other` in one function: later in the iteration."""
    for here, there in zip(_places(one), _places(other), strict=False):
        if here != there:
            return here[0] is there[0] and here[1].lineno > there[1].lineno
    return False


def _places(one: Occurrence) -> list[tuple[Scope, ast.expr | ast.stmt]]:
    """The calls that lead to an event, outermost first, and the event itself, each with its function."""
    calls: list[tuple[Scope, ast.expr | ast.stmt]] = [(t.program.scope(t.call), t.call) for t in one.calls]
    return [*calls, (one.event.scope, one.event.stmt)]
