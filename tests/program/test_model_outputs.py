"""Where what a model gives goes: taken out of its graph, handed on, given back, differentiated."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.events import function_of
from dry_debug.program.model_outputs import Outputs, outputs_of

from tests.program.model import program

FILE = """
import torch
def show(value):
    print(value.item())
def hand_on(value, other):
    show(other)
def lose(value):
    print(value.shape)
def one(net, x):
    {body}
{rest}
"""


@pytest.mark.parametrize(
    ("body", "rest", "taken", "back", "ends"),
    [
        ("return net(x).detach()", "", True, False, True),
        ("y = net(x)\n    print(y.data)", "", True, False, True),
        ("y = net(x)\n    show(y)", "", True, False, True),
        ("y = net(x)\n    hand_on(1, y)", "", True, False, True),
        ("y = net(x)\n    hand_on(y, 1)", "", False, False, True),
        ("y = net(x)\n    lose(y)", "", False, False, True),
        ("return net(x)", "print(one(n, 1).item())", False, True, True),
        ("return net(x)", "one(n, 1).backward()", False, True, False),
        ("return net(x)", "", False, True, False),
        ("y = net(x)\n    print(y.argmax())\n    y.sum().backward()", "", True, False, False),
        ("y = net(x)\n    print(y.argmax())\n    keep.put(y)", "", True, False, False),
    ],
)
def test_outputs(body: str, rest: str, taken: bool, back: bool, ends: bool) -> None:
    model = program(FILE.format(body=body, rest=rest))
    call = model.calls_by_last_name("net")[0]
    function = function_of(model.scope(call))
    assert function is not None
    outputs = Outputs(call, function, model)
    assert (outputs.taken_out(), outputs.given_back(), outputs.end_here()) == (taken, back, ends)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return net(x).cpu().numpy()", True),
        ("y = net(x).squeeze(0)\n    z = y.cpu()\n    print(z.numpy())", True),
        ("y = net(x)\n    print(y.detach().cpu().numpy())", False),
        ("y = net(x)\n    print(y.data.numpy())", False),
        ("y = net(x)\n    print(y.argmax(1).numpy())", False),
        ("_, y = net(x).max(1)\n    print(y.numpy())", False),
        ("y = net(x)\n    y = y.detach()\n    print(y.numpy())", False),
        ("y = net(x)\n    print(x.numpy())", False),
    ],
)
def test_an_array_of_what_the_model_gave(body: str, found: bool) -> None:
    model = program(FILE.format(body=body, rest=""))
    call = next(c for c in model.index.calls if model.text(c) == "net(x)")
    function = function_of(model.scope(call))
    assert function is not None
    assert (Outputs(call, function, model).bare_array() is not None) is found


def test_outputs_of_a_script_are_taken_out_by_their_data() -> None:
    read = program("import torch\nnet = torch.nn.Linear(1, 1)\nout = net(x)\nshown = out.data\n")
    (call,) = [c for c in read.index.calls if isinstance(c.func, ast.Name)]
    assert outputs_of(call, read.index.module, read).taken_out()
