"""AMP001: gradients are clipped while they are still multiplied by the loss scale."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_before
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Automaton, Hit, Occurrence, collect, run, visits
from dry_debug.program.evidence import Step, made
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.relations import covers, different, modules_in, touches
from dry_debug.program.scaling import disabled
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value


class ClipBeforeUnscale(OrderRule):
    name = "clip-before-unscale"
    code = "AMP001"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Scaler", ".scale("))
    why = (
        "The gradients are still multiplied by the loss scale (65536 at the start), so nearly every step is cut down "
        "to a tiny fraction of the threshold."
    )
    instead = "Call `scaler.unscale_(optimizer)` once, right before the gradients are clipped."
    quotes = ("DBG-CODE-19", "DBG-RAT-8")

    looks_at = "calls that clip gradients"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("clip"))

    def check(self, program: Program) -> Iterator[Report]:
        if not program.why.listens and not program.events.may_come(frozenset(("clip",))):
            return
        steps = collect(program, "optimizer_step")
        if not any(scaler.kind == "scaler" for _, _, scaler in steps):
            program.why(None, "no GradScaler is known to step an optimizer of this program")
            return
        if not collect(program, "clip"):
            program.why(None, "no way from the start of this file leads to a clip")
            return
        seen: set[object] = set()
        optimizers = {o.base.ident for _, o, _ in steps}
        for event, optimizer, scaler in steps:
            ident = optimizer.base.ident
            if scaler.kind == "scaler" and disabled(scaler):
                made = scaler.args if scaler.origin is program else None
                program.why(None, "the scaler is switched off with `enabled=False`", see=made)
                continue
            if scaler.kind != "scaler" or ident is None or ident in seen:
                continue
            seen.add(ident)
            automaton = _Scaled(optimizer, scaler, covers(optimizer, program), len(optimizers) == 1, program)
            for hit in run(automaton, program):
                report = self._report(hit, event, automaton, program)
                if report is not None:
                    yield report
            if program.why.listens:
                _tell(automaton, program)

    def _report(self, hit: Hit, step: Event, automaton: _Scaled, program: Program) -> Report | None:
        at = Occurrence(hit.event, hit.calls).here(program)
        if hit.certainty != "must" or at is None:
            program.why(Occurrence(hit.event, hit.calls),
                        "on some path `unscale_` runs first, and on another it does not" if hit.certainty == "may"
                        else "nobody knows whether the path to here without `unscale_` is ever taken")  # fmt: skip
            return None
        here = hit.event.program is program
        node = hit.event.node
        name = ""
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        scaled = [o.event for o in hit.trace if o.event.kind == "backward"][-1:]
        evidence = made(automaton.scaler, "the scaler")
        evidence += [Step(e.program, e.node, "the loss is scaled here, so its gradients are") for e in scaled]
        if not here:
            evidence.append(Step(hit.event.program, node, "the gradients are clipped here"))
        if step.program is program or not here:
            evidence.append(Step(step.program, step.node, "only here are they divided by the scale"))
        spelled = _spelling(hit, step, program) if here else None
        return Report(
            at=at,
            headline=f"`{name or 'clip'}` clips gradients that are still scaled: `unscale_` is missing before it"
            if here
            else f"`{program.short(at, 36)}` clips gradients that are still scaled",
            confidence=automaton.scaler.confidence,
            links=lambda: [kind_link(program, automaton.scaler), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(hit, spelled, program)) if spelled else None,
            fix_title=_title(spelled) if spelled else "",
        )


def _tell(automaton: _Scaled, program: Program) -> None:
    """Tells of each clip in which states the walk came to it."""
    told: set[Event] = set()
    plain: dict[Event, Occurrence] = {}
    for visit in visits(automaton, program):
        event, state = visit.event, visit.state
        if event.kind != "clip":
            continue
        last = visit.trace[-1] if visit.trace else None
        if not isinstance(state, tuple):
            plain.setdefault(event, visit.place)
            continue
        told.add(event)
        if event.handled:
            program.why(visit.place, "{} unscales the gradients itself", event)
        elif state[0] == "unscaled" and last is not None:
            program.why(visit.place, "{} unscales the gradients first", last.event, see=last)
        elif not automaton._clips(event, state[1], visit.context):
            program.why(visit.place, "what is clipped is not known to be what the scaler's optimizer updates")
    for event, place in plain.items():
        if event not in told:
            program.why(place, "{} unscales the gradients itself" if event.handled
                        else "no backward pass over a scaled loss comes before it", event)  # fmt: skip


class _Scaled(Automaton):
    """Of one optimizer: plain -> scaled backward -> scaled -> unscale -> plain; a clip in scaled is wrong."""

    kinds = frozenset(("create", "zero_grad", "backward", "unscale", "clip", "optimizer_step"))
    start = "plain"

    def __init__(self, optimizer: Value, scaler: Value, covered: list[Value], only: bool, program: Program) -> None:
        self.ident = optimizer.base.ident
        self.scaler = scaler
        self.covered = covered
        self.only = only
        self.program = program

    def counts(self, state: Hashable, label: Hashable) -> bool:
        return state != "plain"  # a path without a scaled backward (no AMP) says nothing about the one with it

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        kind = event.kind
        if kind == "backward":
            return (("scaled", frozenset()) if self._scales(event, context) else state), None
        if state == "plain" or not isinstance(state, tuple):
            return state, None
        if kind == "unscale":
            same = context.same(event.obj, self.ident)
            if same is False:  # another optimizer of the same scaler
                return ("scaled", state[1] | {context.resolve(event.obj).base.ident}), None
            return ("unscaled", state[1]), None
        if kind == "optimizer_step":
            return ("plain" if context.same(event.obj, self.ident) is not False else state), None
        if kind == "clip" and state[0] == "scaled" and not event.handled and self._clips(event, state[1], context):
            return state, "scaled"
        return state, None

    def _scales(self, event: Event, context: Context) -> bool:
        other = context.resolve(event.other)
        return other.kind == "scaler" and not different(other.base.ident, self.scaler.base.ident)

    def _clips(self, event: Event, unscaled: frozenset[Hashable], context: Context) -> bool:
        """Whether the clipped gradients are this optimizer's."""
        modules = [context.resolve(m) for m in modules_in(context.resolve(event.obj))]
        touched = [touches(m, self.covered) for m in modules]
        if True in touched:
            return True
        if modules and self.covered and None not in touched:
            return False
        return not unscaled and self.only


def _spelling(hit: Hit, step: Event, program: Program) -> tuple[str, str] | None:
    """How the user spells scaler and optimizer in a step of the same function."""
    for event in program.events.of_kind("optimizer_step"):
        call = event.node
        if event.scope is not hit.event.scope or event.other.kind != "scaler" or not isinstance(call, ast.Call):
            continue
        if not isinstance(call.func, ast.Attribute) or not call.args or event.obj.base.ident != step.obj.base.ident:
            continue
        scaler, optimizer = dotted(call.func.value), dotted(call.args[0])
        if scaler is not None and optimizer is not None:
            return scaler, optimizer
    return None


def _title(spelled: tuple[str, str]) -> str:
    return f"Unscale the gradients first (`{spelled[0][:40]}.unscale_({spelled[1][:40]})`)"


def _fix(hit: Hit, spelled: tuple[str, str], program: Program) -> Fix:
    edit = line_before(program, hit.event.stmt, f"{spelled[0]}.unscale_({spelled[1]})")
    return Fix(_title(spelled), "unsafe", (edit,))
