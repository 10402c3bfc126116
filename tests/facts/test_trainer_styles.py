"""Facts of small programs that a library trains: Lightning, Fabric, the trainers of transformers and TRL."""

from __future__ import annotations

from typing import Any

from dry_debug.program.facts import facts

from tests.facts.small import of
from tests.program.model import program

HEAD = """
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader


"""


def settings(source: str) -> list[tuple[str, object, str]]:
    return [(row["name"], row["value"], row["origin"]) for row in of("hyperparameters", source)]


def component(kind: str, source: str, files: dict[str, str] | None = None) -> dict[str, Any]:
    rows = [row for row in of("components", source, files) if row["kind"] == kind]
    assert len(rows) == 1, rows
    return rows[0]


MANUAL = (
    HEAD
    + """class Warm(torch.optim.lr_scheduler.LRScheduler):
    def step(self):
        super().step()


class Task(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 2)
        self.automatic_optimization = False

    def training_step(self, batch, i):
        first = self.optimizers()
        pace = self.lr_schedulers()
        cost = self.body(batch).sum()
        self.manual_backward(cost)
        if i % 4 == 0:
            first.step()
            first.zero_grad()
            pace.step()

    def validation_step(self, batch, i):
        return self.body(batch)

    def configure_optimizers(self):
        first = torch.optim.SGD(self.body.parameters(), lr=0.1, betas=(0.8, 0.9))
        return {"optimizer": first, "lr_scheduler": {"scheduler": Warm(first)}}
"""
)


def test_the_steps_of_a_module_that_optimizes_by_hand() -> None:
    steps = [(row["kind"], row["object"]) for row in of("steps", MANUAL)]
    assert steps == [
        ("backward", "cost"),
        ("optimizer_step", "first"),
        ("zero_grad", "first"),
        ("scheduler_step", "pace"),
    ]
    assert [row["steps"] for row in of("accumulation", MANUAL)] == [4]


def test_what_a_module_is_handed_is_what_it_has_configured() -> None:
    optimizer, scheduler = component("optimizer", MANUAL), component("scheduler", MANUAL)
    assert (optimizer["name"], optimizer["covers"]) == ("first", ["self.body"])
    assert (scheduler["name"], scheduler["drives"], scheduler["cadence"]) == (None, ["first"], "batch")


def test_a_hook_for_evaluation_runs_without_gradients() -> None:
    model = program(MANUAL)
    modes = {f.name: model.grad_mode(f.returns[0]) for f in model.index.functions if f.returns}
    assert modes == {"validation_step": "off", "configure_optimizers": "on"}


def test_several_optimizers_come_in_the_order_in_which_they_are_configured() -> None:
    source = (
        HEAD
        + """class Game(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 2), nn.Linear(2, 1)

    def training_step(self, batch, i):
        a, b = self.optimizers()
        b.step()

    def configure_optimizers(self):
        left = torch.optim.Adam(self.one.parameters())
        right = torch.optim.Adam(self.two.parameters())
        return [left, right], []
"""
    )
    model = program(source)
    (step,) = model.events.of_kind("optimizer_step")
    named = model.training.components.named(step.obj)
    assert named is not None and named.name == "right"


def scheduled(entry: str) -> str:
    return (
        HEAD
        + f"""class Task(pl.LightningModule):
    def training_step(self, batch, i):
        return self(batch).sum()

    def configure_optimizers(self):
        opt = torch.optim.Adam(self.parameters(), lr=1e-3)
        pace = torch.optim.lr_scheduler.LambdaLR(opt, lambda e: 1)
        return [opt], [{entry}]
"""
    )


def test_lightning_steps_a_scheduler_once_an_epoch_unless_it_is_told_otherwise() -> None:
    assert component("scheduler", scheduled("pace"))["cadence"] == "epoch"
    told = scheduled('{"scheduler": pace, "interval": "step"}')
    assert component("scheduler", told)["cadence"] == "step"
    open_ = scheduled('{"scheduler": pace, "interval": how}')
    assert component("scheduler", open_)["cadence"] is None


def test_an_optimizer_of_the_module_itself_covers_it() -> None:
    assert component("optimizer", scheduled("pace"))["covers"] == ["self"]


def test_a_loader_that_a_hook_returns_is_named_after_the_hook() -> None:
    source = (
        HEAD
        + """class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(self.some, shuffle=True)

    def val_dataloader(self):
        loader = DataLoader(self.other)
        return loader
"""
    )
    rows = [(row["name"], row["role"]) for row in of("components", source) if row["kind"] == "loader"]
    assert rows == [("train_dataloader", "train"), ("loader", "eval")]


