"""The value of a call: library calls by the tables, calls of the file's own functions by their returns."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program import choices, launchers, lightning, probability, settings
from dry_debug.program import knowledge as know
from dry_debug.program.choices import MAKERS
from dry_debug.program.dispatch import is_hook
from dry_debug.program.environment import Bound, Env
from dry_debug.program.evidence import weakest
from dry_debug.program.loaded_whole import used_as_model
from dry_debug.program.scopes import LIBRARIES, Scope
from dry_debug.program.sequentials import last_module
from dry_debug.program.spelled import spells_choice
from dry_debug.program.values import NONE, UNKNOWN, Value, join

if TYPE_CHECKING:
    from dry_debug.program.evaluate import Evaluator

Stmt = ast.stmt | None
_ACTIVATIONS = know.SOFTMAX | know.LOG_SOFTMAX | know.SIGMOID
_STATEFUL = frozenset(
    ("module", "optimizer", "scheduler", "scaler", "ema", "loader", "sampler", "instance", "dataset", "early_stopping")
)


def call(ev: Evaluator, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The value of `node` at its place."""
    func = node.func
    name = ev.program.call_names.get(node, "")
    if name == "":
        name = ev.names.qualified(func, scope)
    if name is not None and not name.startswith("."):
        top = name.partition(".")[0]
        if top not in ("torch", "builtins", "numpy"):
            if isinstance(func, ast.Attribute) and top not in LIBRARIES:
                # `from nets import Net` / `Net.from_config(...)`, `from setup import net` / `net.parameters()`
                base = ev.value(func.value, scope, stmt, env)
                if base.kind not in ("library", "unknown", "pymodule"):
                    return method(ev, base, func.attr, node, scope, stmt, env)
            target = ev.value(func, scope, stmt, env)
            if target.kind in ("function", "class", "module", "choice") or (
                target.kind == "library" and target.type != name
            ):
                return invoke(ev, target, node, scope, stmt, env)
        return library(ev, name, node, scope, stmt, env)
    if isinstance(func, ast.Attribute):
        if isinstance(func.value, ast.Call) and ev.names.qualified(func.value.func, scope) == "builtins.super":
            return UNKNOWN
        base = ev.value(func.value, scope, stmt, env)
        return method(ev, base, func.attr, node, scope, stmt, env)
    return invoke(ev, ev.value(func, scope, stmt, env), node, scope, stmt, env)


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
    parameters = [a.arg for a in callee.parameters()]
    if callee.parent is not None and callee.parent.kind == "class" and callee.self_name is not None:
        parameters = parameters[1:]
    if name.startswith("*"):
        node = callee.node
        named = len(node.args.posonlyargs) + len(node.args.args) if isinstance(node, ast.FunctionDef) else 0
        at = named - (callee.self_name is not None and callee.class_scope is callee.parent) + int(name[1:])
    else:
        at = parameters.index(name) if name in parameters else len(call.args)
    if at >= len(call.args) or any(isinstance(a, ast.Starred) for a in call.args[: at + 1]):
        return None
    return call.args[at]


