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
            "def fill(s):\n    net.load_state_dict(s['net'])\n    return s['e']\ns = torch.load('x.pt')\nb = fill(s)",
            ["opt", "plan"],
        ),
        (
            "def fill(s):\n    net.load_state_dict(s['net'])\n    e = s['e']\n    return e\n"
            "s = torch.load('x.pt')\nbest = fill(s)",
            [],
        ),
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
        # The next checkpoint is put together under the same name.
        (
            "s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1\ndel s\ns = {'more': 1}\nprint(s)",
            ["opt", "plan"],
        ),
        # A line that is switched off reads nothing.
        (
            "s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e'] + 1\n# opt.load_state_dict(s['opt'])",
            ["opt", "plan"],
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


COUNTS = """
{name} = 0
s = torch.load('x.pt')
net.load_state_dict(s['net'])
{name} = s['{key}']
for e in range(9):
    for x in batches:
        net(x).sum().backward()
        opt.step()
    {use}
    torch.save({{'net': net.state_dict(), 'opt': opt.state_dict(), '{key}': 1}}, 'x.pt')
"""


@pytest.mark.parametrize(
    ("name", "key", "use", "goes_on"),
    [
        ("best", "lowest", "best = min(best, score(net))", True),
        ("done", "step", "print(done + e)", True),
        ("best", "lowest", "pass", False),  # read, and not used in the training
        ("wide", "width", "print(wide)", False),  # no counter
        ("num_epochs", "num_epochs", "print(num_epochs)", False),  # a setting
        ("best", "lowest", "best = 0.0; print(best)", False),  # the run begins with one of its own
    ],
)
def test_a_run_goes_on_with_a_counter_or_a_best_result(name: str, key: str, use: str, goes_on: bool) -> None:
    text = HEAD + COUNTS.format(name=name, key=key, use=use)
    assert [one.key for gap in resume_gaps(program(text)) for one in gap.left] == (["opt"] if goes_on else [])


@pytest.mark.parametrize(
    ("back", "expected"),
    [("{'net': 1, 'e': e}", ["opt", "plan"]), ("c", ["opt", "plan"]), ("{**rest, 'e': e}", []), ("rest", [])],
)
def test_the_next_checkpoint_is_put_together_by_a_function_under_the_same_name(back: str, expected: list[str]) -> None:
    load = "s = torch.load('x.pt')\nnet.load_state_dict(s['net'])\nb = s['e']\n"
    load += f"def pack(e, rest):\n    c = {{'net': net.state_dict(), 'e': e}}\n    return {back}\n"
    assert left(load, LOOP + "    s = pack(b, s)\n    keep(s)\n") == expected
