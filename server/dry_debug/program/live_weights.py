"""Expressions that hold the weights of a module themselves, no copy: `model.state_dict()`, `list(m.parameters())`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from dry_debug.program.handed_back import handed_back
from dry_debug.program.walks import ChainNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What gives a new dict or list of the same tensors.
SHALLOW = frozenset(("builtins.dict", "builtins.list", "builtins.tuple", "collections.OrderedDict", "copy.copy"))
_SAME_TENSOR = frozenset(("detach", "data", "requires_grad_"))
_LISTS = frozenset(("parameters", "named_parameters", "buffers"))
# Wrappers whose `state_dict()` gathers the weights anew.
_GATHERED = ("FullyShardedDataParallel", "DeepSpeedEngine", "fully_shard")
_OTHERS = ("optimizer", "scheduler", "scaler", "ema", "sampler", "loader")  # with a `state_dict` of their own
MAX_HOPS = 5


class Live(NamedTuple):
    """An expression that is, or holds, the weights of `holder`.

    `node` is the part that a copy has to be made of; `value` the entry of a comprehension, where that is the part.
    """

    owner: Program
    holder: ast.expr
    at: ast.AST  # the call or statement that `holder` stands in
    form: Literal["state", "module", "parameters"]
    node: ast.expr
    value: ast.expr | None = None


def live(
    program: Program, expr: ast.expr, at: ast.AST, hops: int = 0, path: tuple[int | None, ...] = ()
) -> Live | None:
    """The weights that `expr`, which stands in the call or statement `at`, holds without copying them; None if none.

    Of a dict or tuple display the first entry that holds weights counts. `path` picks from what a call gives, as in
    `Binding.path`.
    """
    if hops > MAX_HOPS:
        return None
    if isinstance(expr, ast.Dict | ast.Tuple | ast.List):
        parts = expr.values if isinstance(expr, ast.Dict) else expr.elts
        for part in parts:
            found = live(program, part, at, hops + 1) if isinstance(part, ast.Call | ast.DictComp) else None
            if found is not None:
                return found
        return None
    if isinstance(expr, ChainNode):
        return _module(program, expr, at)
    if isinstance(expr, ast.DictComp | ast.ListComp):
        return _each(program, expr, at, hops)
    return _call(program, expr, at, hops, path) if isinstance(expr, ast.Call) else None


def _module(program: Program, expr: ast.expr, at: ast.AST) -> Live | None:
    value = program.value(expr, at)
    if value.kind != "module" or value.via in ("part", "loaded", "ema") or value.confidence == "low":
        return None
    return Live(program, expr, at, "module", expr)


def _call(program: Program, call: ast.Call, at: ast.AST, hops: int, path: tuple[int | None, ...]) -> Live | None:
    if path:
        return _given_back(program, call, hops, path)
    func, name = call.func, program.qualified(call)
    if name in SHALLOW or (name == "builtins.dict" and call.keywords):
        inside = [*call.args, *(k.value for k in call.keywords)]
        for part in inside if name == "builtins.dict" else inside[:1]:
            found = live(program, part, at, hops + 1) if isinstance(part, ast.Call | ast.DictComp) else None
            if found is not None:
                return Live(found.owner, found.holder, found.at, found.form, call if call.args else found.node)
        return None
    if isinstance(func, ast.Attribute):
        if func.attr == "copy" and not call.args and name is None:
            inner = live(program, func.value, at, hops + 1) if isinstance(func.value, ast.Call) else None
            return Live(inner.owner, inner.holder, inner.at, inner.form, call) if inner is not None else None
        if func.attr == "state_dict" or (func.attr in _LISTS and hops > 0):
            form: Literal["state", "parameters"] = "state" if func.attr == "state_dict" else "parameters"
            return Live(program, func.value, call, form, call) if _plain(program, call, func.value) else None
    return _given_back(program, call, hops, path)


def _given_back(program: Program, call: ast.Call, hops: int, path: tuple[int | None, ...]) -> Live | None:
    """What a function of the project gives back of the weights, as they are."""
    back = handed_back(program, call, path)
    callee = program.target(call).scope
    if len(back) != 1 or callee is None:
        return None
    owner, given_back, where = back[0][0], back[0][1], cast(ast.stmt, back[0][2])
    made = callee.bindings.get(given_back.id, []) if isinstance(given_back, ast.Name) else []
    only = made[0] if len(made) == 1 and made[0].kind == "assign" and not made[0].path else None
    # A variable with which nothing is done but giving it back.
    if only is not None and only.stmt is not None and len(owner.flow.reads(only.name, callee)) == 1:
        given_back, where = only.value or given_back, only.stmt
    if not isinstance(given_back, ast.Call | ast.DictComp):
        return None
    found = live(owner, given_back, where, hops + 1)
    return Live(found.owner, found.holder, found.at, found.form, call) if found is not None else None


def _plain(program: Program, call: ast.Call, holder: ast.expr) -> bool:
    """Whether `holder.state_dict()` is that of a module, and not of one that makes copies."""
    if isinstance(holder, ast.Call):
        return False  # `model.cpu().state_dict()`: the model goes back to its device and leaves these tensors behind
    if program.target(call).kind == "function":
        return False
    value = program.value(holder, call)
    if value.via in ("loaded", "ema") or value.kind in _OTHERS:
        return False
    if value.kind not in ("module", "unknown") and value.confidence != "low":
        return value.kind == "const" and value.const is None  # a base class leaves it to its subclasses
    wrappers, inner = [value.type], value.wraps
    while inner is not None and len(wrappers) < 10:
        wrappers.append(inner.type)
        inner = inner.wraps
    return not any(name is not None and name.endswith(_GATHERED) for name in wrappers)


def _each(program: Program, expr: ast.DictComp | ast.ListComp, at: ast.AST, hops: int) -> Live | None:
    """`{name: tensor.detach() for name, tensor in model.state_dict().items()}`."""
    generator = expr.generators[0]
    over = generator.iter
    if len(expr.generators) > 1 or not isinstance(over, ast.Call):
        return None
    if isinstance(over.func, ast.Attribute) and over.func.attr in ("items", "values"):
        over = over.func.value
    each = expr.value if isinstance(expr, ast.DictComp) else expr.elt
    if not isinstance(over, ast.Call) or not _same(each, {n.id for n in _names(generator.target)}):
        return None
    found = live(program, over, at, hops + 1)
    return Live(found.owner, found.holder, found.at, found.form, expr, each) if found is not None else None


def _names(target: ast.expr) -> list[ast.Name]:
    elements = target.elts if isinstance(target, ast.Tuple) else [target]
    return [e for e in elements if isinstance(e, ast.Name)]


def _same(expr: ast.expr, names: set[str]) -> bool:
    """Whether `expr` is one of the variables, or the same memory: `v.detach()`, `p.data`."""
    for _ in range(4):
        if isinstance(expr, ast.Name):
            return expr.id in names
        inner = expr.func if isinstance(expr, ast.Call) else expr
        if not isinstance(inner, ast.Attribute) or inner.attr not in _SAME_TENSOR:
            return False
        expr = inner.value
    return False