def library(ev: Evaluator, name: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The value of calling the library's `name`."""

    def arg(position: int, *names: str) -> Value:
        expr = argument(node, position, *names)
        return ev.value(expr, scope, stmt, env) if expr is not None else UNKNOWN

    if name in _ACTIVATIONS and not name.rpartition(".")[2][:1].isupper():
        return tensor_op(arg(0, "input"), _activation(name), node, ev)
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
        return _container([UNKNOWN, _each(arg(0))], node, ev)
    if name == "builtins.zip":
        return _container([_each(ev.value(a, scope, stmt, env)) for a in node.args], node, ev)
    if name == "builtins.next":
        return _each(arg(0))
    if name in ("builtins.float", "builtins.int", "builtins.len", "builtins.round", "builtins.bool"):
        return Value("number", node=node, program=ev.program)
    if name in ("builtins.str", "builtins.repr", "builtins.format"):
        return Value("text")
    if name in ("builtins.sum", "builtins.max", "builtins.min"):
        value = arg(0)
        return _each(value).but(via=None) if value.kind == "container" else UNKNOWN
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
        return _with_graph(probability.made(name, _arguments(ev, node, scope, stmt, env), node), node, ev)
    if name.startswith("torch."):
        return _torch_function(ev, name, node, scope, stmt, env)
    return Value("unknown", type=name, node=node, program=ev.program, confidence="low")


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


def _activation(name: str) -> str:
    return "softmax" if name in know.SOFTMAX else "log_softmax" if name in know.LOG_SOFTMAX else "sigmoid"


def _each(value: Value) -> Value:
    from dry_debug.program.evaluate import element

    return element(value)


def _container(items: list[Value], node: ast.Call, ev: Evaluator) -> Value:
    """Iterating over it gives the tuple of `items`."""
    inner = Value("container", items=items, node=node, program=ev.program, ident=("alloc", node))
    return Value("container", items=[], thunk=lambda: inner, node=node, program=ev.program, ident=("alloc", node, "it"))


def _pairs(base: Value, node: ast.Call, ev: Evaluator) -> Value:
    """`d.items()`."""
    from dry_debug.program.evaluate import held

    def pair() -> Value:
        return Value("container", items=[UNKNOWN, held(base)], node=node, program=ev.program, ident=("alloc", node))

    return Value("container", items=[], thunk=pair, node=node, program=ev.program, ident=("alloc", node, "it"))


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


_PRODUCTS = frozenset(f"torch.{n}" for n in ("matmul", "bmm", "mm", "mv", "einsum", "baddbmm", "addmm", "outer"))


def _torch_function(ev: Evaluator, name: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """Any other torch function: a tensor that carries a graph if one of its tensors does."""
    tensors: list[Value] = []
    for expr in node.args[:4]:
        value = ev.value(expr, scope, stmt, env)
        if value.kind == "container" and value.items:
            tensors.extend(v for v in value.items if v.kind in ("tensor", "output", "batch"))
        elif value.kind in ("tensor", "output", "batch"):
            tensors.append(value)
    if not tensors:
        if name in _PRODUCTS:  # whatever goes in, it is tensors; of their graphs nothing is known
            return Value("tensor", attached=None, via=name.rpartition(".")[2], node=node, program=ev.program)
        return Value("unknown", type=name, node=node, program=ev.program, confidence="low")
    attached = _recorded(_any_attached(tensors), node, ev)
    if name in _WITH_INDICES and (len(node.args) == 2 or any(k.arg == "dim" for k in node.keywords)):
        return _values_and_indices(tensors[0].but(attached=attached), node, ev)
    if name.rpartition(".")[2] in ("argmax", "eq", "isnan", "isfinite", "isinf", "topk", "gt", "lt", "one_hot"):
        attached = False
    if name.rpartition(".")[2] in know.KEEPS_VALUES and len(tensors) == 1:
        return tensors[0].but(kind="tensor")
    return Value("tensor", attached=attached, via=name.rpartition(".")[2], node=node, program=ev.program,
                 confidence=weakest(*(t.confidence for t in tensors)))  # fmt: skip


def _arguments(ev: Evaluator, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> list[Value]:
    exprs = [a for a in (*node.args[:4], *(k.value for k in node.keywords[:4])) if not isinstance(a, ast.Starred)]
    return [ev.value(expr, scope, stmt, env) for expr in exprs]


def _with_graph(value: Value, node: ast.Call, ev: Evaluator) -> Value:
    """What is made by `node` out of values with a graph, in the mode of its place."""
    if not value.known:
        return value
    return value.but(attached=_recorded(value.attached, node, ev), program=ev.program)


def _recorded(attached: bool | None, node: ast.Call, ev: Evaluator) -> bool | None:
    """Whether what `node` makes carries a graph, if its inputs do: not where autograd is switched off."""
    if attached is False:
        return False
    mode = ev.program.grad_mode(node)
    return False if mode == "off" else None if mode == "unknown" else attached


_WITH_INDICES = frozenset(f"torch.{n}" for n in ("max", "min", "sort", "topk", "kthvalue", "median", "mode"))


def _values_and_indices(base: Value, node: ast.Call, ev: Evaluator) -> Value:
    """`max(dim)`, `topk(k)` ...: the values carry the graph, the indices never do."""
    items = [base.but(kind="tensor", via=None), base.but(kind="tensor", via=None, attached=False)]
    return Value("container", items=items, node=node, program=ev.program, ident=("alloc", node), type="tuple")


def _any_attached(values: list[Value]) -> bool | None:
    states = [v.attached for v in values]
    return True if True in states else (None if None in states else False)


def tensor_op(value: Value, via: str | None, node: ast.AST, ev: Evaluator) -> Value:
    """A tensor made of `value` by the operation `via`."""
    if value.kind in ("tensor", "output", "batch"):
        # That it comes out of a softmax is certain, whatever went in.
        sure = "high" if via in ("softmax", "log_softmax", "sigmoid") else value.confidence
        return value.but(kind="tensor", via=via, node=node, program=ev.program, home=None, confidence=sure)
    if via in ("softmax", "log_softmax", "sigmoid"):
        return Value("tensor", attached=None, via=via, node=node, program=ev.program)
    return UNKNOWN


def loss_value(ev: Evaluator, name: str | None, values: list[Value], node: ast.Call) -> Value:
    """What a loss function returns: attached if one of its tensors is."""
    attached = _recorded(_any_attached([v for v in values if v.kind in ("tensor", "output")] or [UNKNOWN]), node, ev)
    known = [v for v in values if v.kind in ("tensor", "output")]
    return Value("tensor", type=name, attached=attached, via="loss", node=node, program=ev.program, args=node,
                 confidence=weakest(*(v.confidence for v in known if v.attached)) if known else "medium")  # fmt: skip


def arithmetic(left: Value, right: Value) -> Value:
    """`left op right`: a tensor if one side is; its graph is the sides' graphs."""
    sides = [v for v in (left, right) if v.kind in ("tensor", "output", "batch")]
    if not sides:
        if left.kind == right.kind == "const" or "number" in (left.kind, right.kind):
            return Value("number")
        return UNKNOWN
    attached = _any_attached(sides)
    other = [v for v in (left, right) if v.kind == "unknown"]
    if attached is not True and other:
        attached = None
    via = "loss" if any(v.via == "loss" for v in sides) else None
    lead = next((v for v in sides if v.attached), sides[0])
    return Value("tensor", attached=attached, via=via, node=lead.node, program=lead.program,
                 confidence=weakest(*(v.confidence for v in sides if v.attached is attached)))  # fmt: skip


def invoke(ev: Evaluator, target: Value, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The value of calling `target`."""
    kind = target.kind
    if kind == "library" and target.type is not None:
        return library(ev, target.type, node, scope, stmt, env)
    if kind == "function":
        return returned(ev, target, node, scope, stmt, env)
    if kind == "class":
        return instantiate(ev, target, node, scope, stmt, env)
    if kind == "module":
        return forward(ev, target, node, scope, stmt, env)
    if kind == "loss":
        values = [ev.value(a, scope, stmt, env) for a in node.args[:3] if not isinstance(a, ast.Starred)]
        values += [ev.value(k.value, scope, stmt, env) for k in node.keywords[:3]]
        return loss_value(ev, target.type, values, node)
    if kind == "choice":
        return choices.made([invoke(ev, one, node, scope, stmt, env) for one in target.items], target, node)
    if kind == "instance" and target.scope is not None and target.program is not None:
        method_ = target.program.evaluator.class_attribute(target.scope, "__call__")
        if method_.kind == "function":
            return returned(ev, method_, node, scope, stmt, env, target)
    return UNKNOWN


def instantiate(ev: Evaluator, cls: Value, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """An object of a class of the project."""
    if cls.scope is None or cls.program is None:  # one of several classes
        return UNKNOWN
    kind = cls.program.class_kind(cls.scope)
    if kind == "instance" and settings.holds_settings(cls.scope):
        held = settings.passed_on(ev, node, scope, stmt, env)
        if held is not None:
            return held
    # What a factory was given: what the optimizer covers, what the scheduler drives.
    steps = kind in ("optimizer", "scheduler", "loader", "sampler") or "step" in cls.scope.bindings
    given = env if steps else None
    return Value(kind, type=cls.scope.qualname, scope=cls.scope, node=node, program=cls.program, args=node, env=given,
                 home=ev.program if cls.program is not ev.program else None, ident=("alloc", node))  # fmt: skip


def forward(ev: Evaluator, module: Value, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """What calling a module returns: its `forward`'s value, attached as the mode at the call says."""
    mode = ev.program.grad_mode(node)
    attached = {"on": True, "off": False}.get(mode)
    base = module.base
    activation = base.type if base.type in _ACTIVATIONS else None
    if activation is not None:
        values = [ev.value(a, scope, stmt, env) for a in node.args[:1]]
        return tensor_op(values[0] if values else UNKNOWN, _activation(activation), node, ev)
    if base.type is not None and base.type.startswith("torch.nn.") and base.type.endswith("Loss"):
        return UNKNOWN
    result = Value("output", attached=attached, node=node, program=ev.program, confidence=module.confidence)
    if base.type == "torch.nn.Sequential":
        return _through_last(base, result)
    if base.scope is not None and base.program is not None and base.scope.kind == "class":
        method_ = base.program.evaluator.class_attribute(base.scope, "forward")
        if method_.kind == "function":
            value = returned(base.program.evaluator, method_, None, scope, stmt, None, base)
            return _reattach(value, result, attached)
    return result


def _through_last(sequential: Value, result: Value) -> Value:
    """What a Sequential returns: the operation of its last module, also through nested Sequentials and own modules."""
    inner = last_module(sequential)
    depth = 0
    while inner is not None and inner.type == "torch.nn.Sequential" and depth < 8:
        inner, depth = last_module(inner), depth + 1
    if inner is None:
        return result
    if inner.type in _ACTIVATIONS:
        assert inner.type is not None
        return result.but(kind="tensor", via=_activation(inner.type), node=inner.node, program=inner.program)
    if inner.scope is not None and inner.program is not None and inner.scope.kind == "class":
        method_ = inner.program.evaluator.class_attribute(inner.scope, "forward")
        if method_.kind == "function":
            value = returned(inner.program.evaluator, method_, None, inner.scope, None, None, inner)
            if value.kind in ("tensor", "output") and value.via in ("softmax", "log_softmax", "sigmoid"):
                return value.but(attached=result.attached, confidence=result.confidence)
    return result


def _reattach(value: Value, default: Value, attached: bool | None) -> Value:
    """The forward's value seen from the call: its shape and last operation, with the caller's grad mode."""
    if value.kind in ("tensor", "output", "batch"):
        if value.attached is False and value.via in ("leaf", "detached"):
            return value
        return value.but(kind="tensor" if value.kind != "output" else "output", attached=attached,
                         confidence=default.confidence)  # fmt: skip
    if value.kind == "distribution":
        return value.but(attached=attached, confidence=default.confidence)
    if value.kind == "container" and value.items:
        # A part of which nothing is known may be a number: `via` tells it from an output that is known to be one.
        part = default.but(via="part")
        return value.but(items=[_reattach(v, default, attached) if v.known else part for v in value.items])
    return default


def returned(
    ev: Evaluator,
    function: Value,
    node: ast.Call | None,
    scope: Scope,
    stmt: Stmt,
    env: Env | None,
    receiver: Value | None = None,
) -> Value:
    """What a function of the project returns, with the parameters that this call gives it."""
    callee, program = function.scope, function.program
    if callee is None or program is None or callee.yields:
        return UNKNOWN
    inner = program.evaluator
    if callee.class_scope is not None and is_hook(callee):
        return UNKNOWN  # what a subclass's method gives
    if ev.run.calls > 8:
        ev.run.cut()
        return UNKNOWN
    bound = dict(function.env or {})
    if node is not None:
        bound.update(bind_arguments(ev, callee, node, scope, stmt, env, receiver, places_taken(function)))
    known = (env.inner if isinstance(env, Bound) else ev.environments).of(bound)
    results: list[Value] = []
    ev.run.calls += 1
    try:
        if isinstance(callee.node, ast.Lambda):
            results.append(inner.value(callee.node.body, callee, None, known))
        for statement in callee.returns:
            if statement.value is not None:
                results.append(inner.value(statement.value, callee, statement, known))
    finally:
        ev.run.calls -= 1
    if not results:
        return NONE
    result = _join_returns(results, node if node is not None else callee.node)
    return _fresh(result, callee, node, inner) if node is not None else result


def _join_returns(results: list[Value], place: ast.AST) -> Value:
    containers = [r for r in results if r.kind == "container" and r.items]
    if len(containers) == len(results) > 1 and len({len(c.items) for c in containers}) == 1:
        rows = zip(*(c.items for c in containers), strict=True)
        items = [join(list(row), ("call", place, i)) for i, row in enumerate(rows)]
        return containers[0].but(items=items)
    return join(results, ("call", place))


def _fresh(value: Value, callee: Scope, node: ast.Call, ev: Evaluator) -> Value:
    """An object made inside the callee is another object at every call: named by the call and by where it is made."""
    if value.kind == "container" and value.items:
        return value.but(items=[_fresh(v, callee, node, ev) for v in value.items])
    ident = value.ident
    if isinstance(ident, tuple) and ident[0] == "alloc" and ev.index.scope_of.get(ident[1]) is callee:
        return value.but(ident=("alloc", node, ident[1:]))
    if isinstance(ident, tuple) and ident[0] == "call" and ev.index.scope_of.get(ident[1]) is callee:
        return value.but(ident=("call", node, ident[1:]))
    if isinstance(ident, tuple) and ident[0] == "var" and ident[1] is callee and value.node is not None:
        made = value.node  # in one of several branches: not so for what comes in as an argument and is rebound
        if isinstance(made, ast.Call) and ev.index.scope_of.get(made) is callee:
            return value.but(ident=("alloc", node, ident[1:]))
    return value


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
    method_ = callee.parent is not None and callee.parent.kind == "class" and callee.self_name is not None
    if receiver is not None and method_:
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
    return bound


def method(ev: Evaluator, base: Value, attr: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The value of `base.attr(...)`."""
    kind = base.kind
    if attr == "state_dict" and kind in _STATEFUL:
        return Value("state", wraps=base, node=node, program=ev.program, confidence=base.confidence)
    if kind == "library" and base.type is not None:
        return library(ev, f"{base.type}.{attr}", node, scope, stmt, env)
    if kind == "choice" and attr == "from_pretrained" and all(one.kind == "library" for one in base.items or ()):
        return join([method(ev, one, attr, node, scope, stmt, env) for one in base.items], ("alloc", node))
    if kind == "pymodule":
        return invoke(ev, ev.member(base, attr), node, scope, stmt, env)
    if base.scope is not None and base.scope.kind == "class" and base.program is not None:
        found = base.program.evaluator.class_attribute(base.scope, attr, base)
        if found.kind == "function":
            return returned(ev, found, node, scope, stmt, env, base)
        if found.kind not in ("unknown", "const"):
            return invoke(ev, found, node, scope, stmt, env)
        if kind == "class" and attr.startswith(("from_", "load_", "create", "build")):
            return instantiate(ev, base, node, scope, stmt, env)
    if kind == "module":
        return _module_method(ev, base, attr, node, scope, stmt, env)
    if kind == "settings" or attr in settings.PARSING:
        return settings.of_method(ev, base, attr, node)
    if kind == "engine" and attr == "get_default_sampling_params":
        return Value("sampling", node=node, program=ev.program, args=node, ident=("alloc", node))
    if kind == "loss" and attr in know.SELF_RETURNING:
        return base
    if kind in ("tensor", "output"):
        return _tensor_method(base, attr, node, ev)
    if kind == "distribution":
        return _with_graph(probability.method(base, attr, _arguments(ev, node, scope, stmt, env), node), node, ev)
    if kind == "batch":
        return base if attr in know.KEEPS_VALUES or attr in ("items", "values", "pop", "get") else UNKNOWN
    if kind in ("accelerator", "fabric"):
        return launchers.method(ev, attr, node, scope, stmt, env)
    if kind == "trainer" and attr in ("get_train_dataloader", "get_eval_dataloader", "get_test_dataloader"):
        return Value("loader", node=node, program=ev.program, ident=("alloc", node))
    if kind == "scaler" and attr == "scale":
        value = ev.value(node.args[0], scope, stmt, env) if node.args else UNKNOWN
        return value.but(via="scaled") if value.kind == "tensor" else Value("tensor", attached=None, via="scaled")
    if kind == "dict" and attr in ("get", "pop", "setdefault") and node.args and base.items is not None:
        if not isinstance(node.args[0], ast.Constant):
            return choices.one_of(base)
        key = node.args[0].value
        return next((v for k, v in base.items if k is not None and k == key), UNKNOWN)
    if kind == "dict" and base.thunk is not None and attr in ("values", "get", "pop"):
        return base.but(kind="container", items=[]) if attr == "values" else base.thunk()
    if kind == "dict" and attr == "items" and (base.items or base.thunk is not None):
        return _pairs(base, node, ev)
    if kind in ("dict", "container") and attr in ("values", "copy", "pop"):
        return base if attr == "copy" else Value("container", items=[v[1] if isinstance(v, tuple) else v
                                                 for v in base.items or ()], ident=base.ident)  # fmt: skip
    if kind == "dataset":
        return base if attr in know.DATASET_METHODS else UNKNOWN
    if kind == "rng" or kind == "optimizer":
        return UNKNOWN
    if attr in know.TO_NUMBER:
        return Value("number", node=node, program=ev.program)
    if kind == "unknown" and attr in ("softmax", "log_softmax") and argument(node, 0, "dim") is not None:
        return tensor_op(UNKNOWN, attr, node, ev)  # no other object has this method with a dimension
    return UNKNOWN


def _module_method(
    ev: Evaluator, base: Value, attr: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None
) -> Value:
    if attr in know.SELF_RETURNING:
        return base
    if attr in ("parameters", "named_parameters", "trainable_parameters", "buffers", "get_parameters"):
        return Value("params", items=[base], node=node, program=ev.program, confidence=base.confidence)
    if attr in ("forward", "__call__", "module"):
        return forward(ev, base, node, scope, stmt, env)
    if attr in ("named_modules", "children", "modules", "named_children", "load_state_dict"):
        return UNKNOWN
    if attr == "generate":
        return Value("tensor", attached=False, node=node, program=ev.program)
    if attr in ("optimizers", "lr_schedulers") and base.scope is not None and base.program is not None:
        what: Literal["optimizer", "scheduler"] = "optimizer" if attr == "optimizers" else "scheduler"
        return lightning.configured(base.program.evaluator, base.scope, what, node)
    return UNKNOWN


def _tensor_method(base: Value, attr: str, node: ast.Call, ev: Evaluator) -> Value:
    if attr in know.TO_NUMBER:
        return Value("number", node=node, program=ev.program)
    if attr in know.LEAVES_GRAPH:
        return base.but(kind="tensor", attached=False)
    if attr in ("backward", "register_hook", "retain_grad"):
        return NONE
    if attr in ("size", "dim", "numel", "nelement", "ndimension"):
        return Value("number")
    if attr in ("softmax", "log_softmax", "sigmoid", "log"):
        if attr != "log":
            return tensor_op(base, attr, node, ev)
        return base.but(kind="tensor", via="log_softmax" if base.via == "softmax" else None, node=node)
    if attr in know.NO_GRADIENT:
        return base.but(kind="tensor", attached=False, via=None)
    if attr == "sample":  # no tensor has it: what a model gives may be a distribution
        return Value("tensor", attached=None, node=node, program=ev.program, confidence=base.confidence)
    if attr in ("max", "min", "median") and not node.args and not node.keywords:
        return base.but(kind="tensor", via=None)
    if attr in ("max", "min", "median", "sort", "topk", "kthvalue", "mode"):
        return _values_and_indices(base, node, ev)
    if attr in know.KEEPS_VALUES:
        return base.but(kind="tensor")
    if attr in ("mean", "sum"):  # a mean of losses is a loss, a mean of probabilities no longer comes from the softmax
        return base.but(kind="tensor", via=base.via if base.via == "loss" else None)
    return base.but(kind="tensor", via=None)
