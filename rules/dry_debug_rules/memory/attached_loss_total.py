"""MEM001: a running total of the loss keeps the autograd graph of every iteration."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.fixes import detaching
from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.additions import addition_of
from dry_debug.program.evidence import Step, place_of, weakest
from dry_debug.program.links import Link, kind_link

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
    instead = "Keep a number (`.item()`) or a detached tensor, never the loss itself."
    quotes = ("MEM-RF-3", "MEM-RF-1", "MEM-PIT-x")
    looks_at = "sums and lists that a loop fills"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for stmt in (*program.index.augments, *program.index.assignments):
            if addition_of(stmt) is not None:
                yield stmt
        for call in program.method_calls("append"):
            stmt_ = program.statement(call)
            if isinstance(stmt_, ast.Expr) and stmt_.value is call and len(call.args) == 1 and not call.keywords:
                yield stmt_

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test, whose loops are short")
            return
        for growth in program.flow.growths:
            tensors = [carried for carried in growth.carried if carried.is_loss]
            if not tensors:
                program.why(growth.at, "{} carries a graph, but not that of a loss", growth.carried[0].expr)
                continue
            method = detaching.of_loss(program, growth.carried, growth.fate)
            loss = program.short(tensors[0].expr, 32)
            title = detaching.title(detaching.shown(program, tensors[0].expr, method), method)
            yield Report(
                at=growth.at,
                headline=_headline(growth, loss, program),
                confidence=growth.confidence,
                evidence=_evidence(growth, program),
                links=partial(_links, growth, program),
                fix=partial(_fix, growth, method, title, program),
                fix_title=title,
            )


def _links(growth: Growth, program: Program) -> list[Link]:
    links = []
    for carried in growth.carried:
        text = program.short(carried.expr, 32)
        if carried.backward is not None:
            where = place_of(Step(carried.backward_in or program, carried.backward, ""), program)
            links.append(Link("kind", carried.confidence, f"`{text}` carries a graph: `.backward()` over it {where}"))
        elif carried.made is not None:
            links.append(kind_link(program, carried.made, text))
    if growth.confidence != weakest(*(x.confidence for x in links)):
        links.append(Link("resolution", growth.confidence, "no backward pass inside the loop shows that the graphs are "
                          f"used up: `{growth.path}` may be there to be differentiated"))  # fmt: skip
    return links


def _headline(growth: Growth, loss: str, program: Program) -> str:
    if growth.how == "call":
        call = growth.at.value if isinstance(growth.at, ast.Expr | ast.Assign) else growth.at
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
    edits = tuple(detaching.edit(program, carried.expr, method) for carried in growth.carried)
    return Fix(title, "unsafe", edits) if edits else None
