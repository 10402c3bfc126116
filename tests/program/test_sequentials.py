"""What a Sequential ends with, where layers are added to it after it was made."""

from __future__ import annotations

import pytest

from tests.program.model import program

NET = """
import torch
from torch import nn
def end(net):
    net.body.append(nn.Sigmoid())
class Net(nn.Module):
    def __init__(self, deep):
        super().__init__()
        {init}
    def begin(self):
        self.body = nn.Sequential(nn.Linear(4, 2))
    def finish(self):
        self.body.add_module("chances", nn.Softmax(1))
    def forward(self, x):
        return self.body(x)
    def go_on(self):
        {rest}
"""
MADE = "self.body = nn.Sequential()"


@pytest.mark.parametrize(
    ("init", "rest", "via"),
    [
        (MADE, "self.body.add_module('later', nn.ReLU())", None),
        (f"{MADE}; self.finish()", "pass", "softmax"),
        ("self.begin(); self.finish()", "pass", "softmax"),
        ("self.begin(); self.finish(); end(self)", "pass", "sigmoid"),
        ("self.begin(); end(self); self.finish()", "pass", "softmax"),
        ("self.begin(); end(self); self.body.append(nn.Linear(2, 2))", "pass", None),
        ("self.begin(); self.body.append(nn.Softmax(1))", "pass", "softmax"),
        (f"self.finish(); {MADE}", "pass", None),  # what was added went with what it was added to
        (f"{MADE}\n        if deep:\n            self.finish()", "pass", None),
        (f"{MADE}; self.finish(); self.finish()", "pass", None),
        (f"{MADE}; self.finish()", "self.body.append(nn.Linear(2, 2))", None),  # nobody knows when it goes on
    ],
)
def test_layers_that_methods_and_functions_add(init: str, rest: str, via: str | None) -> None:
    calls = [m for m in ("finish", "begin") if f"self.{m}(" not in init]  # left in, they leave open what comes last
    text = NET.format(init=init, rest=rest)
    if "end(self)" not in init:
        text = text.replace("    net.body.append(nn.Sigmoid())\n", "    pass\n")
    for method in calls:
        start = text.index(f"    def {method}(")
        text = text[:start] + text[text.index("    def ", start + 5) :]
    model = program(text)
    forward = next(f for f in model.index.functions if f.name == "forward")
    value = forward.returns[0].value
    assert value is not None
    assert model.value(value, forward.returns[0]).via == via
