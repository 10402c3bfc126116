"""AMP008: `unscale_` runs twice for one optimizer before the scaler is updated."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HAS_SCALER, HitRule, out_of_sight
from dry_debug.program.automata import Occurrence
from dry_debug.program.evidence import Step, made
from dry_debug.program.scaling import Scaled, protocols, tell_protocols
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.program import Program


class RepeatedUnscale(HitRule[Scaled]):
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
    label = "twice"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("unscale"))

    def walks(self, program: Program) -> Iterable[Scaled]:
        for scaled in protocols(program):
            if any(hit.label == "again" and hit.certainty == "must" for hit in scaled.hits):
                program.why(None, "the scaler is never updated, which is told at its step")
            else:
                yield scaled

    def look(self, hit: Hit, walked: Scaled, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        if out_of_sight(program, place, walked.scaler, HAS_SCALER) or at is None:
            return None
        here = hit.event.program is program
        first = next((o.event for o in reversed(hit.trace) if o.event.kind == "unscale"), None)
        again = first is None or first is hit.event
        evidence = made(walked.scaler, "the scaler")
        if first is not None and not again:
            evidence.append(Step(first.program, first.node, "the gradients are unscaled here already"))
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the second `unscale_`"))
        spot = None
        if here and not again and isinstance(hit.event.stmt, ast.Expr):
            spot = program.flow.whole_statement(hit.event.stmt)
        what = program.short(at, 40)
        headline = (
            f"`{what}` runs again in the next iteration, before the scaler is updated"
            if again
            else f"`{what}` unscales for the second time before the scaler is updated"
        )
        edits = (TextEdit(spot, ""),) if spot is not None else ()
        return self.report(program, at, headline, [walked.scaler], evidence, _TITLE, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        tell_protocols(program, self.label, ("unscale",), "the scaler is updated before it comes again")


_TITLE = "Remove the second `unscale_`"
