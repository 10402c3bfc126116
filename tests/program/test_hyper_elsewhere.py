"""Hyperparameters that other files declare: which of them count for a program, with file, line, value and origin."""

from __future__ import annotations

import pytest

from tests.program.model import ROOT, program

OPTIONS = """
import argparse

def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    return parser.parse_args()

def unrelated(parser):
    parser.add_argument("--other", default=1)
"""
CLASSES = """
class BaseOptions:
    def __init__(self):
        self.parser = argparse.ArgumentParser()

    def initialize(self):
        self.parser.add_argument("--seed", type=int, default=3)

    def parse(self):
        self.initialize()
        return self.parser.parse_args()
"""
TRAIN_CLASSES = """
from .base_options import BaseOptions

class TrainOptions(BaseOptions):
    def initialize(self):
        super().initialize()
        self.parser.add_argument("--momentum", type=float, default=0.9)
"""
DATACLASS = """
from dataclasses import dataclass, field

@dataclass
class Common:
    seed: int = 3

@dataclass
class TrainConfig(Common):
    lr: float = 0.1
    layers: int = field(default=4)
    unread: int = 7
"""
AT_IMPORT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

if __name__ == "__main__":
    parser.add_argument("--only-here", default=1)
"""


def rows(source: str, files: dict[str, str]) -> list[tuple[str, str, object, str]]:
    """(file, name, value, origin) of what stands elsewhere."""
    found = program(source, files).training.hyper.elsewhere
    return [(r.owner.document.path.removeprefix(f"{ROOT}/"), r.found.name, r.found.value, r.found.origin)
            for r in found]  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "from options import get_args\nargs = get_args()",
        "import options\n\ndef main():\n    args = options.get_args()",
        "from pkg import get_args\nargs = get_args()",
        "from second import again\nargs = again()",
        "from options import *\nargs = get_args()",
    ],
)
def test_the_options_of_a_function_that_is_called(source: str) -> None:
    second = "from options import get_args\n\ndef again():\n    'parse'\n    import argparse\n    return get_args()"
    files = {"options.py": OPTIONS, "pkg/__init__.py": "from options import get_args", "second.py": second}
    assert rows(source, files) == [("options.py", "learning_rate", 0.1, "argparse")]


def test_a_function_that_declares_options_and_is_not_called_says_nothing() -> None:
    assert rows("from options import get_args", {"options.py": OPTIONS}) == []


def test_a_parser_that_helpers_fill() -> None:
    source = "import argparse, options\np = argparse.ArgumentParser()\noptions.unrelated(p)\nargs = p.parse_args()"
    assert rows(source, {"options.py": OPTIONS}) == [("options.py", "other", 1, "argparse")]


def test_a_class_of_options_with_those_of_its_bases() -> None:
    files = {"opts/base_options.py": CLASSES, "opts/train_options.py": TRAIN_CLASSES, "opts/__init__.py": ""}
    source = "from opts.train_options import TrainOptions\nopt = TrainOptions().parse()"
    assert rows(source, files) == [
        ("opts/base_options.py", "seed", 3, "argparse"),
        ("opts/train_options.py", "momentum", 0.9, "argparse"),
    ]


@pytest.mark.parametrize("source", ["from options import args", "import options", "from pkg import args"])
def test_options_that_are_parsed_when_a_module_is_imported(source: str) -> None:
    files = {"options.py": AT_IMPORT, "pkg/__init__.py": "from options import args"}
    assert rows(source, files) == [("options.py", "learning_rate", 0.1, "argparse")]


def test_an_import_of_something_else_from_a_script_with_options_in_its_main_part() -> None:
    script = "import argparse\n\ndef helper():\n    pass\n\nif __name__ == '__main__':\n"
    script += "    p = argparse.ArgumentParser()\n    p.add_argument('--lr', default=1)\n    args = p.parse_args()"
    assert rows("from script import helper\nhelper()", {"script.py": script}) == []


@pytest.mark.parametrize(
    "source",
    [
        "from conf import TrainConfig\ncfg = TrainConfig()\nuse(cfg.lr, cfg.layers, cfg.seed)",
        "from conf import TrainConfig\nuse(TrainConfig.lr, TrainConfig.layers, TrainConfig.seed)",
        "from conf import TrainConfig\n\ndef main(cfg: TrainConfig):\n    use(cfg.lr, cfg.layers, cfg.seed)",
        "from conf import TrainConfig\n\nclass Trainer:\n    def __init__(self, cfg: TrainConfig):\n"
        "        self.cfg = cfg\n\n    def run(self):\n        use(self.cfg.lr, self.cfg.layers, self.cfg.seed)",
    ],
)
def test_the_fields_of_a_dataclass_that_are_read(source: str) -> None:
    assert rows(source, {"conf.py": DATACLASS}) == [
        ("conf.py", "seed", 3, "dataclass"),
        ("conf.py", "learning_rate", 0.1, "dataclass"),
        ("conf.py", "layers", 4, "dataclass"),
    ]


def test_a_parser_of_dataclasses_takes_all_their_fields() -> None:
    source = (
        "from transformers import HfArgumentParser\nfrom conf import TrainConfig\np = HfArgumentParser(TrainConfig)"
    )
    assert [row[1] for row in rows(source, {"conf.py": DATACLASS})] == ["seed", "learning_rate", "layers", "unread"]


@pytest.mark.parametrize(
    "source",
    [
        "import config as cfg\nuse(cfg.LR, cfg.SIZES, cfg.STEPS)",
        "from config import LR, SIZES, STEPS",
        "from config import *\nuse(LR, SIZES, STEPS)",
        "from pkg import config\nuse(config.LR, config.SIZES, config.STEPS)",
        "import pkg.config\nuse(pkg.config.LR, pkg.config.SIZES, pkg.config.STEPS)",
    ],
)
def test_constants_of_a_module_of_settings_that_are_read(source: str) -> None:
    text = "import os\nLR = 0.1\nSIZES = [1, 2]\nSTEPS = 10 * 2\nUNREAD = 4\nPATH = os.getcwd()\n"
    files = {"config.py": text, "pkg/config.py": text, "pkg/__init__.py": ""}
    file = "pkg/config.py" if "pkg" in source else "config.py"
    assert rows(source, files) == [
        (file, "learning_rate", 0.1, "literal"),
        (file, "SIZES", [1, 2], "literal"),
        (file, "STEPS", 20, "computed"),
    ]


def test_a_class_of_settings_that_is_no_dataclass() -> None:
    text = (
        "class Config:\n    lr = 0.1\n    def __init__(self):\n        self.decay = 0.5\n        self.path = make()\n"
    )
    source = "from config import Config\nconfig = Config()\nuse(config.lr, config.decay, config.path)"
    assert rows(source, {"config.py": text}) == [
        ("config.py", "learning_rate", 0.1, "literal"),
        ("config.py", "decay", 0.5, "literal"),
    ]


def test_attributes_of_models_and_constants_of_other_modules_are_no_settings() -> None:
    text = "import torch.nn as nn\nGREETING = 'hi'\n\nclass Net(nn.Module):\n    expansion = 4\n"
    source = (
        "from nets import Net, GREETING\nimport nets\nnet = Net()\nuse(net.expansion, Net.expansion, nets.GREETING)"
    )
    assert rows(source, {"nets.py": text}) == []


def test_files_that_import_each_other_come_to_an_end() -> None:
    one = "from two import args\nimport two\nfrom one import *\n"
    assert rows("from one import args\nimport one\n", {"one.py": one, "two.py": "from one import args\n"}) == []


def test_an_import_inside_the_function_that_parses() -> None:
    source = "def main():\n    from options import get_args\n    args = get_args()\n\nmain()"
    assert [row[1] for row in rows(source, {"options.py": OPTIONS})] == ["learning_rate"]
