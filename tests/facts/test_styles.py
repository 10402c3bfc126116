"""Facts of small programs in the styles that public scripts are written in."""

from __future__ import annotations

from typing import Any

import pytest
from dry_debug.program.facts import facts

from tests.facts.small import of
from tests.program.model import program

LOOP = """
import torch
from torch import nn
from torch.utils.data import DataLoader

net = nn.Linear(4, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""


def loops(source: str, files: dict[str, str] | None = None) -> list[tuple[str, int]]:
    return [(row["kind"], row["line"]) for row in facts(program(source, files))["loops"]]


MICRO = (
    LOOP
    + """parts = 4
while True:
    for part in range(parts):
        loss = net(torch.randn(8, 4)).sum()
        loss.backward()
    opt.step()
    opt.zero_grad()
"""
)


def test_a_loop_over_parts_of_a_batch_accumulates_and_the_loop_around_it_iterates() -> None:
    assert loops(MICRO) == [("iteration", 9)]
    assert [(row["line"], row["steps"]) for row in of("accumulation", MICRO)] == [(10, 4)]


def test_an_update_that_is_delayed_as_a_whole_is_no_accumulation() -> None:
    source = (
        LOOP
        + """for i in range(9):
    if i % 2 == 0:
        opt.zero_grad()
        net(torch.randn(8, 4)).sum().backward()
        opt.step()
"""
    )
    assert of("accumulation", source) == []


def test_a_step_every_so_many_batches_is_accumulation_with_the_default_behind_a_variable() -> None:
    source = (
        """import argparse
"""
        + LOOP
        + """parser = argparse.ArgumentParser()
parser.add_argument("--accum_steps", type=int, default=8)
args = parser.parse_args()
every = args.accum_steps
for i, x in enumerate(DataLoader(data)):
    net(x).sum().backward()
    if (i + 1) % every == 0:
        opt.step()
        opt.zero_grad()
"""
    )
    assert [row["steps"] for row in of("accumulation", source)] == [8]


def test_loops_nest_from_runs_over_epochs_to_batches() -> None:
    source = (
        LOOP
        + """loader = DataLoader(data)
for fold in range(5):
    for turn in range(20):
        for x in loader:
            for _ in range(2):
                opt.zero_grad()
                net(x).sum().backward()
                opt.step()
"""
    )
    assert loops(source) == [("iteration", 9), ("epoch", 10), ("batch", 11), ("iteration", 12)]


def test_a_loop_over_optimizers_is_no_training_loop() -> None:
    source = (
        LOOP
        + """for x in DataLoader(data):
    net(x).sum().backward()
    for each in optimizers:
        each.step()
"""
    )
    assert loops(source) == [("batch", 8)]


def test_a_generator_of_the_project_around_a_loader_gives_batches() -> None:
    files = {"progress.py": "def log_every(items, n):\n    for item in items:\n        yield item\n"}
    source = (
        "from progress import log_every\n"
        + LOOP
        + """loader = DataLoader(data)
for x in log_every(loader, 10):
    opt.zero_grad()
    net(x).sum().backward()
    opt.step()
"""
    )
    assert loops(source, files) == [("batch", 10)]
    assert [(c["name"], c["role"]) for c in of("components", source, files) if c["kind"] == "loader"] == [
        ("loader", "train")
    ]


def test_a_parameter_that_a_training_loop_goes_through_is_a_loader_that_is_passed_in() -> None:
    source = """
import torch


def fit(net, opt, items):
    net.train()
    for i, (x, y) in enumerate(items):
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()
"""
    assert loops(source) == [("batch", 7)]
    passed = [c for c in of("components", source) if c["kind"] == "loader"]
    assert [(c["name"], c["role"], c["parameter"]) for c in passed] == [("items", "train", True)]


def test_evaluation_over_a_number_of_drawn_batches_is_an_evaluation_loop() -> None:
    source = (
        LOOP
        + """@torch.no_grad()
def estimate():
    net.eval()
    for k in range(10):
        net(draw())
    net.train()
