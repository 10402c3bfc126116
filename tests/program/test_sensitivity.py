"""Whether train and eval mode differ for a module."""

import ast

import pytest
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.program.sensitivity import mode_matters
from dry_debug.text.document import Document

CLASS = "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        "
HEAD = "import torch\nimport torchvision\nfrom torch import nn\nimport torch.nn.functional as F\n"


def answer(source: str) -> bool | None:
    document = Document.from_text(HEAD + source)
    tree = parse(document)
    assert isinstance(tree, ast.Module)
    return mode_matters(Program(document, tree, NullHost()).export("net"))


@pytest.mark.parametrize(
    ("source", "matters"),
    [
        ("net = nn.Linear(2, 2)", False),
        ("net = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.GELU())", False),
        ("net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1))", True),
        ("net = nn.Sequential(nn.Sequential(nn.BatchNorm2d(2)))", True),
        ("net = nn.LSTM(2, 2)", True),
        ("net = nn.DataParallel(nn.Linear(2, 2))", False),
        ("net = nn.Sequential(*layers)", None),
        ("net = torchvision.models.resnet18()", True),
        (
            CLASS + "self.a = nn.Linear(2, 2)\n    def forward(self, x):\n        return self.a(x)\nnet = N()",
            False,
        ),
        (
            CLASS + "self.a = nn.Linear(2, 2)\n"
            "    def forward(self, x):\n        return F.dropout(self.a(x), training=self.training)\nnet = N()",
            True,
        ),
        (
            CLASS.replace("N", "Inner", 1) + "self.n = nn.BatchNorm1d(2)\n" + CLASS + "self.a = Inner()\nnet = N()",
            True,
        ),
        (
            "from somewhere import Block\n" + CLASS + "self.a = Block()\nnet = N()",
            None,
        ),
        ("from somewhere import Base\nclass N(Base, nn.Module):\n    pass\nnet = N()", None),
    ],
)
def test_the_layers_below_a_module_decide(source: str, matters: bool | None) -> None:
    assert answer(source) is matters


def test_a_module_that_holds_itself_ends() -> None:
    assert answer(CLASS + "self.a = N()\nnet = N()") in (False, None)
