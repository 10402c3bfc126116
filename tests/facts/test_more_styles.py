"""Facts of small programs, each in a way of writing that public scripts showed."""

from __future__ import annotations

from dry_debug.program.facts import facts

from tests.facts.small import of
from tests.program.model import program

TRAINS = """import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from tqdm import tqdm

net = nn.Linear(4, 2)
opt = optim.SGD(net.parameters(), lr=0.1)
"""


def values(source: str) -> dict[str, object]:
    return {row["name"]: row["value"] for row in of("hyperparameters", source)}


def test_argparse_parses_a_default_that_is_a_text() -> None:
    source = """import argparse
p = argparse.ArgumentParser()
p.add_argument("--epochs", type=int, default="20")
p.add_argument("--lr", type=float, default="1e-3")
p.add_argument("--size", default="32")
p.add_argument("--depth", type=int, default="deep")
"""
    assert values(source) == {"epochs": 20, "learning_rate": 1e-3, "size": "32", "depth": "deep"}


def test_an_option_of_a_dataclass_that_must_be_given() -> None:
    source = """from dataclasses import dataclass, field
@dataclass
class A:
    path: str = field(metadata={"help": "where"})
    layers: list = field(init=False)
    rank: int = field(default=8, metadata={"help": "x"})
"""
    assert values(source) == {"path": None, "rank": 8}


CONFIGURED = (
    TRAINS
    + """import yaml
def main(data, lr=0.1, seed=None, batch_size=4, every=100, fast=True):
    for x in DataLoader(data, batch_size):
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()

if __name__ == "__main__":
    main(**CALL)
"""
)


def test_the_defaults_of_what_is_called_with_a_configuration_are_settings() -> None:
    read = values(CONFIGURED.replace("CALL", "yaml.safe_load(open('c.yaml'))"))
    assert {name: read[name] for name in ("seed", "batch_size", "every", "fast")} == {
        "seed": None, "batch_size": 4, "every": 100, "fast": True,
    }  # fmt: skip
    assert "every" not in values(CONFIGURED.replace("CALL", "{'data': []}"))


def test_a_number_that_the_training_is_built_or_counted_with_is_a_setting() -> None:
    source = """import torch
from torch import nn, optim
latent = 128
inner = 5
answer = 42
best = 0
other_batch_size = 7
net = nn.Linear(latent, 2)
opt = optim.SGD(net.parameters(), lr=0.1)
for x in range(9):
    for _ in range(inner):
        opt.zero_grad()
        net(torch.ones(best, 128)).sum().backward()
        opt.step()
print(answer)
"""
    assert {"latent": 128, "inner": 5, "other_batch_size": 7}.items() <= values(source).items()
    assert not {"answer", "best"} & values(source).keys()


def test_a_progress_bar_among_several_names_is_no_loader() -> None:
    source = (
        TRAINS
        + """loader = DataLoader([1], 4)
def train(loader):
    total, seen, bar = 0.0, 0, tqdm(loader)
    for x in bar:
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()
train(loader)
"""
    )
    assert [row["name"] for row in of("components", source) if row["kind"] == "loader"] == ["loader"]


def test_training_data_that_only_an_evaluation_goes_through_are_for_it() -> None:
    source = (
        TRAINS
        + """from torchvision.datasets import MNIST
first = DataLoader(MNIST("x", train=True), 4)
bank = DataLoader(MNIST("x", train=True), 4)
for x in first:
    opt.zero_grad()
    net(x).sum().backward()
    opt.step()
net.eval()
with torch.no_grad():
    for x in bank:
        net(x)
"""
    )
    roles = {row["name"]: row["role"] for row in of("components", source) if row["kind"] == "loader"}
    assert roles == {"first": "train", "bank": "eval"}


def test_the_scheduler_of_a_diffusion_takes_no_step_of_the_learning_rate() -> None:
    source = """class Pipe:
    def __init__(self, scheduler):
        self.scheduler = scheduler
    def __call__(self, noise, t, x):
        x = self.scheduler.step(noise, t, x).prev_sample
        return x
    def later(self, t):
        self.scheduler.step(t)
"""
    assert [row["line"] for row in of("steps", source) if row["kind"] == "scheduler_step"] == [8]


