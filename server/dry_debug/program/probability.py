"""Distributions of torch: what is drawn from them, and what they say of it, carries the graph of their parameters."""

from __future__ import annotations

import ast

from dry_debug.program.evidence import weakest
from dry_debug.program.values import UNKNOWN, Value

PACKAGE = "torch.distributions."
# What carries the graph of the parameters; `sample` is drawn without one.
_DIFFERENTIABLE = frozenset(("log_prob", "entropy", "rsample", "cdf", "icdf", "perplexity"))
_PARTS = frozenset(("mean", "stddev", "variance", "loc", "scale", "probs", "logits", "mode", "rate", "base_dist"))
_TENSORS = ("tensor", "output")


def made(name: str, given: list[Value], node: ast.Call) -> Value:
    """What a call of `torch.distributions...` gives: a distribution with the graph of what it is made of."""
    last = name.rpartition(".")[2]
    held = [v for v in given if v.kind in (*_TENSORS, "distribution")]
    attached = True if any(v.attached for v in held) else False if held and _none(held) else None
    sure = weakest(*(v.confidence for v in held if v.attached is attached)) if held else "medium"
    if last == "kl_divergence":
        return Value("tensor", attached=attached, node=node, confidence=sure)
    if not last[:1].isupper():
        return UNKNOWN
    return Value("distribution", type=name, attached=attached, node=node, confidence=sure, ident=("alloc", node))


def _none(held: list[Value]) -> bool:
    return all(v.attached is False for v in held)


def method(base: Value, attr: str, given: list[Value], node: ast.Call) -> Value:
    """What a method of a distribution gives; `given` are the values of its arguments."""
    if attr == "expand":
        return base
    if attr in ("sample", "sample_n"):
        return Value("tensor", attached=False, node=node, program=base.program)
    if attr not in _DIFFERENTIABLE:
        return UNKNOWN
    attached = True if any(v.attached for v in given if v.kind in _TENSORS) else base.attached
    return Value("tensor", attached=attached, node=node, program=base.program, confidence=base.confidence)


def part(base: Value, attr: str) -> Value:
    """`dist.mean`, `dist.logits`: parameters, with their graph."""
    if attr not in _PARTS:
        return UNKNOWN
    kind = "distribution" if attr == "base_dist" else "tensor"
    return base.but(kind=kind, type=None)
