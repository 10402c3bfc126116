"""Tensors by the operations that make them: what they come from, and whether they carry a graph."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.evidence import weakest
from dry_debug.program.scopes import Scope
from dry_debug.program.values import NONE, UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.evaluate import Evaluator

Stmt = ast.stmt | None

ACTIVATIONS = know.SOFTMAX | know.LOG_SOFTMAX | know.SIGMOID
_PRODUCTS = frozenset(f"torch.{n}" for n in ("matmul", "bmm", "mm", "mv", "einsum", "baddbmm", "addmm", "outer"))
_WITH_INDICES = frozenset(f"torch.{n}" for n in ("max", "min", "sort", "topk", "kthvalue", "median", "mode"))


def activation_of(name: str) -> str:
    """Which of the three one of `ACTIVATIONS` is, as in `Value.via`."""
    return "softmax" if name in know.SOFTMAX else "log_softmax" if name in know.LOG_SOFTMAX else "sigmoid"


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


def torch_function(ev: Evaluator, name: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
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


def tensor_method(base: Value, attr: str, node: ast.Call, ev: Evaluator) -> Value:
    """What the method `attr` of the tensor `base` gives back."""
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


def with_graph(value: Value, node: ast.Call, ev: Evaluator) -> Value:
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


def _any_attached(values: list[Value]) -> bool | None:
    states = [v.attached for v in values]
    return True if True in states else (None if None in states else False)


def _values_and_indices(base: Value, node: ast.Call, ev: Evaluator) -> Value:
    """`max(dim)`, `topk(k)` ...: the values carry the graph, the indices never do."""
    items = [base.but(kind="tensor", via=None), base.but(kind="tensor", via=None, attached=False)]
    return Value("container", items=items, node=node, program=ev.program, ident=("alloc", node), type="tuple")
