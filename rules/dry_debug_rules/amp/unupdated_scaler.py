"""AMP005: a scaler steps an optimizer again without an update in between."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HAS_SCALER, HitRule, out_of_sight
from dry_debug.lint.new_lines import line_after
from dry_debug.program.automata import Occurrence
from dry_debug.program.evidence import Step, made
from dry_debug.program.scaling import Scaled, protocols, spelled, tell_protocols

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.program import Program
    from dry_debug.text.spans import TextEdit


class UnupdatedScaler(HitRule[Scaled]):
    name = "unupdated-scaler"
    code = "AMP005"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Scaler", ".scale("), (".step(",))
    why = (
        "`update()` ends the iteration for the scaler: without it the second `step` of the same optimizer raises "
        "RuntimeError, and the loss scale is never adapted."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Update the scaler once in each iteration, behind all steps."
    looks_at = "steps that a GradScaler makes"
    label = "again"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("optimizer_step") if e.other.kind == "scaler")

    def walks(self, program: Program) -> Iterable[Scaled]:
        return protocols(program)

    def look(self, hit: Hit, walked: Scaled, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        if out_of_sight(program, place, walked.scaler, HAS_SCALER) or at is None:
            return None
        here = hit.event.program is program
        evidence = made(walked.scaler, "the scaler")
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the step"))
        loop = next((node for node in reversed(hit.loops) if isinstance(node, ast.For | ast.AsyncFor)), None)
        home = next((p for p in (program, hit.event.program) if loop is not None and loop in p.index.scope_of), None)
        if loop is not None and home is not None:
            evidence.append(Step(home, loop.target, "each iteration of this loop steps, none updates"))
        name = spelled(hit.event.program, hit.event, walked.scaler)
        headline = (
            f"`{program.short(at, 40)}` is never followed by `{(name or 'scaler')[:24]}.update()`"
            if here
            else f"`{program.short(at, 40)}` steps with a GradScaler that is never updated"
        )
        edits = _edits(hit, name, program) if here and name is not None else ()
        title = f"Update the scaler after the step (`{(name or '')[:60]}.update()`)"
        return self.report(program, at, headline, [walked.scaler], evidence, title, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        fine = "an `update()` comes before the same step runs again, or it runs only once"
        tell_protocols(program, self.label, ("optimizer_step",), fine)


def _edits(hit: Hit, name: str, program: Program) -> tuple[TextEdit, ...]:
    """Behind the last step of a scaler in the same block: all optimizers step before the one update."""
    block = program.index.parent.get(hit.event.stmt)
    last = hit.event.stmt
    for event in program.events.of_kind("optimizer_step"):
        beside = program.index.parent.get(event.stmt) is block and event.scope is hit.event.scope
        if beside and event.other.kind == "scaler" and event.stmt.lineno > last.lineno:
            last = event.stmt
    edit = line_after(program, last, f"{name}.update()")
    return (edit,) if edit is not None else ()
