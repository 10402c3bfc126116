"""Layers in a plain list that functions of the file fill, hand on and give back."""

from __future__ import annotations

import pytest
from dry_debug.program.registration import hidden_layers

from tests.program.model import program

NET = """
from torch import nn
def fill(rows, size):
    rows.append(nn.Linear(size, size))
def make(size):
    found = [nn.Linear(size, 1), nn.Linear(1, 1)]
    return found
def enter(module, rows):
    for number, row in enumerate(rows):
        module.add_module(str(number), row)
def keep(row, others):
    others.append(row)
class Net(nn.Module):
    def __init__(self, size):
        super().__init__()
        {init}
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
{rest}
"""


@pytest.mark.parametrize(
    ("init", "rest", "hidden"),
    [
        ("rows = []; fill(rows, size); self.layers = rows", "", True),
        ("rows = make(size); self.layers = rows", "", True),
        ("rows = []; self.layers = rows", "", False),
        ("rows = make(size); self.layers = rows; enter(self, rows)", "", False),
        ("rows = make(size); self.layers = rows; enter(self, rows)",
         "class Other(nn.Module):\n    def __init__(self, parts):\n        enter(self, parts)", False),
        ("rows = []; fill(rows, size); self.layers = rows; self.all = nn.ModuleList(rows)", "", False),
        ("self.layers = []; all = []; row = nn.Linear(2, 2); self.layers.append(row); keep(row, all); "
         "self.all = nn.ModuleList(all)", "", False),
        ("self.layers = []; all = []; row = nn.Linear(2, 2); self.layers.append(row); keep(row, all)", "", True),
    ],
)  # fmt: skip
def test_layers_that_helpers_fill_in(init: str, rest: str, hidden: bool) -> None:
    assert bool(list(hidden_layers(program(NET.format(init=init, rest=rest))))) is hidden
