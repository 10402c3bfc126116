"""Values that come from configuration files and command lines: which file, which line, which default."""

import pytest
from dry_debug.program import settings
from dry_debug.program.config_tree import Entry
from dry_debug.program.facts import facts

from tests.program.model import marked, program

YAML = {"conf/a.yaml": "train:\n  lr: 1e-3\n  size: 8\n"}
LOADED = {
    "with": """import yaml
with open('conf/a.yaml') as f:
    cfg = yaml.safe_load(f)
here(cfg['train']['lr'])
""",
    "default of an option": """import yaml, argparse
p = argparse.ArgumentParser()
p.add_argument('--config', default='conf/a.yaml')
args = p.parse_args()
cfg = yaml.load(open(args.config), Loader=yaml.SafeLoader)
here(cfg['train'].get('lr'))
""",
    "class": """from omegaconf import OmegaConf
from pathlib import Path
HOME = Path(__file__).resolve().parent / 'conf' / 'a.yaml'
class Run:
    def __init__(self, cfg):
        self.cfg = cfg
    def go(self):
        here(self.cfg.train.lr)
Run(OmegaConf.load(HOME))
""",
    "text": """import yaml, os
from easydict import EasyDict
name = 'a'
text = open(os.path.join(os.path.dirname(__file__), 'conf', f'{name}.yaml')).read()
here(EasyDict(yaml.safe_load(text)).train.lr)
""",
    "hydra": """import hydra
@hydra.main(config_path='conf', config_name='a')
def main(cfg):
    train(cfg)
def train(c):
    here(c.train.lr)
""",
    "helper of another file": """from util import load
cfg = load('conf/a.yaml')
here(cfg.train.lr)
""",
}
UTIL = """import yaml
class Shape(dict):
    pass
def load(path):
    with open(path, 'r') as stream:
        c = yaml.safe_load(stream)
    return Shape(c)
"""


@pytest.mark.parametrize("way", LOADED)
def test_a_value_of_a_file_is_known_with_its_place(way: str) -> None:
    found = marked(LOADED[way], {**YAML, "util.py": UTIL})
    assert settings.plain(found) == (True, 1e-3)
    assert isinstance(found.items, Entry)
    assert (found.items.file, found.items.line) == ("/nowhere/project/conf/a.yaml", 2)
    assert found.const is None  # no literal: another start may use another file


def test_two_files_are_not_one() -> None:
    source = """import yaml
path = 'conf/a.yaml' if big else 'conf/b.yaml'
cfg = yaml.safe_load(open(path))
here(cfg['train']['lr'])
"""
    assert not marked(source, {**YAML, "conf/b.yaml": "train:\n  lr: 2\n"}).known


def test_a_file_that_is_not_there_or_does_not_read_is_not_known() -> None:
    source = "import yaml\nhere(yaml.safe_load(open('conf/a.yaml'))['train'])\n"
    assert not marked(source, {"other.py": ""}).known
    assert not marked(source, {"conf/a.yaml": "train: [1"}).known
    assert not marked(source, {"conf/a.yaml": "- 1\n"}).known


def test_hydra_composes_groups_and_the_file_itself_in_their_order() -> None:
    source = """import hydra
@hydra.main(version_base=None, config_path='conf', config_name='main')
def main(cfg):
    here(cfg.{})
"""
    files = {
        "conf/main.yaml": "defaults:\n  - optim: adam\n  - override hydra/launcher: x\n  - _self_\noptim:\n  wd: 0\n",
        "conf/optim/adam.yaml": "lr: 0.5\nwd: 1\n",
    }
    rows = {}
    for name in ("optim.lr", "optim.wd"):
        held = marked(source.format(name), files).items
        rows[name] = (held.file.rpartition("/")[2], held.line, held.value)
    assert rows == {"optim.lr": ("adam.yaml", 1, 0.5), "optim.wd": ("main.yaml", 6, 0)}
    files["conf/optim/adam.yaml"] = "# @package _global_\nlr: 0.5\n"
    assert marked(source.format("lr"), files).items.value == 0.5


