"""The value of a call: of a library, of a function or class of the project, of a module, of a method of a value."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program import choices, launchers, lightning, probability, registered, settings
from dry_debug.program import knowledge as know
from dry_debug.program.arguments import argument, argument_values, bind_arguments, places_taken
from dry_debug.program.dispatch import is_hook
from dry_debug.program.environment import Bound, Env
from dry_debug.program.flagged import returns_of
from dry_debug.program.library_calls import library
from dry_debug.program.parts import held
from dry_debug.program.scopes import LIBRARIES, Scope
from dry_debug.program.sequentials import last_module
from dry_debug.program.tensor_values import ACTIVATIONS, activation_of, loss_value, tensor_method, tensor_op, with_graph
from dry_debug.program.values import NONE, UNKNOWN, Value, join

if TYPE_CHECKING:
    from dry_debug.program.evaluate import Evaluator

Stmt = ast.stmt | None

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
                 home=ev.program if cls.program is not ev.program else None, ident=("alloc", node),
                 confidence=cls.confidence)  # fmt: skip


def _registered(
    ev: Evaluator, base: Value, attr: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None
) -> Value:
    """What a registry gives: `MODELS.get(name)` a class, `MODELS.build(cfg)` an object that is made of settings."""
    if attr == "get":
        return registered.looked_up(base, ev.value(node.args[0], scope, stmt, env)) if node.args else UNKNOWN
    target = registered.looked_up(base, UNKNOWN)
    one_by_one = target.items if target.kind == "choice" else [target]
    made = [instantiate(ev, one, node, scope, stmt, None) for one in one_by_one if one.kind == "class"]
    return choices.made(made, target, node).but(args=None) if made else UNKNOWN


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
            result = returned(ev, found, node, scope, stmt, env, base)
            if result.known or attr not in registered.LOOKUPS:
                return result
            return _registered(ev, base, attr, node, scope, stmt, env)
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
        return tensor_method(base, attr, node, ev)
    if kind == "distribution":
        return with_graph(probability.method(base, attr, argument_values(ev, node, scope, stmt, env), node), node, ev)
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
        if not base.items and attr == "get":
            return registered.looked_up(base, ev.value(node.args[0], scope, stmt, env))
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
    if kind == "instance" and attr in registered.LOOKUPS:
        return _registered(ev, base, attr, node, scope, stmt, env)
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


def _pairs(base: Value, node: ast.Call, ev: Evaluator) -> Value:
    """`d.items()`."""

    def pair() -> Value:
        return Value("container", items=[UNKNOWN, held(base)], node=node, program=ev.program, ident=("alloc", node))

    return Value("container", items=[], thunk=pair, node=node, program=ev.program, ident=("alloc", node, "it"))


def forward(ev: Evaluator, module: Value, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """What calling a module returns: its `forward`'s value, attached as the mode at the call says."""
    mode = ev.program.grad_mode(node)
    attached = {"on": True, "off": False}.get(mode)
    base = module.base
    activation = base.type if base.type in ACTIVATIONS else None
    if activation is not None:
        values = [ev.value(a, scope, stmt, env) for a in node.args[:1]]
        return tensor_op(values[0] if values else UNKNOWN, activation_of(activation), node, ev)
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
    if inner.type in ACTIVATIONS:
        assert inner.type is not None
        return result.but(kind="tensor", via=activation_of(inner.type), node=inner.node, program=inner.program)
    if inner.scope is not None and inner.program is not None and inner.scope.kind == "class":
        method_ = inner.program.evaluator.class_attribute(inner.scope, "forward")
        if method_.kind == "function":
            value = returned(inner.program.evaluator, method_, None, inner.scope, None, None, inner)
            if value.kind in ("tensor", "output") and value.via in ("softmax", "log_softmax", "sigmoid"):
                return value.but(attached=result.attached, confidence=result.confidence)
    return result


_NUMBERS = ("number", "const", "text")


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
    if value.kind == "dict" and value.items:
        return default.but(items=value.items)  # of which those that are numbers carry no graph
    return value if value.kind in _NUMBERS else default


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
        direct = node if function.via != "partial" else None
        for statement in returns_of(program, callee, direct) if direct is not None else callee.returns:
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
