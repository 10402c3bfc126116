"""Generated training code: a small grammar over hypothesis of Python's constructs and what training is made of.

The programs are valid Python of every kind of statement, not sensible ones: names are used before they are bound,
optimizers step nothing, classes inherit from functions.
"""

from __future__ import annotations

import sys

from hypothesis import strategies as st

NAMES = (
    "model",
    "net",
    "loss",
    "optimizer",
    "opt",
    "scaler",
    "loader",
    "x",
    "y",
    "batch",
    "epoch",
    "state",
    "self",
    "total",
    "scheduler",
    "args",
    "cfg",
    "trainer",
    "fit",
    "step",
    "Net",
    "losses",
    "path",
)
HEADS = ("torch", "nn", "F", "torch.nn", "optim", "np", "random", "vllm", "os", "accelerate")
CALLS = (
    "torch.load",
    "torch.save",
    "nn.Linear",
    "nn.Sequential",
    "nn.Softmax",
    "nn.CrossEntropyLoss",
    "F.cross_entropy",
    "F.softmax",
    "optim.Adam",
    "torch.optim.SGD",
    "torch.optim.lr_scheduler.StepLR",
    "torch.cuda.amp.GradScaler",
    "torch.utils.data.DataLoader",
    "torch.manual_seed",
    "np.random.seed",
    "random.random",
    "nn.utils.clip_grad_norm_",
    "torch.no_grad",
    "torch.autocast",
    "vllm.LLM",
    "vllm.SamplingParams",
    "copy.deepcopy",
    "enumerate",
    "zip",
    "range",
    "getattr",
    "super",
    "dict",
    "list",
    "len",
    "functools.partial",
    "accelerate.Accelerator",
    "isinstance",
    "print",
    "argparse.ArgumentParser",
    "torch.compile",
    "nn.parallel.DistributedDataParallel",
    "open",
    "yaml.safe_load",
)
METHODS = (
    "backward",
    "step",
    "zero_grad",
    "eval",
    "train",
    "state_dict",
    "load_state_dict",
    "parameters",
    "unscale_",
    "scale",
    "update",
    "item",
    "detach",
    "append",
    "cpu",
    "to",
    "cuda",
    "items",
    "prepare",
    "forward",
    "add_argument",
    "parse_args",
    "unwrap_model",
    "set_epoch",
    "no_sync",
    "module",
    "get",
    "pop",
    "keys",
    "mean",
    "sum",
)
IMPORTS = (
    "import torch",
    "from torch import nn, optim",
    "import torch.nn.functional as F",
    "import numpy as np",
    "import vllm",
    "import random, os, copy, functools, argparse",
    "from torch.cuda.amp import GradScaler, autocast",
    "from accelerate import Accelerator",
    "from .parts import *",
    "from . import helpers as h",
    "from parts import step",
    "import torch as t, torch.optim.lr_scheduler as sched",
)
_ASYNC = "async def {}(x):\n    async with x as y:\n        await y\n    async for z in x:\n        yield z\n{}"
_CLASS = "class {}{}({}):\n    def __init__(self, x):\n        super().__init__()\n        self.body = {}\n{}"
_NEW = sys.version_info >= (3, 12)

name = st.sampled_from(NAMES)
constant = st.sampled_from(
    ("0", "1", "-1", "1e-3", "None", "True", "False", "...", "'last.pt'", "b'x'", "1j", "'loss'")
)
atom = st.one_of(
    name, constant, st.builds("{}.{}".format, name, st.sampled_from(("module", "loss", "grad", "data", "x")))
)


def _call(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    func = st.one_of(
        st.sampled_from(CALLS),
        name,
        st.builds("{}.{}".format, inner, st.sampled_from(METHODS)),
        st.builds("{}.{}".format, st.sampled_from(HEADS), st.sampled_from(METHODS)),
    )
    argument = st.one_of(
        inner, st.builds("*{}".format, name), st.builds("lr={}".format, inner), st.builds("f={}".format, inner)
    )
    plain = st.lists(argument, max_size=3).map(_ordered)
    return st.builds("{}({})".format, func, plain)


def _ordered(arguments: list[str]) -> str:
    """Positional ones before keywords, and no keyword twice."""
    words = {a.partition("=")[0]: a for a in arguments if a[:3] == "lr=" or a[:2] == "f="}
    plain = [a for a in arguments if a not in words.values() and a[:3] != "lr=" and a[:2] != "f="]
    return ", ".join([*plain, *words.values()])


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        _call(inner),
        _call(inner),
        _call(inner),
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} @ {} % {})".format, inner, inner, inner),
        st.builds("(-{})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} and not {} or {})".format, inner, inner, inner),
        st.builds("({} % 4 == {})".format, inner, constant),
        st.builds("({} is not {} < {})".format, inner, inner, inner),
        st.builds("[{}, *{}]".format, inner, inner),
        st.builds("({}, {})".format, inner, inner),
        st.builds("{{'model': {}, **{}}}".format, inner, name),
        st.builds("{{{}, 2}}".format, inner),
        st.builds("[{} for {} in {} if {}]".format, inner, name, inner, inner),
        st.builds("{{k: {} for k, {} in {}}}".format, inner, name, inner),
        st.builds("sum({} for {} in {})".format, inner, name, inner),
        st.builds("(lambda {0}, *a, k=1: {1})".format, name, inner),
        st.builds("({} := {})".format, name, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:{}, ::2]".format, name, inner, inner),
        st.builds("f'{{{}!r:>{{{}}}}}.pt'".format, name, name),
    )


