"""MOD014: `requires_grad` is set on a module, which freezes nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import made
from dry_debug.program.links import kind_link
from dry_debug.program.scopes import dotted
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_NAME = "requires_grad"
# What a `True` that changes nothing leaves frozen; where nothing is, all parameters learn as they should.
_FREEZES = re.compile(r"requires_grad(?:_\(\s*| *= *)(?:False|0)|\bfreeze")


class IneffectiveFreeze(Rule):
    name = "ineffective-freeze"
    code = "MOD014"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), (".requires_grad =", ".requires_grad=", ".requires_grad:"))
    why = (
        "A module has no such attribute of its own: Python adds one that nobody reads, and all parameters below it "
        "learn, or stay frozen, as before."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Call `requires_grad_(...)` of the module, which sets it on all its parameters."
    looks_at = "assignments to `requires_grad`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for stmt, _ in _assignments(program):
            yield stmt

    def check(self, program: Program) -> Iterator[Report]:
        for stmt, target in _assignments(program):
            value = program.value(target.value, stmt)
            if value.kind != "module" or value.confidence != "high" or value.maybe_none:
                program.why(stmt, "{} is not known to be a module", target.value)
                continue
            if program.is_test:
                program.why(stmt, "the file is a test")
                continue
            if isinstance(target.value, ast.Name) and target.value.id == program.scope(stmt).self_name:
                program.why(stmt, "the module has an attribute of that name for itself")
                continue
            path = dotted(target.value) or program.short(target.value, 40)
            name = path if len(path) <= 24 else path.rpartition(".")[2][:24]
            given = program.text(stmt.value)
            title = f"Set it on all parameters (`.{_NAME}_({given[:20]})`)"
            edits = (
                TextEdit(Span(program.span(target).end, program.span(stmt.value).start), "_("),
                TextEdit(Span(program.span(stmt.value).end, program.span(stmt.value).end), ")"),
            )
            yield Report(
                at=target,
                severity="warning" if given == "True" and not _FREEZES.search(program.document.source) else "critical",
                headline=f"`{path[:44]}.{_NAME} = {given[:12]}` changes nothing: `{name}` is a module",
                confidence="high",
                evidence=made(value, f"`{path}`"),
                links=lambda value=value, path=path: [kind_link(program, value, path)],  # type: ignore[misc]
                fix=lambda title=title, edits=edits: Fix(title, "unsafe", edits),  # type: ignore[misc]
                fix_title=title,
            )


def _assignments(program: Program) -> Iterator[tuple[ast.Assign, ast.Attribute]]:
    for stmt in program.index.assignments:
        if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1:
            target = stmt.targets[0]
            if isinstance(target, ast.Attribute) and target.attr == _NAME:
                yield stmt, target
