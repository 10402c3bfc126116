"""Hyperparameters in the ways that people declare them, with value, line and origin."""

from __future__ import annotations

import pytest
from dry_debug.program.facts import facts

from tests.program.model import program

Row = tuple[str, object, int, str]

WAYS: dict[str, tuple[str, list[Row]]] = {
    "click": (
        """import click
@click.command()
@click.option("-b", "--batch-size", default=64, help="x")
@click.option("--rate", "lr", default=0.1)
@click.option("--fast", is_flag=True)
def main(batch_size, lr, fast): ...
""",
        [("batch_size", 64, 3, "argparse"), ("learning_rate", 0.1, 4, "argparse"), ("fast", False, 5, "argparse")],
    ),
    "typer": (
        """import typer
app = typer.Typer()
@app.command()
def main(lr: float = 0.1, name: str = typer.Option("x", help="y"), seed: int = None): ...
""",
        [("learning_rate", 0.1, 4, "argparse"), ("name", "x", 4, "argparse"), ("seed", None, 4, "argparse")],
    ),
    "absl": (
        """from absl import flags
FLAGS = flags.FLAGS
flags.DEFINE_float("lr", 2e-4, "x")
flags.DEFINE_integer("steps", default=5, help="y")
""",
        [("learning_rate", 2e-4, 3, "argparse"), ("steps", 5, 4, "argparse")],
    ),
    "class": (
        """class TrainConfig:
    lr = 0.1
    sizes = [1, 2]
    path = compute()
    def __init__(self, x):
        self.epochs = 3
        self.x = x
""",
        [("learning_rate", 0.1, 2, "literal"), ("sizes", [1, 2], 3, "literal"), ("epochs", 3, 6, "literal")],
    ),
    "attributes of a namespace": (
        """from easydict import EasyDict as edict
_C = edict()
cfg = _C
_C.TRAIN = edict()
_C.TRAIN.LR = 0.1
cfg.TRAIN["EPOCHS"] = 2 * 5
""",
        [("learning_rate", 0.1, 5, "literal"), ("epochs", 10, 6, "computed")],
    ),
    "made of keywords": (
        """from types import SimpleNamespace
cfg = SimpleNamespace(
    lr=0.1,
    optim=dict(betas=(0.9, 0.99)),
)
""",
        [("learning_rate", 0.1, 3, "literal"), ("betas", [0.9, 0.99], 4, "literal")],
    ),
    "dict in a dict": (
        """config = {
    "train": {"lr": 0.1},
    "epochs": 3,
}
""",
        [("learning_rate", 0.1, 2, "literal"), ("epochs", 3, 3, "literal")],
    ),
    "computed from options": (
        """import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--batch_size", type=int, default=512)
args = p.parse_args()
args.lr = args.lr * args.batch_size / 256
lr = args.lr / world()
weight_decay = args.lr * args.batch_size
""",
        [("learning_rate", 0.1, 3, "argparse"), ("batch_size", 512, 4, "argparse"),
         ("learning_rate", 0.2, 6, "computed"), ("weight_decay", 51.2, 8, "computed")],
    ),
    "parsers that are set and shared": (
        """import argparse
base = argparse.ArgumentParser(add_help=False)
base.add_argument("--seed", default=1)
p = argparse.ArgumentParser(parents=[base])
group = p.add_argument_group("x")
group.add_argument("--lr", default=0.1)
p.set_defaults(epochs=7, func=run)
sub = p.add_subparsers().add_parser("train")
sub.add_argument("--wd", default=0.0)
""",
        [("seed", 1, 3, "argparse"), ("learning_rate", 0.1, 6, "argparse"), ("epochs", 7, 7, "argparse"),
         ("weight_decay", 0.0, 9, "argparse")],
    ),
    "fields": (
        """from typing import NamedTuple
import attr
from pydantic import BaseModel, Field
class A(NamedTuple):
    lr: float = 0.1
@attr.s(auto_attribs=True)
class B:
    epochs: int = attr.ib(default=3)
class C(BaseModel):
    seed: int = Field(7, ge=0)
    betas: list = Field(default_factory=lambda: [0.9, 0.99])
""",
        [("learning_rate", 0.1, 5, "dataclass"), ("epochs", 3, 8, "dataclass"), ("seed", 7, 10, "dataclass"),
         ("betas", [0.9, 0.99], 11, "dataclass")],
    ),
    "a flag of click": (
        """import click
@click.command()
@click.option("--fast/--slow", default=True)
def main(fast): ...
""",
        [("fast", True, 3, "argparse")],
    ),
    "arguments of a trainer that are set later": (
        """from transformers import TrainingArguments
args = TrainingArguments(output_dir="x")
args.learning_rate = 1e-4
""",
        [("output_dir", "x", 2, "literal"), ("learning_rate", 1e-4, 3, "literal")],
    ),
    "a tracker's configuration": (
        """import wandb
wandb.init(project="x", config={"lr": 0.1, "note": text})
""",
        [("learning_rate", 0.1, 2, "literal")],
    ),
    "an update": (
        """from omegaconf import OmegaConf
cfg = OmegaConf.create({"lr": 0.1})
cfg.update({"epochs": 5})
""",
        [("learning_rate", 0.1, 2, "literal"), ("epochs", 5, 3, "literal")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_hyperparameters_of_each_way(way: str) -> None:
    source, expected = WAYS[way]
    rows = facts(program(source))["hyperparameters"]
    assert [(r["name"], r["value"], r["line"], r["origin"]) for r in rows] == expected


NONE = {
    "what a script computes while it runs": """import argparse
args = argparse.ArgumentParser().parse_args()
state = {}
state["lr"] = 0.1
def adjust(optimizer, epoch, args):
    lr = args.lr * 0.1 ** (epoch // 30)
""",
    "an enumeration": "from enum import Enum\nclass RunOption(Enum):\n    batch = 1\n    model = 2\n",
    "a copy": "import argparse\nargs = dict()\nx = read()\nargs['block_size'] = x\n",
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_hyperparameter(name: str) -> None:
    assert facts(program(NONE[name]))["hyperparameters"] == []
