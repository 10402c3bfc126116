"""LOOP015: gradients are clipped where there are none to clip: before the backward pass or behind the step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HAS_OPTIMIZER, HitRule, out_of_sight
from dry_debug.lint.new_lines import moved_before
from dry_debug.program.automata import Occurrence, collect
from dry_debug.program.evidence import Step, made
from dry_debug.program.gradient_order import Ordered, in_order, orders
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.text.spans import TextEdit


class MisplacedGradientClip(HitRule[Ordered]):
    name = "misplaced-gradient-clip"
    code = "LOOP015"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("clip_grad", ".grad"), (".step(",))
    why = (
        "Clipping changes the gradients that are there, and behind the step or before the backward pass there are "
        "none that count: the step always applies unclipped gradients."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Clip between the backward pass and the step."
    looks_at = "calls that clip gradients"
    label = "idle"
    unsure = "on some path a backward pass comes before it, or nobody knows"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("clip"))

    def walks(self, program: Program) -> Iterable[Ordered]:
        if not program.events.may_come(frozenset(("clip",))) or (not program.why.listens and in_order(program)):
            return []
        if not collect(program, "clip"):
            program.why(None, "no way from the start of this file leads to a clip")
            return []
        return orders(program)

    def look(self, hit: Hit, walked: Ordered, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        if _measures(hit.event):
            program.why(place, "it only measures the norm")
            return None
        if out_of_sight(program, place, walked.optimizer, HAS_OPTIMIZER) or at is None:
            return None
        here = hit.event.program is program
        step = next((o.event for o in reversed(hit.trace) if o.event.kind == "optimizer_step"), None)
        evidence = made(walked.optimizer, "the optimizer")
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the gradients are clipped here"))
        if step is not None:
            evidence.append(Step(step.program, step.node, "this step has applied the gradients before"))
        headline = f"`{program.short(at, 40)}` clips gradients that no step will use"
        edits = _edits(hit.event, step, program) if here else ()
        return self.report(program, at, headline, [walked.optimizer], evidence, _TITLE, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        for event in program.events.of_kind("clip"):
            if event.node not in told:
                program.why(event, "a backward pass comes before it, or it is not known whose gradients it clips")


_TITLE = "Clip between `backward()` and `step()`"


def _measures(event: Event) -> bool:
    """Whether the limit is infinite: then the norm is all that is wanted."""
    call = event.node
    return isinstance(call, ast.Call) and any(
        (isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.lower() == "inf")
        or (isinstance(n, ast.Attribute) and n.attr in ("inf", "Inf"))
        for argument in (*call.args, *(k.value for k in call.keywords))
        for n in nodes(argument)
    )


def _edits(clip: Event, step: Event | None, program: Program) -> tuple[TextEdit, ...]:
    if step is None or step.program is not program or step.other.known:
        return ()
    return moved_before(program, clip.stmt, step.stmt)
