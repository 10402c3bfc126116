"""AMP008: `unscale_` runs twice for one optimizer before the scaler is updated."""

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
from dry_debug.program.scaling import Scaled, protocols, tell_protocols
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program


class RepeatedUnscale(OrderRule):
    name = "repeated-unscale"
    code = "AMP008"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Scaler", ".scale("), (".unscale_(",))
    why = (
        "The second `unscale_` for the same optimizer raises RuntimeError: it has already been called since the last "
        "`update()`."
    )
    quotes = ("DBG-RF-4",)
    instead = "Unscale once for each optimizer and step."
    looks_at = "calls of `unscale_`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("unscale"))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Event] = set()
        for scaled in protocols(program):
            if any(hit.label == "again" and hit.certainty == "must" for hit in scaled.hits):
                program.why(None, "the scaler is never updated, which is told at its step")
                continue
            for hit in scaled.hits:
                if hit.label == "twice" and hit.certainty == "must" and hit.event not in told:
                    report = self._report(hit, scaled, program)
                    if report is not None:
                        told.add(hit.event)
                        yield report
        if program.why.listens:
            tell_protocols(program, "twice", ("unscale",), "the scaler is updated before it comes again")

    def _report(self, hit: Hit, scaled: Scaled, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        hands = other_hands(program, place, scaled.scaler)
        if hands is not None:
            program.why(place, "{} is given the scaler and cannot be followed: it may update it", hands, see=hands)
            return None
        if at is None:
            return None
        here = hit.event.program is program
        first = next((o.event for o in reversed(hit.trace) if o.event.kind == "unscale"), None)
        again = first is None or first is hit.event
        evidence = made(scaled.scaler, "the scaler")
        if first is not None and not again:
            evidence.append(Step(first.program, first.node, "the gradients are unscaled here already"))
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the second `unscale_`"))
        spot = None
        if here and not again and isinstance(hit.event.stmt, ast.Expr):
            spot = program.flow.whole_statement(hit.event.stmt)
        what = program.short(at, 40)
        return Report(
            at=at,
            headline=f"`{what}` runs again in the next iteration, before the scaler is updated"
            if again
            else f"`{what}` unscales for the second time before the scaler is updated",
            confidence=scaled.scaler.confidence,
            links=lambda: [kind_link(program, scaled.scaler), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: Fix(_TITLE, "unsafe", (TextEdit(spot, ""),))) if spot is not None else None,
            fix_title=_TITLE if spot is not None else "",
        )


_TITLE = "Remove the second `unscale_`"
