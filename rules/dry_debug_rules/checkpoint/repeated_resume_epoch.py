"""CKPT004: a resumed run begins with the epoch that the checkpoint had already finished."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import NoneType
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.epoch_count import EpochCount, Start, Stored
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.links import Link
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class RepeatedResumeEpoch(WholeRule):
    name = "repeated-resume-epoch"
    code = "CKPT004"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("range",), ("save",), ("step",))
    why = (
        "The checkpoint holds the number of the epoch that was just finished, so each resume trains that epoch once "
        "more, and the learning rate schedule and the number of updates run ahead of the epochs."
    )
    instead = "Start at the epoch after the one that the checkpoint has finished."
    quotes = ("CKPT-LOAD-3", "CKPT-COMP-5")
    looks_at = "epoch loops that start at a number from a checkpoint"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for count in _loops(program):
            start = count.start()
            yield start.node if start is not None and start.owner is program else count.loop.iter

    def check(self, program: Program) -> Iterator[Report]:
        told: set[ast.AST] = set()
        for count in _loops(program):
            start = count.start()
            at = start.node if start is not None and start.owner is program else count.loop.iter
            if start is None:
                program.why(at, "nothing shows that it starts at a number from a checkpoint, or it is counted on")
                continue
            stored = list(count.stored(start.key))
            reason = _right(start, stored)
            if reason is not None:
                program.why(at, reason, see=stored[0].site.node if stored else None)
                continue
            if start.node not in told:
                told.add(start.node)
                yield self._report(count, start, stored[0], program)

    def _report(self, count: EpochCount, start: Start, stored: Stored, program: Program) -> Report:
        here = start.owner is program
        text = start.owner.short(start.node, 36)
        site = stored.site
        confidence: Confidence = "high" if here and site.owner is program else "medium"
        evidence = [
            Step(program, site.node, f'the epoch is saved here as "{start.key}", behind its training'),
            Step(program, count.loop.iter, "the loop starts with that number"),
        ]
        if not here:
            evidence.append(Step(start.owner, start.node, "it is read here"))
        title = "Start with the next epoch (`+ 1`)"
        return Report(
            at=start.node if here else count.loop.iter,
            headline=f"`{text}` is the last epoch that was finished: the resumed run trains it again",
            confidence=confidence,
            evidence=evidence,
            links=lambda: [
                Link("path", confidence, "the epoch is saved when its training is over, and read back as it is")
            ],
            fix=(lambda: _fix(start, title, program)) if here else None,
            fix_title=title,
        )


def _loops(program: Program) -> Iterator[EpochCount]:
    """The epoch loops that are given a start, of a program that saves."""
    found: list[EpochCount] = []
    for scope in (program.index.module, *program.index.functions):
        for loop in scope.loops:
            count = EpochCount(program, loop) if isinstance(loop, ast.For) else None
            if count is not None and not isinstance(count.first(), ast.Constant | NoneType):
                found.append(count)
    if found and program.training.checkpoints.saves:
        epochs = {loop.node for loop in program.training.loops.training if loop.kind == "epoch"}
        yield from (count for count in found if count.loop in epochs)


def _right(start: Start, stored: list[Stored]) -> str | None:
    """Why the start is right, or not known to be wrong."""
    if not stored:
        return f'no save of this program is known to write the epoch of this loop as "{start.key}"'
    if any(one.finished is not True for one in stored):
        return "a save stands within the epoch or before its training: that epoch has to be trained again"
    if any(one.offset + start.offset != 0 for one in stored):
        return "it starts with another epoch than the one that was finished"
    return None


def _fix(start: Start, title: str, program: Program) -> Fix:
    """`+ 1` behind the entry; the default of `.get(key, 0)` becomes -1, so that a file without it begins at 0."""
    node, edits = start.node, []
    if isinstance(node, ast.Call) and len(node.args) > 1:
        default = node.args[1]
        if isinstance(default, ast.Constant) and type(default.value) is int:
            edits.append(TextEdit(program.span(default), str(default.value - 1)))
    end = program.span(node).end
    edits.append(TextEdit(Span(end, end), " + 1"))
    return Fix(title, "unsafe", tuple(edits))