"""
    )
    assert loops(source) == [("eval", 11)]


def test_a_library_that_another_file_brings_with_a_star_is_that_library() -> None:
    files = {"common.py": "import torch\nfrom torch import nn\n"}
    source = """from common import *

torch.manual_seed(1)
net = nn.Linear(2, 2)
opt = torch.optim.Adam(net.parameters())
torch.save(net.state_dict(), "net.pt")
"""
    found = facts(program(source, files))
    assert "torch" in found["frameworks"]
    assert [(c["kind"], c["name"], c["covers"]) for c in found["components"]] == [
        ("model", "net", []),
        ("optimizer", "opt", ["net"]),
    ]
    assert [row["line"] for row in found["saves"]] == [6]
    assert {row["line"] for row in found["randomness"] if row["kind"] == "seed"} == {3}


def test_a_file_that_says_what_its_star_brings_brings_nothing_else() -> None:
    files = {"common.py": "import torch\n__all__ = ['other']\nother = 1\n"}
    assert of("randomness", "from common import *\ntorch.manual_seed(1)\n", files) == []


def test_files_that_import_everything_from_each_other_end() -> None:
    files = {"one.py": "from two import *\n", "two.py": "from one import *\n"}
    assert of("randomness", "from one import *\ntorch.manual_seed(1)\n", files) == []


def test_a_helper_that_hands_its_arguments_on_to_save_is_a_save_site() -> None:
    files = {"dist.py": "import torch\n\n\ndef save_on_main(*args, **kw):\n    if is_main_process():\n"
                        "        torch.save(*args, **kw)\n"}  # fmt: skip
    source = (
        "from dist import save_on_main\n"
        + LOOP
        + """state = {"net": net.state_dict(), "opt": opt.state_dict()}
save_on_main(state, "last.pt")
"""
    )
    (save,) = of("saves", source, files)
    assert (save["line"], save["keys"], save["components"]) == (10, ["net", "opt"], ["model", "optimizer"])
    assert (save["path"], save["rank_guarded"]) == ("last.pt", True)


def test_a_part_of_a_checkpoint_in_a_variable_is_followed_to_the_model() -> None:
    source = (
        LOOP
        + """checkpoint = torch.load("last.pt", map_location="cpu")
weights = checkpoint["net"]
net.load_state_dict(weights)
"""
    )
    (load,) = of("loads", source)
    assert (load["line"], load["keys"], load["components"]) == (8, ["net"], ["model"])


def test_a_helper_of_another_file_that_loads_counts_at_its_call() -> None:
    files = {"io.py": "", "files.py": "import torch\n\n\ndef read(path, device):\n    "
                                      "state = torch.load(path, map_location=device)\n    return state\n"}  # fmt: skip
    source = (
        "from files import read\n"
        + LOOP
        + """state = read("last.pt", "cuda:0")
net.load_state_dict(state["net"])
"""
    )
    (load,) = of("loads", source, files)
    assert (load["line"], load["path"], load["keys"]) == (9, "last.pt", ["net"])
    assert (load["components"], load["map_location"]) == (["model"], '"cuda:0"')
    assert load["via"].endswith("files.py:5")


def test_a_helper_of_another_file_that_steps_counts_at_its_call_and_a_training_function_does_not() -> None:
    files = {"steps.py": "def update(opt, loss):\n    opt.zero_grad()\n    loss.backward()\n    opt.step()\n\n\n"
                         "def train(opt, loader):\n    for loss in loader:\n        loss.backward()\n"
                         "        opt.step()\n"}  # fmt: skip
    source = (
        "from steps import train, update\n"
        + LOOP
        + """cost = net(x).sum()
update(opt, cost)
train(opt, loader)
"""
    )
    found = [(row["kind"], row["object"], row["line"]) for row in of("steps", source, files)]
    assert found == [("zero_grad", "opt", 10), ("backward", "cost", 10), ("optimizer_step", "opt", 10)]


def test_an_optimizer_that_a_model_configures_for_itself_covers_that_model() -> None:
    files = {
        "model.py": """
import torch
from torch import nn


