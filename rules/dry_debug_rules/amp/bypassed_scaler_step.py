"""AMP004: the loss is scaled, and the optimizer itself steps with the scaled gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Hit, Occurrence
from dry_debug.program.evidence import Step, made, weakest
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.scaling import Scaled, protocols, spelled, tell_protocols
from dry_debug.program.scopes import dotted
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class BypassedScalerStep(OrderRule):
    name = "bypassed-scaler-step"
    code = "AMP004"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Scaler", ".scale("), (".step(",))
    why = (
        "The gradients are still multiplied by the loss scale (65536 at the start): the update is far too large, and "
        "steps with inf or NaN gradients are not skipped."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Let the scaler step the optimizer, and update it behind that."
    looks_at = "steps of optimizers in programs that scale the loss"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("optimizer_step"))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Event] = set()
        for scaled in protocols(program):
            for hit in scaled.hits:
                if hit.label != "bypassed" or hit.certainty != "must" or hit.event in told:
                    continue
                if not scaled.only:
                    program.why(hit.event, "there are several optimizers: the scaled loss may be of another one")
                    continue
                report = self._report(hit, scaled, program)
                if report is not None:
                    told.add(hit.event)
                    yield report
        if program.why.listens:
            fine = "the scaler makes this step, the gradients are unscaled before, or no scaled loss comes before it"
            tell_protocols(program, "bypassed", ("optimizer_step",), fine)

    def _report(self, hit: Hit, scaled: Scaled, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        hands = other_hands(program, place, scaled.optimizer)
        if hands is not None:
            program.why(place, "{} is given the optimizer and cannot be followed", hands, see=hands)
            return None
        if at is None:
            return None
        here = hit.event.program is program
        evidence = made(scaled.scaler, "the scaler")
        backward = next((o.event for o in reversed(hit.trace) if o.event.kind == "backward"), None)
        if backward is not None:
            evidence.append(Step(backward.program, backward.node, "the loss is scaled here, so its gradients are"))
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the step"))
        name = spelled(hit.event.program, hit.event, scaled.scaler)
        edits = _edits(hit, name, program) if here and name is not None else ()
        return Report(
            at=at,
            headline=f"`{program.short(at, 40)}` applies gradients that are still scaled: the scaler has to step",
            confidence=weakest(scaled.scaler.confidence, scaled.optimizer.confidence),
            links=lambda: [kind_link(program, scaled.scaler), kind_link(program, scaled.optimizer), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: Fix(_title(name), "unsafe", edits)) if edits else None,
            fix_title=_title(name) if edits else "",
        )


def _title(name: str | None) -> str:
    return f"Step through the scaler (`{(name or '')[:40]}.step(...)`)"


def _edits(hit: Hit, name: str | None, program: Program) -> tuple[TextEdit, ...]:
    call = hit.event.node
    if not isinstance(call, ast.Call) or call.args or call.keywords or not isinstance(call.func, ast.Attribute):
        return ()
    optimizer = dotted(call.func.value)
    if optimizer is None:
        return ()
    edits = [TextEdit(program.span(call), f"{name}.step({optimizer})")]
    if not program.events.of_kind("scaler_update"):
        after = line_after(program, hit.event.stmt, f"{name}.update()")
        if after is not None:
            edits.append(after)
    return tuple(edits)
