"""AMP004: the loss is scaled, and the optimizer itself steps with the scaled gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.hits import HAS_OPTIMIZER, HitRule, out_of_sight
from dry_debug.lint.new_lines import line_after
from dry_debug.program.automata import Occurrence
from dry_debug.program.evidence import Step, made
from dry_debug.program.reaching import chain, side
from dry_debug.program.scaling import Scaled, protocols, spelled, tell_protocols
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import ChainNode
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report
    from dry_debug.program.automata import Hit
    from dry_debug.program.program import Program


class BypassedScalerStep(HitRule[Scaled]):
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
    label = "bypassed"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (e.node for e in program.events.of_kind("optimizer_step"))

    def walks(self, program: Program) -> Iterable[Scaled]:
        return protocols(program)

    def look(self, hit: Hit, walked: Scaled, program: Program) -> Report | None:
        if not walked.only:
            program.why(hit.event, "there are several optimizers: the scaled loss may be of another one")
            return None
        if _without_scaler(hit):
            program.why(hit.event, "it is the step of a run without a scaler")
            return None
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        if out_of_sight(program, place, walked.optimizer, HAS_OPTIMIZER) or at is None:
            return None
        here = hit.event.program is program
        evidence = made(walked.scaler, "the scaler")
        backward = next((o.event for o in reversed(hit.trace) if o.event.kind == "backward"), None)
        if backward is not None:
            evidence.append(Step(backward.program, backward.node, "the loss is scaled here, so its gradients are"))
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the step"))
        name = spelled(hit.event.program, hit.event, walked.scaler)
        headline = f"`{program.short(at, 40)}` applies gradients that are still scaled: the scaler has to step"
        edits = _edits(hit, name, program) if here and name is not None else ()
        title = f"Step through the scaler (`{(name or '')[:40]}.step(...)`)"
        return self.report(program, at, headline, [walked.scaler, walked.optimizer], evidence, title, edits)

    def tell(self, told: set[ast.AST], program: Program) -> None:
        fine = "the scaler makes this step, the gradients are unscaled before, or no scaled loss comes before it"
        tell_protocols(program, self.label, ("optimizer_step",), fine)


def _without_scaler(hit: Hit) -> bool:
    """Whether the step, or a call that leads to it, stands where there is no scaler: behind the `else` of
    `if self.scaler is not None`. Then no loss was scaled on the way."""
    places = [(hit.event.program, hit.event.stmt)]
    for tree in hit.calls:
        at = tree.program.statement(tree.call)
        places += [(tree.program, at)] if at is not None else []
    return any(_no_scaler_at(stmt, program) for program, stmt in places)


def _no_scaler_at(stmt: ast.stmt, program: Program) -> bool:
    for node, block in chain(program.index, stmt):
        if not isinstance(block, ast.If):
            continue
        test: ast.expr = block.test
        there = side(block, node) == "body"
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, there = test.operand, not there
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot):
            none = test.comparators[0]
            if not (isinstance(none, ast.Constant) and none.value is None):
                continue
            there = there is isinstance(test.ops[0], ast.IsNot)
            test = test.left
        if not there and isinstance(test, ChainNode) and program.value(test, block).kind == "scaler":
            return True
    return False


def _edits(hit: Hit, name: str, program: Program) -> tuple[TextEdit, ...]:
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
