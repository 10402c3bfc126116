"""What of a saved file `torch.load` refuses by default, and which saves a load reads back."""

from __future__ import annotations

import pytest
from dry_debug.program.read_back import saves_behind
from dry_debug.program.refused import refusal

from tests.program.model import program

HEAD = """
import argparse
import copy
import pathlib
import numpy as np
import torch
class Meter:
    pass
def options():
    parser = argparse.ArgumentParser()
    parser.add_argument('--x')
    return parser.parse_args()
net = torch.nn.Linear(1, 1)
"""


@pytest.mark.parametrize(
    ("made", "plain"),
    [
        ("options()", "vars"),
        ("argparse.ArgumentParser().parse_args()", "vars"),
        ("np.mean([1.0])", "float"),
        ("pathlib.Path('x')", "str"),
        ("torch.__version__", "str"),
        ("np.random.get_state()", None),
        ("Meter()", None),
        ("net", None),
    ],
)
def test_refused(made: str, plain: str | None) -> None:
    found = _of(made)
    assert found is not None and found.plain == plain


@pytest.mark.parametrize(
    "made",
    [
        "vars(options())", "dict(vars(options()))", "np.mean([1.0]).item()", "np.mean([[1.0]], axis=0)",
        "str(torch.__version__)", "net.state_dict()", "net.weight", "1", "unknown()", "float(np.mean([1.0]))",
    ],
)  # fmt: skip
def test_read_back_or_not_known(made: str) -> None:
    assert _of(made) is None


def _of(made: str):  # type: ignore[no-untyped-def]
    one = program(f"{HEAD}x = {made}\ntorch.save({{'x': x}}, 'run.pt')\n")
    site = one.training.checkpoints.saves[0]
    entry = site.entries[0]
    return refusal(entry.value, entry.node, one.statement(site.node), one)


@pytest.mark.parametrize(
    ("path", "read", "count"),
    [
        ("'run.pt'", "s['a']", 1),
        ("folder + '/run.pt'", "s", 1),
        ("'g.pt'", "s['a']", 0),
        ("'g.pt'", "(s['a'], s['b'])", 1),
        ("path", "s['a']", 0),
    ],
)
def test_what_a_load_reads_back(path: str, read: str, count: int) -> None:
    one = program(f"import torch\ntorch.save({{'a': 1, 'b': 2}}, 'run.pt')\ns = torch.load({path})\nx = {read}\n")
    assert len(saves_behind(one.training.checkpoints.loads[0], one)[0]) == count
