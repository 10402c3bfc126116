"""Which function of the project a call leads to, and which of its parameters gets what."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.arguments import given, parameter_for

from tests.program.model import program

FILE = """
import torch
from torch import nn

class Stopping:
    def __init__(self, patience, path):
        self.patience = patience
    def __call__(self, loss, model):
        self.best = loss
    def save(self, model):
        torch.save(model.state_dict(), "best.pt")

class Net(nn.Module):
    def forward(self, x):
        return x

class Run:
    def __init__(self):
        self.stopping = Stopping(3, "best.pt")
    def end(self, loss, net):
        self.stopping(loss, net)  # here

def plain(loss, model):
    return loss

stopping = Stopping(3, "best.pt")
net = Net()
{call}
"""

CASES = [
    ("plain(loss, net)", "plain", ["loss", "model"]),
    ("stopping(loss, net)", "Stopping.__call__", ["loss", "model"]),
    ("stopping(model=net, loss=loss)", "Stopping.__call__", ["model", "loss"]),
    ("Run().stopping(loss, net)", "Stopping.__call__", ["loss", "model"]),
    ("Stopping(loss, net)", "Stopping.__init__", ["patience", "path"]),
    ("stopping.save(net)", "Stopping.save", ["model"]),
    ("net(loss)", "Net.forward", ["x"]),
    ("print(loss)", None, []),
    ("stopping.best(loss)", None, []),
]


@pytest.mark.parametrize(("text", "name", "parameters"), CASES)
def test_target(text: str, name: str | None, parameters: list[str]) -> None:
    model = program(FILE.format(call=text))
    call = model.tree.body[-1].value  # type: ignore[attr-defined]
    assert isinstance(call, ast.Call)
    target = model.target(call)
    function = target.scope
    assert (function.qualname if function is not None else None) == name
    if function is None:
        return
    exprs = [*call.args, *(k.value for k in call.keywords)]
    assert [parameter_for(call, expr, function) for expr in exprs] == parameters
    assert [given(call, function, parameter) for parameter in parameters] == exprs


def test_the_object_of_a_call_is_known_with_its_method() -> None:
    model = program(FILE.format(call=""))
    line = FILE[: FILE.index("# here")].count("\n") + 1
    call = next(call for call in model.index.calls if call.lineno == line)
    function, receiver = model._targets(call)
    assert function.scope is not None and function.scope.name == "__call__"
    assert receiver is not None and receiver.type == "Stopping"
