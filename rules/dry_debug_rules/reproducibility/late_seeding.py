"""SEED003: the run draws from a generator before it seeds it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.evidence import Step
from dry_debug.program.late_seeds import LateSeed, late_seeds
from dry_debug.program.links import Link
from dry_debug.program.randomness import SHOWN

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_WHAT = {"torch": "torch's generator", "numpy": "`numpy.random`", "python": "`random`"}


class LateSeeding(OrderRule):
    name = "late-seeding"
    code = "SEED003"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("seed",), ("torch",))
    why = (
        "What was drawn before the seed came from a generator that starts elsewhere in every process: two runs with "
        "the same seed begin with different weights or samples."
    )
    instead = "Seed before anything draws."
    quotes = ("CKPT-RAT-4", "CKPT-SEED-9")
    looks_at = "calls that seed random generators"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (site.node for site in program.randomness.seeds)

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test, which seeds what its assertions need")
            return
        found: dict[ast.AST | None, LateSeed] = {}  # by block: seeds that stand together are told of, and moved, once
        for late in late_seeds(program):
            block = program.index.parent.get(program.statement(late.seed) or late.seed)
            if block not in found or late.drawn_at.lineno < found[block].drawn_at.lineno:
                found[block] = late
        told = {late.seed for late in found.values()}
        for late in found.values():
            name = program.short(late.seed.func, 30)
            what = f"the weights of `{late.model}`" if late.model else f"`{program.short(late.draw, 36)}`"
            yield Report(
                at=late.seed,
                headline=f"`{name}` comes after {what} {'were' if late.model else 'was'} drawn",
                confidence=late.confidence,
                evidence=[Step(program, late.draw, f"{_WHAT[late.rng]} is drawn from here")],
                links=partial(_links, late),
                fix=partial(_fix, late, program),
                fix_title=_title(late),
            )
        if program.why.listens:
            for site in program.randomness.seeds:
                if site.node not in told:
                    program.why(site.node, "nothing that counts is drawn before it")


def _title(late: LateSeed) -> str:
    return f"Seed {SHOWN[late.rng]} before {f'`{late.model}` is made' if late.model else 'the first draw'}"


def _fix(late: LateSeed, program: Program) -> Fix | None:
    from dry_debug.fixes.seeding import move_before

    return move_before(program, late.seed, late.drawn_at, _title(late))


def _links(late: LateSeed) -> list[Link]:
    return [Link("path", late.confidence, "every run that seeds has been at the draw before")]
