"""MEM001: a running total of the loss keeps the autograd graph of every iteration."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.growth import Growth
    from dry_debug.program.program import Program


class AttachedLossTotal(Rule):
    name = "attached-loss-total"
    code = "MEM001"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("for ", "while "), ("backward", "loss", "Loss", "entropy"))
    why = (
        "The total refers to the autograd graph of every loss that went into it, so none of them is freed while it "
        "lives and memory grows with each iteration."
    )
    quotes = ("MEM-RF-3", "MEM-RF-1", "MEM-PIT-x")

    def check(self, program: Program) -> Iterator[Report]:
        for growth in program.flow.growths:
            tensors = [carried for carried in growth.carried if carried.is_loss]
            if not tensors:
                continue
            method = ".detach()" if growth.how == "list" or growth.fate.tensor or growth.fate.unknown else ".item()"
            loss = program.short(tensors[0].expr, 32)
            title = f"Keep {'a number' if method == '.item()' else 'a tensor without its graph'} (`{loss}{method}`)"
            yield Report(
                at=growth.at,
                headline=_headline(growth, loss, program),
                confidence=growth.confidence,
                evidence=_evidence(growth, program),
                fix=partial(_fix, growth, method, title, program),
                fix_title=title,
            )


def _headline(growth: Growth, loss: str, program: Program) -> str:
    if growth.how == "call":
        call = growth.at.value if isinstance(growth.at, ast.Expr) else growth.at
        name = program.short(call.func, 30) if isinstance(call, ast.Call) else growth.path
        return f"`{name}` keeps `{loss}` with its autograd graph"
    return f"`{' '.join(growth.path.split())[:40]}` keeps the autograd graph of every `{loss}`"


def _evidence(growth: Growth, program: Program) -> list[Step]:
    steps: list[Step] = []
    for carried in growth.carried[:2]:
        made = carried.made
        if made is not None and made.node is not None and made.origin is not None:
            steps.append(Step(made.origin, made.node, "the tensor and its graph are made here"))
        if carried.backward is not None:
            place = carried.backward_in or program
            steps.append(Step(place, carried.backward, "`.backward()` over it shows that it carries a graph"))
    if growth.kept is not None:
        steps.append(Step(growth.kept[0], growth.kept[1], "it is kept here"))
    return steps


def _fix(growth: Growth, method: str, title: str, program: Program) -> Fix | None:
    edits: list[TextEdit] = []
    for carried in growth.carried:
        span = program.span(carried.expr)
        edits.append(TextEdit(Span(span.end, span.end), method))
    return Fix(title, "unsafe", tuple(edits)) if edits else None
