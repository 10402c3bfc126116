"""SEED007: the workers of a loader all draw the same random numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link, kind_link
from dry_debug.program.worker_seeds import SharedGenerator, loaders, one_seed, shared_generators

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class IdenticalWorkerSeeds(Rule):
    name = "identical-worker-seeds"
    code = "SEED007"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("DataLoader",), ("num_workers", "worker_init_fn"))
    why = (
        "Each worker starts with the same state, so the same noise, crops and flips come as many times as there are "
        "workers, and again in every epoch that starts its workers anew."
    )
    instead = "Give every worker a seed of its own, from `torch.initial_seed()`."
    quotes = ("CKPT-SEED-8",)
    looks_at = "calls of `DataLoader`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return loaders(program)

    def check(self, program: Program) -> Iterator[Report]:
        for shared in shared_generators(program):
            cls = shared.dataset.scope
            name = cls.name if cls is not None else "the data set"
            yield Report(
                at=shared.loader,
                headline=f"Every worker draws the same numbers from its copy of `{name}.{shared.attribute}`",
                confidence=shared.dataset.confidence,
                evidence=[
                    Step(
                        shared.owner, shared.made, "one generator is made for the data set, and each worker gets a copy"
                    ),
                    Step(shared.owner, shared.drawn, "the workers draw from it"),
                ],
                links=partial(_links, shared.dataset, program),
                fix=ready_fix(_own_generator(program, shared)),
                fix_title="Give each worker a generator of its own (`worker_init_fn`)",
            )
        for one in one_seed(program):
            from dry_debug.fixes.worker_seeding import differ, title_of

            own = all(one.owner.target(call).kind != "function" for call in one.seeds)  # no helper seeds for it
            called = f"`{one.function.name}`" if one.function.kind == "function" else "The `worker_init_fn`"
            yield Report(
                at=one.seeds[0] if one.owner is program else one.loader,
                headline=f"{called} seeds every worker alike: `{one.owner.short(one.seeds[0], 40)}`",
                confidence="high",
                cause=f"{self.name}:{one.function.name}",
                evidence=[
                    Step(one.owner, one.seeds[0], "the seed is the same in each worker"),
                    Step(program, one.loader, "the workers of this loader run it"),
                ],
                links=lambda: [Link("resolution", "high", "the seed depends on nothing that differs between workers")],
                fix=ready_fix(differ(program, one)) if own else None,
                fix_title=title_of(one) if own else "",
            )


def _own_generator(program: Program, shared: SharedGenerator) -> Fix | None:
    from dry_debug.fixes.worker_seeding import give_own

    return give_own(program, shared)


def _links(dataset: object, program: Program) -> list[Link]:
    from dry_debug.program.values import Value

    assert isinstance(dataset, Value)
    return [kind_link(program, dataset)]
