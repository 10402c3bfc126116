"""OVER006: batches are cut out of whole arrays by hand, the same ones in every epoch, in place of a DataLoader."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.sliced_batches import SlicedBatches, sliced_batches
from dry_debug.program.walks import loop_head

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class HandwrittenBatching(Rule):
    name = "handwritten-batching"
    code = "OVER006"
    shape = "site"
    severity = "suggestion"
    fix_kind = "none"
    triggers = (("range(", ".split(", ".chunk("), ("backward", "optim."))
    why = (
        "Each epoch sees the same samples together in the same order, which a `DataLoader` that shuffles avoids; where "
        "the data is sorted by class, whole batches hold one class."
    )
    instead = "Go through `DataLoader(TensorDataset(...), batch_size=..., shuffle=True)`."
    quotes = ("DRY-FOC-3",)
    looks_at = "training loops that slice arrays by their counter, or split them"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (loop.target for loop, _ in sliced_batches(program))

    def check(self, program: Program) -> Iterator[Report]:
        for loop, found in sliced_batches(program):
            if isinstance(found, str):
                program.why(loop.target, found)
            elif program.is_test:
                program.why(loop.target, "the file is a test")
            else:
                yield _report(found, program)


def _report(found: SlicedBatches, program: Program) -> Report:
    shown = [f"`{path[:24]}`" for path in found.arrays[:2]]
    names = f"{', '.join(shown)} and more" if len(found.arrays) > 2 else " and ".join(shown)
    return Report(
        at=found.loop.target,
        headline=f"{names} are cut into batches by hand, the same ones in every epoch",
        confidence="high",
        evidence=[
            Step(program, found.first, "cut here, at bounds that follow the counter"),
            Step(
                program, loop_head(found.epochs), "again and again in this loop, which changes nothing of their order"
            ),
        ],
        links=lambda: [Link("path", "high", "nothing between the epochs puts the samples in another order")],
    )
