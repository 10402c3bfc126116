"""The value of a call of a library, by the tables: what its classes make, what its functions give back."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import choices, probability, settings
from dry_debug.program import knowledge as know
from dry_debug.program.arguments import argument, argument_values
from dry_debug.program.choices import MAKERS
from dry_debug.program.loaded_whole import used_as_model
from dry_debug.program.parts import element
from dry_debug.program.scopes import Scope
from dry_debug.program.tensor_values import (
    ACTIVATIONS,
    activation_of,
    loss_value,
    tensor_op,
    torch_function,
    with_graph,
)
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.evaluate import Evaluator

Stmt = ast.stmt | None


def library(ev: Evaluator, name: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The value of calling the library's `name`."""

    def arg(position: int, *names: str) -> Value:
        expr = argument(node, position, *names)
        return ev.value(expr, scope, stmt, env) if expr is not None else UNKNOWN

    if name in ACTIVATIONS and not name.rpartition(".")[2][:1].isupper():
        return tensor_op(arg(0, "input"), activation_of(name), node, ev)
    kind = know.kind_of_call(name)
    if kind == "scheduler" and name.rpartition(".")[2].startswith("create_scheduler"):  # timm's: with the epochs
        made = _made(ev, name, kind, node, scope, stmt, env, arg)
        return Value("container", items=[made, Value("number")], type="tuple", node=node, program=ev.program,
                     ident=("alloc", node, "pair"))  # fmt: skip
    if kind is not None:
        return _made(ev, name, kind, node, scope, stmt, env, arg)
    if name == "builtins.getattr" and len(node.args) > 1:
        holder, attr = arg(0), node.args[1]
        if isinstance(attr, ast.Constant) and holder.kind != "library":
            return ev.attribute_of(holder, str(attr.value))
        return choices.member(holder, attr)
    if name == "builtins.filter":
        return arg(1)
    if name == "itertools.chain":
        return Value("container", items=[ev.value(a, scope, stmt, env) for a in node.args], node=node,
                     program=ev.program, ident=("alloc", node), via="chain")  # fmt: skip
    if name in know.PASS_THROUGH:
        value = arg(0, "iterable", "object", "module")
        if name in know.COPIES and value.kind == "module":
            return value.but(ident=("alloc", node), wraps=None, node=node)
        return value
    if name == "builtins.enumerate":
        return _container([UNKNOWN, element(arg(0))], node, ev)
    if name == "builtins.zip":
        return _container([element(ev.value(a, scope, stmt, env)) for a in node.args], node, ev)
    if name == "builtins.next":
        return element(arg(0))
    if name in ("builtins.float", "builtins.int", "builtins.len", "builtins.round", "builtins.bool"):
        return Value("number", node=node, program=ev.program)
    if name in ("builtins.str", "builtins.repr", "builtins.format"):
        return Value("text")
    if name in ("builtins.sum", "builtins.max", "builtins.min"):
        value = arg(0)
        return element(value).but(via=None) if value.kind == "container" else UNKNOWN
    if name in settings.SAME:
        held = settings.passed_on(ev, node, scope, stmt, env)
        if held is not None:
            return held
    if name in ("builtins.dict", "collections.OrderedDict"):
        items = [(k.arg, ev.value(k.value, scope, stmt, env)) for k in node.keywords if k.arg is not None]
        return Value("dict", items=items, node=node, program=ev.program, ident=("alloc", node))
    if name == "functools.partial" and node.args:
        inner = ev.value(node.args[0], scope, stmt, env)
        if inner.kind == "function" and inner.scope is not None and inner.via is None:
            return _partial(ev, inner, node, scope, stmt, env)
        whole = len(node.args) == 1  # a function's other arguments keep their places
        return inner if inner.kind in ("library", "class") or (inner.kind in MAKERS and whole) else UNKNOWN
    place = know.STATE_OF.get(name)
    if place is not None:
        held = arg(*place)
        return (
            Value("state", wraps=held, node=node, program=ev.program, confidence=held.confidence)
            if held.known
            else held
        )
    if name == "importlib.import_module" and len(node.args) == 1:
        return _imported_module(ev, arg(0).const)
    if name == "torch.load":
        if used_as_model(ev.index, node):
            return Value("module", type=name, node=node, program=ev.program, ident=("alloc", node), args=node,
                         confidence="medium")  # fmt: skip
        return Value("dict", via="loaded", node=node, program=ev.program, ident=("alloc", node))
    if name in know.FUNCTIONAL_LOSSES:
        return loss_value(ev, name, [arg(0, "input"), arg(1, "target")], node)
    if name == "torch.autograd.Variable" or name == "torch.Tensor.detach":
        value = arg(0)
        return value if name.endswith("Variable") else value.but(attached=False)
    if name in know.FRESH_TENSORS:
        grad = argument(node, 99, "requires_grad")
        leaf = isinstance(grad, ast.Constant) and grad.value is True
        return Value("tensor", attached=leaf, node=node, program=ev.program, via="leaf" if leaf else None)
    if name in settings.SOURCES:
        return settings.of_library(ev, name, node, scope, stmt, env)
    if name.startswith(probability.PACKAGE):
        return with_graph(probability.made(name, argument_values(ev, node, scope, stmt, env), node), node, ev)
    if name.endswith(".Registry"):  # mmengine's, mmcv's, fvcore's
        return Value("instance", type=name, node=node, program=ev.program, ident=("alloc", node))
    if name.startswith("torch."):
        return torch_function(ev, name, node, scope, stmt, env)
    return Value("unknown", type=name, node=node, program=ev.program, confidence="low")


