"""What a call passes: the expression at a place or under a name, and the values that parameters get."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.spelled import spells_choice
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.evaluate import Evaluator

Stmt = ast.stmt | None
_ADDS = frozenset(("update", "setdefault", "pop", "clear"))


def argument(node: ast.Call, position: int, *names: str) -> ast.expr | None:
    """The expression passed at `position` (0-based) or under one of `names`; None also behind *args or **kwargs."""
    for keyword in node.keywords:
        if keyword.arg in names:
            return keyword.value
    if len(node.args) > position and not any(isinstance(a, ast.Starred) for a in node.args[: position + 1]):
        return node.args[position]
    return None


def given(call: ast.Call, callee: Scope, name: str) -> ast.expr | None:
    """What `call` passes for the parameter `name` of `callee`; `*0` is the first of its `*args`."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    parameters = callee.passed_names()
    if name.startswith("*"):
        node = callee.node
        named = len(node.args.posonlyargs) + len(node.args.args) if isinstance(node, ast.FunctionDef) else 0
        at = named - callee.is_method + int(name[1:])
    else:
        at = parameters.index(name) if name in parameters else len(call.args)
    if at >= len(call.args) or any(isinstance(a, ast.Starred) for a in call.args[: at + 1]):
        return None
    return call.args[at]


def parameter_for(call: ast.Call, argument: ast.AST, callee: Scope) -> str | None:
    """The parameter of `callee` that `call` gives an argument of its own for: the expression, or its `ast.keyword`."""
    for keyword in call.keywords:
        if keyword is argument or keyword.value is argument:
            return keyword.arg
    names = callee.passed_names()
    at = next((i for i, given in enumerate(call.args) if given is argument), len(names))
    return names[at] if at < len(names) else None


def parameters_for(call: ast.Call, callee: Scope, path: str) -> list[str]:
    """The parameters of `callee` that `call` gives the variable or attribute `path` itself for."""
    found = ((p.arg, given(call, callee, p.arg)) for p in callee.parameters())
    return [name for name, expr in found if expr is not None and dotted(expr) == path]


def places_taken(function: Value) -> int:
    """How many parameters a `functools.partial` has given by their places."""
    return function.const if function.via == "partial" and isinstance(function.const, int) else 0


def bind_arguments(
    ev: Evaluator,
    callee: Scope,
    node: ast.Call,
    scope: Scope,
    stmt: Stmt,
    env: Env | None,
    receiver: Value | None,
    taken: int = 0,
) -> dict[tuple[Scope, str], Value]:
    """Parameters of `callee` and the values that this call gives them; the first `taken` are given already."""
    bound: dict[tuple[Scope, str], Value] = {}
    parameters = [a.arg for a in callee.parameters()]
    if receiver is not None and callee.is_method:
        if receiver.scope is not None and parameters:
            bound[(callee, parameters[0])] = receiver
        parameters = parameters[1:]
    for name, expr in zip(parameters[taken:], node.args, strict=False):
        if isinstance(expr, ast.Starred):
            break
        value = ev.value(expr, scope, stmt, env)
        if value.known and (value.confidence != "low" or not spells_choice(callee, name)):
            bound[(callee, name)] = value
    for keyword in node.keywords:
        if keyword.arg in parameters:
            value = ev.value(keyword.value, scope, stmt, env)
            if value.known and (value.confidence != "low" or not spells_choice(callee, keyword.arg)):
                bound[(callee, keyword.arg)] = value
    rest = callee.rest
    others = rest_given(node, callee) if rest is not None else []
    if others and rest is not None:
        items = [(k.arg, ev.value(k.value, scope, stmt, env)) for k in others]
        bound[(callee, rest)] = Value("dict", items=items, program=ev.program, via="rest")
    return bound


def rest_given(call: ast.Call, callee: Scope) -> list[ast.keyword]:
    """What `call` passes for `**kwargs` of `callee`; nothing if it passes a `**dict`."""
    named = {a.arg for a in callee.parameters()}
    others = [k for k in call.keywords if k.arg not in named]
    return others if all(k.arg is not None for k in others) else []


def kept_rest(holder: Value, attr: str) -> Value:
    """`self.parts = kwargs` of a constructor, in the object `holder` of its class: a dict of what the call that made
    the object passes for it; else, and where a method that is called may add to it, UNKNOWN."""
    cls, call, program = holder.scope, holder.args, holder.home or holder.program
    bindings = cls.attributes.get(attr, ()) if cls is not None and cls.kind == "class" else ()
    if call is None or program is None or len(bindings) != 1:
        return UNKNOWN
    made, init = bindings[0].value, bindings[0].scope
    if init.name != "__init__" or not isinstance(made, ast.Name) or made.id != init.rest:
        return UNKNOWN
    path = f"{init.self_name}.{attr}"
    adding = (
        {m.name for m in cls.children if not _ADDS.isdisjoint(m.receivers.get(path, ()))} if cls is not None else ()
    )
    if any(program.calls_by_last_name(name) for name in adding):
        return UNKNOWN
    items = [(k.arg, program.value(k.value, call)) for k in rest_given(call, init)]
    return Value("dict", items=items, program=program, via="rest") if items else UNKNOWN


def argument_values(ev: Evaluator, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> list[Value]:
    """What is passed, by place and then by name: the first four of each."""
    exprs = [a for a in (*node.args[:4], *(k.value for k in node.keywords[:4])) if not isinstance(a, ast.Starred)]
    return [ev.value(expr, scope, stmt, env) for expr in exprs]
