"""Which places every process of a distributed run comes to, and which tests may hold some of them back."""

from __future__ import annotations

import pytest
from dry_debug.program.all_ranks import held_back, shared_by
from dry_debug.program.program import Program

from tests.program.model import program

HEAD = "import torch, torch.distributed as dist\nfrom torch.nn.parallel import DistributedDataParallel as DDP\n"


def shared(model: Program) -> bool:
    (call,) = model.calls_of("torch.save")
    return shared_by(model, call) is not None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("net = DDP(net)\ntorch.save(net, p)\n", True),
        ("def f(net):\n    net = DDP(net)\n    g(net)\ndef g(net):\n    torch.save(net, p)\n", True),
        ("def f(net):\n    return DDP(net)\ndef g(net):\n    net = f(net)\n    torch.save(net, p)\n", True),
        ("class T:\n    def __init__(s):\n        s.n = DDP(n)\n    def w(s):\n        torch.save(s.n, p)\n", True),
        ("def f():\n    dist.init_process_group()\ndef g(net):\n    torch.save(net, p)\n", False),
        ("dist.init_process_group('gloo', rank=0, world_size=1)\ntorch.save(net, p)\n", False),
    ],
)
def test_what_shows_that_all_ranks_come(source: str, expected: bool) -> None:
    assert shared(program(HEAD + source)) is expected


def test_the_set_up_stands_in_another_file() -> None:
    files = {"setup.py": "import torch.distributed as dist\ndef start():\n    dist.init_process_group('nccl')\n"}
    assert shared(program("import torch\nfrom setup import start\nstart()\ntorch.save(net, p)\n", files))


@pytest.mark.parametrize(
    ("source", "doubt"),
    [
        ("if best > 3:\n    torch.save(net, p)\n", None),
        ("if writer:\n    torch.save(net, p)\n", "writer"),
        ("keep = rank < 4\nif keep:\n    torch.save(net, p)\n", "keep"),
        ("out = None\nif rank == 0:\n    out = 'a'\nif out:\n    torch.save(net, p)\n", "out"),
        ("def f():\n    if skip_rank:\n        return\n    torch.save(net, p)\n", "skip_rank"),
        ("def f():\n    torch.save(net, p)\nif is_writer:\n    f()\n", "is_writer"),
        ("def f():\n    torch.save(net, p)\nif is_writer:\n    f()\nf()\n", None),
    ],
)
def test_what_may_hold_some_ranks_back(source: str, doubt: str | None) -> None:
    model = program(HEAD + source)
    (call,) = model.calls_of("torch.save")
    found = held_back(model, call)
    assert (model.text(found) if found is not None else None) == doubt
