"""VLLM006: several samples at temperature 0, which vLLM refuses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, SiteRule, ready_fix
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.links import Link
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_TITLE = "Ask for one sample (`n=1`)"


class GreedyMultiSample(SiteRule):
    name = "greedy-multi-sample"
    code = "VLLM006"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("vllm",), ("SamplingParams",), ("temperature",))
    calls = ("vllm.SamplingParams",)
    why = "Greedy decoding gives one answer: vLLM raises a ValueError when the parameters are made."
    quotes = ("DRY-FOC-2", "DRY-FOC-5")
    instead = "Ask for one sample, or raise the temperature."
    looks_at = "calls of `vllm.SamplingParams`"

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        names = {k.arg for k in call.keywords}
        if None in names or any(isinstance(a, ast.Starred) for a in call.args):
            program.why(call, "its options may bring other parameters")
            return
        temperature = argument(call, 99, "temperature")
        several = argument(call, 0, "n")
        if temperature is None:
            program.why(call, "the temperature is 1 where none is given")
            return
        if several is None:
            several = argument(call, 99, "best_of")
        if several is None:
            program.why(call, "one sample is asked for")
            return
        if "use_beam_search" in names:
            program.why(call, "beams are searched at temperature 0")
            return
        # What is small and not 0 vLLM raises to 0.01, and samples.
        heat, count = program.value(temperature, call), program.value(several, call)
        if heat.kind != "const" or not isinstance(heat.const, int | float) or heat.const > 0:
            program.why(call, "the temperature is not known to be 0: {}", temperature)
            return
        sure: Confidence = "high"
        number = count.const if count.kind == "const" else None
        if number is None:
            number, sure = program.training.hyper.default_of(several, call), "medium"
        if not isinstance(number, int) or isinstance(number, bool) or number < 2:
            program.why(call, "it is not known that more than one sample is asked for: {}", several)
            return
        yield Report(
            at=call,
            headline=f"`SamplingParams` asks for {number} samples at temperature 0",
            confidence=sure,
            severity="critical" if sure == "high" else "warning",
            evidence=[Step(program, several, f"{number} samples"), Step(program, temperature, "greedy decoding")],
            links=lambda: [_link(sure, several, program)],
            fix=ready_fix(_fix(several, program)),
            fix_title=_TITLE,
        )


def _link(sure: Confidence, several: ast.expr, program: Program) -> Link:
    if sure == "high":
        return Link("resolution", "high", "both are constants")
    return Link("resolution", sure, f"`{program.short(several, 30)}` has this value by default")


def _fix(several: ast.expr, program: Program) -> Fix | None:
    if not isinstance(several, ast.Constant):
        return None
    return Fix(_TITLE, "unsafe", (TextEdit(program.span(several), "1"),))
