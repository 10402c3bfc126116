"""CKPT010: `torch.load` puts tensors back on the device they were saved from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.evidence import Step
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class UnmappedCheckpointLoad(SiteRule):
    name = "unmapped-checkpoint-load"
    code = "CKPT010"
    severity = "warning"
    fix_kind = "safe"
    triggers = (("load",), ("torch",))
    calls = ("torch.load",)
    why = (
        "Without `map_location` every tensor goes back to the device it was saved from: the load fails on a machine "
        "without that GPU, and on one with it all ranks fill the same GPU."
    )
    quotes = ("CKPT-LOAD-4",)

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        if any(keyword.arg in ("map_location", None) for keyword in call.keywords):
            return
        if len(call.args) > 1 or any(isinstance(argument, ast.Starred) for argument in call.args) or not call.args:
            return
        use = program.flow.use_of_loaded(call)
        if use.moved:
            return  # `.to(device)` or `.cpu()` right behind it: the author chose a device
        what = program.short(call.args[0], 48)
        evidence = [Step(program, load, "the state goes into the model here") for load in use.loaded_into[:2]]
        # Only a state that load_state_dict copies into existing tensors may come through the CPU without changing
        # where the program's tensors end up.
        applicability = "safe" if use.only_loaded else "unsafe"
        yield Report(
            at=call,
            headline=f"`torch.load({what})` puts tensors on the GPU that they were saved from",
            confidence="high",
            evidence=evidence,
            fix=lambda: Fix(
                'Load onto the CPU (`map_location="cpu"`)',
                applicability,  # type: ignore[arg-type]
                (_insertion(call, program),),
            ),
            fix_title='Load onto the CPU (`map_location="cpu"`)',
        )


def _insertion(call: ast.Call, program: Program) -> TextEdit:
    end = program.end_of_arguments(call)
    return TextEdit(Span(end, end), ', map_location="cpu"')
