"""The seed that each rank gets behind the one that all share: where it stands, and where it is left out."""

import pytest
from dry_debug.lint.settings import Settings

from tests.fixes.checkpoints import added, first, offered

SEEDING = Settings(select=("partial-seeding",))
HEAD = """import os
import random

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, random_split


"""
TRAIN = """optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(9):
    sampler.set_epoch(epoch)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x + np.random.normal()) - y).square().mean().backward()
        optimizer.step()
"""
SCRIPT = f"""{HEAD}dist.init_process_group("gloo")
torch.manual_seed(3)
sampler = DistributedSampler(data)
loader = DataLoader(data, batch_size=2, sampler=sampler)
model = DistributedDataParallel(torch.nn.Linear(4, 1))
{TRAIN}"""
SAID = "# The weights are alike on all ranks; from here on each rank draws numbers of its own."


def lines_of(text: str) -> tuple[str, list[str]]:
    """(the title of the fix, the lines that it adds)."""
    ((fix, files),) = offered(text, settings=SEEDING)
    return fix.title, added(text, files["main.py"])


@pytest.mark.parametrize(
    ("made", "rank"),
    [
        ("", "dist.get_rank()"),
        ("rank = dist.get_rank()\n", "rank"),
        ('rank = int(os.environ["RANK"])\n', "rank"),
        ('local_rank = int(os.environ["LOCAL_RANK"])\n', "dist.get_rank()"),
        ("args = parse()\nargs.rank = dist.get_rank()\n", "args.rank"),
        ("global_rank = dist.get_rank()\nrank = global_rank % 8\n", "global_rank"),
    ],
    ids=["none", "rank", "of torchrun", "of the machine alone", "argument", "both"],
)
def test_the_rank_is_that_among_all_processes_in_the_program_s_words(made: str, rank: str) -> None:
    title, lines = lines_of(SCRIPT.replace("torch.manual_seed(3)", f"{made}torch.manual_seed(3)"))
    assert title == "Seed `numpy` with the same value, and each rank's data apart"
    assert lines[-2:] == [SAID, f"set_seed(3 + {rank})"] and "set_seed(3)" in lines


def test_nothing_is_added_to_a_seed_of_zero() -> None:
    assert lines_of(SCRIPT.replace("manual_seed(3)", "manual_seed(0)"))[1][-1] == "set_seed(dist.get_rank())"


def test_what_is_handed_to_the_process_group_is_the_rank() -> None:
    text = SCRIPT.replace("dist.init", "opt = parse()\ndist.init").replace('("gloo")', '("gloo", rank=opt.proc)')
    assert lines_of(text)[1][-1] == "set_seed(3 + opt.proc)"


def test_a_process_group_that_may_not_be_there_is_asked_for() -> None:
    text = SCRIPT.replace("model = Dist", "model = torch.nn.Linear(4, 1)\nif fast:\n    model = Dist").replace(
        "optimizer = torch", "else:\n    model = DistributedDataParallel(model, device_ids=[0])\noptimizer = torch"
    )
    text = text.replace('dist.init_process_group("gloo")', 'if several:\n    dist.init_process_group("gloo")')
    assert lines_of(text)[1][-3:] == [SAID, "if dist.is_initialized():", "set_seed(3 + dist.get_rank())"]


def test_a_helper_is_completed_and_called_again() -> None:
    helper = "def seed_all(seed):\n    random.seed(seed)\n    torch.manual_seed(seed)\n\n\ndist.init"
    text = SCRIPT.replace("dist.init", helper).replace("torch.manual_seed(3)", "seed_all(args.seed)")
    assert lines_of(text)[1] == ["np.random.seed(seed)", SAID, "seed_all(args.seed + dist.get_rank())"]


def test_the_generator_of_a_loader_is_seeded_by_the_rank_as_well() -> None:
    made = "draws = torch.Generator()\ndraws.manual_seed(args.seed)\nloader = DataLoader(data, generator=draws, "
    text = SCRIPT.replace("loader = DataLoader(data, ", made)
    assert lines_of(text)[1][-2:] == ["set_seed(3 + dist.get_rank())", "draws.manual_seed(args.seed + dist.get_rank())"]


@pytest.mark.parametrize(
    "late",
    [
        "data, rest = random_split(data, [8, 4])\n",
        "critic = torch.nn.Linear(1, 1)\n",
        "torch.manual_seed(4)\n",
    ],
    ids=["a split", "another model", "a seed"],
)
def test_what_all_ranks_draw_alike_must_not_come_behind(late: str) -> None:
    title, lines = lines_of(SCRIPT.replace("optimizer = torch", f"{late}optimizer = torch"))
    assert title == "Seed `numpy` with the same value (alike on all ranks)" and SAID not in lines


def test_a_seed_that_names_the_rank_is_left_as_it_is() -> None:
    text = SCRIPT.replace("torch.manual_seed(3)", "seed = args.seed + dist.get_rank()\ntorch.manual_seed(seed)")
    title, lines = lines_of(text)
    assert title == "Seed `numpy` with the same value" and lines == ["np.random.seed(seed)"]


@pytest.mark.parametrize(
    ("library", "setup", "rank"),
    [
        ("from accelerate import Accelerator", "accelerator = Accelerator()", "accelerator.process_index"),
        ("from lightning.fabric import Fabric", "fabric = Fabric()", "fabric.global_rank"),
    ],
)
def test_a_library_s_number_of_the_process(library: str, setup: str, rank: str) -> None:
    owner = rank.partition(".")[0]
    wrap = {"accelerator": "accelerator.prepare(model, optimizer)", "fabric": "fabric.setup(model, optimizer)"}[owner]
    text = f"""import numpy as np
import torch
{library}

{setup}
torch.manual_seed(args.seed)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model, optimizer = {wrap}
for epoch in range(9):
    for x, y in loader:
        optimizer.zero_grad()
        {owner}.backward((model(x + np.random.normal()) - y).square().mean())
        optimizer.step()
"""
    assert lines_of(text)[1][-1] == f"set_seed(args.seed + {rank})"


def test_generators_that_are_put_back_come_behind_the_seed_of_the_rank() -> None:
    load = """start = 0
state = torch.load("last.pt")
plain = torch.nn.Linear(4, 1)
plain.load_state_dict(state["model"])
start = state["epoch"] + 1
model = DistributedDataParallel(plain)
torch.manual_seed(4)
"""
    text = SCRIPT.replace("model = DistributedDataParallel(torch.nn.Linear(4, 1))\n", load).replace("SGD", "Adam")
    text = text.replace("range(9)", "range(start, 9)") + (
        '    torch.save({"model": plain.state_dict(), "epoch": epoch}, "last.pt")\n'
    )
    after = first(text)["main.py"]
    assert 0 < after.index("torch.manual_seed(4)") < after.index('restore_rng_state(state["rng_states"])')
