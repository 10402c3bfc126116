"""AMP007: a scaler steps with gradients of a loss that it has not scaled."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Hit, Occurrence
from dry_debug.program.evidence import Step, made
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.scaling import Scaled, protocols, spelled, tell_protocols
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class UnscaledBackward(OrderRule):
    name = "unscaled-backward"
    code = "AMP007"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Scaler",))
    why = (
        "A scaler that never scaled a loss raises an AssertionError in `step`; one that scaled others divides these "
        "gradients by the loss scale as well, and nearly nothing is left of them."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Scale the loss before `backward()`."
    looks_at = "backward passes in programs in which a GradScaler steps"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("backward"))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Event] = set()
        for scaled in protocols(program):
            for hit in scaled.hits:
                if hit.label != "unscaled" or hit.certainty != "must":
                    continue
                if not scaled.only:
                    program.why(hit.event, "there are several optimizers: the backward pass may be of another one")
                    continue
                backward = next((o for o in reversed(hit.trace) if o.event.kind == "backward"), None)
                if backward is None or backward.event in told:
                    continue
                report = self._report(hit, backward, scaled, program)
                if report is not None:
                    told.add(backward.event)
                    yield report
        if program.why.listens:
            _tell(told, program)

    def _report(self, hit: Hit, backward: Occurrence, scaled: Scaled, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        at = backward.here(program)
        hands = other_hands(program, step, scaled.optimizer) or other_hands(program, backward, scaled.scaler)
        if hands is not None:
            program.why(backward, "{} cannot be followed: it may compute the gradients", hands, see=hands)
            return None
        if at is None:
            return None
        event = backward.event
        here = event.program is program
        evidence = made(scaled.scaler, "the scaler")
        if not here:
            evidence.append(Step(event.program, event.node, "the backward pass"))
        evidence.append(Step(hit.event.program, hit.event.node, "here the scaler steps with its gradients"))
        name = spelled(hit.event.program, hit.event, scaled.scaler)
        same = here and name is not None and event.scope is hit.event.scope
        return Report(
            at=at,
            headline=f"`{program.short(at, 36)}`: the loss is not scaled, and `{(name or 'the scaler')[:24]}` steps",
            confidence=scaled.scaler.confidence,
            links=lambda: [kind_link(program, scaled.scaler), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(event, name, program)) if same and _fix(event, name, program) else None,
            fix_title=_title(name) if same and _fix(event, name, program) else "",
        )


def _title(name: str | None) -> str:
    return f"Scale the loss first (`{(name or '')[:40]}.scale(...)`)"


def _fix(event: Event, name: str | None, program: Program) -> Fix | None:
    call = event.node
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "backward":
        return None
    span = program.span(call.func.value)
    edits = (TextEdit(Span(span.start, span.start), f"{name}.scale("), TextEdit(Span(span.end, span.end), ")"))
    return Fix(_title(name), "unsafe", edits)


def _tell(told: set[Event], program: Program) -> None:
    for event in program.events.of_kind("backward"):
        if event not in told:
            program.why(event, "its loss is scaled, or no GradScaler is known to step with its gradients")
    tell_protocols(program, "unscaled", ("optimizer_step",), "the gradients come from a scaled loss")
