"""Helpers of libraries that do several things in one call, and loops over the parts of a batch."""

from __future__ import annotations

from dry_debug.program.facts import facts

from tests.program.model import program

TIMM = """
import torch
from timm.optim import create_optimizer
from timm.scheduler import create_scheduler
from timm.utils import NativeScaler

def one_epoch(model, criterion, loader, optimizer, loss_scaler, training=True):
    model.train(training)
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss_scaler(loss, optimizer, clip_grad=1.0, parameters=model.parameters())

def main(args, loader):
    model = torch.nn.Linear(1, 1)
    optimizer = create_optimizer(args, model)
    loss_scaler = NativeScaler()
    schedule, _ = create_scheduler(args, optimizer)
    for epoch in range(3):
        one_epoch(model, torch.nn.MSELoss(), loader, optimizer, loss_scaler)
        schedule.step(epoch)
"""


def test_a_scaler_of_timm_computes_gradients_and_steps() -> None:
    found = facts(program(TIMM))
    assert found["is_training_script"]
    steps = [(row["kind"], row["object"], row["line"]) for row in found["steps"]]
    assert steps == [
        ("zero_grad", "optimizer", 11),
        ("backward", "loss", 12),
        ("optimizer_step", "optimizer", 12),
        ("scheduler_step", "schedule", 21),
    ]
    assert [(row["kind"], row["line"]) for row in found["loops"]] == [("batch", 9), ("epoch", 19)]
    assert [(row["kind"], row["line"]) for row in found["modes"]] == [("train", 8)]


def test_what_the_factories_of_timm_make() -> None:
    rows = {row["name"]: row for row in facts(program(TIMM))["components"]}
    assert rows["optimizer"]["covers"] == ["model"]
    assert rows["schedule"]["kind"] == "scheduler" and rows["schedule"]["drives"] == ["optimizer"]
    assert rows["loss_scaler"]["kind"] == "scaler"


def test_a_call_of_something_else_with_such_arguments_steps_nothing() -> None:
    source = "def f(run, loss, optimizer):\n    run(loss, optimizer, parameters=3)\n"
    assert facts(program(source))["steps"] == []


CHUNKS = """
import torch

class Loop:
    def __init__(self, model: torch.nn.Module, size):
        self.model, self.size = model, size
        self.opt = torch.optim.SGD(model.parameters(), lr=0.1)

    def run(self, data):
        while True:
            batch = next(data)
            self.opt.zero_grad()
            self.gradients(batch)
            self.opt.step()

    def gradients(self, batch):
        for i in range(0, batch.shape[0], self.size):
            loss = self.model(batch[i : i + self.size]).mean()
            loss.backward()
"""


def test_parts_of_a_batch_whose_gradients_the_caller_applies() -> None:
    found = facts(program(CHUNKS))
    assert [(row["line"], row["steps"]) for row in found["accumulation"]] == [(17, None)]
    assert [(row["kind"], row["line"]) for row in found["loops"]] == [("iteration", 10)]


def test_defaults_in_a_call_of_dict() -> None:
    found = facts(program("defaults = dict(lr=1e-4, data_dir='', use_fp16=False)\n"))["hyperparameters"]
    names = [(row["name"], row["value"]) for row in found]
    assert names == [("learning_rate", 1e-4), ("data_dir", ""), ("use_fp16", False)]
    assert facts(program("colors = dict(red=1, blue=2)\n"))["hyperparameters"] == []
