"""A function that runs the model for the training and for an evaluation: which call of it only evaluates."""

from __future__ import annotations

import textwrap

import pytest
from dry_debug.program.automata import Occurrence
from dry_debug.program.inference import modes
from dry_debug.program.model_calls import spelled
from dry_debug.program.shared_outputs import differentiated_later, evaluating_call

from tests.program.model import program

HEAD = """
import torch
from torch import nn
class Run:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1)
        self.out = None
    def train(self, data):
        self.net.train()
        for x, y in data:
            loss = nn.functional.mse_loss(self.one(x)[0], y)
            loss.backward()
            self.opt.step()
"""

# The line that a mark stands on is the call that only evaluates.
CASES = {
    "taken out of its graph": """
        def one(self, x):
            return self.net(x)
        def test(self, data):
            self.net.eval()
            for x, y in data:
                print(self.one(x).detach())  # only evaluates
        """,
    "through a variable, and one of several": """
        def two(self, x):
            out = self.net(x)
            return out, x
        def one(self, x):
            return self.two(x)[0]
        def test(self, data):
            self.net.eval()
            for x, y in data:
                out, x = self.two(x)  # only evaluates
                print(out.argmax(1))
        """,
    "through many variables": """
        def one(self, x):
            first = self.net(x)
            second = first[:2]
            third = second.view(-1)
            fourth = third + 1
            fifth = fourth * 2
            return fifth.mean(), x
        def test(self, data):
            self.net.eval()
            for x, y in data:
                loss, _ = self.one(x)  # only evaluates
                print(loss.item())
        """,
    "through two functions": """
        def inner(self, x):
            return self.net(x)
        def one(self, x):
            return self.inner(x) + 1
        def test(self, data):
            self.net.eval()
            for x, y in data:
                out = self.one(x)  # only evaluates
                print(out.item())
        """,
    "two that evaluate": """
        def one(self, x):
            return self.net(x)
        def test(self, data):
            self.net.eval()
            for x, y in data:
                print(self.one(x).item())  # only evaluates
        def predict(self, data):
            self.net.eval()
            return [self.one(x).tolist() for x in data]  # only evaluates
        """,
    "differentiated there, too": """
        def one(self, x):
            return self.net(x)
        def attack(self, data):
            self.net.eval()
            for x, y in data:
                self.one(x).sum().backward()
        """,
    "it leaves what can be seen": """
        def one(self, x):
            return self.net(x)
        def features(self, data):
            self.net.eval()
            return [self.one(x) for x in data]
        """,
    "kept in an attribute": """
        def one(self, x):
            self.out = self.net(x)
            return self.out
        def test(self, data):
            self.net.eval()
            for x, y in data:
                print(self.one(x).item())
        """,
    "put into a list": """
        def one(self, x):
            out = self.net(x)
            self.outs.append(out)
            return out
        def test(self, data):
            self.net.eval()
            for x, y in data:
                print(self.one(x).item())
        """,
    "the function runs a backward pass": """
        def one(self, x):
            out = self.net(x)
            if self.train_now:
                out.sum().backward()
            return out
        def test(self, data):
            self.net.eval()
            for x, y in data:
                print(self.one(x).item())
        """,
}


@pytest.mark.parametrize("name", CASES)
def test_evaluating_calls(name: str) -> None:
    source = HEAD + textwrap.indent(textwrap.dedent(CASES[name]), "    ")
    model = program(source)
    found = set()
    for event in model.events.of_kind("forward"):
        module = model.value(spelled(event), event.node)
        for hit in modes(module, model):
            if hit.event is event and hit.label == "eval":
                assert differentiated_later(event) is not None, "training differentiates it"
                tree = evaluating_call(Occurrence(event, hit.calls))
                if tree is not None:
                    found.add(tree.call.lineno)
    wanted = {i for i, line in enumerate(source.splitlines(), 1) if "# only evaluates" in line}
    assert found == wanted
