"""OVER002: a long hand-written loop does what the Trainer already does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.links import Link
from dry_debug.program.plain_training import PlainTraining, plain_training
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program

FEWEST = 3  # things beside the training itself that the loops do
LONG = 40  # lines of code from which on a loop with so many of them is long
MANY = 5  # of so many things half the lines are enough
# Frameworks whose mention in the instructions says how the loop is to be written.
_ASKED = frozenset(("trainer", "pytorch", "accelerate", "lightning", "trl", "deepspeed", "fsdp", "ddp"))


class ReimplementedTrainer(WholeRule):
    name = "reimplemented-trainer"
    code = "OVER002"
    severity = "suggestion"
    triggers = (("from_pretrained",), (".backward(", "optim"), ("transformers",))
    why = (
        "All of it has to be maintained by hand, and what it gets wrong (the rest of an accumulation, a scaler, a "
        "resumed run) is silent; the Trainer has each of these parts as an argument."
    )
    instead = (
        "Give the model, the data and `TrainingArguments` to `transformers.Trainer`; a loop of your own pays off where "
        "the step itself is special."
    )
    quotes = ("DRY-EX-6", "DRY-FOC-3")
    looks_at = "hand-written loops that train pretrained models of transformers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        loops = program.training.loops.training
        first = next((loop for loop in loops if loop.kind == "epoch"), loops[0] if loops else None)
        if first is not None:
            yield first.node

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        found = plain_training(program)
        if found is None:
            return
        node, count = found.loop.node, len(found.parts)
        if count < FEWEST or found.lines < (LONG if count < MANY else LONG // 2):
            program.why(node, f"the loops are short: {found.lines} lines of code do {count} things beside training")
            return
        asked = _asked(program)
        if asked:
            program.why(node, "the instructions speak of how to train: {}", asked)
            return
        yield self._report(found, program)

    def _report(self, found: PlainTraining, program: Program) -> Report:
        loop = found.loop.node
        header = loop.iter if isinstance(loop, ast.For | ast.AsyncFor) else loop.test
        sure = weakest(found.model.confidence, "high")
        arguments = ", ".join(part.arguments for part in found.parts)
        return Report(
            at=header,
            headline=f"{found.lines} lines of hand-written loops do what the Hugging Face Trainer does",
            confidence=sure,
            evidence=[
                Step(program, header, f"{found.lines} lines of manual epoch and batch loops"),
                *(Step(part.program, part.node, f"the loop {part.what} by hand") for part in found.parts),
            ],
            links=lambda: [Link("kind", sure, "the loss is the one that the pretrained model computes by itself")],
            fix_title=f"Train with `Trainer(model, TrainingArguments(...))`: {arguments}",
        )


def _asked(program: Program) -> str:
    """What the instructions say about the framework of the training; a deviation from it is SPEC004's."""
    if not sources_of(program):
        return ""
    from dry_debug.spec.ambient import asked_of

    for asked in asked_of(program):
        if asked.field == "framework" and _ASKED & {str(value) for value in asked.values}:
            return asked.text.strip()[:80]
    return ""
