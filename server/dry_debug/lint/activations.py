"""A loss that applies an activation itself, and gets what has been through that activation already."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report
from dry_debug.program.evidence import Step, home_of, place_of
from dry_debug.program.links import WORDS, Link
from dry_debug.program.loss_elsewhere import LossElsewhere, ends_with, losses_elsewhere
from dry_debug.program.shape import shape
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.flow import LossCall
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value


def judged(program: Program, losses: frozenset[str], activation: str) -> Iterator[ast.AST]:
    """The places that `twice_activated` judges: the losses, and what the file's models end with."""
    yield from (loss.call for loss in program.flow.loss_calls(losses))
    yield from {made: None for _, made in ends_with(program, activation) if made is not None}


def twice_activated(program: Program, losses: frozenset[str], activation: str, rule: str) -> Iterator[Report]:
    """What `rule` reports: calls of `losses` (canonical names) whose prediction comes from `activation`.

    `activation` is `softmax` or `sigmoid`, as in `Value.via`. The fix takes it away, in whatever file it is applied.
    """
    for loss in program.flow.loss_calls(losses):
        value = program.value(loss.prediction, loss.call)
        if value.via != activation or value.node is None or value.origin is None:
            if program.why.listens:
                program.why(loss.call, _otherwise(loss, value, activation, program), see=_maker(value, program))
            continue
        yield _report(loss, value, value.origin, value.node, activation, rule, program)
    yield from _of_models(program, losses, activation, rule)


def _of_models(program: Program, losses: frozenset[str], activation: str, rule: str) -> Iterator[Report]:
    """At the activation that a model of this file ends with: a loss in another file applies it again."""
    told: set[ast.AST] = set()
    for cls, made in ends_with(program, activation):
        if made is None or made in told:
            continue
        found = losses_elsewhere(program, cls, made, losses, activation)
        loss = next((one for one in found if not one.program.is_test or program.is_test), None)
        if loss is not None:
            told.add(made)
            yield _report_at_model(program, made, loss, activation, rule)
        else:
            program.why(made, "no loss in another file is known to get what `{}` returns", cls.name)


def _report_at_model(program: Program, made: ast.AST, loss: LossElsewhere, activation: str, rule: str) -> Report:
    other, value = loss.program, loss.prediction
    what = program.short(made, 36)
    title = f"Return raw scores: remove `{what}`"
    where = place_of(Step(other, loss.call, ""), program)
    return Report(
        at=made,
        severity="suggestion" if program.is_test else None,
        headline=f"`{other.short(loss.call.func, 24)}` {where} applies {activation} again to `{what}`",
        confidence=value.confidence,
        links=lambda: [Link("kind", value.confidence, f"the {activation} here is the last that the model does")],
        evidence=[Step(other, loss.call, f"this loss applies {activation} itself")],
        cause=f"{rule}@{program.document.path}:{program.span(made).start}",
        fix=lambda: _fix_at_model(program, made, title),
        fix_title=title,
    )


def _fix_at_model(program: Program, made: ast.AST, title: str) -> Fix | None:
    edit = _without(made, program) if isinstance(made, ast.Call) and not program.flow.shared(made) else None
    return Fix(title, "unsafe", (edit,)) if edit is not None else None


def _otherwise(loss: LossCall, value: Value, activation: str, program: Program) -> str:
    text = program.short(loss.prediction, 36)
    if value.kind == "unknown":
        from dry_debug.program.describe import why_unknown

        return f"what goes in is not known: {why_unknown(program, loss.prediction, loss.call)}"
    if value.via == "log_softmax" and activation == "softmax":
        return f"`{text}` comes from a log-softmax, which changes nothing when it is applied twice"
    if value.via is not None and value.via not in ("loss", "leaf"):
        return f"`{text}` comes from `{value.via}`, not from a {activation}"
    kind = WORDS.get(value.kind, value.kind)
    return f"`{text}` is {kind} that is not, on every way to here, the result of a {activation}"


def _maker(value: Value, program: Program) -> Step | None:
    home = home_of(value, program)
    return Step(home, value.node, "it is made here") if home is not None and value.node is not None else None