def test_a_lightning_trainer_trains_the_module_and_reads_the_loaders_that_it_is_given() -> None:
    source = (
        HEAD
        + """net = nn.Linear(1, 1)
items = DataLoader(some)
runner = pl.Trainer(max_epochs=3, accumulate_grad_batches=8)
runner.fit(net, items, DataLoader(other))
"""
    )
    trainer = component("trainer", source)
    assert (trainer["covers"], trainer["reads"]) == (["net"], ["items"])
    rows = [(row["name"], row["role"]) for row in of("components", source) if row["kind"] == "loader"]
    assert rows == [("items", "train"), (None, "eval")]
    assert [row["steps"] for row in of("accumulation", source)] == [8]


def test_the_parameters_that_a_module_keeps_are_hyperparameters() -> None:
    kept = (
        HEAD
        + """class Task(pl.LightningModule):
    def __init__(self, net, width=8, tricks=False, name="x"):
        super().__init__()
        self.save_hyperparameters(ignore=["net"])
"""
    )
    assert settings(kept) == [("width", 8, "literal"), ("tricks", False, "literal"), ("name", "x", "literal")]
    assert settings(kept.replace("self.save_hyperparameters", "self.other")) == []


def test_a_loaded_module_is_a_load() -> None:
    source = HEAD + "net = Task.load_from_checkpoint(where, map_location='cpu')\n"
    assert [(r["path"], r["components"], r["map_location"]) for r in of("loads", source)] == [
        ("where", ["model"], "'cpu'")
    ]


FABRIC = """
import torch
from lightning.fabric import Fabric

fab = Fabric()
fab.seed_everything(3)
net = torch.nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net, opt = fab.setup(net, opt)
"""


def test_fabric_saves_to_a_path_that_comes_first() -> None:
    source = FABRIC + 'fab.save("a.ckpt", {"net": net, "opt": opt})\nfab.load("b.ckpt", {"net": net, "opt": opt})\n'
    (save,) = of("saves", source)
    assert (save["path"], save["keys"], save["components"]) == ("a.ckpt", ["net", "opt"], ["model", "optimizer"])
    (load,) = of("loads", source)
    assert (load["path"], load["components"]) == ("b.ckpt", ["model", "optimizer"])


def test_fabric_seeds_all_generators() -> None:
    assert [(row["rng"], row["kind"]) for row in of("randomness", FABRIC)] == [
        (rng, "seed") for rng in ("python", "numpy", "torch", "cuda")
    ]


def test_a_part_of_the_state_of_a_module_is_its_state() -> None:
    source = """
import torch
from torch import nn
from parts import adapter_state

net = nn.Linear(2, 2)
small = {k: v.cpu() for k, v in net.named_parameters() if v.requires_grad}
torch.save(small, "a.pt")
part = adapter_state(net)
torch.save(part, "b.pt")
"""
    files = {
        "parts.py": "def adapter_state(m):\n    full = m.state_dict()\n    out = {}\n    for k in full:\n"
        "        out[k] = full[k]\n    return out\n"
    }
    assert [row["components"] for row in of("saves", source, files)] == [["model"], []]
    named = source.replace("adapter_state", "adapter_state_dict")
    files = {"parts.py": files["parts.py"].replace("adapter_state", "adapter_state_dict")}
    assert [row["components"] for row in of("saves", named, files)] == [["model"], ["model"]]


TUNING = """
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

LITTLE = 2
RATE = 1e-4
net = AutoModelForCausalLM.from_pretrained("small/net")
words = AutoTokenizer.from_pretrained("small/net")
data = load_dataset(where)
first = data[names.one]
second = data[names.two]
plan = TrainingArguments(
    output_dir="out",
    per_device_train_batch_size=LITTLE,
    learning_rate=RATE,
    gradient_accumulation_steps=8,
    num_train_epochs=3,
    save_steps=50,
    bf16=True,
    report_to="none",
)
runner = Trainer(model=net, args=plan, train_dataset=first, eval_dataset=second)
runner.train(resume_from_checkpoint=last)
runner.save_model("out/final")
"""


def test_a_trainer_covers_its_model_and_reads_its_datasets() -> None:
    trainer = component("trainer", TUNING)
    assert (trainer["covers"], trainer["reads"]) == (["net"], ["first", "second"])
    rows = [(row["name"], row["role"]) for row in of("components", TUNING) if row["kind"] == "dataset"]
    assert rows == [("data", None), ("first", "train"), ("second", "eval")]


def test_the_numbers_of_training_arguments_are_listed_where_their_values_stand() -> None:
    lines = {row["name"]: row["line"] for row in of("hyperparameters", TUNING)}
    assert settings(TUNING) == [
        ("LITTLE", 2, "literal"),
        ("RATE", 1e-4, "literal"),
        ("output_dir", "out", "literal"),
        ("gradient_accumulation_steps", 8, "literal"),
        ("epochs", 3, "literal"),
        ("save_steps", 50, "literal"),
        ("bf16", True, "literal"),
    ]
    assert (lines["LITTLE"], lines["epochs"]) == (6, 18)