class Net(nn.Module):
    def configure(self, lr):
        named = {n: p for n, p in self.named_parameters()}
        decay = [p for n, p in named.items() if p.dim() >= 2]
        return torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}], lr=lr)
"""
    }
    source = "from model import Net\nnet = Net()\nopt = net.configure(0.1)\n"
    assert [c["covers"] for c in of("components", source, files) if c["kind"] == "optimizer"] == [["net"]]


def test_a_helper_that_groups_the_parameters_of_a_model_is_looked_through() -> None:
    files = {"groups.py": "def groups(model):\n    return [{'params': [p for _, p in model.named_parameters()]}]\n"}
    source = "from groups import groups\n" + LOOP.replace("net.parameters()", "groups(net)")
    assert [c["covers"] for c in of("components", source, files) if c["kind"] == "optimizer"] == [["net"]]


def test_the_n_th_of_a_list_of_optimizers_is_the_n_th_that_was_appended() -> None:
    source = (
        LOOP
        + """other = torch.optim.SGD(net.parameters(), lr=0.2)
both = []
both.append(opt)
both.append(other)
plan = torch.optim.lr_scheduler.StepLR(both[1], 3)
"""
    )
    assert [c["drives"] for c in of("components", source) if c["kind"] == "scheduler"] == [["other"]]


def test_a_part_of_a_model_that_is_wrapped_in_place_is_a_wrapper() -> None:
    source = LOOP + "net.body = nn.DataParallel(net.body)\n"
    wrapper = {"kind": "dp", "object": "net.body", "line": 8, "confidence": "high"}
    assert facts(program(source))["distributed"]["wrappers"] == [wrapper]


def test_splits_of_a_dataset_are_datasets_with_their_role_and_a_progress_bar_is_no_loader() -> None:
    source = """from datasets import load_dataset
from torch.utils.data import DataLoader
from tqdm import tqdm

rows = load_dataset("some")
first = rows["train"]
train_rows = rows["train"]
loader = DataLoader(train_rows)
bar = tqdm(loader)
"""
    found = [(c["kind"], c["name"]) for c in of("components", source)]
    assert found == [("dataset", "rows"), ("dataset", "first"), ("dataset", "train_rows"), ("loader", "loader")]


def test_a_collator_is_no_model_and_a_loss_module_is_a_loss() -> None:
    source = """from torch import nn
from transformers import DataCollatorForTokenClassification


class PairLoss(nn.Module):
    def forward(self, a, b):
        return (a - b).sum()


collate = DataCollatorForTokenClassification(tokenizer)
criterion = PairLoss()
"""
    assert [(c["kind"], c["name"]) for c in of("components", source)] == [("loss", "criterion")]


def test_autocast_behind_a_variable_is_a_mode_of_the_block() -> None:
    source = """from contextlib import nullcontext

import torch

ctx = nullcontext() if cpu else torch.amp.autocast("cuda")
with ctx:
    y = net(x)
"""
    assert [(row["kind"], row["line"], row["end_line"]) for row in of("modes", source)] == [("autocast", 6, 7)]


def test_the_backend_may_be_the_default_of_an_argument() -> None:
    source = """import argparse

import torch.distributed as dist

parser = argparse.ArgumentParser()
parser.add_argument("--dist-backend", default="gloo")
args = parser.parse_args()
dist.init_process_group(backend=args.dist_backend)
"""
    assert facts(program(source))["distributed"]["backend"] == "gloo"


def test_values_of_a_config_dict_and_numbers_beside_known_fields_are_hyperparameters() -> None:
    source = """import torch

learning_rate = 0.1
gamma = 0.98
horizon = 20
best_score = 0

config = {"batch_size": 16, "noise": 0.2, "names": [1]}
"""
    found = [(row["name"], row["value"], row["line"]) for row in of("hyperparameters", source)]
    assert found == [("learning_rate", 0.1, 3), ("gamma", 0.98, 4), ("horizon", 20, 5), ("batch_size", 16, 8),
                     ("noise", 0.2, 8)]  # fmt: skip


def test_defaults_of_what_makes_an_optimizer_are_hyperparameters_and_those_of_a_layer_are_not() -> None:
    source = """import torch


