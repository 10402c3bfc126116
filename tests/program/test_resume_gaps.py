"""What a run that goes on leaves in the checkpoint that it reads."""

from __future__ import annotations

import pytest
from dry_debug.program.resume_gaps import resume_gaps

from tests.program.model import program

HEAD = """
import torch
from torch import nn
net = nn.Linear(1, 1)
opt = torch.optim.Adam(net.parameters())
plan = torch.optim.lr_scheduler.StepLR(opt, 3)
b = 0
"""
LOOP = """
for e in range(b, 9):
    for x in batches:
        net(x).sum().backward()
        opt.step()
    plan.step()
    torch.save({'net': net.state_dict(), 'opt': opt.state_dict(), 'plan': plan.state_dict(), 'e': e}, 'x.pt')
"""


def left(load: str, loop: str = LOOP, files: dict[str, str] | None = None) -> list[str]:
    return [one.key for gap in resume_gaps(program(HEAD + load + loop, files)) for one in gap.left]


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ("s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1", ["opt", "plan"]),
        ("s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nopt.load_state_dict(s['opt'])", ["plan"]),
        (
            "def read():\n    return torch.load('x.pt')\ns = read()\nnet.load_state_dict(s['net'])\nb = s['e'] + 1",
            ["opt", "plan"],
        ),
        ("s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nprint(s['e'])", []),
        ("s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1\nrest(s)", []),
        (
            "def fill(m, s):\n    m.load_state_dict(s['net'])\ns = torch.load('x.pt')\nfill(net, s)\nb = s['e'] + 1",
            ["opt", "plan"],
        ),
        (
            "def fill(m, o, s):\n    m.load_state_dict(s['net'])\n    o.load_state_dict(s['opt'])\n    more(s)\n"
            "s = torch.load('x.pt')\nfill(net, opt, s)\nb = s['e'] + 1",
            [],
        ),
        (
            "def fill(m, s):\n    rest(m, s)\ndef rest(n, t):\n    n.load_state_dict(t['net'])\n"
            "s = torch.load('x.pt')\nfill(net, s)\nopt.load_state_dict(s['opt'])",
            ["plan"],
        ),
        (
            "def read(m):\n    s = torch.load('x.pt')\n    m.load_state_dict(s['net'])\n    return s\n"
            "s = read(net)\nopt.load_state_dict(s['opt'])",
            ["plan"],
        ),
        (
            "def read(m):\n    s = torch.load('x.pt')\n    m.load_state_dict(s['net'])\n    more(s)\n    return s\n"
            "s = read(net)\nopt.load_state_dict(s['opt'])",
            [],
        ),
        ("s = torch.load('x.pt')\nnet.load_state_dict(s['weights'])\nb = s['step'] + 1", []),
        (
            "s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1\n"
            "if 'opt' in s:\n    opt.load_state_dict(s['opt'])\nplan.load_state_dict(s.get('plan'))",
            [],
        ),
    ],
)
def test_what_is_left(load: str, expected: list[str]) -> None:
    assert left(load) == expected


def test_a_file_that_is_read_in_another_file() -> None:
    files = {"io_.py": "import torch\ndef read(p):\n    s = torch.load(p)\n    return s\n"}
    load = "from io_ import read\ns = read('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1"
    assert left(load, files=files) == ["opt", "plan"]


def test_another_checkpoint_of_the_same_program() -> None:
    load = "s = torch.load('y.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1"
    assert left(load, LOOP.replace("'opt': opt.state_dict(), 'plan': plan.state_dict(), ", "")) == []
