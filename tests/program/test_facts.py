"""`facts`: the shape of the contract, and the facts of small programs."""

from typing import Any

import pytest
from dry_debug.program.facts import facts

from tests.program.model import program

SCRIPT = """
import argparse
import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--accum", dest="accum_steps", default=4, type=int)
args = parser.parse_args()

torch.manual_seed(0)
train_set = datasets.MNIST("data", train=True)
train_loader = DataLoader(train_set, batch_size=64)
val_loader = DataLoader(datasets.MNIST("data", train=False), batch_size=64)
model = nn.Linear(1, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
scaler = torch.amp.GradScaler("cuda")

for epoch in range(10):
    model.train()
    for i, (x, y) in enumerate(train_loader):
        loss = nn.functional.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        if (i + 1) % args.accum_steps == 0:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        for x, y in val_loader:
            model(x)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt")
"""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return facts(program(SCRIPT))


def test_the_keys_are_those_of_the_contract(script: dict[str, Any]) -> None:
    assert set(script) == {
        "frameworks", "is_training_script", "components", "loops", "accumulation", "steps", "modes", "saves", "loads",
        "randomness", "distributed", "hyperparameters", "models",
    }  # fmt: skip
    assert script["frameworks"] == ["torch", "torchvision"]
    assert script["is_training_script"] is True


def test_components_and_their_relations(script: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in script["components"]}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "train_set": "dataset", "train_loader": "loader", "val_loader": "loader", "model": "model",
        "optimizer": "optimizer", "scheduler": "scheduler", "scaler": "scaler",
    }  # fmt: skip
    assert rows["optimizer"]["covers"] == ["model"]
    assert rows["optimizer"]["type"] == "SGD"
    assert rows["scheduler"]["drives"] == ["optimizer"]
    assert rows["scheduler"]["cadence"] == "epoch"
    assert rows["scaler"]["wraps"] == ["optimizer"]
    assert rows["train_loader"]["reads"] == ["train_set"]
    assert (rows["train_loader"]["role"], rows["val_loader"]["role"]) == ("train", "eval")
    assert rows["model"]["line"] == 17


def test_loops_and_accumulation(script: dict[str, Any]) -> None:
    assert [(row["kind"], row["line"]) for row in script["loops"]] == [("epoch", 22), ("batch", 24), ("eval", 36)]
    assert [(row["line"], row["steps"]) for row in script["accumulation"]] == [(27, 4)]


def test_steps_name_their_objects_as_written(script: dict[str, Any]) -> None:
    assert [(row["kind"], row["object"], row["line"]) for row in script["steps"]] == [
        ("backward", "loss", 26),
        ("unscale", "optimizer", 28),
        ("clip", "model", 29),
        ("optimizer_step", "optimizer", 30),
        ("scaler_update", "scaler", 31),
        ("zero_grad", "optimizer", 32),
        ("scheduler_step", "scheduler", 33),
    ]


def test_modes_saves_and_randomness(script: dict[str, Any]) -> None:
    assert [(row["kind"], row["line"], row["end_line"]) for row in script["modes"]] == [
        ("train", 23, 23),
        ("eval", 34, 34),
        ("no_grad", 35, 37),
    ]
    (save,) = script["saves"]
    assert (save["path"], save["keys"]) == ("last.pt", ["model", "optimizer", "epoch"])
    assert save["components"] == ["model", "optimizer"]
    assert [(row["kind"], row["rng"], row["line"]) for row in script["randomness"]] == [
        ("seed", "torch", 13),
        ("seed", "cuda", 13),
    ]


def test_hyperparameters_tell_where_they_come_from(script: dict[str, Any]) -> None:
    rows = {(row["name"], row["line"]): (row["value"], row["origin"]) for row in script["hyperparameters"]}
    assert rows[("learning_rate", 9)] == (1e-3, "argparse")
    assert rows[("gradient_accumulation_steps", 10)] == (4, "argparse")
    assert rows[("batch_size", 15)] == (64, "literal")


def test_a_parameter_is_marked_as_one() -> None:
    rows = facts(program("def train(model, optimizer):\n    optimizer.zero_grad()\n    optimizer.step()\n"))
    assert [(c["name"], c["kind"], c["parameter"]) for c in rows["components"] if c["kind"] == "optimizer"] == [
        ("optimizer", "optimizer", True)
    ]


def test_a_seeding_helper_counts_at_its_call() -> None:
    rows = facts(
        program(
            "from tools import set_seed\nset_seed(3)\n",
            {"tools.py": "import random, torch\ndef set_seed(s):\n    random.seed(s)\n    torch.manual_seed(s)\n"},
        )
    )["randomness"]
    assert [(row["rng"], row["line"]) for row in rows] == [("python", 2), ("torch", 2), ("cuda", 2)]
    assert rows[0]["via"].endswith("tools.py:3")


