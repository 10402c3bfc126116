"""Facts of small programs that are spread over several files."""

from __future__ import annotations

from typing import Any

from dry_debug.program.facts import facts

from tests.program.model import program


def told(source: str, files: dict[str, str]) -> dict[str, Any]:
    return facts(program(source, files))


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