def test_options_have_their_defaults() -> None:
    click = """import click
@click.command()
@click.option('-l', '--lr', default=0.1)
def main(lr):
    here(lr)
"""
    assert settings.plain(marked(click)) == (True, 0.1)
    files = {"opts.py": """import argparse
def parse():
    p = argparse.ArgumentParser()
    p.add_argument('--lr', type=float, default=0.25)
    p.add_argument('--name')
    return p.parse_args()
"""}  # fmt: skip
    source = "from opts import parse\nargs = parse()\nhere(args.{})\n"
    assert settings.plain(marked(source.format("lr"), files)) == (True, 0.25)
    assert settings.plain(marked(source.format("name"), files)) == (False, None)
    assert not marked(source.format("nowhere"), files).known


def configured(source: str, files: dict[str, str]) -> list[tuple[str, object, str, int]]:
    rows = facts(program(source, files))["hyperparameters"]
    return [
        (row["name"], row["value"], row["file"].removeprefix("/nowhere/project/"), row["line"])
        for row in rows
        if row["origin"] == "config"
    ]


def test_facts_list_what_a_configuration_file_says_with_file_and_line() -> None:
    yaml = "# run\noptim:\n  name: adam\n  lr: 1e-3\n  betas: [0.9, 0.99]\nlayers:\n  - {size: 1}\nnote: ${optim.lr}\n"
    expected = [
        ("name", "adam", "conf/a.yaml", 3),
        ("learning_rate", 1e-3, "conf/a.yaml", 4),
        ("betas", [0.9, 0.99], "conf/a.yaml", 5),
        ("note", 1e-3, "conf/a.yaml", 8),
    ]
    for way, source in LOADED.items():
        assert configured(source, {"conf/a.yaml": yaml, "util.py": UTIL}) == expected, way


def test_settings_of_another_module_that_loads_them_are_listed() -> None:
    files = {"conf/a.yaml": "lr: 1\n", "config.py": "import yaml\ncfg = yaml.safe_load(open('conf/a.yaml'))\n"}
    assert configured("from config import cfg\n", files) == [("learning_rate", 1, "conf/a.yaml", 1)]


def test_data_is_no_configuration() -> None:
    source = "import json\nnames = json.load(open('names.json'))\n"
    assert configured(source, {"names.json": '{"0": "cat", "1": "dog"}'}) == []


def test_ini_files_are_configurations() -> None:
    source = "import configparser\np = configparser.ConfigParser()\np.read('a.ini')\nlr = p.getfloat('train', 'lr')\n"
    assert configured(source, {"a.ini": "[train]\nlr = 0.1\n"}) == [("learning_rate", 0.1, "a.ini", 2)]


def test_a_number_from_a_configuration_reaches_other_facts() -> None:
    source = """import torch, yaml
cfg = yaml.safe_load(open('a.yaml'))
net = torch.nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i, x in enumerate(torch.utils.data.DataLoader(data)):
    net(x).sum().backward()
    if (i + 1) % cfg['train']['every'] == 0:
        opt.step()
        opt.zero_grad()
"""
    found = facts(program(source, {"a.yaml": "train:\n  every: 4\n"}))
    assert [row["steps"] for row in found["accumulation"]] == [4]


def test_hydra_makes_what_the_settings_name() -> None:
    source = """import hydra
@hydra.main(version_base=None, config_path='conf', config_name='main')
def main(cfg):
    net = hydra.utils.instantiate(cfg.net)
    run = hydra.utils.instantiate(cfg.run)
    half = hydra.utils.instantiate(cfg.half)
"""
    files = {
        "conf/main.yaml": "net: {_target_: nets.Small}\nrun: {_target_: lightning.Trainer}\n"
        "half: {_target_: torch.optim.Adam, _partial_: true, lr: 1}\n",
        "nets.py": "import torch\nclass Small(torch.nn.Module):\n    pass\n",
    }
    rows = facts(program(source, files))["components"]
    assert [(row["kind"], row["name"], row["line"]) for row in rows] == [("model", "net", 4), ("trainer", "run", 5)]


def test_options_of_a_parser_of_another_file_are_listed() -> None:
    files = {"opts.py": "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', default=1)\n"}
    rows = facts(program("from opts import parser\nargs = parser.parse_args()\n", files))["hyperparameters"]
    assert [(row["name"], row["value"], row["line"], row["origin"]) for row in rows] == [
        ("learning_rate", 1, 3, "argparse")
    ]
