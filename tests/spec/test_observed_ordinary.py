"""What scripts of ordinary styles do: parsers of library classes, parts of a length, networks and data of one's own."""

import pytest

from tests.spec.observing import seen, verdicts

PARSED = """from dataclasses import dataclass
from transformers import HfArgumentParser, Trainer, TrainingArguments
from trl import DPOConfig
@dataclass
class Own:
    steps_between: int = 3
@dataclass
class Mine(TrainingArguments):
    learning_rate: float = 3e-5
    fp16: bool = True
(args,) = HfArgumentParser({classes}).parse_args_into_dataclasses()
Trainer(net, args=args).train()
"""


@pytest.mark.parametrize(
    ("classes", "asked", "verdict"),
    [
        ("Own", "weight decay 0.02", "not_implemented"),  # nobody can give it
        ("TrainingArguments", "weight decay 0.02", "cannot_tell"),
        ("(Own, TrainingArguments)", "weight decay 0.02", "cannot_tell"),
        ("Mine", "weight decay 0.02", "cannot_tell"),
        ("Mine", "learning rate 3e-5", "match"),
        ("Mine", "fp16", "match"),
        ("Mine", "LoRA rank 4", "not_implemented"),  # no argument of a Trainer
        ("DPOConfig", "max length 700", "cannot_tell"),
        ("Own", "max length 700", "not_implemented"),
    ],
)
def test_only_what_the_parsed_classes_have_may_come_from_the_command_line(
    classes: str, asked: str, verdict: str
) -> None:
    found = verdicts(asked, PARSED.format(classes=classes))
    assert verdict in [v for field, v in found if field not in ("method", "model")], found


def test_a_length_of_prompts_or_targets_is_not_that_of_the_whole() -> None:
    source = "from trl import DPOConfig\nDPOConfig('a', max_length=900, max_prompt_length=300)\n"
    assert verdicts("max length 800", source) == [("max_length", "deviation")]
    assert verdicts("max length 900, max prompt length 300", source) == [("max_length", "match")] * 2
    source = "tok(rows, max_length=a)\ntok(text_target=rows, max_length=70)\n".replace("=a)", "=600)")
    assert verdicts("max length 640", "tok = AutoTokenizer()\n" + source) == [("max_length", "deviation")]


def test_a_batch_size_by_the_name_of_its_option() -> None:
    source = """import argparse, torch
p = argparse.ArgumentParser()
p.add_argument("--bs", type=int, default=24)
p.add_argument("--test-bs", type=int, default=80)
a = p.parse_args()
def both():
    return torch.utils.data.DataLoader(x, batch_size=a.bs), torch.utils.data.DataLoader(y, batch_size=a.test_bs)
"""
    assert verdicts("batch size 12", source) == [("batch_size", "deviation")]
    assert verdicts("batch size 24 (train), 80 (eval)", source) == [("batch_size", "match")] * 2


LOOP = """import torch
from mine import {name}
net = {name}()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range({rounds}):
    loss = net(x).sum()
    loss.backward()
    opt.step()
    opt.zero_grad()
"""


@pytest.mark.parametrize(
    ("name", "asked", "verdict"),
    [
        ("ResNet34", "a ResNet-34", "match"),
        ("ResNet34", "a ResNet-101", "cannot_tell"),  # what the class is only its name says
        ("DenseNet121", "DenseNet-121", "match"),
        ("Net", "a ResNet-34", "cannot_tell"),
    ],
)
def test_a_network_of_ones_own_is_what_it_is_called(name: str, asked: str, verdict: str) -> None:
    assert verdicts(asked, LOOP.format(name=name, rounds=90)) == [("model", verdict)]


def test_one_round_more_than_the_setting_says() -> None:
    source = "max_iters = 800\n" + LOOP.format(name="Net", rounds="max_iters + 1")
    assert verdicts("800 training steps", source) == [("max_steps", "match")]
    assert verdicts("700 training steps", source) == [("max_steps", "deviation")]


