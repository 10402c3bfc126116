"""Who in the project calls a function of another file, and what its parameters, modes and lists are by that."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.callers import confirmed, parameter_of, without_gradients
from dry_debug.program.collected import collections
from dry_debug.program.fate import fate_of

from tests.program.model import program

FIT = "def fit(net, data, opt=None):\n    for x in data:\n        opt.zero_grad()\n        opt.step()\n"


def _sites(source: str, files: dict[str, str], function: str) -> list[str]:
    model = program(source, files, path="tools.py")
    scope = next(f for f in model.index.functions if f.name == function)
    return [f"{other.document.path.rpartition('/')[2]}:{call.lineno}" for other, call in model.callers.of(scope)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from tools import fit\nfit(1, 2)\n", ["run.py:2"]),
        ("import tools\ntools.fit(1, 2)\n", ["run.py:2"]),
        ("from tools import fit as go\ndef main():\n    go(1, 2)\n", ["run.py:3"]),
        ("from tools import other\nfit(1, 2)\n", []),
        ("from tools import fit\ndef fit(a): ...\nfit(1)\n", []),
    ],
)
def test_calls_from_other_files(text: str, found: list[str]) -> None:
    assert _sites(FIT, {"run.py": text}, "fit") == found


def test_methods_and_classes() -> None:
    source = "class Runner:\n    def __init__(self, net): self.net = net\n    def go(self, data): ...\n"
    text = "from tools import Runner\nrunner = Runner(1)\nrunner.go(2)\n"
    assert _sites(source, {"run.py": text}, "go") == ["run.py:3"]
    assert _sites(source, {"run.py": text}, "__init__") == ["run.py:2"]


def test_a_method_of_a_class_that_a_file_hands_on() -> None:
    source = "class Fit:\n    def step(self, x):\n        return x\n"
    for name, found in (("Fit", ["run.py:2"]), ("Other", [])):
        run = f"from shelf import {name}\n{name}().step(1)\n"
        assert _sites(source, {"shelf.py": "from tools import Fit\n", "run.py": run}, "step") == found


def test_a_test_is_no_run() -> None:
    assert _sites(FIT, {"tests/test_fit.py": "from tools import fit\nfit(1, 2)\n"}, "fit") == []


def test_nobody_asks_without_a_project() -> None:
    model = program(FIT)
    assert model.callers.of(model.index.functions[0]) == []


def _optimizer(run: str) -> str:
    model = program(FIT, {"run.py": "import torch\nfrom tools import fit\n" + run}, path="tools.py")
    step = model.events.of_kind("optimizer_step")[0]
    assert step.obj.confidence == "medium" and parameter_of(step.obj) is not None
    return confirmed(step.obj).confidence


def test_a_parameter_is_as_sure_as_what_all_callers_pass() -> None:
    made = "opt = torch.optim.SGD(n.parameters(), 0.1)\n"
    assert _optimizer(made + "fit(n, d, opt)\n") == "high"
    assert _optimizer(made + "fit(n, d, opt=opt)\nfit(n, d, torch.optim.Adam(n.parameters()))\n") == "high"
    assert _optimizer(made + "fit(n, d, opt)\nfit(n, d, opt=other)\n") == "medium"
    assert _optimizer(made + "fit(n, d, opt)\nfit(n, d)\n") == "medium"
    assert _optimizer("") == "medium"


EVAL = """
import torch
def predict(net, loader):
    net.eval()
    rows = []
    for x in loader:
        rows.append(net(x))
    return torch.cat(rows)
"""


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ("print(predict(net, loader).argmax(1).tolist())", ["rows"]),
        ("with torch.no_grad():\n    predict(net, loader)", []),
        ("predict(net, loader).sum().backward()", []),
        ("p = predict(net, loader)\ntorch.nn.functional.mse_loss(p, y).backward()", []),
    ],
)
def test_what_other_files_do_with_what_is_collected(run: str, found: list[str]) -> None:
    model = program(EVAL, {"run.py": f"import torch\nfrom tools import predict\n{run}\n"}, path="tools.py")
    assert [one.path for one in collections(model)] == found


def test_a_value_that_is_given_back_is_followed_into_other_files() -> None:
    text = "def total(xs):\n    s = 0\n    for x in xs:\n        s = s + x\n    return s\n"
    model = program(text, {"run.py": "from tools import total\ntotal(xs).backward()\n"}, path="tools.py")
    fate = fate_of(model, "s", model.index.assignments[1])
    assert fate.backward and not fate.unknown
    alone = program(text, {"run.py": "import tools\n"}, path="tools.py")
    assert fate_of(alone, "s", alone.index.assignments[1]).unknown


def test_gradients_are_off_in_a_call_of_a_function_that_calls_it() -> None:
    text = "def inner(net, x):\n    return net(x)\ndef outer(net, x):\n    return inner(net, x)\n"
    run = "import torch\nfrom tools import outer\n@torch.no_grad()\ndef f(): outer(n, x)\n"
    model = program(text, {"run.py": run}, path="tools.py")
    call = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "net")
    off = without_gradients(model, call)
    assert off is not None and off.program.document.path.endswith("run.py")
    on = program(text, {"run.py": run.replace("@torch.no_grad()\n", "")}, path="tools.py")
    assert without_gradients(on, next(c for c in on.index.calls if getattr(c.func, "id", "") == "net")) is None