def test_training_arguments_accumulate() -> None:
    assert [(row["line"], row["steps"]) for row in of("accumulation", TUNING)] == [(17, 8)]
    assert of("accumulation", TUNING.replace("steps=8", "steps=1")) == []


def test_a_trainer_that_goes_on_from_a_checkpoint_is_a_load() -> None:
    assert [(row["path"], row["components"]) for row in of("loads", TUNING)] == [
        ("last", ["model", "optimizer", "scheduler"])
    ]
    assert of("loads", TUNING.replace("=last", "=None")) == []


def test_the_model_that_a_trainer_passes_to_its_own_methods_is_no_component() -> None:
    source = """
from transformers import Trainer


class Own(Trainer):
    def compute_loss(self, net, inputs, return_outputs=False):
        net.train()
        return net(**inputs).loss
"""
    assert of("components", source) == []


def test_a_package_of_the_project_hides_the_library_of_its_name() -> None:
    files = {"datasets/own.py": "import torch\n\n\nclass Own(torch.utils.data.Dataset):\n    pass\n"}
    source = "import torch\nfrom datasets.own import Own\n\nitems = Own()\n"
    assert facts(program(source, files))["frameworks"] == ["torch"]
    assert component("dataset", source, files)["name"] == "items"
    plain = "from datasets import load_dataset\n\nitems = load_dataset('x', split='train')\n"
    assert facts(program(plain, {"datasets/own.py": ""}))["frameworks"] == ["datasets"]
    assert component("dataset", plain, {"datasets/own.py": ""})["name"] == "items"


def test_a_trainer_of_several_branches_trains() -> None:
    source = """
import transformers
from own import OwnTrainer

if plain:
    trainer = transformers.Trainer(model=net)
else:
    trainer = OwnTrainer(model=net)
trainer.train()
"""
    files = {"own.py": "class OwnTrainer:\n    def train(self):\n        pass\n"}
    found = facts(program(source, files))
    assert found["is_training_script"] and found["modes"] == []


def test_the_parameters_of_a_command_line_function_are_its_options() -> None:
    source = """
import fire


def run(rate: float = 0.1, where: str = "a", seed=None):
    pass


fire.Fire(run)
"""
    assert settings(source) == [("rate", 0.1, "argparse"), ("where", "a", "argparse"), ("seed", None, "argparse")]
    assert settings(source.replace("fire.Fire(run)", "run()")) == []


def test_a_save_in_a_training_loop_stays_where_it_is() -> None:
    source = (
        FABRIC
        + """
def train(fab, state, items):
    for i, x in enumerate(items):
        holding = (i + 1) % 4 != 0
        fab.backward(state["net"](x).sum())
        if not holding:
            fab.clip_gradients(state["net"], state["opt"], max_norm=1.0)
            state["opt"].step()
            fab.save(f"{i}.ckpt", state)


def main():
    train(fab, {"net": net, "opt": opt, "round": 0}, items)
"""
    )
    (save,) = of("saves", source)
    assert (save["keys"], save["components"]) == (["net", "opt", "round"], ["model", "optimizer"])
    assert save["path"] == 'f"{i}.ckpt"'
    assert [(row["line"], row["steps"]) for row in of("accumulation", source)] == [(15, 4)]
    assert [row["object"] for row in of("steps", source) if row["kind"] == "clip"] == ['state["net"]']


def test_what_an_annotation_promises_goes_before_a_name() -> None:
    source = """
from torch.utils.data import DataLoader, Dataset, Sampler


class Lengths(Sampler[list[int]]):
    pass


def fit(some_scheduler: str | None, data: Dataset):
    order = Lengths(data)
    return DataLoader(data, batch_sampler=order)
"""
    rows = [(row["kind"], row["name"], row["parameter"]) for row in of("components", source)]
    assert rows == [("dataset", "data", True), ("sampler", "order", False)]


def test_a_trainer_of_two_branches_trains_what_either_is_given() -> None:
    source = (
        HEAD
        + """net = nn.Linear(1, 1)
if old:
    runner = pl.Trainer(gpus=1)
else:
    runner = pl.Trainer(devices=1)
runner.fit(net)
"""
    )
    assert component("trainer", source)["covers"] == ["net"]


def test_autocast_of_a_launcher_is_a_mode() -> None:
    source = FABRIC + "with fab.autocast():\n    net(x)\n"
    assert [(row["kind"], row["line"]) for row in of("modes", source)] == [("autocast", 10)]