class Agent:
    def __init__(self, net, tau=0.005):
        self.opt = torch.optim.Adam(net.parameters())


class Layer:
    def __init__(self, width=128):
        self.width = width
"""
    assert [(row["name"], row["value"]) for row in of("hyperparameters", source)] == [("tau", 0.005)]


def test_what_accelerate_and_transformers_write_whole_is_a_save_site() -> None:
    source = """from accelerate import Accelerator
from transformers import AutoModel

accelerator = Accelerator()
net = AutoModel.from_pretrained("some/model")
net = accelerator.prepare(net)
accelerator.save_state("state")
net.save_pretrained("out")
"""
    assert [(row["line"], row["path"], row["components"]) for row in of("saves", source)] == [
        (7, "state", ["model"]),
        (8, "out", ["model"]),
    ]


def test_a_helper_gives_one_seed_for_each_generator() -> None:
    files = {"seeding.py": "import torch\n\n\ndef fix(seed):\n    torch.manual_seed(seed)\n"
                           "    torch.cuda.manual_seed_all(seed)\n"}  # fmt: skip
    found = [(row["rng"], row["line"]) for row in of("randomness", "from seeding import fix\nfix(0)\n", files)]
    assert sorted(found) == [("cuda", 2), ("torch", 2)]


def components(source: str, files: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in of("components", source, files)}


BY_HAND = """
class Decay:
    def __init__(self, opt, start):
        self.opt, self.start = opt, start
    def __call__(self, n):
        self._set(self.start / (n + 1))
    def _set(self, value):
        for g in self.opt.param_groups:
            g["lr"] = value
"""


def test_a_class_that_only_sets_learning_rates_is_a_scheduler_and_its_call_a_step() -> None:
    source = (
        LOOP
        + BY_HAND
        + """
decay = Decay(opt, 0.1)
for n in range(9):
    for x in DataLoader(data):
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()
    decay(n)
"""
    )
    row = components(source)["decay"]
    assert (row["kind"], row["drives"], row["cadence"]) == ("scheduler", ["opt"], "epoch")
    assert [(s["object"], s["line"]) for s in of("steps", source) if s["kind"] == "scheduler_step"] == [("decay", 24)]


def test_a_scheduler_of_another_file_that_is_given_the_optimizer_at_each_call() -> None:
    files = {"rates.py": "class Cosine:\n    def __call__(self, opt, n):\n        opt.param_groups[0]['lr'] = 1 / n\n"}
    source = (
        "from rates import Cosine\n"
        + LOOP
        + """
class Runner:
    def __init__(self):
        self.schedule = Cosine()
    def run(self):
        for x in DataLoader(data):
            self.schedule(opt, 3)
            net(x).sum().backward()
            opt.step()
"""
    )
    row = components(source, files)["self.schedule"]
    assert (row["kind"], row["drives"], row["cadence"]) == ("scheduler", ["opt"], "batch")


def test_a_trainer_that_also_sets_learning_rates_is_no_scheduler() -> None:
    source = (
        LOOP
        + """
class RateTrainer:
    def slow_down(self):
        for g in opt.param_groups:
            g["lr"] *= 0.1
    def fit(self, x):
        net(x).sum().backward()
        opt.step()
trainer = RateTrainer()
trainer.slow_down()
"""
    )
    assert "trainer" not in components(source)
    assert all(s["kind"] != "scheduler_step" for s in of("steps", source))


def test_a_class_that_averages_parameters_is_an_average_and_one_that_averages_numbers_is_not() -> None:
    source = (
        LOOP
        + """
import copy
class ModelEMA:
    def __init__(self, model):
        self.kept = copy.deepcopy(model)
    def update(self, model):
        for mine, theirs in zip(self.kept.parameters(), model.parameters()):
            mine.data.lerp_(theirs.data, 0.1)
class LossEMA:
    def update(self, number):
        self.value = 0.9 * self.value + 0.1 * number
