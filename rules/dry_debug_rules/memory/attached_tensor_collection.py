"""MEM002: a list, dict or tensor that outlives the iteration collects tensors with their autograd graphs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.fixes import detaching
from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_before
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.collected import Collection, added, collections
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link, kind_link
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_HOLDS = "Each tensor refers to the autograd graph that made it, so nothing of any iteration is freed while "
_ACTIVATIONS = _HOLDS + "`{}` lives: without a backward pass all activations of all batches stay in memory."
_NODES = _HOLDS + "`{}` lives, and memory grows with each one."


class AttachedTensorCollection(Rule):
    name = "attached-tensor-collection"
    code = "MEM002"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (
        ("for ", "while "),
        ("append", "extend", "cat", "stack", "]", "+="),
        ("torch", "backward"),
        ("backward", ".eval()", "oader"),
    )
    why = _HOLDS + "the collection lives, and memory grows with each one."
    instead = "Collect numbers or detached tensors."
    quotes = ("MEM-RF-3", "MEM-RF-1", "MEM-PIT-x", "MEM-EC-2")
    looks_at = "what a loop adds to a list, a dict or a tensor"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for name in ("append", "extend", "appendleft"):
            for call in program.method_calls(name):
                stmt = program.statement(call)
                if isinstance(stmt, ast.Expr) and stmt.value is call and len(call.args) == 1 and not call.keywords:
                    yield stmt
        for each in (*program.index.assignments, *program.index.augments):
            if added(program, each):
                yield each

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test, whose loops are short")
            return
        for found in collections(program):
            tensor = found.carried[0].expr
            method = _method(found, program)
            change = f"{found.entry}{method}" if found.entry else detaching.shown(program, tensor, method)
            title = detaching.title(change, method)
            shown = found.entry[:36] or program.short(tensor, 36)
            yield Report(
                at=found.at,
                headline=f"`{found.path[:30]}` keeps the autograd graph of every `{shown}`",
                why=(_ACTIVATIONS if found.used_up is None else _NODES).format(found.path),
                confidence=found.confidence,
                evidence=_evidence(found, program),
                links=partial(_links, found, program),
                fix=partial(_fix, found, method, title, program),
                fix_title=title,
            )


def _method(found: Collection, program: Program) -> str:
    if found.entry:
        return detaching.DETACH
    if all(each.is_loss for each in found.carried):
        return detaching.of_loss(program, found.carried, found.fate)
    if found.how in ("list", "dict") and len(found.carried) == 1:
        return detaching.of_tensor(program, found.path, found.at)
    return detaching.DETACH


def _links(found: Collection, program: Program) -> list[Link]:
    links = []
    for each in found.carried:
        text = found.entry or program.short(each.expr, 32)
        if each.made is not None:
            links.append(kind_link(program, each.made, text))
        else:
            links.append(Link("kind", each.confidence, f"`{text}` carries a graph: there is a backward pass over it"))
    if found.used_up is not None:
        links.append(Link("path", "high", "the backward pass of the same iteration uses the graph up: nobody can need "
                          "it later"))  # fmt: skip
    else:
        links.append(Link("resolution", "medium", "no backward pass inside the loop shows that the graphs are used up: "
                          f"`{found.path}` may be there to be differentiated"))  # fmt: skip
    return links


def _evidence(found: Collection, program: Program) -> list[Step]:
    steps: list[Step] = []
    for each in found.carried[:2]:
        made = each.made
        if made is not None and made.node is not None and made.origin is not None:
            steps.append(Step(made.origin, made.node, "the tensor and its graph are made here"))
    if found.used_up is not None:
        steps.append(Step(program, found.used_up, "this backward pass was the last that needed the graph"))
    return steps


def _fix(found: Collection, method: str, title: str, program: Program) -> Fix | None:
    if found.entry:
        return Fix(title, "unsafe", (line_before(program, found.at, f"{found.entry} = {found.entry}.detach()"),))
    exprs = [each.expr for each in found.carried]
    exprs += [begun for expr in exprs for begun in _begun(found, expr, program)]
    return Fix(title, "unsafe", tuple(detaching.edit(program, expr, method) for expr in exprs))


def _begun(found: Collection, expr: ast.expr, program: Program) -> list[ast.expr]:
    """The same tensor where the collection begins with it: `kept = out`, beside `kept = torch.cat((kept, out))`."""
    if found.how not in ("cat", "sum") or dotted(expr) is None:
        return []
    scope = program.scope(found.at)
    return [
        a.value
        for a in program.index.assignments
        if isinstance(a, ast.Assign) and a is not found.at and program.scope(a) is scope
        and program.index.inside(a, found.loop) and dotted(a.value) == dotted(expr)
        and any(dotted(target) == found.path for target in a.targets)
    ]  # fmt: skip
