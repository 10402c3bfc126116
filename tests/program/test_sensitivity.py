"""Whether train and eval mode differ for a module."""

import pytest
from dry_debug.program.sensitivity import mode_matters

from tests.program.model import program

CLASS = "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        "
HEAD = "import torch\nimport torchvision\nfrom torch import nn\nimport torch.nn.functional as F\n"


def answer(source: str) -> bool | None:
    files = {"blocks.py": HEAD + CLASS.replace("N", "Block", 1) + "self.n = nn.BatchNorm1d(2)\n"}
    return mode_matters(program(HEAD + source, files).export("net"))


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
        ("if wide:\n    net = nn.Linear(2, 9)\nelse:\n    net = nn.Linear(2, 2)", False),
        ("if wide:\n    net = nn.LSTM(2, 9)\nelse:\n    net = nn.LSTM(2, 2)", True),
        ("if wide:\n    net = nn.LSTM(2, 9)\nelse:\n    net = nn.Linear(2, 2)", None),
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
            CLASS + "self.a = nn.Linear(2, 2)\n    def forward(self, x):\n"
            "        return F.scaled_dot_product_attention(x, x, self.a(x), dropout_p=0.0, is_causal=True)\nnet = N()",
            False,
        ),
        (
            CLASS + "self.a = nn.Linear(2, 2)\n    def forward(self, x):\n"
            "        return F.scaled_dot_product_attention(x, x, self.a(x), dropout_p=0.05)\nnet = N()",
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
        ("from blocks import Block\n" + CLASS + "self.a = Block()\nnet = N()", True),
        (
            "class N(nn.Module):\n    def __init__(self, parts):\n        super().__init__()\n"
            "        self.parts = nn.ModuleList(parts)\nnet = N(p)",
            None,
        ),
        (
            "class N(nn.Module):\n    def __init__(self, a):\n        super().__init__()\n        self.a = a\n"
            "    def forward(self, x):\n        return self.a(x)\nnet = N(p)",
            None,
        ),
        (
            "class N(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
            "        self.width = width\n        self.a = nn.Linear(width, 2)\n"
            "    def forward(self, x):\n        return self.a(x)\nnet = N(2)",
            False,
        ),
        ("from somewhere import Base\nclass N(Base, nn.Module):\n    pass\nnet = N()", None),
    ],
)
def test_the_layers_below_a_module_decide(source: str, matters: bool | None) -> None:
    assert answer(source) is matters


def test_a_module_that_holds_itself_ends() -> None:
    assert answer(CLASS + "self.a = N()\nnet = N()") in (False, None)