def test_a_share_of_warm_up_against_a_number_of_steps() -> None:
    source = "from transformers import TrainingArguments\nTrainingArguments('a', max_steps=600, warmup_steps={n})\n"
    assert verdicts("5% warmup", source.format(n=30)) == [("warmup_ratio", "match")]
    assert verdicts("5% warmup", source.format(n=90)) == [("warmup_ratio", "deviation")]


def test_a_device_that_is_a_field() -> None:
    source = LOOP.format(name="Net", rounds=5).replace("net = Net()", "net = Net().to(cfg.device)")
    cfg = "from dataclasses import dataclass\n@dataclass\nclass Cfg:\n    device: str = 'cuda'\ncfg = Cfg()\n"
    assert "a CUDA GPU" in seen(cfg + source, "hardware")


@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("ScanDataset('data/scans', 'train')", "data/scans"),
        ("ScanDataset(tokenizer, root='data/scans')", "data/scans"),
        ("ReadSeries('load.csv')", "load.csv"),
        ("ScanDataset(tokenizer)", ""),
        ("ScanDataset('train')", ""),
    ],
)
def test_the_place_that_a_class_for_data_is_given(call: str, place: str) -> None:
    assert seen(f"from mine import *\nrows = {call}\n", "dataset") == ([place] if place else [])


def test_names_of_data_that_differ_in_how_it_was_cut() -> None:
    source = "from datasets import load_dataset\nload_dataset('{name}')\n"
    assert verdicts("dataset: tiny_gutenberg", source.format(name="gutenberg_words")) == [("dataset", "match")]
    assert verdicts("dataset: stanford_dogs", source.format(name="stanford_cars")) == [("dataset", "deviation")]
    folder = "from mine import ScanDataset\nScanDataset('data/images')\n"
    assert verdicts("train on CIFAR-10", folder) == [("dataset", "cannot_tell")]


def test_data_parallel_training_on_one_device() -> None:
    source = "import lightning as L\nL.Trainer(devices={n}, max_epochs=4).fit(net)\n"
    assert verdicts("use DDP", source.format(n=1)) == [("framework", "not_implemented")]
    assert verdicts("use DDP", source.format(n=4)) == [("framework", "cannot_tell")]


def test_a_file_that_fills_the_parsed_classes() -> None:
    source = PARSED.format(classes="(Own, TrainingArguments)").replace(
        "parse_args_into_dataclasses()", "parse_json_file('run.json')"
    )
    source += "from datasets import load_dataset\nload_dataset('csv', data_files=args.rows)\n"
    source = source.replace("steps_between: int = 3", "rows: str = 'none.csv'")
    files = {"run.json": '{"rows": "letters.csv", "learning_rate": 0.002, "num_train_epochs": 7}'}
    assert seen(source, "dataset", files) == ["letters.csv"]
    assert verdicts("5 epochs", source, files) == [("epochs", "deviation")]
    assert verdicts("weight decay 0.02", source, files) == [("weight_decay", "not_implemented")]  # not in the file


STEPS = """import torch
lr = 3.0
for epoch in range(4):
    for x in data:
        loss = net(x).sum()
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            {update}
    {change}
"""


@pytest.mark.parametrize(
    "update", ["p.data.add_(p.grad, alpha=-lr)", "p.data -= lr * p.grad", "p.data.sub_(lr * p.grad)"]
)
def test_an_update_by_hand_is_plain_descent(update: str) -> None:
    assert seen(STEPS.format(update=update, change="pass"), "optimizer") == ["sgd"]
    assert verdicts("Adam", STEPS.format(update=update, change="pass")) == [("optimizer", "deviation")]


def test_a_rate_that_the_loop_changes_is_a_schedule_of_some_shape() -> None:
    update = "p.data -= lr * p.grad"
    assert verdicts("cosine schedule", STEPS.format(update=update, change="lr *= 0.5")) == [
        ("scheduler", "cannot_tell")
    ]
    assert verdicts("cosine schedule", STEPS.format(update=update, change="count = 1")) == [
        ("scheduler", "not_implemented")
    ]


