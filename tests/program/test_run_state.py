"""The state of a run in one dict, and what helpers of other files do with it: step, save, load."""

from __future__ import annotations

from typing import Any

import pytest
from dry_debug.program.facts import facts

from tests.program.model import program

HELPERS = """
import torch

class ModelEMA:
    def __init__(self, parameters, decay):
        self.shadow = [p.clone() for p in parameters]
    def update(self, parameters):
        for kept, p in zip(self.shadow, parameters):
            kept.mul_(0.9).add_(p.detach(), alpha=0.1)
    def state_dict(self):
        return {"shadow": self.shadow}
    def load_state_dict(self, state):
        self.shadow = state["shadow"]

class LossEMA:
    def update(self, value):
        self.value = value

def write(path, run):
    kept = {"net": run["net"].state_dict(), "opt": run["opt"].state_dict(), "ema": run["ema"].state_dict()}
    kept["step"] = run["step"]
    torch.save(kept, path)

def read(path, run):
    kept = torch.load(path, map_location="cpu")
    run["net"].load_state_dict(kept["net"])
    run["opt"].load_state_dict(kept["opt"])
    run["ema"].load_state_dict(kept["ema"])
    return kept["step"]

def make_step(train, clip=None):
    def step(run, x, y):
        loss = (run["net"](x) - y).pow(2).mean()
        if train:
            optimizer = run["opt"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss
    return step

def one_batch(net, opt, x, y, train=True):
    loss = (net(x) - y).pow(2).mean()
    if not train:
        return loss.item()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss.item()
"""
MAIN = """
import torch
from helpers import LossEMA, ModelEMA, make_step, one_batch, read, write

net = torch.nn.Linear(2, 1)
opt = torch.optim.Adam(net.parameters())
ema = ModelEMA(net.parameters(), 0.99)
smooth = LossEMA()
run = dict(net=net, opt=opt, ema=ema, step=0)
"""


def told(lines: str) -> dict[str, Any]:
    return facts(program(MAIN + lines, {"helpers.py": HELPERS}))


def test_what_is_saved_of_the_entries_of_a_dict() -> None:
    (save,) = told("write('last.pt', run)\n")["saves"]
    assert save["keys"] == ["net", "opt", "ema", "step"]
    assert save["components"] == ["model", "optimizer", "ema"]


def test_what_is_loaded_into_the_entries_of_a_dict() -> None:
    (load,) = told("first = read('last.pt', run)\n")["loads"]
    assert load["components"] == ["model", "optimizer", "ema"]


def test_an_average_of_the_parameters_that_it_is_given() -> None:
    kinds = {row["name"]: row["kind"] for row in told("")["components"]}
    assert kinds == {"net": "model", "opt": "optimizer", "ema": "ema"}  # `smooth` averages numbers


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        ("one_batch(net, opt, x, y)", ["zero_grad", "backward", "optimizer_step"]),
        ("one_batch(net, opt, x, y, True)", ["zero_grad", "backward", "optimizer_step"]),
        ("one_batch(net, opt, x, y, train=False)", []),
        ("one_batch(net, opt, x, y, train=flag)", ["zero_grad", "backward", "optimizer_step"]),
        ("make_step(train=True)(run, x, y)", ["zero_grad", "backward", "optimizer_step"]),
        ("make_step(train=flag)(run, x, y)", ["zero_grad", "backward", "optimizer_step"]),
        ("make_step(train=False)(run, x, y)", []),
        ("make_step(False)(run, x, y)", []),
    ],
)
def test_a_step_that_the_flags_of_a_call_rule_out_is_not_taken(call: str, kinds: list[str]) -> None:
    source = f"step = {call.replace('(run, x, y)', '')}\nstep(run, x, y)\n" if "make" in call else f"{call}\n"
    assert [row["kind"] for row in told(source)["steps"]] == kinds


def test_a_variable_that_gets_something_else_after_all_is_two_components() -> None:
    source = """
        import torch
        from diffusers.training_utils import EMAModel
        from torch.utils.data import DataLoader, TensorDataset

        net = torch.nn.Linear(2, 1)
        net = net.to("cuda")
        average = torch.nn.Linear(2, 1)
        average = EMAModel(average.parameters())
        data = TensorDataset(x, y)
        data = DataLoader(data)
        earlier = EMAModel.from_pretrained(path, torch.nn.Linear)
    """
    rows = [(row["kind"], row["name"]) for row in facts(program(source))["components"]]
    assert rows == [
        ("model", "net"), ("model", "average"), ("ema", "average"), ("dataset", "data"), ("loader", "data"),
        ("ema", "earlier"),
    ]  # fmt: skip
