"""AMP007: a scaler steps with gradients of a loss that it has not scaled."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HitRule, out_of_sight
from dry_debug.program.automata import Occurrence
from dry_debug.program.evidence import Step, made
from dry_debug.program.scaling import Scaled, protocols, spelled, tell_protocols
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class UnscaledBackward(HitRule[Scaled]):
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
    label = "unscaled"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("backward"))

    def walks(self, program: Program) -> Iterable[Scaled]:
        return protocols(program)

    def look(self, hit: Hit, walked: Scaled, program: Program) -> Report | None:
        if not walked.only:
            program.why(hit.event, "there are several optimizers: the backward pass may be of another one")
            return None
        backward = next((o for o in reversed(hit.trace) if o.event.kind == "backward"), None)
        at = backward.here(program) if backward is not None else None
        if backward is None or at is None:
            return None
        step = Occurrence(hit.event, hit.calls)
        for place, value in ((step, walked.optimizer), (backward, walked.scaler)):
            if out_of_sight(program, place, value, "{} cannot be followed: it may compute the gradients"):
                return None
        event = backward.event
        here = event.program is program
        evidence = made(walked.scaler, "the scaler")
        if not here:
            evidence.append(Step(event.program, event.node, "the backward pass"))
        evidence.append(Step(hit.event.program, hit.event.node, "here the scaler steps with its gradients"))
        name = spelled(hit.event.program, hit.event, walked.scaler)
        headline = f"`{program.short(at, 36)}`: the loss is not scaled, and `{(name or 'the scaler')[:24]}` steps"
        same = here and event.scope is hit.event.scope
        edits = _edits(event, name, program) if same and name is not None else ()
        title = f"Scale the loss first (`{(name or '')[:40]}.scale(...)`)"
        return self.report(program, at, headline, [walked.scaler], evidence, title, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        for event in program.events.of_kind("backward"):
            if event.node not in told:
                program.why(event, "its loss is scaled, or no GradScaler is known to step with its gradients")
        tell_protocols(program, self.label, ("optimizer_step",), "the gradients come from a scaled loss")


def _edits(event: Event, name: str, program: Program) -> tuple[TextEdit, ...]:
    call = event.node
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "backward":
        return ()
    span = program.span(call.func.value)
    return (TextEdit(Span(span.start, span.start), f"{name}.scale("), TextEdit(Span(span.end, span.end), ")"))
