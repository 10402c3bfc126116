"""What the code does where the settings stand under keys, on objects, or in calls of libraries that nobody knows."""

import pytest
from dry_debug.spec.field_names import field_of_name

from tests.spec.observing import seen, verdicts

YAML = """
optimizer:
  _component_: torch.optim.AdamW
  lr: 0.001
lr_scheduler:
  _target_: lib.get_cosine_schedule
adapter: {lora_rank: 8, lora_target_linear: true}
data:
  - {path: org/texts, type: chat}
hooks:
  checkpoint: {interval: 50, by_epoch: false}
amp: {bf16: {enabled: true}}
evals_per_epoch: 2
"""
LOADED = "import yaml\ncfg = yaml.safe_load(open('c.yaml'))\n"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("optimizer", "adamw"),
        ("learning_rate", "0.001"),
        ("scheduler", "cosine"),
        ("method", "lora"),
        ("target_modules", "frozenset({'all-linear'})"),
        ("dataset", "org/texts"),
        ("save_cadence", "every 50 steps"),
        ("precision", "bf16"),
        ("eval_cadence", "2 times an epoch"),
    ],
)
def test_the_keys_above_a_setting_say_what_it_is(field: str, value: str) -> None:
    assert seen(LOADED, field, {"c.yaml": YAML}) == [value]


def test_a_file_that_is_named_for_a_library_to_read() -> None:
    source = "import other\nother.start(config='c.json')\n"
    files = {"c.json": '{"optimizer": {"type": "AdamW", "params": {"lr": 2e-5}}, "gradient_clipping": 1.0}'}
    assert seen(source, "optimizer", files) == ["adamw"]
    assert seen(source, "learning_rate", files) == ["2e-05"]
    result = "import json\njson.dump(scores, open('c.json', 'w'))\n"
    assert seen(result, "learning_rate", files) == []


def test_a_configuration_that_is_a_python_file() -> None:
    source = "from mmengine.config import Config\ncfg = Config.fromfile('conf/net.py')\n"
    files = {"conf/net.py": "train_cfg = dict(max_iters=900)\nw = dict(optimizer=dict(type='SGD', lr=0.1))\n"}
    assert seen(source, "max_steps", files) == ["900"]
    assert seen(source, "learning_rate", files) == ["0.1"]


def test_what_is_put_on_an_object_piece_by_piece() -> None:
    source = """import torch
from ml_collections import ConfigDict
def settings():
    c = ConfigDict()
    c.optim = ConfigDict()
    c.optim.lr = 0.25
    return c
def train(c):
    o = c.optim
    return torch.optim.SGD(net.parameters(), lr=o.lr)
"""
    assert seen(source, "learning_rate") == ["0.25"]
    assert seen(source.replace("    return c\n", "    c.optim.lr = 0.5\n    return c\n"), "learning_rate") != ["0.25"]


@pytest.mark.parametrize(
    ("call", "field", "value"),
    [
        ("lib.DecoupledAdamW(net.parameters(), lr=0.1)", "optimizer", "adamw"),
        ("lib.Trainer(max_duration='30ep')", "epochs", "30"),
        ("lib.Trainer(save_interval='500ba')", "save_cadence", "every 500 steps"),
        ("lib.seed_all(7)", "seed", "7"),
        ("lib.run(batch_size=8)", "batch_size", "8?"),
        ("lib.Attention(window=8)", "batch_size", ""),
    ],
)
def test_libraries_that_nobody_knows_are_read_by_their_names(call: str, field: str, value: str) -> None:
    assert seen(f"import lib\n{call}\n", field) == ([value] if value else [])


def test_the_name_of_an_argument_is_enough_for_a_match_only() -> None:
    source = "import lib\nlib.run(batch_size=8)\n"
    assert verdicts("batch size 8", source) == [("batch_size", "match")]
    assert verdicts("batch size 16", source) == [("batch_size", "cannot_tell")]


def test_what_is_handed_to_another_library_is_not_missing() -> None:
    assert verdicts("learning rate 1e-4", "import lib\nlib.Learner(net).fit()\n") == [("learning_rate", "cannot_tell")]
    assert verdicts("learning rate 1e-4", "import lib\nlib.read()\n") == [("learning_rate", "not_implemented")]


def test_a_branch_that_the_default_leaves_out() -> None:
    source = """import argparse, torch
p = argparse.ArgumentParser()
p.add_argument("--optim", default="sgd")
a = p.parse_args()
if a.optim == "sgd":
    o = torch.optim.SGD(net.parameters(), lr=0.1)
else:
    o = torch.optim.Adam(net.parameters(), lr=0.001)
"""
    assert seen(source, "optimizer") == ["sgd"]
    assert seen(source.replace('default="sgd"', "required=True"), "optimizer") == ["sgd", "adam"]


def test_defaults_that_are_set_for_options() -> None:
    source = """import argparse, torch
p = argparse.ArgumentParser()
p.add_argument("--decay", type=float)
p.set_defaults(decay=0.3)
a = p.parse_args()
torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=a.decay)
"""
    assert seen(source, "weight_decay") == ["0.3"]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("evalEveryEpochs", "eval_cadence"),
        ("eval_iters", None),  # how many batches an evaluation has
        ("ckpt_freq", "save_cadence"),
        ("bptt", "max_length"),
        ("min_lr", None),
        ("clip_range", None),
        ("grad_clip_norm", "max_grad_norm"),
        ("batch_norm", None),
        ("n_epoch", "epochs"),
        ("epoch", None),
        ("loss_accum", None),
        ("warmup_pct", "warmup_ratio"),
        ("body_learning_rate", "learning_rate"),
    ],
)
def test_the_field_of_a_name(name: str, field: str | None) -> None:
    assert field_of_name(name) == field
