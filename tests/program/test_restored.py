"""What becomes of loaded state, and state that libraries give, take, write and read."""

from __future__ import annotations

import pytest

from tests.program.model import program

HEAD = """
import torch, torch.nn as nn
import torch.distributed.checkpoint as dcp
from collections import OrderedDict
from dataclasses import asdict, dataclass
from torch.distributed.checkpoint.state_dict import (
    get_model_state_dict, get_optimizer_state_dict, set_model_state_dict, set_optimizer_state_dict)
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP

model = nn.Linear(1, 1)
opt = torch.optim.SGD(model.parameters(), lr=1)

@dataclass
class Snap:
    weights: dict
    epoch: int
"""


def loads(source: str) -> list[tuple[list[str], list[str]]]:
    """(keys, kinds of what is restored) of each load."""
    model = program(HEAD + source)
    return [(site.keys, [value.kind for value, _ in site.restores]) for site in model.training.checkpoints.loads]


@pytest.mark.parametrize(
    "source",
    [
        "s = {k: v for k, v in s.items() if k in model.state_dict()}\nmodel.load_state_dict(s)",
        "t = {k: v for k, v in s.items() if v.shape}\nmodel.load_state_dict(t, strict=False)",
        "t = OrderedDict((k[7:], v) for k, v in s.items())\nmodel.load_state_dict(t)",
        "t = OrderedDict()\nfor k, v in s.items():\n    t[k[7:]] = v\nmodel.load_state_dict(t)",
        "t = model.state_dict()\nt.update({k: v for k, v in s.items()})\nmodel.load_state_dict(t)",
        "t = without_prefix(s)\nmodel.load_state_dict(t)",
        "model.load_state_dict(without_prefix(s, 'module.'))",
        "t = s if plain else convert(s)\nmodel.load_state_dict(t)",
        "set_model_state_dict(model=model, model_state_dict=s)",
        "set_model_state_dict(model, s)",
    ],
)
def test_a_state_that_is_reshaped_before_it_is_restored(source: str) -> None:
    assert loads(f"s = torch.load('x.pt')\n{source}") == [([], ["module"])]


def test_a_part_that_is_reshaped() -> None:
    source = "s = torch.load('x.pt')\nt = {k: v for k, v in s['net'].items()}\nmodel.load_state_dict(t)"
    assert loads(source) == [(["net"], ["module"])]
    choice = "s = torch.load('x.pt')\nt = s['net'] if 'net' in s else s\nmodel.load_state_dict(t)"
    assert loads(choice) == [(["net"], ["module"])]


def test_an_object_that_is_made_of_what_was_loaded() -> None:
    source = "s = torch.load('x.pt')\nsnap = Snap(**s)\nmodel.load_state_dict(snap.weights)\nstart = snap.epoch"
    assert loads(source) == [(["weights", "epoch"], ["module"])]


def test_other_state_is_not_what_was_loaded() -> None:
    source = "s = torch.load('x.pt')\nt = {k: v for k, v in other.items()}\nmodel.load_state_dict(t)\nn = len(s)"
    assert loads(source) == [([], [])]


@pytest.mark.parametrize(
    "source",
    [
        "set_optimizer_state_dict(model, opt, s)",
        "set_optimizer_state_dict(model=model, optimizers=opt, optim_state_dict=s)",
        "x = FSDP.optim_state_dict_to_load(model, opt, s)",
        "x = FSDP.scatter_full_optim_state_dict(s, model)",
    ],
)
def test_functions_that_restore_an_optimizer(source: str) -> None:
    assert loads(f"s = torch.load('x.pt')\n{source}") == [([], ["optimizer"])]


def test_a_load_into_given_state() -> None:
    source = "s = {'net': model.state_dict(), 'opt': opt.state_dict()}\ndcp.load(s, checkpoint_id='x')"
    assert loads(source) == [(["net", "opt"], ["module", "optimizer"])]
    assert loads("s = model.state_dict()\ndcp.load_state_dict(state_dict=s, storage_reader=r)") == [([], ["module"])]


def saves(source: str) -> list[tuple[list[str], list[str]]]:
    """(keys, kinds of what is written) of each save."""
    found = program(HEAD + source).training.checkpoints.saves
    return [(site.keys, [s.kind for s in site.states("module", "optimizer")]) for site in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.save(get_model_state_dict(model), 'x')", ([], ["module"])),
        ("torch.save(get_optimizer_state_dict(model, opt), 'x')", ([], ["optimizer"])),
        ("s = FSDP.full_optim_state_dict(model, opt)\ntorch.save(s, 'x')", ([], ["optimizer"])),
        ("torch.save({'o': FSDP.optim_state_dict(model, opt)}, 'x')", (["o"], ["optimizer"])),
        ("dcp.save({'m': model.state_dict()}, checkpoint_id='x')", (["m"], ["module"])),
        ("dcp.save_state_dict(state_dict=model.state_dict(), storage_writer=w)", ([], ["module"])),
        ("s = Snap(weights=model.state_dict(), epoch=1)\ns = asdict(s)\ntorch.save(s, 'x')",
         (["weights", "epoch"], ["module"])),
        ("torch.save(asdict(Snap(weights=model.state_dict(), epoch=1)), 'x')", (["weights", "epoch"], ["module"])),
    ],
)  # fmt: skip
def test_state_that_is_asked_of_a_library(source: str, expected: tuple[list[str], list[str]]) -> None:
    assert saves(source) == [expected]


HELPER = """
def store(net, path, optim=None):
    state = {"net": net.state_dict()}
    if optim is not None:
        state["opt"] = optim.state_dict()
    torch.save(state, path)
"""


def test_what_a_helper_adds_only_if_it_is_given() -> None:
    calls = "store(model, 'a')\nstore(model, 'b', optim=opt)\nstore(model, 'c', None)"
    assert [keys for keys, _ in saves(HELPER + calls)] == [["net"], ["net", "opt"], ["net"]]


def test_a_variable_that_several_files_are_loaded_into() -> None:
    source = """
def first():
    s = torch.load("a.pt")
    model.load_state_dict(s["net"])
    s = torch.load("b.pt")
    opt.load_state_dict(s["opt"])
    return s["epoch"]
"""
    assert loads(source) == [(["net"], ["module"]), (["opt", "epoch"], ["optimizer"])]


def test_one_of_two_files_is_loaded() -> None:
    source = "if a:\n    s = torch.load('a')\nelse:\n    s = torch.load('b')\nmodel.load_state_dict(s['net'])"
    assert loads(source) == [(["net"], ["module"])] * 2