def test_accumulation_by_the_default_of_a_parameter_and_the_scheduler_of_diffusers() -> None:
    source = """from accelerate import Accelerator
import torch
from diffusers.optimization import get_scheduler
def main(net, lr_scheduler="constant", accumulate=4):
    accelerator = Accelerator(gradient_accumulation_steps=accumulate)
    opt = torch.optim.AdamW(net.parameters())
    lr_scheduler = get_scheduler(lr_scheduler, optimizer=opt)
    net, opt, lr_scheduler = accelerator.prepare(net, opt, lr_scheduler)
    with accelerator.accumulate(net):
        accelerator.backward(net(torch.ones(2)).sum())
        opt.step()
        lr_scheduler.step()
        opt.zero_grad()
"""
    assert [row["steps"] for row in of("accumulation", source)] == [4]
    schedulers = [row for row in of("components", source) if row["kind"] == "scheduler"]
    assert [(row["line"], row["drives"]) for row in schedulers] == [(7, ["opt"])]


def test_a_pipeline_of_models_is_saved_whole() -> None:
    files = {"own.py": "from diffusers import DiffusionPipeline\nclass OwnPipeline(DiffusionPipeline):\n    pass\n"}
    source = """from diffusers import StableDiffusionPipeline
from own import OwnPipeline
a = StableDiffusionPipeline.from_pretrained("x")
a.save_pretrained("a")
OwnPipeline.from_pretrained("x").save_pretrained("b")
unknown().save_pretrained("c")
"""
    assert [(row["line"], row["components"]) for row in of("saves", source, files)] == [(4, ["model"]), (5, ["model"])]


def test_one_of_several_losses_is_a_loss_by_its_name_and_a_collator_is_no_dataset() -> None:
    files = {
        "parts.py": """from torch import nn
class First(nn.CrossEntropyLoss):
    pass
class Second(nn.Module):
    pass
def choose(name):
    if name == "first":
        return First()
    return Second()
"""
    }
    source = """from parts import choose
class CollatorForOwnDataset:
    pass
class OwnDataset:
    pass
def main(name):
    criterion = choose(name).to("cuda")
    net = choose(name)
    collator = CollatorForOwnDataset()
    data = OwnDataset()
"""
    kinds = {row["name"]: row["kind"] for row in of("components", source, files)}
    assert kinds == {"criterion": "loss", "net": "model", "data": "dataset"}


HELPERS = """import random
import numpy as np
import torch

def seeded(seed):
    random.seed(seed)
    torch.manual_seed(seed)

def options(parser):
    for name in ("a", "b"):
        parser.add_argument(name)
    parser.add_argument("c")
    parser.add_argument("d")
    parser.parse_args()
    seeded(1)

def split(data):
    before = np.random.get_state()
    np.random.seed(0)
    np.random.shuffle(data)
    np.random.set_state(before)
    return data
"""


def test_what_another_file_seeds_through_a_helper_counts_and_what_it_puts_back_does_not() -> None:
    source = """from helpers import options, split
args = options(None)
data = split([1, 2])
"""
    rows = of("randomness", source, {"helpers.py": HELPERS})
    seeds = [(row["rng"], row["line"]) for row in rows if row["kind"] == "seed" and row["rng"] != "cuda"]
    assert seeds == [("python", 2), ("torch", 2)]


def test_an_optimizer_that_sorts_the_modules_itself_covers_their_model() -> None:
    source = """import torch
class Own(torch.optim.Optimizer):
    pass
net = torch.nn.Linear(2, 2)
opt = Own(net.named_modules(), lr=0.1)
"""
    assert [row["covers"] for row in of("components", source) if row["kind"] == "optimizer"] == [["net"]]


def test_a_default_that_is_set_for_an_option_stands_with_the_option() -> None:
    source = """import argparse
p = argparse.ArgumentParser()
p.add_argument("--pin", action="store_true")
p.set_defaults(pin=True, other=3)
"""
    rows = [(row["name"], row["value"], row["line"]) for row in of("hyperparameters", source)]
    assert rows == [("pin", True, 3), ("other", 3, 4)]


def test_numbers_for_a_function_that_makes_several_loaders() -> None:
    files = {
        "data.py": """from torch.utils.data import DataLoader
def loaders(batch_size):
    return DataLoader([1], batch_size), DataLoader([2], batch_size)
def names(batch_size):
    return "a", "b"
"""
    }
    source = """from data import loaders, names
first, second = loaders(batch_size=16)
a, b = names(batch_size=4)
"""
    rows = facts(program(source, files))["hyperparameters"]
    assert [(row["name"], row["value"], row["line"]) for row in rows] == [("batch_size", 16, 2)]


