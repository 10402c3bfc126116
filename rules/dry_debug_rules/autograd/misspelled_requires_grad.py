"""GRAD003: `require_grad` is set where `requires_grad` is meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step, made
from dry_debug.program.links import Link
from dry_debug.program.scopes import dotted
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_RIGHT = "requires_grad"
_WRONG = ("require_grad", "requires_grads", "require_grads", "required_grad", "requried_grad", "requires_gradient",
          "require_gradient", "requires_gradients", "requre_grad", "requires_gard", "require_gard",
          "requiers_grad")  # fmt: skip
_TITLE = "Write `requires_grad`"


class MisspelledRequiresGrad(Rule):
    name = "misspelled-requires-grad"
    code = "GRAD003"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), tuple(f"{name}" for name in _WRONG))
    why = (
        "Python makes a new attribute of that name and says nothing, so the tensor goes on as before: what was to be "
        "frozen learns, and what was to learn does not."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Write `requires_grad`."
    looks_at = "attributes that are nearly called `requires_grad`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for stmt, _, _ in _assignments(program):
            yield stmt
        for call, _ in _set_by_name(program):
            yield call

    def check(self, program: Program) -> Iterator[Report]:
        for stmt, target, value in _assignments(program):
            if _own_attribute(target, stmt, program):
                continue
            receiver = program.value(target.value, stmt)
            name = program.short(target, 44)
            end = program.span(target).end
            word = Span(end - len(target.attr), end)
            # A new tensor needs no gradient anyway.
            idle = receiver.kind == "tensor" and receiver.attached is False and _is(value, False)
            yield Report(
                at=word,
                headline=f"`{name}` changes nothing: the attribute is called `requires_grad`",
                confidence="high",
                severity="suggestion" if idle else None,
                evidence=made(receiver, f"`{dotted(target.value) or 'it'}`"),
                links=lambda: [Link("kind", "high", "no tensor and no module has an attribute of that name")],
                fix=lambda word=word: Fix(_TITLE, "unsafe", (TextEdit(word, _RIGHT),)),  # type: ignore[misc]
                fix_title=_TITLE,
            )
        for call, text in _set_by_name(program):
            span = program.span(text)
            inner = Span(span.start + 1, span.end - 1)
            yield Report(
                at=text,
                headline=f"`{program.short(call, 44)}` changes nothing: it is called `requires_grad`",
                confidence="high",
                evidence=[Step(program, call, "it is set here")],
                links=lambda: [Link("kind", "high", "no tensor and no module has an attribute of that name")],
                fix=lambda inner=inner: Fix(_TITLE, "unsafe", (TextEdit(inner, _RIGHT),)),  # type: ignore[misc]
                fix_title=_TITLE,
            )


def _assignments(program: Program) -> Iterator[tuple[ast.stmt, ast.Attribute, ast.expr | None]]:
    for stmt in program.index.assignments:
        targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr in _WRONG:
                yield stmt, target, stmt.value


def _set_by_name(program: Program) -> Iterator[tuple[ast.Call, ast.Constant]]:
    for call in program.calls_of("builtins.setattr"):
        if len(call.args) == 3 and isinstance(call.args[1], ast.Constant) and call.args[1].value in _WRONG:
            yield call, call.args[1]


def _own_attribute(target: ast.Attribute, stmt: ast.stmt, program: Program) -> bool:
    """Whether the program has an attribute of that name for itself: it sets it on `self`, or reads it somewhere."""
    if isinstance(target.value, ast.Name) and target.value.id == program.scope(stmt).self_name:
        program.why(stmt, "an object of the program has an attribute of that name of its own")
        return True
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Attribute) and node.attr == target.attr and isinstance(node.ctx, ast.Load):
            program.why(stmt, "{} reads it: the program has an attribute of that name", node)
            return True
    return False


def _is(value: ast.expr | None, constant: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant
