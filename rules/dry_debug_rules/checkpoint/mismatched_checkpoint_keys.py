"""CKPT003: an entry is read from a checkpoint under another key than the one that it is saved under."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step
from dry_debug.program.key_match import Mismatch, mismatches
from dry_debug.program.links import Link
from dry_debug.program.resume_gaps import loads_of
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class MismatchedCheckpointKeys(WholeRule):
    name = "mismatched-checkpoint-keys"
    code = "CKPT003"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("load(",), ("state_dict",))
    why = "Reading it raises a KeyError: the run cannot be taken up again, which shows only when it has stopped."
    instead = "Read the key that the save writes."
    quotes = ("CKPT-RF-C2", "CKPT-RF-T3")
    looks_at = "checkpoints that are loaded (`torch.load`)"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        told = {one.load.node: one.read for one in mismatches(program)}
        return (told.get(load.node, load.node) for load in loads_of(program))

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        for one in mismatches(program):
            yield _report(one, program)


def _report(one: Mismatch, program: Program) -> Report:
    title = f"Read the entry that is saved (`{one.entry.key}`)"
    return Report(
        at=one.read,
        headline=f"`{program.short(one.read, 44)}` is never saved: the checkpoint has `{one.entry.key}`"[:100],
        confidence="high",
        evidence=[
            Step(one.owner, one.site.node, f'the checkpoint is saved here, with "{one.entry.key}"'),
            Step(program, one.load.node, "it is loaded here"),
        ],
        cause=f"{MismatchedCheckpointKeys.name}@{program.span(one.load.node).start}:{one.key}",
        links=lambda: [
            Link("path", "high", "other entries that are read are saved there, so both mean one checkpoint")
        ],
        fix=lambda: _fix(one, title, program),
        fix_title=title,
    )


def _fix(one: Mismatch, title: str, program: Program) -> Fix:
    """The saved key in the quotes of the one that is read."""
    span = program.span(one.read.slice)
    quote = program.document.source[span.start]
    quote = quote if quote in "'\"" else '"'
    return Fix(title, "unsafe", (TextEdit(span, f"{quote}{one.entry.key}{quote}"),))