def test_a_function_that_runs_the_model_turn_by_turn_keeps_its_modes() -> None:
    files = {
        "parts.py": """def sample(model, n):
    model.eval()
    for i in range(n):
        model.sample(i)
def freeze(model):
    for p in model.parameters():
        p.requires_grad = False
    model.eval()
"""
    }
    source = """import torch
from parts import freeze, sample
net = torch.nn.Linear(2, 2)
sample(net, 4)
freeze(net)
"""
    assert [row["line"] for row in of("modes", source, files)] == [5]


def test_settings_that_another_file_puts_on_a_node_and_a_package_gives_on() -> None:
    files = {
        "config/__init__.py": "from .base import _C as cfg\n",
        "config/base.py": """from yacs.config import CfgNode as CN
_C = CN()
_C.TRAIN = CN()
_C.TRAIN.LR = 0.1
_C.WORKERS = 4
other = CN()
other.size = 3
def change(cfg):
    cfg.WORKERS = 2
""",
    }
    rows = facts(program("from config import cfg\nprint(cfg.WORKERS)\n", files))["hyperparameters"]
    assert [(row["name"], row["value"], row["file"][-14:], row["line"]) for row in rows] == [
        ("learning_rate", 0.1, "config/base.py", 4),
        ("WORKERS", 4, "config/base.py", 5),
    ]


DRAWING = """import torch

def fresh(count, *, start=None):
    kept = []
    for i in range(count):
        if start is not None:
            torch.manual_seed(start)
        kept.append(torch.randn(4))
    return kept
"""


def test_a_seed_that_a_call_does_not_give_is_not_set_by_it() -> None:
    source = """from drawing import fresh
free = fresh(3)
fixed = fresh(3, start=7)
options = {}
perhaps = fresh(3, **options)
"""
    rows = of("randomness", source, {"drawing.py": DRAWING})
    assert [row["line"] for row in rows if row["kind"] == "seed" and row["rng"] == "torch"] == [3, 5]


WRAPPED = """import torch
from torch import nn

def build():
    return nn.Linear(4, 2)

class Run:
    def __init__(self, several):
        self.net = build()
        self.head = build()
        if several:
            self.spread()

    def spread(self):
        self.net = nn.DataParallel(self.net)
        self.head = put_on(self.head)

    def bare(self):
        inner = self.net.module if isinstance(self.net, nn.DataParallel) else self.net
        return inner

    def load(self, path):
        inner = self.bare()
        inner.load_state_dict(torch.load(path))

def put_on(part):
    return nn.DataParallel(part)
"""


def test_a_wrapper_is_told_where_it_is_put_on_not_where_a_method_gives_the_wrapped_model() -> None:
    rows = facts(program(WRAPPED))["distributed"]["wrappers"]
    assert [(row["kind"], row["object"], row["line"]) for row in rows] == [
        ("dp", "self.net", 15), ("dp", "self.head", 16)
    ]  # fmt: skip


CAME_IN = """import torch
from torch import nn

class Run:
    def __init__(self, net: nn.Module, several):
        self.net = net.cuda()
        if several:
            self.net = nn.DataParallel(self.net)

    def train(self):
        fast = torch.optim.Adam(params=self.net.parameters())
        return fast
"""


def test_an_optimizer_covers_what_its_method_calls_the_model() -> None:
    rows = {row["name"]: row["covers"] for row in of("components", CAME_IN) if row["kind"] == "optimizer"}
    assert rows == {"fast": ["self.net"]}


def test_a_model_that_came_in_and_is_unwrapped_elsewhere_is_the_same_model() -> None:
    source = """import torch
from accelerate import Accelerator

class Run:
    def __init__(self, net):
        self.launcher = Accelerator()
        self.fast = torch.optim.Adam(net.parameters())
        self.net = net
        self.net, self.fast = self.launcher.prepare(self.net, self.fast)

    def load(self, path):
        plain = self.launcher.unwrap_model(self.net)
        plain.load_state_dict(torch.load(path))
"""
    assert [row["name"] for row in of("components", source) if row["kind"] == "model"] == ["net", "self.net"]