def test_a_rate_that_branches_set() -> None:
    source = """import math, torch
def adjust(opt, step):
    if step < 10:
        lr = step / 10
    else:
        lr = 0.5 * (1 + math.cos(step))
    for group in opt.param_groups:
        group["lr"] = lr
"""
    assert seen(source, "scheduler") == ["cosine"]


def test_what_is_saved_through_an_open_file() -> None:
    source = "import torch\nwith open('runs/net.pt', 'wb') as f:\n    torch.save(net, f)\n"
    assert seen(source, "output_dir") == ["runs/net.pt"]


def test_adapters_that_only_the_command_line_switches_on() -> None:
    source = PARSED.format(classes="(Own, TrainingArguments)").replace("DPOConfig", "get_peft_config")
    source = source.replace("args=args)", "args=args, peft_config=get_peft_config(args))")
    assert verdicts("LoRA", source) == [("method", "cannot_tell")]


def test_a_tracker_that_is_chosen_at_the_start() -> None:
    source = "from transformers import TrainingArguments\nTrainingArguments('a', report_to={to})\n"
    assert verdicts("log to wandb", source.format(to="'wandb' if use else 'none'")) == [("logging", "cannot_tell")]
    assert verdicts("log to wandb", source.format(to="'none'")) == [("logging", "deviation")]


def test_weights_in_eight_bits_of_an_engine() -> None:
    source = "from vllm import LLM\nLLM(model='a/b', quantization={how})\n"
    assert verdicts("FP8", source.format(how="'fp8'")) == [("precision", "match")]
    assert verdicts("FP8", source.format(how="'awq'")) == [("precision", "not_implemented")]


def test_data_in_a_folder_below_the_one_that_is_asked_for() -> None:
    source = "from torchvision.datasets import ImageFolder\nImageFolder('/share/imagenet/train')\n"
    assert verdicts("ImageNet-1k", source) == [("dataset", "match")]


def test_a_schedule_that_a_function_of_the_project_makes() -> None:
    source = LOOP.format(name="Net", rounds=9).replace("    loss.b", "    {call}\n    loss.b")
    for call in ("adjust_learning_rate(opt, step)", "rate = WarmupScheduler(opt)"):
        assert verdicts("cosine schedule", source.format(call=call)) == [("scheduler", "cannot_tell")]
    assert verdicts("cosine schedule", source.format(call="draw(opt)")) == [("scheduler", "not_implemented")]


def test_data_by_the_name_of_its_class() -> None:
    source = LOOP.format(name="Net", rounds=9).replace("import Net\n", "import Net, pairs\nrows = pairs.{name}()\n")
    assert verdicts("train on CIFAR-10", source.format(name="CIFAR10Pairs")) == [("dataset", "match")]
    assert verdicts("train on CIFAR-100", source.format(name="CIFAR10Pairs")) == [("dataset", "cannot_tell")]
    # Every training reads something: which data that is nobody sees here.
    assert verdicts("train on CIFAR-10", source.format(name="Pairs")) == [("dataset", "cannot_tell")]
    assert verdicts("train on CIFAR-10", "import torch\nx = torch.ones(3)\n") == [("dataset", "not_implemented")]


def test_a_library_that_a_module_of_the_project_imports() -> None:
    files = {"nets.py": "import timm\n"}
    assert verdicts("use timm", "import nets\n", files) == [("framework", "match")]
    assert verdicts("use timm", "from parts.nets import a\n", {"parts/nets.py": "import timm\n"}) == [
        ("framework", "match")
    ]
    assert verdicts("use timm", "import nets\n", {"nets.py": ""}) == [("framework", "not_implemented")]


def test_names_of_data_that_another_name_ends_with() -> None:
    source = "from torchvision.datasets import MNIST, FashionMNIST\n{name}('a')\n"
    assert verdicts("train on Fashion-MNIST", source.format(name="MNIST")) == [("dataset", "deviation")]
    assert verdicts("train on MNIST", source.format(name="FashionMNIST")) == [("dataset", "deviation")]
    assert verdicts("train on Fashion-MNIST", source.format(name="FashionMNIST")) == [("dataset", "match")]
