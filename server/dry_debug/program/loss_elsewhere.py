"""Losses in other files that get what a model of this file returns: by the import, and by functions that are handed it.

The question is asked of the model's file, where the mistake is mended: whether its last activation is applied again
behind it. It reads other files, so it is asked only of models whose `forward` ends with that activation.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.arguments import given
from dry_debug.program.environment import Bound
from dry_debug.program.flow import is_loss, loss_parts
from dry_debug.program.scopes import last_name
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

MOST_FILES = 6  # that import one model
MOST_CALLS = 300  # that may hand it on, of one question
_DEPTH = 3  # of functions that hand it on to one another


class LossElsewhere(NamedTuple):
    """A call of a loss in `program`, under its canonical name, and what goes into it, as far as the model is known."""

    program: Program
    call: ast.Call
    name: str
    prediction: Value


def ends_with(program: Program, activation: str) -> list[tuple[Scope, ast.AST | None]]:
    """The classes of models in the file whose `forward` gives back the result of `activation`, and its call there."""
    found: list[tuple[Scope, ast.AST | None]] = []
    if activation[1:] not in program.document.source:  # `Softmax` and `softmax`
        return found
    for cls in program.index.classes:
        if "forward" not in cls.bindings or program.class_kind(cls) != "module":
            continue
        forward = program.evaluator.class_attribute(cls, "forward").scope
        if forward is None:
            continue
        for back in forward.returns:
            if not _may_end_with(back.value, forward, cls, activation[1:], program, 2 * _DEPTH):
                continue
            value = program.evaluator.value(back.value, forward, back) if back.value is not None else UNKNOWN
            for part in value.items or () if value.kind == "container" else (value,):
                if part.kind in ("tensor", "output") and part.via == activation and part.origin is program:
                    found.append((cls, part.node))
    return found


def _may_end_with(expr: ast.expr | None, forward: Scope, cls: Scope, word: str, program: Program, depth: int) -> bool:
    """Whether the text of a returned expression leaves it open: what it is is asked only then, as that costs a lot."""
    match expr if depth > 0 else None:
        case ast.Name(id=name):
            made = [b.value for b in forward.bindings.get(name, ()) if not b.path]
            return any(_may_end_with(each, forward, cls, word, program, depth - 1) for each in made)
        case ast.Tuple(elts=parts):
            return any(_may_end_with(each, forward, cls, word, program, depth - 1) for each in parts[:8])
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)) if name in cls.attributes:
            layers = [program.text(b.stmt) for b in cls.attributes[name] if b.stmt is not None]
            return any(word in layer or "Sequential" in layer for layer in layers)
        case ast.Call(func=func):
            held = func.value if isinstance(func, ast.Attribute) else None
            return (
                word in last_name(func)
                or _may_end_with(held, forward, cls, word, program, depth - 1)
                or any(_may_end_with(r.value, f, cls, word, program, depth - 2)
                       for f in _own(func, cls, program) for r in f.returns[:4])
            )  # fmt: skip
    return False


def _own(func: ast.expr, cls: Scope, program: Program) -> list[Scope]:
    """The functions of the file, or methods of the class, that a name in its code may mean."""
    home = program.index.module if isinstance(func, ast.Name) else cls if isinstance(func, ast.Attribute) else None
    found = home.bindings.get(last_name(func), ()) if home is not None else ()
    return [program.index.scopes[b.node] for b in found if b.kind == "def"]


def losses_elsewhere(
    program: Program, cls: Scope, made: ast.AST, names: frozenset[str], activation: str
) -> Iterator[LossElsewhere]:
    """The calls of the losses `names`, in the files that import the model `cls` and in what those hand it on to, that
    get what its `forward` makes with `activation` at `made`."""
    for found in _candidates(program, cls, names):
        value = found.prediction
        if value.node is made and value.via == activation and value.origin is program:
            yield found
        elif value.kind == "output" and value.via is None and _one_of_many(found, cls):
            yield found._replace(prediction=value.but(confidence="medium"))


def _one_of_many(found: LossElsewhere, cls: Scope) -> bool:
    """`NETS = {"a": A, "b": B}`, and a loss of what a model gives whose class nobody can see: it may be this one."""
    program, made = found.program, found.prediction.node
    if not isinstance(made, ast.Call) or program.value(made.func, made).base.scope is not None:
        return False
    for stmt in program.index.assignments:
        values = stmt.value.values if isinstance(stmt.value, ast.Dict) else []
        if len(values) > 1 and any(last_name(v) == cls.name for v in values):
            classes = [program.value(v, stmt) for v in values]
            if all(c.kind == "class" for c in classes) and any(c.scope is cls for c in classes):
                return True
    return False


def _candidates(program: Program, cls: Scope, names: frozenset[str]) -> Iterator[LossElsewhere]:
    seen: set[tuple[str, int]] = set()
    for user in _users(program, cls):
        for loss in user.flow.own_loss_calls(names):
            yield LossElsewhere(user, loss.call, loss.name, user.value(loss.prediction, loss.call))
        for call in [c for c in user.index.calls if c.args or c.keywords][:MOST_CALLS]:
            if any(_is_model(user.value(each, call), cls) for each in _plain_arguments(call)):
                yield from _handed_on(user, call, cls, names, seen)


def _users(program: Program, cls: Scope) -> list[Program]:
    """The files that name the class, or a function of its file that makes one."""
    makers = [cls.name]
    for function in program.index.module.children:
        if function.kind == "function" and function.returns and len(makers) < MOST_FILES:
            values = [program.evaluator.value(r.value, function, r) for r in function.returns if r.value is not None]
            if any(_is_model(value, cls) for value in values):
                makers.append(function.name)
    found: dict[int, Program] = {}
    for name in makers:
        found.update((id(user), user) for user in program.callers.users(name))
    return list(found.values())[:MOST_FILES]


def _is_model(value: Value, cls: Scope) -> bool:
    return value.kind == "module" and value.base.scope is cls


def _plain_arguments(call: ast.Call) -> list[ast.expr]:
    given_ = (*call.args, *(k.value for k in call.keywords))
    return [each for each in given_ if isinstance(each, ast.Name | ast.Attribute | ast.Call)]


def _handed_on(
    user: Program, call: ast.Call, cls: Scope, names: frozenset[str], seen: set[tuple[str, int]]
) -> Iterator[LossElsewhere]:
    """The losses in the function that `call` calls, and in those that it calls with the model, in whatever files."""
    todo: deque[tuple[Program, ast.Call, Scope | None, Bound | None, int]] = deque([(user, call, None, None, 0)])
    while todo:
        owner, at, scope, env, depth = todo.popleft()
        target = owner.target(at)
        callee, home = target.scope, target.program
        place = (owner.document.path, owner.span(at).start)
        if target.kind != "function" or callee is None or home is None or place in seen:
            continue
        seen.add(place)
        inner = Bound({})
        for parameter in callee.parameters():
            expr = given(at, callee, parameter.arg)
            if expr is not None:
                value = owner.evaluator.value(expr, scope or owner.scope(at), owner.statement(at), env)
                if value.known:
                    inner[(callee, parameter.arg)] = value
        yield from _in_function(home, callee, inner, names)
        if callee.name == "__init__" and callee.class_scope is not None:
            yield from _in_methods(home, callee.class_scope, inner, names)
        for each in callee.calls if depth < _DEPTH else ():
            stmt = home.statement(each)
            if any(_is_model(home.evaluator.value(a, callee, stmt, inner), cls) for a in _plain_arguments(each)):
                todo.append((home, each, callee, inner, depth + 1))


def _in_methods(home: Program, cls: Scope, given_: Bound, names: frozenset[str]) -> Iterator[LossElsewhere]:
    """The losses in the methods of an object that was made with these arguments."""
    instance = home.evaluator.instance_of(cls).but(env=given_)
    for method in cls.children:
        if method.kind == "function" and method.name != "__init__" and method.self_name is not None:
            yield from _in_function(home, method, Bound({(method, method.self_name): instance}), names)


def _in_function(home: Program, function: Scope, env: Bound, names: frozenset[str]) -> Iterator[LossElsewhere]:
    """The calls of the losses in a function whose parameters are known."""
    for each in function.calls:
        parts, stmt = loss_parts(each), home.statement(each)
        if parts is None:
            continue
        of = home.evaluator.value(parts[0], function, stmt, env)
        if is_loss(of, names):
            prediction = home.evaluator.value(parts[1], function, stmt, env)
            yield LossElsewhere(home, each, of.type or "", prediction)