def test_a_library_file_is_no_training_script() -> None:
    assert facts(program("import torch\ndef f(x):\n    return torch.relu(x)\n"))["is_training_script"] is False


def test_a_module_with_optimizers_for_its_parts_is_a_trainer() -> None:
    source = """
    import torch
    from torch import nn

    class Duel(nn.Module):
        def __init__(self):
            super().__init__()
            self.painter = nn.Linear(4, 4)
            self.judge = nn.Linear(4, 1)
            self.act = nn.ReLU()
            self.opt = torch.optim.Adam(self.painter.parameters())
            weights = list(self.judge.parameters())
            self.judge_opt = torch.optim.Adam(weights)

    class Agent(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.opt = torch.optim.Adam(self.parameters())
    """
    found = facts(program(source))["components"]
    assert [c["name"] for c in found if c["kind"] == "model"] == ["self.painter", "self.judge"]
    covers = [c["covers"] for c in found if c["kind"] == "optimizer"]
    assert covers[:2] == [["self.painter"], ["self.judge"]]


def test_a_loader_may_have_set_epoch_and_a_scheduler_step_update() -> None:
    source = """
    def learn(model, data_loader, my_sampler, optimizer, lr_scheduler, epoch):
        data_loader.set_epoch(epoch)
        my_sampler.set_epoch(epoch)
        num_steps = 0
        for x, y in data_loader:
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
            lr_scheduler.step()
            lr_scheduler.step_update(epoch)
    """
    found = facts(program(source))
    kinds = {c["name"]: c["kind"] for c in found["components"]}
    assert kinds["data_loader"] == "loader" and kinds["my_sampler"] == "sampler"
    assert [s["line"] for s in found["steps"] if s["kind"] == "scheduler_step"] == [10, 11]
    assert not found["hyperparameters"]


def test_a_model_out_of_its_wrapper_is_no_second_model() -> None:
    found = program(
        """
        import torch
        from torch.distributed._composable.fsdp import fully_shard

        def save(net, path):
            plain = net.module if hasattr(net, "module") else net
            torch.save(plain.state_dict(), path)

        def train(path):
            net = fully_shard(torch.nn.Linear(3, 4))
            adam = torch.optim.AdamW(net.parameters())
            save(net, path)
        """
    )
    components = facts(found)["components"]
    assert [(c["kind"], c["name"]) for c in components] == [("model", "net"), ("optimizer", "adam")]
    assert components[1]["covers"] == ["net"]


_TWO = """import itertools
import torch
from torch import nn

def main(both, data):
    a, b = nn.Linear(1, 1), nn.Linear(1, 2)
"""


@pytest.mark.parametrize(
    ("made", "covered"),
    [
        ("made = list(a.parameters())\nmade += b.parameters()", ["a", "b"]),
        ("made = list(a.parameters())\nif both:\n    made += list(b.parameters())", ["a", "b"]),
        ("made = list(a.parameters())\nif both:\n    made.extend(b.parameters())", ["a", "b"]),
        ("made = [{'params': a.parameters()}]\nmade.append({'params': b.parameters(), 'lr': 0.1})", ["a", "b"]),
        ("nets = [a]\nif both:\n    nets.append(b)\nmade = []\nfor n in nets:\n    made += n.parameters()", ["a", "b"]),
        ("nets = (a, b)\nmade = [{'params': net.parameters()} for net in nets]", ["a", "b"]),
        ("made = [p for net in (a, b) for p in net.parameters() if p.requires_grad]", ["a", "b"]),
        ("made = list(a.parameters()) + list(b.parameters()) if both else a.parameters()", ["a", "b"]),
        ("if both:\n    made = [*a.parameters()] + [*b.parameters()]\nelse:\n    made = a.parameters()", ["a", "b"]),
        # What the variable held before, holds later, or is not given is not covered.
        ("made = list(a.parameters())\nprint(made)\nmade = []\nmade += b.parameters()", ["b"]),
        ("made = list(b.parameters())\nfor net in (a, b):\n    net.train()", ["b"]),
        ("made = itertools.chain(b.parameters())\nprint(a)", ["b"]),
    ],
)  # fmt: skip
def test_an_optimizer_covers_all_that_its_list_was_put_together_from(made: str, covered: list[str]) -> None:
    body = "".join(f"    {line}\n" for line in made.splitlines())
    later = "    made = list(a.parameters())\n    made += data\n"
    found = facts(program(f"{_TWO}{body}    adam = torch.optim.Adam(made, lr=0.1)\n{later}"))["components"]
    assert [c["covers"] for c in found if c["kind"] == "optimizer"] == [covered]