expression = st.recursive(atom, _expressions, max_leaves=6)
target = st.one_of(
    name,
    name,
    st.builds("{}.{}".format, name, name),
    st.builds("{}['k']".format, name),
    st.builds("{}, {}".format, name, name),
    st.builds("({}, *{})".format, name, name),
)


def _indented(body: list[str]) -> str:
    lines = [line for part in body for line in part.split("\n")]
    return "\n".join("    " + line for line in lines)


def _statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=4).map(_indented)
    guard = st.one_of(expression, st.just("False"), st.just("True"), st.just('__name__ == "__main__"'))
    parameters = st.sampled_from(("", "self", "model, loader", "x, /, y=1, *a, k, **kw", "*args, **kwargs", "net=None"))
    decorator = st.sampled_from(
        ("", "", "@torch.no_grad()\n", "@staticmethod\n", "@functools.wraps(f)\n", "@hydra.main\n")
    )
    generic = st.sampled_from(("", "", "[T]", "[T: int, *Ts, **P]")) if _NEW else st.just("")
    pattern = st.sampled_from(("1", "{'model': m, **rest}", "[a, *b]", "Net(x=1) as n", "'a' | 'b'", "None", "str()"))
    cases = st.lists(st.tuples(pattern, body), min_size=1, max_size=2)
    return st.one_of(
        st.builds("for {} in {}:\n{}".format, target, expression, body),
        st.builds("for {} in {}:\n{}\nelse:\n{}".format, target, expression, body, body),
        st.builds("while {}:\n{}".format, guard, body),
        st.builds("if {}:\n{}".format, guard, body),
        st.builds("if {}:\n{}\nelif {}:\n{}\nelse:\n{}".format, guard, body, guard, body, body),
        st.builds("with {}:\n{}".format, expression, body),
        st.builds("with {} as {}, {}:\n{}".format, expression, name, expression, body),
        st.builds("try:\n{}\nexcept (ValueError, KeyError) as e:\n{}\nelse:\n{}\nfinally:\n{}".format, *[body] * 4),
        st.builds("try:\n{}\nexcept* ValueError:\n{}".format, body, body),
        st.builds("{}def {}{}({}):\n{}".format, decorator, name, generic, parameters, body),
        st.builds(
            "{}def {}(self, x: {} = 1) -> {}:\n{}\n    return {}".format, decorator, name, name, name, body, expression
        ),
        st.builds(_ASYNC.format, name, body),
        st.builds(
            _CLASS.format,
            name,
            generic,
            st.sampled_from(("", "nn.Module", "Net", "torch.optim.Optimizer", "pl.LightningModule", "x.y")),
            expression,
            body,
        ),
        st.builds(
            "match {}:\n{}".format,
            expression,
            cases.map(
                lambda rows: (
                    "\n".join(f"    case {p}:\n{_indented([b])}" for p, b in rows) + "\n    case _:\n        pass"
                )
            ),
        ),
    )


simple = st.one_of(
    st.builds("{} = {}".format, target, expression),
    st.builds("{} = {}".format, name, expression),
    st.builds("{} += {}".format, name, expression),
    st.builds("{}: {} = {}".format, name, name, expression),
    expression,
    expression,
    st.sampled_from(
        (
            "pass",
            "global total",
            "del x",
            "assert x, y",
            "raise ValueError(x)",
            "return",
            "return loss",
            "yield x",
            "break",
            "continue",
            "nonlocal y",
            *IMPORTS,
            "loss.backward()",
            "optimizer.step()",
            "optimizer.zero_grad()",
            "model.eval()",
            "torch.save(state, path)",
            *(("type Pair[T] = tuple[T, T]",) if _NEW else ()),
        )
    ),
)
statement = st.recursive(simple, _statements, max_leaves=8)
program = st.builds(
    lambda imports, body: "\n".join([*imports, *body]) + "\n",
    st.lists(st.sampled_from(IMPORTS), max_size=5, unique=True),
    st.lists(statement, min_size=1, max_size=8),
)
