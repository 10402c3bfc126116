"""LOOP002: an evaluation puts the model in eval mode, and training goes on in it."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_before
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Automaton, Hit, Occurrence, collect, run, visits
from dry_debug.program.evidence import Step, made, weakest
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.put_back import put_back_each_time
from dry_debug.program.reaching import side
from dry_debug.program.relations import belongs_to, covers, different, touches
from dry_debug.program.scopes import dotted
from dry_debug.program.sensitivity import mode_layers, mode_link, mode_matters
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.automata import Context, Visit
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.values import Ident, Value


class LingeringEvalMode(OrderRule):
    name = "lingering-eval-mode"
    code = "LOOP002"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch", "lightning", "accelerate"), ("optim", ".step("))
    why = (
        "Gradients still flow, but dropout is off and batch norm keeps using its old statistics, so from the first "
        "evaluation on, another model is trained than before."
    )
    instead = "Call `model.train()` at the head of every training part."
    quotes = ("DBG-CODE-19", "DBG-RAT-8")

    looks_at = "calls of `.eval()` on models"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for call in program.method_calls("eval"):
            if not call.args and not call.keywords:
                yield call
        for event in program.events.of_kind("eval"):
            yield event.node

    def check(self, program: Program) -> Iterator[Report]:
        if not program.why.listens and put_back_each_time(program):
            return
        evals = collect(program, "eval")
        if program.why.listens:
            _tell_others(evals, program)
        if not evals:
            return
        steps = collect(program, "optimizer_step")
        seen: set[Ident] = set()
        for event, module, _ in evals:
            ident = module.base.ident
            if ident is None or not _whole(ident, event):
                program.why(event, "it is not one certain model as a whole: a part of one, or one of a collection")
                continue
            fresh = ident not in seen
            if not fresh and not program.why.listens:
                continue
            seen.add(ident)
            if mode_matters(module) is False:
                program.why(event, "no layer of the model reads the mode: train and eval are the same")
                continue
            trainers = {o.base.ident for _, o, _ in steps if _trains(o, module, program)}
            trainers.discard(None)
            if not trainers:
                program.why(event, "no step of an optimizer that is known to update this model comes after it"
                            if steps else "no step of an optimizer is known in this program")  # fmt: skip
            elif fresh:
                automaton = _Mode(module, frozenset(trainers), program)
                yield from self._reports(run(automaton, program), module, program)
                if program.why.listens:
                    _tell(automaton, evals, program)

    def _reports(self, hits: list[Hit], module: Value, program: Program) -> Iterator[Report]:
        told: set[Hashable] = set()
        for hit in hits:
            report = self._report(hit, module, program)
            if report is not None and hit.label not in told:
                told.add(hit.label)
                yield report

    def _report(self, hit: Hit, module: Value, program: Program) -> Report | None:
        mode = next((o for o in reversed(hit.trace) if o.event.kind == "eval"), None)
        if hit.certainty != "must" or mode is None:
            program.why(mode, "some path goes back to train mode before {}, and another does not"
                        if hit.certainty == "may" else "nobody knows whether the path from here to {} is ever taken",
                        hit.event, see=hit.event)  # fmt: skip
            return None
        at = mode.here(program)
        step = Occurrence(hit.event, hit.calls)
        if at is None or step.here(program) is None:
            return None
        hands = other_hands(program, step, module) or other_hands(program, mode, module)
        if hands is not None:
            program.why(at, "{} cannot be followed: it may change the mode", hands, see=hands)
            return None
        here = mode.event.program is program
        evidence = [*made(module, "the model"), *mode_layers(module)[:1]]
        evidence.append(Step(hit.event.program, hit.event.node, "this training step then runs in eval mode"))
        if not here:
            evidence.append(Step(mode.event.program, mode.event.node, "eval mode is set here"))
        spelled = _spelling(hit, mode.event, module, program)
        return Report(
            at=at,
            headline=f"`{program.short(at, 40)}` leaves the model in eval mode, and training goes on",
            confidence=weakest(module.confidence, "high" if mode_matters(module) else "medium"),
            evidence=evidence,
            links=lambda: [kind_link(program, module), path_link(), mode_link(module)],
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(hit, spelled, program)) if spelled else None,
            fix_title=_title(spelled) if spelled else "",
        )


# -- why not -----------------------------------------------------------------------------------------------------------


def _tell_others(evals: list[tuple[Event, Value, Value]], program: Program) -> None:
    """Tells of the `.eval()` calls that the walk does not come to."""
    from dry_debug.program.describe import why_unknown

    reached = {event.node for event, _, _ in evals}
    for call in program.method_calls("eval"):
        func = call.func
        assert isinstance(func, ast.Attribute)
        if call in reached:
            continue
        value = program.value(func.value, call)
        if value.kind == "unknown":
            reason = why_unknown(program, func.value, call)
            program.why(call, "{} is not known to be a model: {}", func.value, reason)
        elif value.kind == "module":
            program.why(call, "no way from the start of this file leads here, or its class has an `eval` of its own")
        else:
            program.why(call, "{} is not a model", func.value)


def _tell(automaton: _Mode, evals: list[tuple[Event, Value, Value]], program: Program) -> None:
    """Tells of each `eval()` of the model what the walk saw behind it."""
    ident = automaton.module.base.ident
    places: dict[Event, list[Visit]] = {event: [] for event, module, _ in evals if module.base.ident == ident}
    told: set[Event] = set()
    for visit in visits(automaton, program):
        if visit.event in places:
            places[visit.event].append(visit)
        if visit.event.kind != "optimizer_step" or not isinstance(visit.state, tuple) or not visit.trace:
            continue
        mode, last = visit.state[0], visit.trace[-1]
        if visit.context.resolve(visit.event.obj).base.ident not in automaton.trainers:
            continue
        origin = next((o.event for o in reversed(visit.trace) if o.event.kind == "eval" and o.event in places), None)
        if origin is None or not places[origin] or (mode, last.event.kind) == ("eval", "eval"):
            continue
        at = places[origin][0].place
        if mode == "restored":
            told.add(origin)
            program.why(at, "{} puts the model back before it is trained again", last.event, see=last)
        elif mode == "new" and last.event.kind == "create":
            told.add(origin)
            program.why(at, "{} begins a new training before it goes on", last.event, see=last)
    for event, came in places.items():
        states = {v.state[0] for v in came if isinstance(v.state, tuple)}
        at = came[0].place if came else Occurrence(event, ())
        if not states:
            program.why(at, "no way from the start of this file leads here")
        elif states <= {"new", "frozen"}:
            program.why(at, "the model is in eval mode before it is trained at all, so it is meant to be")
        elif event not in told:
            program.why(at, "no step that ran in train mode before comes behind it in eval mode")


class _Mode(Automaton):
    """Of one module.

    A state is (mode, origin, ran): `new` not trained yet; `frozen` put in eval mode before any training, on purpose;
    `trained`; `eval` by the eval event `origin` after training; `stepped` once in that mode; `restored` from it. `ran`
    are the steps that ran in train mode: only one of those that runs again in eval mode is wrong, another phase may
    want it so.
    """

    kinds = frozenset(("create", "train", "eval", "mode", "optimizer_step"))
    start = ("new", None, frozenset[object]())

    def __init__(self, module: Value, trainers: frozenset[Ident], program: Program) -> None:
        self.module = module
        self.trainers = trainers
        self.program = program

    def counts(self, state: Hashable, label: Hashable) -> bool:
        return isinstance(state, tuple) and state[1] is label and state[0] != "eval"

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        assert isinstance(state, tuple)
        mode, origin, ran = state
        kind = event.kind
        if kind == "create":
            covered = covers(context.resolve(event.obj), self.program)
            anew = not covered or any(touches(m, [self.module]) is not False for m in covered)
            anew = anew or context.made_by_call(self.module.base.ident)  # the call that is walked gives a new model
            return (self.start if anew else state), None
        if kind == "optimizer_step":
            if context.resolve(event.obj).base.ident not in self.trainers:
                return state, None
            if mode == "eval":
                # The evaluation may stand between a forward pass in train mode and its step: only the next step tells.
                return (("stepped", origin, ran) if event in ran else state), None
            if mode == "stepped":
                return state, (origin if event in ran else None)
            if mode == "frozen":
                return state, None
            if (
                mode == "restored"
            ):  # still from the same evaluation: a way on which it left the mode is not the only one
                return ("restored", origin, ran | {event}), None
            return ("trained", None, ran | {event}), None
        obj = context.resolve(event.obj)
        if obj.base.ident != self.module.base.ident:
            if different(obj.base.ident, self.module.base.ident) and not belongs_to(self.module, obj):
                return state, None
            if belongs_to(obj, self.module) and kind == "eval":
                return state, None  # a part: frozen batch norm, a fixed backbone
            kind = "mode" if kind == "eval" else kind
        if kind == "eval":
            left = ("frozen", None, ran) if mode == "new" else ("eval", event, ran)
            return (state if mode in ("eval", "stepped", "frozen") else left), None
        if mode in ("eval", "stepped"):
            return ("restored", origin, ran), None
        return ("new", None, ran) if mode == "frozen" else state, None


def _whole(ident: Ident, event: Event) -> bool:
    """A module as such: not a part of one, not the variable of a loop over parts."""
    if not isinstance(ident, tuple) or not ident or ident[0] in ("part", "self"):
        return False
    node = event.node
    name = dotted(node.func.value) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    bindings = event.scope.bindings.get(name or "", [])
    return not any(b.kind in ("for", "comp") for b in bindings)


def _trains(optimizer: Value, module: Value, program: Program) -> bool:
    """Whether the optimizer is known to update the module as a whole."""
    if optimizer.args is None and optimizer.items and _one_after_another(optimizer.items):
        return all(_trains(each, module, program) for each in optimizer.items)  # each for a model of its own, perhaps
    return any(belongs_to(module, covered) for covered in covers(optimizer, program))


def _one_after_another(optimizers: list[Value]) -> bool:
    """Whether a variable gets one optimizer behind the other in one block, not one of them in each branch."""
    blocks: set[object] = set()
    for each in optimizers:
        owner = each.origin
        stmt = owner.statement(each.node) if owner is not None and each.node is not None else None
        parent = owner.index.parent.get(stmt) if owner is not None and stmt is not None else None
        if stmt is None or parent is None:
            continue
        block = (parent, side(parent, stmt))
        if block in blocks:
            return True
        blocks.add(block)
    return False


def _spelling(hit: Hit, mode: Event, module: Value, program: Program) -> tuple[str, ast.stmt] | None:
    """What the module is called where the step runs, and the statement before which `train()` belongs."""
    if hit.event.program is not program:
        return None
    stmt = _head(hit, program)
    if stmt is None:
        return None
    scope = program.scope(stmt)
    for call in program.index.calls:
        if program.scope(call) is not scope:
            continue
        name = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None
        for path, expr in ((dotted(call.func), call.func), (name, getattr(call.func, "value", None))):
            if path is None or not isinstance(expr, ast.expr):
                continue
            value = program.value(expr, call)
            if value.kind == "module" and value.base.ident == module.base.ident:
                return path, stmt
    return None


def _head(hit: Hit, program: Program) -> ast.stmt | None:
    """Where `train()` belongs: before the loop around the step that does not hold the evaluation, or at its start."""
    inner: ast.stmt | None = None
    for block in program.index.ancestors(hit.event.stmt):
        if isinstance(block, LoopNode):
            # The mode is left inside this loop, behind the step: train() has to come again in each iteration.
            left = next((o for o in reversed(hit.trace) if o.event.kind == "eval"), None)
            place = _statement_in(left, hit, program)
            if place is not None and any(b is block for b in program.index.ancestors(place)):
                return inner if inner is not None else block.body[0]
            inner = block
        elif isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            if inner is not None:
                return inner
            body = [s for s in block.body if not _docstring(s)]
            return body[0] if body else None
    return inner


def _statement_in(left: Occurrence | None, hit: Hit, program: Program) -> ast.stmt | None:
    """The statement of the step's function that leads to the eval call."""
    if left is None:
        return None
    nodes = [left.event.node if left.event.program is program else None, *(tree.call for tree in left.calls)]
    for node in nodes:
        if node is not None and node in program.index.scope_of and program.scope(node) is hit.event.scope:
            return program.statement(node)
    return None


def _docstring(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant)


def _title(spelled: tuple[str, ast.stmt]) -> str:
    return f"Go back to train mode (`{spelled[0][:60]}.train()`)"


def _fix(hit: Hit, spelled: tuple[str, ast.stmt], program: Program) -> Fix:
    return Fix(_title(spelled), "unsafe", (line_before(program, spelled[1], f"{spelled[0]}.train()"),))