def test_a_trainer_by_its_longer_names() -> None:
    for line in (
        "from lightning.pytorch.trainer import Trainer",
        "from pytorch_lightning.trainer.trainer import Trainer",
    ):
        source = f"{line}\n\nrunner = Trainer(max_epochs=2)\nrunner.fit(net)\n"
        assert component("trainer", source)["name"] == "runner"
        assert facts(program(source))["is_training_script"]


def test_lightnings_command_line_trains() -> None:
    for module in ("lightning.pytorch.cli", "pytorch_lightning.utilities.cli"):
        source = f"from {module} import LightningCLI\nfrom own import Data, Net\n\nLightningCLI(Net, Data)\n"
        assert facts(program(source))["is_training_script"]


def test_splits_named_by_settings_are_parts_of_a_dataset() -> None:
    source = """
from datasets import DatasetDict, load_dataset
from trl import SFTTrainer


def items():
    if some:
        return load_dataset("x")
    return DatasetDict({"train": y}).map(f)


data = items()
runner = SFTTrainer(model=m, train_dataset=data[args.train_split])
"""
    assert component("trainer", source)["reads"] == ["data"]


UNPACKED = """
import transformers
from datasets import load_dataset
from torch.distributions import Categorical


def parts():
    first = load_dataset("x", split="train")
    second = load_dataset("x", split="test")
    return dict(train_dataset=first, eval_dataset=second, other=None)


class Watch(transformers.TrainerCallback):
    def on_evaluate(self, args, state, control, net, **kwargs):
        net.eval()
        for batch in runner.get_eval_dataloader(more):
            runner.prediction_step(net, batch)

    def on_save(self, args, state, control, **kwargs):
        kwargs["model"].save_pretrained(where)


data = parts()
runner = transformers.Trainer(args=plan, **data)
"""


def test_a_trainer_reads_what_is_unpacked_into_its_arguments() -> None:
    assert component("trainer", UNPACKED)["reads"] == ["first", "second"]
    picked = UNPACKED.replace("**data", "**{k: v for k, v in data.items() if k != 'other'}")
    assert component("trainer", picked)["reads"] == ["first", "second"]


def test_a_callback_evaluates_and_saves_what_the_trainer_gives_it() -> None:
    assert [(row["kind"], row["line"]) for row in of("loops", UNPACKED)] == [("eval", 16)]
    assert [(row["path"], row["components"]) for row in of("saves", UNPACKED)] == [("where", ["model"])]
    assert [row for row in of("components", UNPACKED) if row["kind"] == "model"] == []


def test_a_distribution_behind_a_variable_draws() -> None:
    source = "from torch.distributions import Categorical\n\n\ndef act(x):\n    pi = Categorical(logits=x)\n"
    assert [row["line"] for row in of("randomness", source + "    return pi.sample()\n")] == [6]


def test_a_split_that_is_put_back_in_another_form_is_no_dataset_of_its_own() -> None:
    source = """
from datasets import load_dataset

data = load_dataset("x")
for split in ["train", "test"]:
    data[split] = data[split].rename_columns({"a": "b"})
"""
    assert [row["name"] for row in of("components", source)] == ["data"]


SET_UP = """
from lightning.fabric import Fabric
from dataclasses import dataclass

from elsewhere import build


@dataclass
class RunArgs:
    rounds: int = 1


def run(plan: RunArgs = RunArgs(rounds=5), seed: int = 7, optimizer: str = "sgd", flag=True):
    fab = Fabric()
    main(fab, build(optimizer))


def main(fab: Fabric, things):
    net = fab.setup_module(things.net)
    opt = fab.setup_optimizers(things.opt)
    items = fab.setup_dataloaders(things.items)
    state = {"model": net, "optimizer": opt, "turn": 0}
    for batch in items:
        loss = net(batch).sum()
        fab.backward(loss / a_function_with_a_name_that_goes_on(a_first_argument, a_second_argument))
        opt.step()
        opt.zero_grad()
"""


def test_what_fabric_sets_up_is_what_the_method_is_for() -> None:
    rows = [(row["kind"], row["name"], row["role"]) for row in of("components", SET_UP)]
    assert rows == [("model", "net", None), ("optimizer", "opt", None), ("loader", "items", "train")]
    assert [(row["kind"], row["object"]) for row in of("steps", SET_UP)] == [
        ("backward", "loss / a_function_with_a_name_that_goes_on(a_first_argument, a_second_argument)"),
        ("optimizer_step", "opt"),
        ("zero_grad", "opt"),
    ]


def test_the_defaults_of_a_function_that_sets_a_run_up() -> None:
    assert settings(SET_UP) == [
        ("rounds", 1, "dataclass"),
        ("rounds", 5, "literal"),
        ("seed", 7, "literal"),
        ("optimizer", "sgd", "literal"),
    ]