def _made(
    ev: Evaluator,
    name: str,
    kind: know.Kind,
    node: ast.Call,
    scope: Scope,
    stmt: Stmt,
    env: Env | None,
    arg: object,
) -> Value:
    value = Value(kind, type=name, node=node, program=ev.program, ident=("alloc", node), args=node, env=env)
    if name in know.WRAPPERS and node.args:
        inner = ev.value(node.args[0], scope, stmt, env)
        if kind == "module":
            if inner.kind == "module":
                # What is put into such a wrapper is a model, whatever it is called.
                sure = "medium" if inner.confidence == "low" else inner.confidence
                value.wraps, value.confidence, value.scope = inner, sure, None
            elif inner.kind in ("function", "library"):  # torch.compile(step) is a function
                return inner
            elif inner.kind == "unknown" and name == "torch.compile":
                return UNKNOWN
            value.via = know.WRAPPERS[name]
        elif inner.kind == "module":
            value.via = "ema"
    elif name == "torch.utils.data.random_split":
        value.via = "split"
    return value


def _imported_module(ev: Evaluator, name: object) -> Value:
    """`importlib.import_module("tasks.first")`."""
    if not isinstance(name, str):
        return UNKNOWN
    other = ev.program.host.module(name, ev.program.document.path, 0)
    if other is None or other is ev.program:
        return UNKNOWN
    return Value("pymodule", program=other, ident=("pymodule", other.document.path))


def _partial(ev: Evaluator, function: Value, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """`functools.partial(f, x, key=y)`: the function with these parameters known, `const` of them by their places."""
    callee = function.scope
    assert callee is not None
    names = [a.arg for a in callee.parameters()]
    bound = dict(function.env or {})
    for name, expr in (*zip(names, node.args[1:], strict=False), *((k.arg, k.value) for k in node.keywords)):
        value = ev.value(expr, scope, stmt, env)
        if name is not None and value.known:
            bound[(callee, name)] = value
    return function.but(via="partial", const=len(node.args) - 1, env=bound, ident=("alloc", node))


def _container(items: list[Value], node: ast.Call, ev: Evaluator) -> Value:
    """Iterating over it gives the tuple of `items`."""
    inner = Value("container", items=items, node=node, program=ev.program, ident=("alloc", node))
    return Value("container", items=[], thunk=lambda: inner, node=node, program=ev.program, ident=("alloc", node, "it"))
