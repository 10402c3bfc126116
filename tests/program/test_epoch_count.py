"""The epoch that a checkpoint holds, and the one that a resumed loop starts with."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.epoch_count import EpochCount

from tests.program.model import program

HEAD = """
import torch
from torch import nn
net = nn.Linear(1, 1)
opt = torch.optim.SGD(net.parameters(), lr=1)
def train():
    for x in batches:
        net(x).sum().backward()
        opt.step()
def save(n):
    torch.save({'net': net.state_dict(), 'n': n}, 'x.pt')
"""


def count(source: str) -> EpochCount:
    model = program(HEAD + source)
    loop = next(loop.node for loop in model.training.loops.all if loop.kind == "epoch")
    assert isinstance(loop, ast.For)
    return EpochCount(model, loop)


def start(source: str) -> tuple[str, int] | None:
    found = count(f"s = torch.load('x.pt')\n{source}\n    train()").start()
    return (found.key, found.offset) if found is not None else None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for e in range(s['n'], 9):", ("n", 0)),
        ("for e in range(s.get('n', 0) + 1, 9):", ("n", 1)),
        ("b = int(s['n']) + 1\nfor e in range(b, 9):", ("n", 1)),
        ("b = 0\nif go:\n    b = s['n']\nfor e in tqdm(range(b + 1, 9)):", ("n", 1)),
        ("b, c = s['n'], s['c']\nfor e in range(b, 9):", ("n", 0)),
        ("args.b = s['n']\nfor e in range(args.b, 9):", ("n", 0)),
        ("def back():\n    return s['n'] - 1\nb = back()\nfor e in range(b, 9):", ("n", -1)),
        ("b = s['n']\nb += 1\nfor e in range(b, 9):", None),
        ("b = s['n']\nb = b + 1\nfor e in range(b, 9):", None),
        ("b = other['n']\nfor e in range(b, 9):", None),
        ("for e in range(9):", None),
    ],
)
def test_the_start_of_a_loop(source: str, expected: tuple[str, int] | None) -> None:
    assert start(source) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    train()\n    save(e)", [(0, True)]),
        ("    train()\n    save(e + 1)", [(1, True)]),
        ("    train()\n    done = e + 1\n    save(done)", [(1, True)]),
        ("    for phase in ['a', 'b']:\n        train()\n        save(e)", [(0, True)]),
        ("    save(e)\n    train()", [(0, False)]),
        ("    for x in batches:\n        net(x).backward()\n        opt.step()\n        save(e)", [(0, None)]),
        ("    try:\n        train()\n    except OSError:\n        save(e)", [(0, None)]),
        ("    train()\n    save(other)", []),
    ],
)
def test_what_is_saved(body: str, expected: list[tuple[int, bool | None]]) -> None:
    assert [(one.offset, one.finished) for one in count(f"for e in range(9):\n{body}").stored("n")] == expected
