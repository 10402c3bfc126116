"""A class that is given the parts of a run as keywords, and saves and loads the state of each of them."""

from typing import Any

import pytest
from dry_debug.program.facts import facts

from tests.program.model import program

KEEPER = """
import torch

class Keeper:
    def __init__(self, folder, **parts):
        self.folder = folder
        self.parts = parts

    def add(self, **parts):
        self.parts.update(parts)

    def keep(self, name, **numbers):
        state = numbers
        for key, part in self.parts.items():
            state[key] = part.state_dict()
        torch.save(state, name)

    def resume(self, name):
        state = torch.load(name, map_location="cpu")
        for key, part in self.parts.items():
            part.load_state_dict(state[key])
        return state["step"]
"""

TRAIN = """
import torch
from torch import nn
{imports}

net = nn.Linear(3, 4)
adam = torch.optim.Adam(net.parameters())
keeper = {made}
step = keeper.resume("run.pt")
for batch in data:
    adam.zero_grad()
    net(batch).mean().backward()
    adam.step()
    step += 1
    keeper.keep("run.pt", step=step)
"""


def _facts(made: str, apart: bool, keeper: str = KEEPER) -> dict[str, Any]:
    if apart:
        return facts(program(TRAIN.format(made=made, imports="from tools import Keeper"), {"tools.py": keeper}))
    return facts(program(keeper + TRAIN.format(made=made, imports="")))


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    ("made", "keys"),
    [
        ("Keeper('out', net=net, adam=adam)", ["step", "net", "adam"]),
        ("Keeper(folder='out', net=net)", ["step", "net"]),
        # What cannot be seen is not told.
        ("Keeper('out', **everything)", ["step"]),
        ("Keeper('out', net=net)\nkeeper.add(adam=adam)", ["step"]),
    ],
)
def test_what_was_registered_is_saved(made: str, keys: list[str], apart: bool) -> None:
    (saved,) = _facts(made, apart)["saves"]
    assert saved["keys"] == keys
    assert saved["components"] == [{"net": "model", "adam": "optimizer"}[key] for key in keys if key != "step"]


def test_what_was_registered_is_loaded() -> None:
    (loaded,) = _facts("Keeper('out', net=net, adam=adam)", apart=True)["loads"]
    assert loaded["components"] == ["model", "optimizer"]
    assert {"net", "adam"} <= set(loaded["keys"])


def test_parts_that_the_class_sets_again_are_not_those_of_the_constructor() -> None:
    keeper = KEEPER.replace("self.parts.update(parts)", "self.parts = parts")
    (saved,) = _facts("Keeper('out', net=net)", True, keeper)["saves"]
    assert saved["keys"] == ["step"]


def test_an_entry_is_the_state_of_its_part_or_what_has_none() -> None:
    keeper = KEEPER.replace(
        "            state[key] = part.state_dict()\n",
        "            if hasattr(part, 'state_dict'):\n                plain = getattr(part, 'module', part)\n"
        "                state[key] = plain.state_dict()\n            else:\n                state[key] = part\n",
    )
    (saved,) = _facts("Keeper('out', net=net, adam=adam, name='first')", True, keeper)["saves"]
    assert saved["keys"] == ["step", "name", "net", "adam"]
    assert saved["components"] == ["model", "optimizer"]
