"""What sets a run up for several processes, what decides about it, and what says that there is one."""

from __future__ import annotations

import pytest
from dry_debug.program.process_setup import ProcessSetup

from tests.program.model import program

HEAD = """
import os, torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel as DDP
"""
WORK = "def work(rank, n):\n    dist.init_process_group('nccl', rank=rank, world_size=n)\n"
WRAP = "net = DDP(net)\n"


def setup(source: str, files: dict[str, str] | None = None) -> ProcessSetup:
    return ProcessSetup(program(HEAD + source, files))


@pytest.mark.parametrize(
    ("source", "alone"),
    [
        ("dist.init_process_group('nccl', rank=0, world_size=1)", True),
        ("dist.init_process_group('nccl', None, None, 1)", True),
        ("n = 1\ndist.init_process_group('nccl', world_size=n)", True),
        ("n = 1\nif many:\n    n = 4\ndist.init_process_group('nccl', world_size=n)", False),
        ("dist.init_process_group('nccl', world_size=2)", False),
        ("dist.init_process_group('nccl')", False),
        ("os.environ['WORLD_SIZE'] = '1'\ndist.init_process_group('nccl')", True),
        ("if alone:\n    os.environ['WORLD_SIZE'] = '1'\ndist.init_process_group('nccl')", False),
        ("os.environ['CUDA_VISIBLE_DEVICES'] = '3'", True),
        ("os.environ['CUDA_VISIBLE_DEVICES'] = '0,1'", False),
        (WORK + "mp.spawn(work, (1,), nprocs=1)", True),
        (WORK + "mp.spawn(work, (4,), nprocs=1)", False),
        ("mp.spawn(work, nprocs=torch.cuda.device_count())", False),
        ("def join(n=1):\n    dist.init_process_group('nccl', world_size=n)", False),
        ("def join(n=1):\n    dist.init_process_group('nccl', world_size=n)\njoin()", True),
        ("num_nodes = 4\nmp.spawn(work, nprocs=1)", False),
    ],
)  # fmt: skip
def test_one_process_is_known_only_where_nothing_can_change_it(source: str, alone: bool) -> None:
    assert (setup(f"{source}\n{WRAP}").alone() is not None) is alone


@pytest.mark.parametrize(
    ("source", "decided"),
    [
        (WRAP, False),
        (f"if world > 1:\n    {WRAP}", True),
        ("net = DDP(net) if many else net", True),
        (f"if torch.cuda.is_available():\n    {WRAP}", False),
        (f"if __name__ == '__main__':\n    {WRAP}", False),
        (f"def f(net):\n    {WRAP}\nif args.distributed:\n    f(net)", True),
        (f"def f(net):\n    {WRAP}\nf(net)", False),
        (f"def f(net):\n    if world_size == 1:\n        return net\n    {WRAP}", True),
        (f"def f(net):\n    if not ready:\n        return net\n    {WRAP}", False),
        (f"world = int(os.environ.get('WORLD_SIZE', 1))\n{WRAP}", True),
        (f"world = int(os.environ.get('WORLD_SIZE', 4))\n{WRAP}", False),
        (f"world = int(os.environ['WORLD_SIZE'])\n{WRAP}", False),
        (f"ddp = 'RANK' in os.environ\n{WRAP}", True),
    ],
)  # fmt: skip
def test_what_decides_whether_there_are_several(source: str, decided: bool) -> None:
    assert (setup(source).decided() is not None) is decided


def test_a_wrapper_in_another_file_is_found_from_the_call_that_starts_it() -> None:
    other = "from torch.nn.parallel import DistributedDataParallel\nimport torch.distributed as dist\n"
    other += "def work(rank, net):\n    return DistributedDataParallel(net)\n"
    found = setup("from work import work\nmp.spawn(work, (net,), nprocs=1)\n", {"work.py": other})
    assert found.wrapper is None and found.alone() is not None
    assert found.wrapped_elsewhere() is not None


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ("devices=1, strategy='ddp'", [True]),
        ("devices=1, strategy='auto'", []),
        ("devices=1, strategy='deepspeed_stage_2'", []),
        ("devices=2, strategy='ddp'", [False]),
        ("devices=1, num_nodes=2, strategy='ddp'", [False]),
        ("gpus=[1], accelerator='ddp'", [True]),
        ("devices=count, strategy='fsdp'", [False]),
        ("devices=-1, strategy='ddp'", [False]),
    ],
)
def test_strategies_of_lightning(given: str, kinds: list[bool]) -> None:
    source = f"import pytorch_lightning as pl\npl.Trainer({given})\n"
    assert [p.alone is not None for p in setup(source).parts] == kinds


WORKER = "import torch.distributed as dist\ndef work(rank, n):\n    dist.init_process_group('nccl', rank=rank)\n"


@pytest.mark.parametrize(
    ("run", "started", "counts", "alone"),
    [
        ("mp.spawn(work, (1,), nprocs=torch.cuda.device_count())", 1, True, False),
        ("mp.spawn(work, (1,), nprocs=2)", 1, False, False),
        ("mp.spawn(another, nprocs=2)", 0, False, False),
        ("os.environ['WORLD_SIZE'] = '1'\nwork(0, 1)", 1, False, True),
        ("if many:\n    os.environ['WORLD_SIZE'] = '1'\nwork(0, 1)", 1, False, False),
    ],
)
def test_what_starts_it_from_another_file(run: str, started: int, counts: bool, alone: bool) -> None:
    files = {"run.py": HEAD + f"from work import work\n{run}\n"}
    found = ProcessSetup(program(WORKER, files, path="work.py"))
    by = found.started_elsewhere()
    assert len(by) == started and any(other.counts_gpus for other, _ in by) is counts
    assert (found.alone() is not None) is alone
