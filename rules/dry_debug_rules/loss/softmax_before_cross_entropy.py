"""LOSS001: cross-entropy applies log-softmax itself; what it gets has been through a softmax already."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step, place_of
from dry_debug.program.knowledge import CROSS_ENTROPY
from dry_debug.program.links import WORDS, Link
from dry_debug.program.shape import shape
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.flow import LossCall
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value


class SoftmaxBeforeCrossEntropy(Rule):
    name = "softmax-before-cross-entropy"
    code = "LOSS001"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("CrossEntropyLoss", "cross_entropy", "softmax", "Softmax"),)
    why = (
        "Cross-entropy takes raw scores and applies softmax itself: probabilities lie between 0 and 1, so the second "
        "softmax stays nearly flat, the loss cannot get near zero and the gradients shrink."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    looks_at = "what goes into a cross-entropy loss"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (loss.call for loss in program.flow.loss_calls(CROSS_ENTROPY))

    def check(self, program: Program) -> Iterator[Report]:
        for loss in program.flow.loss_calls(CROSS_ENTROPY):
            value = program.value(loss.prediction, loss.call)
            if value.via != "softmax" or value.node is None or value.origin is None:
                if program.why.listens:
                    program.why(loss.call, _no_softmax(loss, value, program), see=_maker(value))
                continue
            yield _report(loss, value, value.origin, value.node, program)


def _no_softmax(loss: LossCall, value: Value, program: Program) -> str:
    text = program.short(loss.prediction, 36)
    if value.kind == "unknown":
        from dry_debug.program.describe import why_unknown

        return f"what goes in is not known: {why_unknown(program, loss.prediction, loss.call)}"
    if value.via == "log_softmax":
        return f"`{text}` comes from a log-softmax, which changes nothing when it is applied twice"
    if value.via is not None and value.via not in ("loss", "leaf"):
        return f"`{text}` comes from `{value.via}`, not from a softmax"
    return f"`{text}` is {WORDS.get(value.kind, value.kind)} that is not, on every way to here, the result of a softmax"


def _maker(value: Value) -> Step | None:
    made, home = value.node, value.origin
    if made is None or home is None or not hasattr(made, "lineno"):
        return None
    return Step(home, made, "it is made here")


def _report(loss: LossCall, value: Value, home: Program, softmax: ast.AST, program: Program) -> Report:
    evidence = [Step(home, softmax, "softmax is applied here")]
    returned = home.flow.returned_by(softmax)
    if returned is not None and returned is not home.statement(loss.call):
        evidence.append(Step(home, returned, "its result is returned here"))
    if loss.made is not None and loss.made.node is not None and loss.made.origin is not None:
        evidence.append(Step(loss.made.origin, loss.made.node, "this loss applies softmax itself"))
    what = home.short(softmax, 36)
    title = f"Give the loss raw scores: remove `{what}`"
    return Report(
        at=loss.call,
        headline=f"`{program.short(loss.call.func, 30)}` applies softmax again to `{what}`",
        confidence=value.confidence,
        links=lambda: [_link(value, softmax, home, program)],
        evidence=evidence,
        cause=f"softmax-before-cross-entropy@{home.document.path}:{home.span(softmax).start}",
        fix=lambda: _fix(loss, home, softmax, title, program),
        fix_title=title,
    )


def _link(value: Value, softmax: ast.AST, home: Program, program: Program) -> Link:
    where = place_of(Step(home, softmax, ""), program)
    if value.confidence == "high":
        return Link("kind", "high", f"what goes in is the result of the softmax {where}")
    return Link("kind", value.confidence, f"what goes in comes from the softmax {where}, but not on every way to here")


def _fix(loss: LossCall, home: Program, softmax: ast.AST, title: str, program: Program) -> Fix | None:
    if not isinstance(softmax, ast.Call):
        return None
    if home.flow.shared(softmax):
        # The probabilities are needed for something else as well: they stay, and the loss gets the scores.
        source = home.flow.source_name(loss.prediction, softmax, loss.call) if home is program else None
        edit = TextEdit(program.span(source[0]), source[1]) if source is not None else None
    elif _returned_beside_scores(softmax, home):
        return None  # the model gives both: the caller has to take the other one
    else:
        edit = _without_last_layer(softmax, home) or _without_call(softmax, home)
    if edit is None:
        return None
    if home is program:
        return Fix(title, "unsafe", (edit,))
    return Fix(title, "unsafe", (), elsewhere=((home.document.path, (edit,)),))


def _returned_beside_scores(softmax: ast.Call, home: Program) -> bool:
    returned = home.flow.returned_by(softmax)
    scores = home.flow.operand(softmax)
    beside = returned.value.elts if returned is not None and isinstance(returned.value, ast.Tuple) else []
    stmt = home.statement(softmax)
    if scores is None or (isinstance(stmt, ast.Assign) and [home.text(t) for t in stmt.targets] == [home.text(scores)]):
        return False  # `x = softmax(x)`: there is only one
    return any(shape(part) == shape(scores) for part in beside)


def _without_last_layer(softmax: ast.Call, home: Program) -> TextEdit | None:
    """`nn.Sequential(a, nn.Softmax(1))` without its last element; `layers.append(nn.Softmax(1))` as a whole."""
    elements = home.flow.last_layer(softmax)
    if elements is not None:
        return TextEdit(Span(home.span(elements[0]).end, home.span(elements[1]).end), "")
    stmt = home.statement(softmax)
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call) and stmt.value.args == [softmax]:
        lines = home.flow.whole_statement(stmt)
        return TextEdit(lines, "") if lines is not None else None
    return None


def _without_call(softmax: ast.Call, home: Program) -> TextEdit | None:
    """`softmax(x, dim=1)` becomes `x`; a statement that then says `x = x` goes away."""
    scores = home.flow.operand(softmax)
    if scores is None:
        return None
    stmt = home.statement(softmax)
    text = home.text(scores)
    if isinstance(stmt, ast.Assign) and stmt.value is softmax and [home.text(t) for t in stmt.targets] == [text]:
        removed = home.flow.whole_statement(stmt)
        if removed is not None:
            return TextEdit(removed, "")
    if not isinstance(scores, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        text = f"({text})"
    return TextEdit(home.span(softmax), text)
