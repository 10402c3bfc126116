"""ERR001: whatever goes wrong in the training step is caught, and the loop goes on as if nothing had happened."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.reached import reached
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.walks import LoopNode, loop_head, nodes
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_BROAD = ("Exception", "BaseException", "RuntimeError")
_STEP = ("backward", "optimizer_step")
# What only tells of the error.
_TELLS = frozenset(
    "print print_exc format_exc warning warn error exception info debug log critical write flush str repr format "
    "format_exception type set_postfix".split()
)
_TITLE = "Let the error through (`raise`)"
MAX_CALLS = 40


class SwallowedStepError(Rule):
    name = "swallowed-step-error"
    code = "ERR001"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("except",), ("torch", "accelerate", "lightning"), ("for ", "while "))
    why = (
        "A wrong shape, a full GPU or a bad index ends in silence: batches are left out or half applied, the loss goes "
        "on being printed, and the model trains on what happens to work."
    )
    quotes = ("DBG-RF-1", "DBG-RF-6", "DBG-RAT-5", "DBG-RAT-1", "DBG-RF-7")
    instead = "Catch the one kind of error that is expected, count it, and let all others end the run."
    looks_at = "handlers of errors around a training step"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for handler in program.index.excepts:
            if _step_in(handler, program) is not None:
                yield handler

    def check(self, program: Program) -> Iterator[Report]:
        for handler in program.index.excepts:
            # Whether a step runs in there is the dear question: it follows calls, also into other files.
            if not program.why.listens and not _worth_a_look(handler, program):
                continue
            step = _step_in(handler, program)
            if step is not None:
                report = self._judge(handler, step, program)
                if report is not None:
                    yield report

    def _judge(self, handler: ast.ExceptHandler, step: Step, program: Program) -> Report | None:
        why = program.why
        if program.is_test:
            why(handler, "the file is a test")
            return None
        if not _may_be_broad(handler):
            why(handler, "it is for errors of one kind: {}", handler.type or "")
            return None
        loop = _loop_around(handler, program)
        if loop is None:
            why(handler, "no loop goes on after it")
            return None
        does = _handles(handler)
        if does is not None:
            why(handler, "it does something about the error: {}", does)
            return None
        silent = all(isinstance(s, ast.Pass | ast.Continue) for s in handler.body)
        named = program.text(handler.type) if handler.type is not None else ""
        caught = f"`except {named[:30]}`" if named else "a bare `except`"
        how = "without a word" if silent else "with a line in the log"
        return Report(
            at=handler.type if handler.type is not None else _word(handler, program),
            headline=f"{caught} round the training step goes on {how}",
            confidence="high",
            severity=None if silent else "warning",
            evidence=[
                Step(step.program, step.node, "the step"),
                Step(program, loop_head(loop), "the loop that goes on"),
            ],
            links=lambda: [Link("path", "high", "every error of the step ends in this handler, and the loop goes on")],
            fix=ready_fix(_fix(handler, program)),
            fix_title=_TITLE,
        )


def _worth_a_look(handler: ast.ExceptHandler, program: Program) -> bool:
    """Whether the handler alone could be one that swallows the error and lets a loop go on."""
    return (
        _may_be_broad(handler)
        and not program.is_test
        and _handles(handler) is None
        and _loop_around(handler, program) is not None
    )


def _may_be_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or dotted(kind) in _BROAD for kind in kinds)


def _step_in(handler: ast.ExceptHandler, program: Program) -> Step | None:
    """The backward pass or the update that stands in the `try`, or that a function called there comes to."""
    block = program.index.parent.get(handler)
    if not isinstance(block, ast.Try | ast.TryStar):
        return None
    first, last = block.body[0].lineno, block.body[-1].end_lineno or block.lineno
    inner = {n for s in block.body for n in nodes(s) if isinstance(n, ast.FunctionDef | ast.Lambda)}
    for event in program.events.of_kind(*_STEP):
        if first <= event.stmt.lineno <= last and program.index.inside(event.stmt, block) and not inner:
            return Step(program, event.node, "")
    for stmt in block.body:
        if not isinstance(stmt, ast.Expr | ast.Assign | ast.If | ast.With | ast.AugAssign):
            continue
        for owner, function in reached(program, stmt):
            for event in owner.events.within(function):
                if event.kind in _STEP:
                    return Step(owner, event.node, "")
    return None


def _loop_around(handler: ast.ExceptHandler, program: Program) -> LoopNode | None:
    """The loop that takes the next turn after the handler, in its function."""
    for block in program.index.ancestors(handler):
        if isinstance(block, LoopNode):
            return block
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return _loop_of_callers(program.index.scopes[block], program)
        if isinstance(block, ast.ClassDef):
            return None
    return None


def _loop_of_callers(function: Scope, program: Program) -> LoopNode | None:
    """The loop that calls a function which gives nothing back: whether it has worked, nobody can ask."""
    sites = program.call_sites(function) if not any(r.value is not None for r in function.returns) else []
    for site in sites:
        stmt = program.statement(site)
        if not isinstance(stmt, ast.Expr) or stmt.value is not site:
            return None
        for block in program.index.ancestors(stmt):
            if isinstance(block, LoopNode):
                return block
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Try):
                break
    return None


def _handles(handler: ast.ExceptHandler) -> ast.AST | None:
    """What a handler does besides telling of the error; None where it does nothing."""
    for stmt in handler.body:
        for node in nodes(stmt):
            if isinstance(node, ast.Raise | ast.Return | ast.Break | ast.If | ast.Assign | ast.AugAssign | ast.While):
                return node
            if isinstance(node, ast.Call) and last_name(node.func) not in _TELLS:
                return node
            if isinstance(node, ast.For | ast.With | ast.Try | ast.Assert | ast.Yield | ast.Await):
                return node
    return None


def _word(handler: ast.ExceptHandler, program: Program) -> Span:
    """The word `except` of a handler without a type."""
    start = program.span(handler).start
    return Span(start, start + len("except"))


def _fix(handler: ast.ExceptHandler, program: Program) -> Fix | None:
    last = handler.body[-1]
    if isinstance(last, ast.Pass | ast.Continue):
        return Fix(_TITLE, "unsafe", (TextEdit(program.span(last), "raise"),))
    edit = line_after(program, last, "raise")
    return Fix(_TITLE, "unsafe", (edit,)) if edit is not None else None
