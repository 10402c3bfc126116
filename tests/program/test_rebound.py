"""Names and attributes that are bound again to what they held, wrapped, moved or prepared."""

import pytest
from dry_debug.program.values import Value

from tests.program.model import marked

HEAD = """
import torch, torch.nn as nn
from accelerate import Accelerator
class Net(nn.Module):
    def forward(self, x):
        return x
class Runner:
    def __init__(self, device, net: Net):
        self.acc = Accelerator()
        self.opt = torch.optim.Adam(net.parameters())
"""
TAIL = """
    def run(self):
        here(self.net)
"""


def held(*lines: str) -> Value:
    return marked(HEAD + "".join(f"        {line}\n" for line in lines) + TAIL).base


@pytest.mark.parametrize(
    "lines",
    [
        ("self.net = Net()", "self.net = self.net.to(device)"),
        ("self.net = Net()", "self.net.to(device)"),
        ("self.net = Net()", "self.net = nn.DataParallel(self.net)"),
        ("self.net = Net()", "if many:", "    self.net = nn.DataParallel(self.net.cuda())"),
        ("self.net = Net()", "self.net = torch.compile(self.net)", "self.net = nn.DataParallel(self.net)"),
        ("self.net = net", "self.net, self.opt = self.acc.prepare(self.net, self.opt)"),
        ("self.net = Net()", "self.net = self.acc.prepare(self.net)"),
    ],
)
def test_an_attribute_that_is_wrapped_in_place_keeps_its_class(lines: tuple[str, ...]) -> None:
    value = held(*lines)
    assert value.kind == "module" and value.confidence == "high"
    assert value.scope is not None and value.scope.name == "Net"


@pytest.mark.parametrize(
    "lines",
    [
        ("self.net = Net()", "self.net = nn.DataParallel(nn.Linear(1, 2))"),
        ("self.net = Net()", "self.net = changed(self.net)"),
        ("self.other = nn.DataParallel(self.net)", "self.net = self.other"),
    ],
)
def test_what_comes_from_elsewhere_is_not_the_same(lines: tuple[str, ...]) -> None:
    value = held(*lines)
    assert value.confidence != "high" or value.scope is None


@pytest.mark.parametrize(
    ("calls", "confidence"),
    [("self.model.train()", "medium"), ("self.model(x)", "low"), ("self.model.state_dict()", "medium")],
)
def test_what_a_class_calls_on_what_comes_in_confirms_its_name(calls: str, confidence: str) -> None:
    source = "class R:\n    def __init__(self, model):\n        self.model = model\n    def f(self, x):\n"
    value = marked(f"{source}        here(self.model)\n        {calls}\n")
    assert value.kind == "module" and value.confidence == confidence


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import core\ncore = core.Net()\ndef f():\n    here(core)", "module"),
        ("import core\ndef f():\n    here(core)\ncore = core.Net()", "module"),
        ("import core\nif big:\n    core = core.Net()\ndef f():\n    here(core)", "unknown"),
        ("import core\ndef f():\n    here(core)", "pymodule"),
    ],
)
def test_a_name_of_a_module_that_is_rebound_for_good(source: str, kind: str) -> None:
    assert marked(source, {"core.py": "import torch\nclass Net(torch.nn.Module):\n    pass"}).kind == kind
