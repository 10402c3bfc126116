"""Facts of small programs that are spread over several files."""

from __future__ import annotations

from typing import Any

import pytest

from tests.facts.small import told


def component(found: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = (row for row in found["components"] if row["name"] == name)
    return dict(row)


REGISTRIES = {
    "parts.py": """
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import StepLR, _LRScheduler


class Small(nn.Module):
    pass


class Large(nn.Module):
    pass


class Flat(_LRScheduler):
    pass


MODELS = {"small": Small, "large": Large}
OPTIMIZERS = {"sgd": SGD, "adam": Adam}
SCHEDULERS = {"flat": Flat, "step": StepLR}


def make_model(cfg):
    return MODELS[cfg["model"]](**cfg["sizes"])


def optimizer_class(cfg):
    if cfg.get("optimizer") is None:
        return SGD
    return OPTIMIZERS.get(cfg["optimizer"])


def make_scheduler(optimizer, cfg):
    if not cfg:
        return Flat(optimizer)
    return SCHEDULERS[cfg["name"]](optimizer, **cfg)
"""
}


def test_what_a_registry_makes_is_of_the_kind_of_all_that_it_holds() -> None:
    source = """
from parts import make_model, make_scheduler, optimizer_class

def main(cfg):
    net = make_model(cfg)
    chosen = optimizer_class(cfg)
    opt = chosen(net.parameters(), lr=cfg["lr"])
    sched = make_scheduler(opt, cfg)
"""
    found = told(source, REGISTRIES)
    assert component(found, "net")["kind"] == "model"
    assert component(found, "opt")["kind"] == "optimizer"
    assert component(found, "opt")["covers"] == ["net"]
    assert component(found, "sched")["drives"] == ["opt"]


def test_a_dict_of_unlike_things_is_no_registry() -> None:
    files = {"parts.py": REGISTRIES["parts.py"] + 'MIXED = {"small": Small, "sgd": SGD}\n'}
    source = """
from parts import MIXED

def main(cfg):
    thing = MIXED[cfg.name](4)
"""
    assert told(source, files)["components"] == []


def test_a_name_looked_up_in_a_module_gives_what_the_classes_of_that_module_are() -> None:
    files = {
        "nets.py": """
from torch import nn

class Base(nn.Module):
    pass

class Deep(Base):
    pass

class Wide(Base):
    pass
""",
        "make.py": """
def instance(module, name, cfg, *args):
    return getattr(module, cfg[name]["type"])(*args, **cfg[name]["args"])
""",
    }
    source = """
import torch
import nets
from make import instance

class Run:
    def __init__(self, cfg):
        self.net = instance(nets, "arch", cfg)
        self.other = nets.__dict__[cfg["other"]](4)
        make = getattr(torch.optim, cfg["optimizer"])
        self.opt = make(self.net.parameters(), lr=0.1)
"""
    found = told(source, files)
    assert component(found, "self.net")["kind"] == component(found, "self.other")["kind"] == "model"
    assert component(found, "self.opt")["covers"] == ["self.net"]


DATA = """
from torch.utils.data import Dataset

class Pictures(Dataset):
    pass

def both(cfg):
    return Pictures(cfg.train), Pictures(cfg.test)
"""


def test_a_folder_of_the_project_may_be_called_like_a_library() -> None:
    source = """
from torch.utils.data import DataLoader
from datasets import both

def main(cfg):
    train_set, test_set = both(cfg)
    loader = DataLoader(train_set, batch_size=4)
"""
    found = told(source, {"datasets/__init__.py": DATA})
    assert found["frameworks"] == ["torch"]
    assert component(found, "loader")["reads"] == ["train_set"]
    assert component(found, "test_set")["kind"] == "dataset"
    assert told("from datasets import load_dataset\n", {})["frameworks"] == ["datasets"]


RUNNER = """
import torch
from net import Net

class Runner:
    def train(self):
        model = Net()
        state = torch.load("a.pt")
        model.load_state_dict(state["model"])

    def restore(self, model):
        state = torch.load("b.pt", map_location="cpu")
        model.load_state_dict(state["model"])
"""


def test_a_load_into_a_model_of_its_own_is_no_help_for_the_caller() -> None:
    files = {"runner.py": RUNNER, "net.py": "from torch import nn\n\nclass Net(nn.Module):\n    pass\n"}
    source = """
from runner import Runner
from net import Net

runner = Runner()
net = Net()
runner.restore(net)
runner.train()
"""
    assert [row["line"] for row in told(source, files)["loads"]] == [7]


def test_a_wrapper_of_a_model_that_nobody_knows_is_a_wrapper_and_its_inside_is_none() -> None:
    source = """
import torch
from elsewhere import build

net = build()
net = torch.nn.DataParallel(net)
inner = net.module if isinstance(net, torch.nn.DataParallel) else net
"""
    assert [(w["kind"], w["object"], w["line"]) for w in told(source, {})["distributed"]["wrappers"]] == [
        ("dp", "net", 6)
    ]


def test_the_number_of_devices_is_no_rank() -> None:
    source = """
def choose(args, n_gpu):
    if n_gpu == 0:
        print("slow")
    if args.gpu == 0:
        print("first")
    if args.is_master_node:
        print("here")
"""
    assert told(source, {})["distributed"]["rank_guards"] == [5, 7]


def test_a_list_that_is_saved_holds_what_is_appended_to_it_too() -> None:
    source = """
import torch
from torch import nn

net = nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
parts = [net.state_dict(), 3]
if torch.cuda.is_available():
    parts.append(opt.state_dict())
torch.save(parts, "a.pt")
"""
    (row,) = told(source, {})["saves"]
    assert (row["components"], row["keys"]) == (["model", "optimizer"], [])


BASE = """
from abc import ABC, abstractmethod
from torch.utils.data import DataLoader


class Loader(DataLoader):
    pass


class Base(ABC):
    def __init__(self, net, loader: Loader):
        self.net = net
        self.loader = loader
        self.workers = self.make_workers()

    @abstractmethod
    def train_batch(self, batch):
        return None

    def make_workers(self):
        return []

    def log_epoch(self, epoch):
        raise NotImplementedError

    def run_epoch(self):
        for batch in self.loader:
            self.train_batch(batch)

    def fit(self, epochs):
        for epoch in range(epochs):
            self.run_epoch()
        for epoch in range(2):
            self.log_epoch(epoch)
"""
SUBCLASSES = {
    "base.py": BASE,
    "own.py": """
from base import Base

class Own(Base):
    def __init__(self, net, loader, opt):
        super().__init__(net, loader)
        self.opt = opt

    def train_batch(self, batch):
        self.opt.zero_grad()
        self.net(batch).sum().backward()
        self.opt.step()
""",
    "still.py": """
from base import Base

class Still(Base):
    def train_batch(self, batch):
        print(batch)
""",
}


def test_a_loop_that_leaves_training_to_subclasses_is_a_training_loop() -> None:
    rows = [(row["kind"], row["line"]) for row in told(BASE, {})["loops"]]
    assert rows == [("batch", 27), ("epoch", 31)]


def test_whether_a_base_class_trains_depends_on_the_class_of_the_object() -> None:
    call = """
from {module} import {name}

def main(net, loader, opt):
    it = {name}(net, loader{rest})
    for round in range(3):
        it.fit(4)
"""
    trains = told(call.format(module="own", name="Own", rest=", opt"), SUBCLASSES)
    assert trains["is_training_script"] is True
    assert [row["kind"] for row in trains["loops"]] == ["iteration"]
    still = told(call.format(module="still", name="Still", rest=""), SUBCLASSES)
    assert (still["is_training_script"], still["loops"]) == (False, [])


def test_workers_of_several_classes_that_a_hook_makes_train_if_one_of_them_does() -> None:
    source = """
from base import Base
from own import Own
from still import Still

class Crew(Base):
    def make_workers(self):
        return [Own(self.net, self.loader, None), Still(self.net, self.loader)]

    def fit(self, epochs):
        for epoch in range(epochs):
            for worker in self.workers:
                worker.run_epoch()
"""
    found = told(source, SUBCLASSES)
    assert [(row["kind"], row["line"]) for row in found["loops"]] == [("epoch", 11)]
    without = source.replace("Own(self.net, self.loader, None)", "Still(self.net, self.loader)")
    assert told(without, SUBCLASSES)["loops"] == []


def test_what_is_put_under_a_key_is_a_component_and_steps_by_its_use() -> None:
    source = """
import torch

class Run:
    def build(self, cfg, net):
        for name in cfg:
            self.opts[name] = getattr(torch.optim, cfg[name])(net.parameters(), lr=0.1)

class Worker:
    def once(self, batch, loss):
        self.opts["first"].zero_grad()
        loss.backward()
        self.opts["first"].step()
        self.counts["first"].step()
"""
    found = told(source, {})
    assert component(found, "self.opts[name]")["kind"] == "optimizer"
    assert [(row["kind"], row["object"]) for row in found["steps"]] == [
        ("zero_grad", 'self.opts["first"]'),
        ("backward", "loss"),
        ("optimizer_step", 'self.opts["first"]'),
    ]


def test_what_a_helper_makes_at_each_of_its_calls_is_another_object() -> None:
    files = {
        "data.py": """
from torch.utils.data import TensorDataset

def build(cfg, train):
    if cfg.small:
        data = TensorDataset(cfg.a)
    else:
        data = TensorDataset(cfg.b)
    return data, 3
"""
    }
    source = """
from torch.utils.data import DataLoader
from data import build

def main(cfg):
    first, n = build(cfg, True)
    second, _ = build(cfg, False)
    loader = DataLoader(second, batch_size=2)
"""
    assert component(told(source, files), "loader")["reads"] == ["second"]


def test_an_optimizer_around_an_optimizer_covers_the_same() -> None:
    source = """
import torch
from timm.optim import Lookahead
from torch import nn

class Warm:
    def __init__(self, inner, size):
        self.inner = inner

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()

def warm(model):
    return Warm(torch.optim.Adam(model.parameters(), lr=0.0), 8)

net = nn.Linear(2, 2)
opt = Lookahead(torch.optim.SGD(net.parameters(), lr=0.1))
slow = warm(net)
"""
    found = told(source, {})
    assert component(found, "opt")["covers"] == ["net"]
    assert (component(found, "slow")["kind"], component(found, "slow")["covers"]) == ("optimizer", ["net"])


SCALER = {
    "tools.py": """
import torch

class CountingScaler:
    def __init__(self):
        self._scaler = torch.cuda.amp.GradScaler()

    def __call__(self, loss, optimizer):
        self._scaler.scale(loss).backward()
        self._scaler.step(optimizer)
        self._scaler.update()

    def state_dict(self):
        return self._scaler.state_dict()

    def load_state_dict(self, state):
        self._scaler.load_state_dict(state)

class Agent:
    def __init__(self, net):
        self.net = net

    def save(self, path):
        torch.save({"net": self.net.state_dict()}, path)

    def train(self, batches):
        for batch in batches:
            self.net(batch).sum().backward()
            torch.save(self.net.state_dict(), "a.pt")
"""
}


def test_a_class_around_a_grad_scaler_is_a_scaler() -> None:
    source = """
import torch
from tools import CountingScaler

amp = CountingScaler()
torch.save({"amp": amp.state_dict()}, "a.pt")
state = torch.load("a.pt", map_location="cpu")
amp.load_state_dict(state["amp"])
"""
    found = told(source, SCALER)
    assert component(found, "amp")["kind"] == "scaler"
    assert found["saves"][0]["components"] == found["loads"][0]["components"] == ["scaler"]


def test_what_an_object_of_another_file_saves_of_itself_is_saved_at_the_call() -> None:
    source = """
from torch import nn
from tools import Agent

agent = Agent(nn.Linear(2, 2))
agent.train([])
agent.save("b.pt")
"""
    rows = told(source, SCALER)["saves"]
    assert [(row["line"], row["keys"], row["components"]) for row in rows] == [(7, ["net"], ["model"])]
    assert rows[0]["via"].endswith("tools.py:24")


def test_an_optimizer_that_comes_in_with_one_model_is_for_that_model() -> None:
    source = """
def train(model, optimizer, loader):
    model.train()
    for batch in loader:
        optimizer.zero_grad()
        model(batch).sum().backward()
        optimizer.step()

def adapt(model, teacher, optimizer, loader):
    model.train()
    teacher.eval()
    for batch in loader:
        optimizer.zero_grad()
        (model(batch) - teacher(batch)).sum().backward()
        optimizer.step()
"""
    rows = [row for row in told(source, {})["components"] if row["kind"] == "optimizer"]
    assert [row["covers"] for row in rows] == [["model"], []]


def test_a_function_imported_under_one_name_in_two_branches_trains_if_one_does() -> None:
    files = {
        "ways.py": """
def dense(net, opt, loader):
    for batch in loader:
        net(batch).sum().backward()
        opt.step()

def sparse(net, opt, loader):
    for batch in loader:
        net(batch)
"""
    }
    source = """
def main(cfg, net, opt, loader):
    if cfg.dense:
        from ways import dense as run
    else:
        from ways import sparse as run
    for epoch in range(3):
        run(net, opt, loader)
"""
    found = told(source, files)
    assert (found["is_training_script"], [row["kind"] for row in found["loops"]]) == (True, ["epoch"])


def test_a_number_that_is_converted_is_that_number() -> None:
    source = """
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=int(5e3))
parser.add_argument("--rate", type=float, default=float(input()))
"""
    rows = told(source, {})["hyperparameters"]
    assert [(row["name"], row["value"]) for row in rows] == [("steps", 5000), ("rate", None)]
    assert isinstance(rows[0]["value"], int)


def test_a_factory_of_loss_functions_makes_a_loss() -> None:
    files = {
        "losses.py": """
import functools

def plain(x, y):
    return (x - y).sum()

def scaled(x, y, by=2):
    return (x - y).sum() * by

LOSSES = {"plain": plain, "scaled": scaled}

def make(cfg):
    return functools.partial(LOSSES[cfg.name], **cfg.rest)
"""
    }
    source = "from losses import make\n\ndef main(cfg):\n    loss_fn = make(cfg)\n    other = make(cfg)\n"
    assert [(row["kind"], row["name"]) for row in told(source, files)["components"]] == [("loss", "loss_fn")]


def test_methods_of_an_object_that_set_modes_count_at_the_call() -> None:
    files = {
        "agent.py": """
class Agent:
    def __init__(self, net):
        self.net = net

    def eval(self):
        self.net.eval()

    def train(self, batch, opt):
        self.net.train()
        self.net(batch).sum().backward()
        opt.step()
"""
    }
    source = """
from torch import nn
from agent import Agent

agent = Agent(nn.Linear(2, 2))
agent.eval()
agent.train(None, None)
"""
    rows = [(row["kind"], row["object"], row["line"]) for row in told(source, files)["modes"]]
    assert rows == [("eval", "agent", 6), ("train", "agent", 7)]


STOPPER = """
import numpy as np
import torch


class Stopper:
    def __init__(self, patience=3, path="best.pt"):
        self.patience = patience
        self.path = path
        self.waited, self.best = 0, None

    def __call__(self, loss, model):
        if self.best is None:
            self.best = loss
            self.keep(loss, model)
        elif loss > self.best:
            self.waited += 1
        else:
            self.best = loss
            self.keep(loss, model)
            self.waited = 0

    def keep(self, loss, model):
        torch.save(model.state_dict(), PATH)
"""
STOPPED = """
import torch

model = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters())
stopper = Stopper(MADE)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    stopper(evaluate(model), model)
"""


@pytest.mark.parametrize(
    ("made", "path", "saved"),
    [
        ("", "self.path", "best.pt"),
        ('path="out/a.pt"', "self.path", "out/a.pt"),
        ("", '"fixed.pt"', "fixed.pt"),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
def test_what_a_callable_object_saves_is_saved_where_it_is_called(
    made: str, path: str, saved: str, apart: bool
) -> None:
    main, stopper = STOPPED.replace("MADE", made), STOPPER.replace("PATH", path)
    if apart:
        main, stopper, files = f"from stopper import Stopper{main}", "", {"stopper.py": stopper}
    else:
        files = {}
    (row,) = told(stopper + main, files)["saves"]  # one, though there are two ways to it
    line = len((stopper + main).splitlines())
    assert (row["line"], row["path"], row["components"]) == (line, saved, ["model"])


def test_a_callable_object_that_several_runs_call_is_a_save_of_each() -> None:
    main = STOPPED.replace("MADE", "")
    body = main[main.index("for epoch") :]
    rows = told(STOPPER.replace("PATH", "self.path") + main + body, {})["saves"]
    assert [row["components"] for row in rows] == [["model"], ["model"]]
