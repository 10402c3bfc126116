"""A sharded model on two ranks: each writes its shards and its own random state, and the run goes on as if it had never
been stopped; a save that is stopped half-way leaves the one from before; other numbers of ranks take it up as well."""

import functools
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.runs import ALL, SOME, folder, lines, run, stopped

pytestmark = pytest.mark.slow
SHARDED = """import random
import sys

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard

EPOCHS = int(sys.argv[1])
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(3)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
fully_shard(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
data = torch.linspace(-1, 1, 48).reshape(12, 4)[rank::2], torch.linspace(0, 1, 12).reshape(12, 1)[rank::2]
loader = [(data[0][:3], data[1][:3]), (data[0][3:], data[1][3:])]
random.seed(3 + rank)
np.random.seed(3 + rank)
torch.manual_seed(3 + rank)
for epoch in range(EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        noise = torch.as_tensor(np.random.normal(size=4)).float() * random.random()
        loss = nn.functional.mse_loss(model(x + 0.1 * noise), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print("LOSS", epoch, loss.item().hex())
    state = model.state_dict()
    if rank == 0:
        torch.save({"model": state, "epoch": epoch}, "last.pt")
print("WEIGHTS", [p.full_tensor().detach().flatten().tolist() for p in model.parameters()])
dist.destroy_process_group()
"""
RESUME = 1
# Ends both processes in the third save, when shards are written and nothing says yet that they are complete.
DIES = """
import os
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint import FileSystemWriter

finish = FileSystemWriter.finish
count = 0


def dying(self, *args, **kwargs):
    global count
    count += 1
    if count == 2:
        os._exit(9)
    return finish(self, *args, **kwargs)


FileSystemWriter.finish = dying
"""


@functools.cache
def outcomes(where: Path) -> dict[str, dict[str, Any]]:
    files = fixed({"main.py": SHARDED}, RESUME)
    one_key = files["main.py"].replace('f"rng_rank{dist.get_rank()}"', '"rng"')
    assert one_key != files["main.py"]
    names, jobs = [], []
    for name, text in (("fixed", files["main.py"]), ("unfixed", SHARDED), ("one key", one_key)):
        jobs += stopped(where, name, {"main.py": text}, 0, ranks=2)
        names += [f"{name} straight", f"{name} first", f"{name} rest"]
    for ranks in (1, 3):
        other = folder(where, f"on {ranks}", files)
        for count, epochs in ((2, SOME), (ranks, ALL)):
            jobs.append({"folder": other, "main": "main.py", "argv": [str(epochs)], "ranks": count})
            names.append(f"{ranks} {epochs}")
    dead = folder(where, "dead", files)
    jobs.append({"folder": dead, "main": "main.py", "argv": [str(ALL)], "ranks": 2, "before": DIES})
    jobs.append({"folder": dead, "main": "main.py", "argv": [str(ALL)], "ranks": 2})
    return dict(zip([*names, "dies", "after it"], run(jobs), strict=True))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


def test_every_rank_goes_on_as_if_the_run_had_not_been_stopped(place: Path) -> None:
    found = outcomes(place)
    assert found["fixed rest"]["code"] == 0, found["fixed rest"]["out"]
    for rank in (0, 1):
        assert lines(found["fixed rest"], SOME, rank) == lines(found["fixed straight"], SOME, rank)
        assert lines(found["fixed straight"], 0, rank) == lines(found["unfixed straight"], 0, rank)


def test_under_one_key_for_all_ranks_one_of_them_goes_on_otherwise(place: Path) -> None:
    found = outcomes(place)
    assert found["one key rest"]["code"] == 0, found["one key rest"]["out"]
    same = [lines(found["one key rest"], SOME, r) == lines(found["one key straight"], SOME, r) for r in (0, 1)]
    assert not all(same)


@pytest.mark.parametrize("ranks", [1, 3])
def test_another_number_of_ranks_takes_it_up(ranks: int, place: Path) -> None:
    rest = outcomes(place)[f"{ranks} {ALL}"]
    assert rest["code"] == 0, rest["out"]
    assert lines(rest)[0].startswith(f"LOSS {SOME} ") and lines(rest)[-1].startswith("WEIGHTS")


def test_a_save_that_is_stopped_leaves_the_one_from_before(place: Path) -> None:
    found = outcomes(place)
    assert found["dies"]["code"] != 0
    assert found["after it"]["code"] == 0, found["after it"]["out"]
    assert lines(found["after it"])[0].startswith("LOSS 1 ")
    assert lines(found["after it"], 1) == lines(found["fixed straight"], 1)
