"""Training loops that cut their batches out of whole arrays, and what looks like them."""

from __future__ import annotations

import textwrap

import pytest
from dry_debug.program.reasons import Recorder
from dry_debug.program.sliced_batches import SlicedBatches, sliced_batches

from tests.program.model import program

HEAD = """
import random
import torch
net = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""
STEP = """opt.zero_grad()
torch.nn.functional.mse_loss(net(a), b).backward()
opt.step()
"""


def loops(
    cut: str, before: str = "pass", counted: str = "range(0, len(x), 8)", epochs: str = "for e in range(3)"
) -> str:
    body = textwrap.indent(f"{cut}\n{STEP}", " " * 8)
    return f"{HEAD}{epochs}:\n    {before}\n    for i in {counted}:\n{body}"


def found(source: str, explain: bool = False) -> list[tuple[str, ...] | str]:
    model = program(source)
    if explain:
        model.why = Recorder(model)
    return [one.arrays if isinstance(one, SlicedBatches) else one for _, one in sliced_batches(model)]


@pytest.mark.parametrize(
    ("cut", "counted"),
    [
        ("a, b = x[i:i + 8], y[i:i + 8]", "range(0, len(x), 8)"),
        ("a, b = x[i * 8:(i + 1) * 8], y[i * 8:(i + 1) * 8]", "range(len(x) // 8)"),
        ("lo = i * 8; hi = lo + 8; a = x[lo:hi]; b = y[lo:hi]", "range(4)"),
        ("lo, hi = i, min(i + 8, len(x)); a = x[lo:hi, :]; b = y[lo:hi]", "tqdm(range(0, 32, 8))"),
        ("a = torch.tensor(x[i:i + 8]); b = torch.tensor(y[i:i + 8])", "range(0, len(x), 8)"),
        ("a, b = x.narrow(0, i, 8), y.narrow(0, i, 8)", "range(0, len(x), 8)"),
        ("a, b = x[:, i:i + 8], y[i:i + 8]", "range(0, len(y), 8)"),
        ("a, b = i", "zip(x.split(8), y.split(8))"),
        ("a, b = i", "enumerate(zip(torch.split(x, 8), torch.split(y, 8)))"),
    ],
)
def test_two_arrays_at_the_same_bounds_are_batches(cut: str, counted: str) -> None:
    source = loops(cut, counted=counted).replace("import random", "import random\nfrom tqdm import tqdm")
    assert found(source) == [("x", "y")]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (loops("a = x[i:i + 8]; b = y[i + 1:i + 9]"), "only one array"),
        (loops("a, b = x[i:i + 8], y[i:i + 8]", before="random.shuffle(x)"), "another order"),
        (loops("a, b = x[i:i + 8], y[i:i + 8]", before="x, y = mixed(x, y)"), "made anew"),
        (loops("a, b = x[i:i + 8], y[i:i + 8]", before="x[:] = x[torch.randperm(32)]"), "made anew"),
        (loops("a, b = x[i:i + 8], y[i:i + 8]; hidden = hidden.detach()"), "one sequence"),
        (loops("a, b = x[i:i + 8], y[i:i + 8]", epochs="if True"), "no loop over epochs"),
        (loops("a, b = x[:, i:i + 8], y[:, i:i + 8]"), "may be time"),
        (loops("a, b = i", counted="zip(x.split(8), y.split(8))", before="x = x[torch.randperm(9)]"), "made anew"),
        (loops("a, b = x[i:i + 8], y[i:i + 8]") + "torch.utils.data.TensorDataset(x, y)\n", "to compare"),
    ],
)
def test_what_is_no_batching_says_why(source: str, reason: str) -> None:
    told = found(source, explain=True)
    assert len(told) == 1 and isinstance(told[0], str) and reason in told[0]
    assert all(isinstance(one, str) for one in found(source))  # where nobody listens, some are not even named


def test_bounds_that_do_not_move_are_no_batches() -> None:
    assert found(loops("a, b = x[0:8], y[0:8]")) == []
    assert found(loops("a, b = x[i:], y[i:]")) == []


def test_reading_an_array_changes_nothing() -> None:
    assert found(loops("a, b = x[i:i + 8], y[i:i + 8]", before="print(len(x), net(x).mean(), x.mean())")) == [
        ("x", "y")
    ]


def test_a_function_that_is_called_in_each_epoch() -> None:
    body = textwrap.indent(
        f"for i in range(0, len(x), 8):\n    a, b = x[i:i + 8], y[i:i + 8]\n{textwrap.indent(STEP, '    ')}", "    "
    )
    function = f"{HEAD}def once(x, y):\n{body}\n"
    assert found(f"{function}for e in range(3):\n    once(data, wanted)\n") == [("x", "y")]
    assert "made anew" in str(
        found(f"{function}for e in range(3):\n    data, wanted = new()\n    once(data, wanted)\n")[0]
    )
    assert "no loop" in str(found(f"{function}once(data, wanted)\n", explain=True)[0])


CUT = "def cut(x, y, i):\n    return x[i:i + 8], y[i:i + 8]\n"


def test_a_helper_may_cut_them() -> None:
    source = loops("a, b = cut(x, y, i)").replace("\nnet =", f"\n{CUT}net =", 1)
    assert found(source) == [("x", "y")]
    assert found(source.replace("b = cut(x, y, i)", "b = cut(x, y, 3)")) == []


@pytest.mark.parametrize("around", ["try:", "with torch.enable_grad():"])
def test_a_block_around_the_body_changes_nothing(around: str) -> None:
    body = textwrap.indent(f"lo = i\nhi = lo + 8\na, b = x[lo:hi], y[lo:hi]\n{STEP}", " " * 12)
    end = "        finally:\n            print(e)\n" if around == "try:" else ""
    source = f"{HEAD}for e in range(3):\n    for i in range(0, 64, 8):\n        {around}\n{body}{end}"
    assert found(source) == [("x", "y")]


def test_rounds_that_call_the_function_with_new_samples() -> None:
    fit = "def fit(x, y):\n" + textwrap.indent(loops("a, b = x[i:i + 8], y[i:i + 8]").replace(HEAD, ""), "    ")
    assert found(f"{HEAD}{fit}x, y = new()\nfit(x, y)\n") == [("x", "y")]
    (left,) = found(f"{HEAD}{fit}for t in range(9):\n    x, y = new()\n    fit(x, y)\n")
    assert isinstance(left, str)
    made = fit.replace("def fit(x, y):\n", "def fit():\n    x, y = new()\n")
    assert found(f"{HEAD}{made}fit()\n") == [("x", "y")]
    (left,) = found(f"{HEAD}{made}for t in range(9):\n    fit()\n")
    assert isinstance(left, str)
