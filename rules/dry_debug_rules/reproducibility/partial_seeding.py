"""SEED001: the run seeds some of the generators that it draws from and not others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Severity
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.links import Link
from dry_debug.program.randomness import SHOWN

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.seeding import Gap, Seeding


class PartialSeeding(WholeRule):
    name = "partial-seeding"
    code = "SEED001"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("seed",), ("torch", "numpy", "random"))
    why = (
        "Each library has a generator of its own: what is drawn from one that is not seeded differs in every run, so "
        "two runs with the same seed give different results."
    )
    instead = "Seed every generator that the run draws from, before the first draw."
    quotes = ("CKPT-RF-S1", "CKPT-RAT-4", "CKPT-SEED-0", "CKPT-SEED-1", "CKPT-SEED-2")
    looks_at = "calls that seed random generators"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (site.node for site in (*program.randomness.own_seeds, *program.randomness.seeds))

    def check(self, program: Program) -> Iterator[Report]:
        why = program.why
        if not program.randomness.own_seeds and not program.randomness.seeds:
            why(None, "nothing is seeded at all")
            return
        if program.is_test:
            why(None, "the file is a test, which seeds what its assertions need")
            return
        if not (program.training.is_training or _seeds_a_run(program)):
            why(
                None,
                "the file does not train, has and calls no function that seeds a run, and seeds one generator alone",
            )
            return
        seeding = program.training.seeding
        gaps = seeding.gaps(lambda: why.listens or seeding.told_at is not None)
        if not program.training.is_training:
            gaps = [g for g in gaps if g.rng != "torch"]
        if not gaps:
            seeded = _list([SHOWN[r] for r in ("torch", "numpy", "python", "cuda") if r in seeding.seeded])
            why(None, f"nothing that counts is drawn from a generator that is not seeded (seeded: {seeded})")
            return
        anchor = seeding.told_at
        if anchor is None:
            why(None, "no seed is set for the whole run, only in functions that split or sample data, or in workers")
            return
        told = seeding.told_in_helper(gaps)
        if told is not None:
            why(None, "it is told in the file of the helper, which draws from them: {}", told, see=told)
            return
        if seeding.unknown_helper is not None:
            why(None, "nobody can see what {} seeds", seeding.unknown_helper, see=seeding.unknown_helper)
            return
        call = anchor[0]
        if why.listens:
            for site in (*program.randomness.own_seeds, *program.randomness.seeds):
                if site.node is not call:
                    why(site.node, "what the seeds of the run leave out is told of {}", Step(program, call, ""))
        from dry_debug.fixes.seeding import complete, title

        names = [SHOWN[r] for r in ("torch", "numpy", "python", "cuda") if r in seeding.seeded]
        if "torch" in names:
            names = [n for n in names if n != "torch.cuda"]
        missing = [SHOWN[g.rng] for g in gaps]
        yield Report(
            at=call,
            headline=f"{_list(names)} {'is' if len(names) == 1 else 'are'} seeded but not {_list(missing)}, "
            "which the run draws from too",
            confidence=weakest(*(g.confidence for g in gaps)),
            severity=_severity(gaps, seeding, call, program),
            evidence=_evidence(gaps, anchor[2], anchor[1].node, call, program),
            links=lambda: [_link(g) for g in gaps],
            fix=lambda: complete(program, gaps, seeding),
            fix_title=title(program, gaps, seeding),
        )


def _link(gap: Gap) -> Link:
    if gap.confidence == "high":
        return Link("path", "high", f"the run draws from {SHOWN[gap.rng]}")
    return Link("path", gap.confidence, f"{SHOWN[gap.rng]} is drawn from in a function that nothing here calls")


def _seeds_a_run(program: Program) -> bool:
    """Whether the file has or calls a function that seeds a run, or seeds several generators in one place."""
    if any(program.randomness.is_helper(f) for f in program.randomness.seeding_functions()):
        return True
    if any(site.via is not None for site in program.randomness.seeds):
        return True
    together: dict[object, set[str]] = {}
    for site in program.randomness.own_seeds:
        together.setdefault(program.index.parent.get(program.statement(site.node) or site.node), set()).add(site.rng)
    return any(len(rngs - {"cuda"}) > 1 for rngs in together.values())


def _severity(gaps: list[Gap], seeding: Seeding, call: ast.Call, program: Program) -> Severity:
    """A single seed that is a plain number may be there for a split of the data alone, and one in a step of the script
    for that step."""
    if seeding.anchor is None:
        return "suggestion"
    if all(g.implied for g in gaps) and len(seeding.seeded) == 1 and seeding.seeded != {"cuda"}:
        argument = call.args[0] if call.args else call.keywords[0].value if call.keywords else None
        if isinstance(argument, ast.Constant):
            return "suggestion"
    return "warning"


def _list(names: list[str]) -> str:
    shown = [f"`{n}`" for n in names] or ["nothing"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _evidence(gaps: list[Gap], owner: Program, seeded: ast.AST, call: ast.Call, program: Program) -> list[Step]:
    steps = [Step(owner, seeded, "this is what the helper seeds")] if owner is not program else []
    for gap in gaps:
        steps.extend(gap.draws[:2])
    return steps
