"""Losses in other files that get what a model of this file returns."""

from __future__ import annotations

import pytest
from dry_debug.program.knowledge import CROSS_ENTROPY
from dry_debug.program.loss_elsewhere import ends_with, losses_elsewhere

from tests.program.model import program

NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)
    def forward(self, x):
        {body}
def make():
    return Net()
"""
SOFT = "return torch.softmax(self.out(x), 1)"
STEP = "def step(model, objective, x, y):\n    return {loss}\n"
RUN = "import torch\nfrom net import {name}\nfrom step import step\n{make}\nloss = torch.nn.CrossEntropyLoss()\n{use}\n"


def _found(body: str, **files: str) -> list[tuple[str, str]]:
    model = program(NET.format(body=body), {f"{name}.py": text for name, text in files.items()}, "net.py")
    return [
        (loss.program.document.path.rpartition("/")[2], loss.prediction.confidence)
        for cls, made in ends_with(model, "softmax")
        if made is not None
        for loss in losses_elsewhere(model, cls, made, CROSS_ENTROPY, "softmax")
    ]


@pytest.mark.parametrize(
    ("name", "make", "use", "found"),
    [
        ("Net", "net = Net()", "loss(net(x), y)", [("run.py", "high")]),
        ("make", "net = make()", "loss(net(x), y)", [("run.py", "high")]),
        ("Net", "net = Net()", "loss.forward(net(x), y)", [("run.py", "high")]),
        ("Net", "net = Net().cuda()", "step(net, loss, x, y)", [("step.py", "high")]),
        ("Net", "net = Net()", "step(net, torch.nn.NLLLoss(), x, y)", []),
        ("Net", "net = Net()", "step(torch.nn.Linear(4, 3), loss, x, y)", []),
        ("Net", "net = torch.nn.Linear(4, 3)", "loss(net(x), y)", []),
        ("Net", "kinds = {'a': Net, 'b': torch.nn.Linear}\nnet = pick()", "loss(net(x), y)", []),
    ],
)
def test_the_loss_of_a_file_that_imports_the_model(name: str, make: str, use: str, found: list[object]) -> None:
    run = RUN.format(name=name, make=make, use=use)
    assert _found(SOFT, run=run, step=STEP.format(loss="objective(model(x), y)")) == found


@pytest.mark.parametrize(
    ("body", "loss", "found"),
    [
        (SOFT, "objective(model(x).view(-1, 3), y)", [("step.py", "high")]),
        (SOFT, "objective(torch.log(model(x)), y)", []),
        (SOFT, "more(model, objective, x, y)\ndef more(m, o, a, b):\n    return o(m(a), b)", [("step.py", "high")]),
        ("return self.out(x), torch.softmax(self.out(x), 1)", "objective(model(x)[0], y)", []),
        ("return self.out(torch.softmax(x, 1))", "objective(model(x), y)", []),
    ],
)
def test_a_function_that_is_handed_model_and_loss(body: str, loss: str, found: list[object]) -> None:
    run = RUN.format(name="Net", make="net = Net()", use="step(net, loss, x, y)")
    assert _found(body, run=run, step=STEP.format(loss=loss)) == found


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ("x = self.out(x); x = norm(x); return x", True),
        ("return self.scale(self.out(x))", True),
        ("return plain(self.out(x))", False),
    ],
)
def test_a_helper_or_method_that_applies_the_activation(body: str, made: bool) -> None:
    helpers = """
    def scale(self, x):
        return norm(x)
def norm(x):
    x = torch.softmax(x, 1)
    return x
def plain(x):
    return x * 2
"""
    model = program(NET.replace("\ndef make", helpers + "def make").format(body=body))
    assert [made.lineno for _, made in ends_with(model, "softmax") if made is not None] == ([13] if made else [])


def test_one_class_of_a_table_whose_model_is_not_known() -> None:
    run = """
import torch
from net import Net
class Other(torch.nn.Module):
    def forward(self, x):
        return x
class Run:
    def __init__(self, opt):
        self.net = opt.kind()
        self.loss = torch.nn.CrossEntropyLoss()
    def step(self, x, y):
        return self.loss(self.net(x), y)
def main(opt):
    kinds = {"net": Net, "other": Other}
    opt.kind = kinds[opt.name]
    Run(opt)
"""
    assert _found(SOFT, run=run) == [("run.py", "medium")]
    assert _found(SOFT, run=run.replace('"net": Net, ', "")) == []


TRAINER = """
class Trainer:
    def __init__(self, model, objective):
        self.net = model.cuda()
        self.objective = objective
    def step(self, x, y):
        out = self.net(x)
        return self.objective({out}, y)
"""


@pytest.mark.parametrize(
    ("made", "out", "found"),
    [
        ("Trainer(Net(), torch.nn.CrossEntropyLoss())", "out", [("step.py", "high")]),
        ("Trainer(Net(), torch.nn.CrossEntropyLoss())", "out.log()", []),
        ("Trainer(Net(), torch.nn.NLLLoss())", "out", []),
        ("Trainer(torch.nn.Linear(4, 3), torch.nn.CrossEntropyLoss())", "out", []),
    ],
)
def test_an_object_that_is_made_with_the_model(made: str, out: str, found: list[object]) -> None:
    run = f"import torch\nfrom net import Net\nfrom step import Trainer\nNet()\n{made}.step(x, y)\n"
    assert _found(SOFT, run=run, step=TRAINER.format(out=out)) == found
