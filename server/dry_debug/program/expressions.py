"""The values of expressions by their form: literals, containers, subscripts, operators, comprehensions.

Each takes the evaluator, the expression, the scope and the statement that it stands in, and what is known of
parameters.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dry_debug.program import choices, registered, settings
from dry_debug.program.environment import Env
from dry_debug.program.parts import element, held, unpack
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.tensor_values import arithmetic
from dry_debug.program.values import NONE, UNKNOWN, Value, join

if TYPE_CHECKING:
    from dry_debug.program.evaluate import Evaluator

_SPLITS = ("train", "valid", "val", "test", "dev", "eval")


def _constant(ev: Evaluator, expr: ast.Constant, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    return NONE if expr.value is None else Value("const", const=expr.value, node=expr, program=ev.program)


def _sequence(
    ev: Evaluator, expr: ast.Tuple | ast.List | ast.Set, scope: Scope, stmt: ast.stmt | None, env: Env | None
) -> Value:
    items = [ev.value(e, scope, stmt, env) for e in expr.elts[:64] if not isinstance(e, ast.Starred)]
    return Value("container", items=items, node=expr, program=ev.program, ident=("alloc", expr),
                 type=type(expr).__name__.lower())  # fmt: skip


def _dict(ev: Evaluator, expr: ast.Dict, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    items = [
        (k.value if isinstance(k, ast.Constant) else None, ev.value(v, scope, stmt, env))
        for k, v in zip(expr.keys, expr.values, strict=True)
    ]
    return Value("dict", items=items, node=expr, program=ev.program, ident=("alloc", expr))


def _subscript(ev: Evaluator, expr: ast.Subscript, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    if isinstance(expr.value, ast.Attribute) and expr.value.attr == "__dict__":  # `models.__dict__[name]`
        return choices.member(ev.value(expr.value.value, scope, stmt, env), expr.slice)
    base = ev.value(expr.value, scope, stmt, env)
    index = expr.slice
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub) and isinstance(index.operand, ast.Constant):
        key: object = -index.operand.value if isinstance(index.operand.value, int) else None
    else:
        key = index.value if isinstance(index, ast.Constant) else None
    if base.kind == "dict" and base.items is not None:
        for name, value in base.items:
            if name is not None and name == key:
                return value  # type: ignore[no-any-return]
        if isinstance(index, ast.Constant):
            return registered.looked_up(base, ev.value(index, scope, stmt, env)) if not base.items else UNKNOWN
        maker = choices.one_of(base) if base.items else registered.looked_up(base, ev.value(index, scope, stmt, env))
        return maker if maker.known else held(base)
    if base.kind == "dict":
        return held(base)
    if base.kind == "container" and isinstance(key, int):
        return unpack(base, (key,))
    if base.kind == "settings":
        return settings.part(ev, base, key, expr)
    if base.kind == "output":
        for name, value in base.items or ():  # what the model's own `forward` gives under its keys
            if name == key and value.kind in ("number", "const", "text"):
                return value  # type: ignore[no-any-return]
        # transformers' outputs: index 0 is the loss when labels were given, which nobody can see here.
        return base.but(kind="tensor", via="loss" if isinstance(key, str) and key.endswith("loss") else None)
    if base.kind in ("tensor", "batch"):
        return base
    if base.kind == "module":
        return Value("module", ident=("part", base.base.ident, str(key)), confidence="medium", via="part")
    if base.kind == "dataset" and (
        (isinstance(key, str) and key.startswith(_SPLITS))
        or (_has_splits(base) and not isinstance(key, int))
        or "split" in (dotted(index) or "")
    ):
        part = key if key is not None else dotted(index) or index
        return base.but(ident=("part", base.ident, part), args=None)  # of what `datasets.load_dataset` gives
    if base.kind in ("container", "loader", "dataset"):
        return element(base)
    return registered.looked_up(base, ev.value(index, scope, stmt, env)) if base.kind == "instance" else UNKNOWN


def _ifexp(ev: Evaluator, expr: ast.IfExp, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    both = [ev.value(e, scope, stmt, env) for e in (expr.body, expr.orelse)]
    return join(both, ("alloc", expr))


def _boolop(ev: Evaluator, expr: ast.BoolOp, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    if isinstance(expr.op, ast.Or):
        return join([ev.value(e, scope, stmt, env) for e in expr.values[:8]], ("alloc", expr))
    return UNKNOWN


def _binop(ev: Evaluator, expr: ast.BinOp, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    terms: list[ast.expr] = []
    node: ast.expr = expr
    while isinstance(node, ast.BinOp) and len(terms) < 200:  # a long chain, without recursion
        terms.append(node.right)
        node = node.left
    result = ev.value(node, scope, stmt, env)
    for term in reversed(terms):
        result = arithmetic(result, ev.value(term, scope, stmt, env))
    return result


def _unary(ev: Evaluator, expr: ast.UnaryOp, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    value = ev.value(expr.operand, scope, stmt, env)
    if value.kind == "const" and isinstance(value.const, int | float) and isinstance(expr.op, ast.USub):
        return Value("const", const=-value.const, node=expr, program=ev.program)
    if isinstance(expr.op, ast.Not):
        return UNKNOWN
    return value.but(via=None) if value.kind == "tensor" else UNKNOWN


def _inner(
    ev: Evaluator, expr: ast.Await | ast.Starred | ast.NamedExpr, scope: Scope, stmt: ast.stmt | None, env: Env | None
) -> Value:
    return ev.value(expr.value, scope, stmt, env)


def _lambda(ev: Evaluator, expr: ast.Lambda, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
    return Value("function", scope=ev.index.scopes.get(expr), node=expr, program=ev.program, env=env)


def _comprehension(
    ev: Evaluator,
    expr: ast.ListComp | ast.SetComp | ast.GeneratorExp,
    scope: Scope,
    stmt: ast.stmt | None,
    env: Env | None,
) -> Value:
    inner = ev.index.scopes.get(expr)
    if inner is None:
        return UNKNOWN
    return Value("container", items=[], node=expr, program=ev.program, ident=("alloc", expr),
                 thunk=lambda: ev.value(expr.elt, inner, stmt, env))  # fmt: skip


def _dict_comprehension(
    ev: Evaluator, expr: ast.DictComp, scope: Scope, stmt: ast.stmt | None, env: Env | None
) -> Value:
    inner = ev.index.scopes.get(expr)
    if inner is None:
        return UNKNOWN
    return Value("dict", node=expr, program=ev.program, ident=("alloc", expr),
                 thunk=lambda: ev.value(expr.value, inner, stmt, env))  # fmt: skip


def _has_splits(dataset: Value) -> bool:
    """Whether it is the dict of splits that `datasets.load_dataset` gives where no split is named."""
    call = dataset.args
    if dataset.type != "datasets.load_dataset" or call is None:
        return False
    return len(call.args) < 7 and not any(k.arg in ("split", None) for k in call.keywords)


# Handlers are typed by their own node class; the table cannot say so.
FORMS: dict[type, Any] = {
    ast.Constant: _constant,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.Subscript: _subscript,
    ast.IfExp: _ifexp,
    ast.BoolOp: _boolop,
    ast.BinOp: _binop,
    ast.UnaryOp: _unary,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.NamedExpr: _inner,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
}
