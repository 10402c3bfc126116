"""Whether a loss is the one that a model computes by itself: `outputs.loss`, averaged or divided and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dry_debug.program.callers import parameter_of
from dry_debug.program.reaching import reaching
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding
    from dry_debug.program.values import Value

MAX_STEPS = 60  # expressions on the way from a loss back to the calls of the model
# Methods that make no other loss of a loss.
_KEEP = frozenset("mean sum to float half cuda double bfloat16 contiguous squeeze requires_grad_".split())


@dataclass(frozen=True, slots=True)
class OwnLoss:
    """The model that computed the loss, and the calls of it that did."""

    model: Value
    calls: tuple[ast.Call, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """An expression to trace. `wanted` is what it has to be: the loss, the model's output, or (a number) a tuple with
    the loss at that place."""

    expr: ast.expr
    at: ast.AST
    program: Program
    wanted: str | int


def own_loss(expr: ast.expr, at: ast.AST, program: Program, given: Mapping[str, Value] | None = None) -> OwnLoss | None:
    """Whose own loss `expr` is where it stands (`at`); None where anything else goes into it, or where it is not known.

    Goes through variables, helpers of the project that return it, `scaler.scale(...)`, means and divisions. `given` is
    what a caller in another file passes for the parameters of the function around `at`.
    """
    todo, seen, steps = [_Part(expr, at, program, "loss")], set[tuple[ast.AST, str | int]](), 0
    model: Value | None = None
    calls: dict[ast.Call, None] = {}
    while todo:
        part, steps = todo.pop(), steps + 1
        if steps > MAX_STEPS:
            return None
        if (part.expr, part.wanted) in seen and not isinstance(part.expr, ast.Name):
            continue
        seen.add((part.expr, part.wanted))
        if part.wanted in ("output", 0) and isinstance(part.expr, ast.Call):
            called = part.expr.func
            if isinstance(called, ast.Attribute) and called.attr == "forward":
                called = called.value
            value = part.program.value(called, part.expr)
            if given and value.type is None and part.program is program:
                place = parameter_of(value)  # also of the function that hands it on to this one
                value = given.get(place[2], value) if place is not None else value
            if value.kind == "module":
                if model is not None and model.base.ident != value.base.ident:
                    return None
                model = value
                calls[part.expr] = None
                continue
        more = _behind(part, seen)
        if more is None:
            return None
        todo.extend(more)
    return OwnLoss(model, tuple(calls)) if model is not None else None


def _behind(part: _Part, seen: set[tuple[ast.AST, str | int]]) -> list[_Part] | None:
    """What an expression is made of, as far as that is the loss; None if it is anything else."""
    expr, at, program, wanted = part.expr, part.at, part.program, part.wanted
    if isinstance(expr, ast.Name):
        return _of_name(part, seen)
    if isinstance(expr, ast.IfExp):
        return [_Part(side, at, program, wanted) for side in (expr.body, expr.orelse)]
    if isinstance(expr, ast.NamedExpr):
        return [_Part(expr.value, at, program, wanted)]
    if isinstance(expr, ast.Call):
        return _of_call(expr, part)
    if isinstance(wanted, int):
        if isinstance(expr, ast.Tuple | ast.List) and len(expr.elts) > wanted:
            return [_Part(expr.elts[wanted], at, program, "loss")]
        sliced = isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Slice) and expr.slice.lower is None
        if wanted == 0 and sliced and isinstance(expr, ast.Subscript):
            return [_Part(expr.value, at, program, "output")]
        return None
    if wanted == "output":
        return None
    if isinstance(expr, ast.Attribute) and expr.attr == "loss":
        return [_Part(expr.value, at, program, "output")]
    if isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Constant) and expr.slice.value in ("loss", 0):
        return [_Part(expr.value, at, program, "output")]
    if isinstance(expr, ast.BinOp):
        number = isinstance(expr.right, ast.Constant)
        if isinstance(expr.op, ast.Div) or (isinstance(expr.op, ast.Mult) and number):
            return [_Part(expr.left, at, program, wanted)]
    return None


def _of_call(call: ast.Call, part: _Part) -> list[_Part] | None:
    func = call.func
    if part.wanted == "loss" and isinstance(func, ast.Attribute):
        if func.attr in _KEEP:
            return [_Part(func.value, part.at, part.program, "loss")]
        if func.attr in ("scale", "scale_loss") and call.args:  # of a GradScaler, of apex
            return [_Part(call.args[0], part.at, part.program, "loss")]
    target = part.program.target(call)
    owner = target.program
    if target.kind != "function" or target.scope is None or owner is None:
        return None
    returned = [_Part(r.value, r, owner, part.wanted) for r in target.scope.returns if r.value is not None]
    return returned or None


def _of_name(part: _Part, seen: set[tuple[ast.AST, str | int]]) -> list[_Part] | None:
    expr, program = part.expr, part.program
    assert isinstance(expr, ast.Name)
    scope = program.scope(part.at)
    found = program.names.lookup(expr.id, scope)
    use = program.statement(part.at) or part.at
    if found is None or not isinstance(use, ast.stmt):
        return None
    bindings = reaching(program.index, found[1], use) if found[0] is scope else found[1]
    if not bindings:
        return None
    parts: list[_Part] = []
    for one in bindings:
        if (one.node, part.wanted) in seen:
            continue
        seen.add((one.node, part.wanted))
        more = _of_binding(one, part)
        if more is None:
            return None
        parts += more
    return parts


def _of_binding(one: Binding, part: _Part) -> list[_Part] | None:
    program, at = part.program, one.stmt
    if one.kind == "param":
        given = program.arguments_of(one.scope, one.name)
        return [_Part(e, stmt, owner, part.wanted) for owner, e, _, stmt in given if stmt is not None] or None
    if at is None or one.value is None:
        return None
    if one.kind == "aug":
        divides = isinstance(at, ast.AugAssign) and isinstance(at.op, ast.Div)
        return [_Part(part.expr, at, program, part.wanted)] if divides and part.wanted == "loss" else None
    if one.kind not in ("assign", "walrus", "with"):
        return None
    if not one.path:
        return [_Part(one.value, at, program, part.wanted)]
    place = one.path[0] if len(one.path) == 1 else None
    if isinstance(place, int) and place >= 0 and part.wanted == "loss":
        return [_Part(one.value, at, program, place)]
    return None