average = ModelEMA(net)
smooth = LossEMA()
"""
    )
    found = components(source)
    assert found["average"]["kind"] == "ema" and "smooth" not in found


def test_an_optimizer_of_two_passes_in_another_file_clears_and_steps_at_its_calls() -> None:
    files = {
        "twice.py": """
import torch
class Twice(torch.optim.Optimizer):
    def up(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad)
        self.zero_grad()
    def down(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(p.grad)
        self.inner_optimizer.step()
"""
    }
    source = (
        "from twice import Twice\n"
        + LOOP
        + """
two = Twice(net.parameters())
for x in DataLoader(data):
    net(x).sum().backward()
    two.up()
    net(x).sum().backward()
    two.down()
"""
    )
    assert components(source, files)["two"]["covers"] == ["net"]
    assert [(s["kind"], s["object"]) for s in of("steps", source, files) if "via" in s] == [
        ("zero_grad", "two"),
        ("optimizer_step", "two"),
    ]


PARTS = """
import torch
from torch import nn
class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor, self.critic = nn.Linear(2, 2), nn.Linear(2, 1)
    def slow_params(self):
        for layer in [self.actor]:
            yield from layer.parameters()
"""


def test_parts_of_a_model_count_as_the_model_and_its_own_methods_give_its_parameters() -> None:
    source = (
        PARTS
        + """
class Agent:
    def __init__(self):
        self.policy = Both()
        self.old = Both()
        self.opt = torch.optim.Adam([{"params": self.policy.actor.parameters()},
                                     {"params": self.policy.critic.parameters()}])
        self.slow = torch.optim.SGD([{"params": self.old.slow_params(), "lr": 1.0}])
"""
    )
    found = components(source)
    assert found["self.opt"]["covers"] == ["self.policy"] and found["self.slow"]["covers"] == ["self.old"]


def test_a_module_that_optimizes_itself() -> None:
    source = (
        PARTS
        + """
class Lone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        local = nn.ReLU()
        self.opt = torch.optim.Adam(self.parameters())
"""
    )
    assert components(source)["self.opt"]["covers"] == ["self"]
    assert "local" not in components(source)


def test_a_class_may_have_the_name_of_its_base() -> None:
    source = """
from torch.utils.data import Dataset, DataLoader
class Dataset(Dataset):
    def __init__(self, folder):
        self.folder = folder
def make():
    pictures = Dataset("train")
    loader = DataLoader(pictures)
"""
    found = components(source)
    assert found["pictures"]["kind"] == "dataset" and found["loader"]["reads"] == ["pictures"]


def test_collections_of_loaders_and_optimizers_and_phases() -> None:
    source = (
        LOOP
        + """
loaders = {x: DataLoader(sets[x]) for x in ["train", "val"]}
opts = [torch.optim.SGD(net.parameters(), lr=0.1), torch.optim.Adam(net.parameters())]
for epoch in range(3):
    for phase in ["train", "val"]:
        for x in loaders[phase]:
            for o in opts:
                o.zero_grad()
            net(x).sum().backward()
            opts[0].step()
"""
    )
    found = components(source)
    assert found["loaders"]["kind"] == "loader"
    assert (found["opts"]["kind"], found["opts"]["covers"]) == ("optimizer", ["net"])
    assert loops(source) == [("epoch", 11), ("batch", 13)]


def test_turns_that_are_written_out_make_no_epochs() -> None:
    source = (
        LOOP
        + """for i in range(900):
    for part in ("a", "b"):
        opt.zero_grad()
        net(next(streams[part])).sum().backward()
        opt.step()
"""
    )
    assert loops(source) == [("iteration", 8), ("iteration", 9)]


def test_what_a_class_is_given_by_keywords_is_known_by_its_use() -> None:
    source = """
class Runner:
    def __init__(self, **kwargs):
        self.model = kwargs["model"].to("cuda")
        self.optimizer = kwargs["optimizer"]
        self.title = kwargs["title"]
    def run(self, loader):
        for x in loader:
            self.optimizer.zero_grad()
            self.model(x).sum().backward()
            self.optimizer.step()
        return self.model.state_dict()
"""
    found = {name: (row["kind"], row["parameter"]) for name, row in components(source).items()}
    assert found == {"self.model": ("model", True), "self.optimizer": ("optimizer", True), "loader": ("loader", True)}


def test_numbers_for_a_function_that_trains_and_defaults_that_somebody_uses() -> None:
    source = (
        LOOP
        + """
def train(epochs=5, lr=0.3, width=7):
    for _ in range(epochs):
        net(x).sum().backward()
        opt.step()
train(epochs=20)
"""
    )
    rows = [(h["name"], h["value"]) for h in of("hyperparameters", source)]
    assert rows == [("learning_rate", 0.1), ("learning_rate", 0.3), ("epochs", 20)]


def test_a_parameter_of_a_function_that_is_handed_on_is_no_component() -> None:
    source = (
        LOOP
        + """
def slower(optimizer, n):
    optimizer.step()
    optimizer.zero_grad()
apply(slower)
"""
    )
    assert "optimizer" not in components(source)


def test_what_is_only_taken_out_of_a_wrapper_is_not_wrapped_again() -> None:
    source = (
        LOOP
        + """
net = nn.parallel.DistributedDataParallel(net) if many else net
plain = net.module if hasattr(net, "module") else net
"""
    )
    assert [w["object"] for w in facts(program(source))["distributed"]["wrappers"]] == ["net"]


def test_guards_of_ranks() -> None:
    source = """
if args.n_gpu > 0:
    a()
if args.gpu != 0:
    silence()
if rank != 0:
    raise SystemExit
if args.gpu == 0:
    save()
"""
    assert facts(program(source))["distributed"]["rank_guards"] == [6, 8]


def test_a_main_that_seeds_before_it_starts_is_no_seeding_helper() -> None:
    source = """
import random, torch
def work(args):
    for x in data:
        pass
def main():
    random.seed(1)
    torch.manual_seed(1)
    work(1)
main()
"""
    assert {row["line"] for row in of("randomness", source)} == {7, 8}


def test_a_launchers_helpers() -> None:
    source = """
import torch
from accelerate import Accelerator
class Run:
    def __init__(self, model):
        self.launcher = Accelerator()
        self.model = self.launcher.prepare(model)
    def go(self, x):
        with self.launcher.autocast():
            self.model(x)
        plain = self.launcher.unwrap_model(self.model)
        torch.save({"model": self.launcher.get_state_dict(self.model)}, "a.pt")
"""
    assert [m["kind"] for m in of("modes", source)] == ["autocast"]
    assert [s["components"] for s in of("saves", source)] == [["model"]]
    assert "plain" not in components(source)


def test_keys_that_are_looked_for() -> None:
    source = """
import torch
state = torch.load("a.pt", map_location="cpu")
if "old.weight" in state.keys():
    net.load_state_dict(state)
"""
    assert [row["keys"] for row in of("loads", source)] == [["old.weight"]]


def test_gradients_that_a_helper_scales_down_are_clipped_and_a_part_that_is_dropped_is_not_cleared() -> None:
    files = {
        "tools.py": """
def clip_by_hand(model, limit):
    for p in model.parameters():
        p.grad.data.mul_(limit / p.grad.norm())
def forget_last(model):
    for n, p in model.named_parameters():
        if "last" in n:
            p.grad = None
"""
    }
    source = (
        "import tools\n"
        + LOOP
        + """for x in DataLoader(data):
    opt.zero_grad()
    net(x).sum().backward()
    tools.clip_by_hand(net, 1.0)
    tools.forget_last(net)
    opt.step()
"""
    )
    assert [(s["kind"], s["object"]) for s in of("steps", source, files) if "via" in s] == [("clip", "net")]


def test_a_loop_over_losses_is_no_training_loop() -> None:
    source = (
        LOOP
        + """def closure():
    opt.zero_grad()
    for part in parts:
        part.backward()
    return parts[0]
while n < 9:
    opt.step(closure)
"""
    )
    assert loops(source) == [("iteration", 13)]


def test_numbers_by_their_place_and_in_the_body_of_an_agent() -> None:
    source = """
import torch
from torch.utils.data import DataLoader
class Agent:
    clip = 0.2
    title = "agent"
    def __init__(self, net, decay=0.9, name="x"):
        self.net = net
        self.optimizer = torch.optim.Adam(net.parameters(), 1e-3)
        self.loader = DataLoader(data, 64)
    def learn(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
class Layer(torch.nn.Module):
    width = 3
"""
    rows = [(h["name"], h["value"]) for h in of("hyperparameters", source)]
    assert rows == [("max_grad_norm", 0.2), ("decay", 0.9), ("learning_rate", 0.001), ("batch_size", 64)]


def test_an_agent_whose_networks_keep_their_optimizers_and_files() -> None:
    files = {
        "networks.py": """
import torch
from torch import nn
class Critic(nn.Module):
    def __init__(self, file="a.pt"):
        super().__init__()
        self.layer, self.file = nn.Linear(2, 1), file
        self.optimizer = torch.optim.Adam(self.parameters(), lr=0.1)
    def keep(self):
        torch.save(self.state_dict(), self.file)
    def fetch(self):
        self.load_state_dict(torch.load(self.file))
"""
    }
    source = """
from networks import Critic
class Agent:
    def __init__(self, gamma=0.9):
        self.critic = Critic()
    def learn(self, x):
        self.critic.optimizer.zero_grad()
        self.critic(x).sum().backward()
        self.critic.optimizer.step()
    def write(self):
        self.critic.keep()
    def read(self):
        self.critic.fetch()
"""
    assert [(s["line"], s["components"], s["path"]) for s in of("saves", source, files)] == [(11, ["model"], None)]
    assert [(s["line"], s["components"], s["path"]) for s in of("loads", source, files)] == [(13, ["model"], None)]
    assert [(h["name"], h["value"]) for h in of("hyperparameters", source, files) if not h["file"]] == [("gamma", 0.9)]


def test_loaders_by_a_name_in_one_word() -> None:
    source = """
def run(net, trainloader, valloader, downloader):
    for x in trainloader:
        net(x).sum().backward()
"""
    found = {name: row["role"] for name, row in components(source).items() if row["kind"] == "loader"}
    assert found == {"trainloader": "train", "valloader": "eval"}


GUARDS = {
    "the last remainder": (
        3,
        """for i, x in enumerate(loader):
    (net(x).sum() / k).backward()
    if i % k == k - 1:
        opt.step()
        opt.zero_grad()
""",
    ),
    "a remainder or the last batch": (
        3,
        """for i, x in enumerate(loader):
    (net(x).sum() / k).backward()
    if (i + 1) % k == 0 or (i + 1) == len(loader):
        opt.step()
        opt.zero_grad()
""",
    ),
    "a test in a variable": (
        4,
        """for i, x in enumerate(loader):
    ready = (i + 1) % k == 0
    (net(x).sum() / k).backward()
    if ready:
        opt.step()
        opt.zero_grad()
""",
    ),
    "no remainder": (
        3,
        """for i, x in enumerate(loader):
    (net(x).sum() / k).backward()
    if not (i + 1) % k:
        opt.step()
        opt.zero_grad()
""",
    ),
    "continue unless it is time": (
        3,
        """for i, x in enumerate(loader):
    (net(x).sum() / k).backward()
    if (i + 1) % k != 0:
        continue
    opt.step()
    opt.zero_grad()
""",
    ),
    "a counter that starts again": (
        5,
        """count = 0
for x in loader:
    (net(x).sum() / k).backward()
    count += 1
    if count == k:
        opt.step()
        opt.zero_grad()
        count = 0
""",
    ),
    "a counter": (
        5,
        """count = 0
for x in loader:
    count += 1
    (net(x).sum() / k).backward()
    if count % k == 0:
        opt.step()
        opt.zero_grad()
""",
    ),
    "the distance to the last step": (
        4,
        """last = -1
for i, x in enumerate(loader):
    (net(x).sum() / k).backward()
    if i - last >= k:
        opt.step()
        opt.zero_grad()
        last = i
""",
    ),
    "a function that tells": (
        5,
        """def done(i):
    return (i + 1) % k == 0
for i, x in enumerate(loader):
    (net(x).sum() / k).backward()
    if done(i):
        opt.step()
        opt.zero_grad()
""",
    ),
    "both sides compute": (
        2,
        """for i, x in enumerate(loader):
    if (i + 1) % k:
        with net.no_sync():
            (net(x).sum() / k).backward()
    else:
        (net(x).sum() / k).backward()
        opt.step()
        opt.zero_grad()
""",
    ),
    "clearing has a guard of its own": (
        5,
        """for i, x in enumerate(loader):
    if i % k == 0:
        opt.zero_grad()
    (net(x).sum() / k).backward()
    if i % k == k - 1:
        opt.step()
""",
    ),
    "chunks of a batch": (
        3,
        """for x in loader:
    opt.zero_grad()
    for part in x.chunk(k):
        (net(part).sum() / k).backward()
    opt.step()
""",
    ),
    "a parameter tells": (
        3,
        """def train_step(x, update):
    (net(x).sum() / k).backward()
    if update:
        opt.step()
        opt.zero_grad()
for i, x in enumerate(loader):
    train_step(x, (i + 1) % k == 0)
""",
    ),
    "a scaler steps": (
        4,
        """scaler = torch.amp.GradScaler()
for i, x in enumerate(loader):
    scaler.scale(net(x).sum() / k).backward()
    if (i + 1) % k == 0:
        scaler.step(opt)
        scaler.update()
        opt.zero_grad()
""",
    ),
}


@pytest.mark.parametrize("name", GUARDS)
def test_every_guard_of_accumulation(name: str) -> None:
    line, body = GUARDS[name]
    before = LOOP + "loader = DataLoader(data, 8)\nk = 4\n"
    found = of("accumulation", before + body)
    assert [(row["line"] - before.count("\n"), row["steps"]) for row in found] == [(line, 4)]


def test_what_happens_every_so_often_besides_is_no_accumulation() -> None:
    source = (
        LOOP
        + """loader = DataLoader(data, 8)
other = torch.optim.SGD(critic.parameters(), lr=0.1)
for i, x in enumerate(loader):
    if i % 3 == 0:
        continue
    opt.zero_grad()
    net(x).sum().backward()
    opt.step()
    if i % 5 == 0:
        other.zero_grad()
        critic(x).sum().backward()
        other.step()
    if i % 4 == 0:
        print(i)
"""
    )
    assert of("accumulation", source) == []


def test_a_step_in_a_helper_and_its_clearing_behind_a_guard() -> None:
    files = {
        "scale.py": """
import torch
class Scale:
    def __init__(self):
        self.inner = torch.amp.GradScaler()
    def __call__(self, loss, opt, update=True):
        self.inner.scale(loss).backward()
        if update:
            self.inner.step(opt)
            self.inner.update()
"""
    }
    source = (
        "from scale import Scale\n"
        + LOOP
        + """scale = Scale()
for i, x in enumerate(DataLoader(data, 8)):
    scale(net(x).sum() / 4, opt, update=(i + 1) % 4 == 0)
    if (i + 1) % 4 == 0:
        opt.zero_grad()
"""
    )
    assert [(row["line"], row["steps"]) for row in of("accumulation", source, files)] == [(12, 4)]


def test_micro_batches_before_a_step_that_a_helper_of_another_file_takes() -> None:
    files = {
        "warm.py": "class Warm:\n    def __init__(self, optimizer):\n        self.optimizer = optimizer\n"
        "    def step(self):\n        self.optimizer.step()\n"
    }
    source = (
        "from warm import Warm\n"
        + LOOP
        + """warm = Warm(opt)
for x in DataLoader(data, 8):
    for part in range(4):
        net(x[part]).sum().backward()
    warm.step()
"""
    )
    assert [(row["line"], row["steps"]) for row in of("accumulation", source, files)] == [(11, 4)]