def _report(
    loss: LossCall, value: Value, home: Program, made: ast.AST, activation: str, rule: str, program: Program
) -> Report:
    evidence = [Step(home, made, f"{activation} is applied here")]
    returned = home.flow.returned_by(made)
    if returned is not None and returned is not home.statement(loss.call):
        evidence.append(Step(home, returned, "its result is returned here"))
    if loss.made is not None and loss.made.node is not None and loss.made.origin is not None:
        evidence.append(Step(loss.made.origin, loss.made.node, f"this loss applies {activation} itself"))
    what = home.short(made, 36)
    title = f"Give the loss raw scores: remove `{what}`"
    # In another file it is told there as well, and mended there.
    there = home is not program and any(
        node is made and program in home.callers.users(cls.name) for cls, node in ends_with(home, activation)
    )
    return Report(
        at=loss.call,
        severity="suggestion" if program.is_test else None,  # its model is there to be trained, not to be good
        headline=f"`{program.short(loss.call.func, 30)}` applies {activation} again to `{what}`",
        confidence=value.confidence,
        links=lambda: [_link(value, made, activation, home, program)],
        evidence=evidence,
        cause=f"{rule}@{home.document.path}:{home.span(made).start}",
        fix=None if there else lambda: _fix(loss, home, made, title, program),
        fix_title="" if there else title,
    )


def _link(value: Value, made: ast.AST, activation: str, home: Program, program: Program) -> Link:
    where = place_of(Step(home, made, ""), program)
    if value.confidence == "high":
        return Link("kind", "high", f"what goes in is the result of the {activation} {where}")
    return Link(
        "kind", value.confidence, f"what goes in comes from the {activation} {where}, but not on every way to here"
    )


def _fix(loss: LossCall, home: Program, made: ast.AST, title: str, program: Program) -> Fix | None:
    if not isinstance(made, ast.Call):
        return None
    if home.flow.shared(made):
        # The probabilities are needed for something else as well: they stay, and the loss gets the scores.
        source = home.flow.source_name(loss.prediction, made, loss.call) if home is program else None
        edit = TextEdit(program.span(source[0]), source[1]) if source is not None else None
    else:
        edit = _without(made, home)
    if edit is None:
        return None
    if home is program:
        return Fix(title, "unsafe", (edit,))
    return Fix(title, "unsafe", (), elsewhere=((home.document.path, (edit,)),))


def _without(made: ast.Call, home: Program) -> TextEdit | None:
    """The edit that takes the activation away where nothing else needs it; None where there is none."""
    if _returned_beside_scores(made, home):
        return None  # the model gives both: the caller has to take the other one
    return _without_last_layer(made, home) or _without_call(made, home)


def _returned_beside_scores(made: ast.Call, home: Program) -> bool:
    returned = home.flow.returned_by(made)
    scores = home.flow.operand(made)
    beside = returned.value.elts if returned is not None and isinstance(returned.value, ast.Tuple) else []
    stmt = home.statement(made)
    if scores is None or (isinstance(stmt, ast.Assign) and [home.text(t) for t in stmt.targets] == [home.text(scores)]):
        return False  # `x = softmax(x)`: there is only one
    return any(shape(part) == shape(scores) for part in beside)


def _without_last_layer(made: ast.Call, home: Program) -> TextEdit | None:
    """`nn.Sequential(a, nn.Softmax(1))` without its last element; `layers.append(nn.Softmax(1))` as a whole."""
    elements = home.flow.last_layer(made)
    if elements is not None:
        return TextEdit(Span(home.span(elements[0]).end, home.span(elements[1]).end), "")
    stmt = home.statement(made)
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call) and stmt.value.args[-1:] == [made]:
        lines = home.flow.whole_statement(stmt)
        return TextEdit(lines, "") if lines is not None else None
    return None


def _without_call(made: ast.Call, home: Program) -> TextEdit | None:
    """`softmax(x, dim=1)` becomes `x`; a statement that then says `x = x` goes away."""
    scores = home.flow.operand(made)
    if scores is None:
        return None
    stmt = home.statement(made)
    text = home.text(scores)
    if isinstance(stmt, ast.Assign) and stmt.value is made and [home.text(t) for t in stmt.targets] == [text]:
        removed = home.flow.whole_statement(stmt)
        if removed is not None:
            return TextEdit(removed, "")
    if not isinstance(scores, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        text = f"({text})"
    return TextEdit(home.span(made), text)
