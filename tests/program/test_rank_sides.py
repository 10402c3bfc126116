"""Which ranks come to a place, and which functions come to a collective."""

from __future__ import annotations

import pytest
from dry_debug.program.rank_sides import comes_to_collective, of_subgroup, side_of

from tests.program.model import program

HEAD = "import torch, torch.distributed as dist\n"


@pytest.mark.parametrize(
    ("source", "one"),
    [
        ("dist.barrier()\n", None),
        ("if rank == 0:\n    dist.barrier()\n", True),
        ("if rank == 0:\n    pass\nelse:\n    dist.barrier()\n", False),
        ("if rank != 0 and fresh:\n    dist.barrier()\n", False),
        ("if rank == 0 and fresh:\n    pass\nelse:\n    dist.barrier()\n", None),
        ("def f():\n    if rank != 0:\n        return\n    dist.barrier()\n", True),
        ("def f():\n    if rank != 0 and fresh:\n        return\n    dist.barrier()\n", None),
        ("def f():\n    if rank != 0:\n        exit(0)\n    dist.init_process_group()\n    dist.barrier()\n", None),
        ("def f():\n    dist.init_process_group()\n    if rank != 0:\n        exit(0)\n    dist.barrier()\n", True),
        ("for i in x:\n    if rank == 0:\n        continue\n    dist.barrier()\n", False),
        ("if tp_rank == 0:\n    dist.barrier()\n", None),
        ("if fresh:\n    dist.barrier()\n", None),
    ],
)
def test_which_ranks_come(source: str, one: bool | None) -> None:
    model = program(HEAD + source)
    (call,) = model.training.distributed.collectives
    decided = side_of(model, call)
    assert (decided.one if decided is not None else None) is one


def test_a_group_may_be_of_some_ranks() -> None:
    model = program(HEAD + "dist.barrier()\ndist.barrier(g)\ndist.barrier(group=g)\ndist.all_reduce(x, op)\n")
    calls = sorted(model.training.distributed.collectives, key=lambda c: c.lineno)
    assert [of_subgroup(c) for c in calls] == [False, True, True, False]


@pytest.mark.parametrize(
    ("body", "sure", "perhaps"),
    [
        ("    dist.all_reduce(x)\n", True, True),
        ("    if not dist.is_initialized():\n        return\n    dist.all_reduce(x)\n", True, True),
        ("    if world_size > 1:\n        dist.all_reduce(x)\n", True, True),
        ("    if wanted:\n        dist.all_reduce(x)\n", False, True),
        ("    if rank != 0:\n        return\n    dist.all_reduce(x)\n", False, True),
        ("    while x:\n        dist.all_reduce(x)\n", False, True),
        ("    return g(x)\ndef g(x):\n    dist.all_reduce(x)\n", True, True),
        ("    return x\n", False, False),
    ],
)
def test_which_functions_come_to_a_collective(body: str, sure: bool, perhaps: bool) -> None:
    model = program(HEAD + "def f(x):\n" + body + "here = f(1)\n")
    (call,) = [c for c in model.index.calls if model.text(c) == "f(1)"]
    assert (comes_to_collective(model, call) is not None) is sure
    assert (comes_to_collective(model, call, sure=False) is not None) is perhaps
