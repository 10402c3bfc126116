"""The random generators of several ranks: where they are gathered, and where that is left alone."""

import pytest

from tests.fixes.checkpoints import added, first, offered

HEAD = """import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(3)
model = DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.Adam(model.parameters())
start = 0
if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt", map_location="cpu")
    model.load_state_dict(checkpoint["model"])
    start = checkpoint["epoch"] + 1
for epoch in range(start, 9):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
"""
SAVE = 'torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")\n'
GATHER = "rng_states = gather_rng_states()\n"


@pytest.mark.parametrize(
    ("save", "gathered"),
    [
        (f"    {SAVE}", f"    {GATHER}    if dist.get_rank() == 0:\n"),
        (f"    if rank == 0:\n        {SAVE}", f"    {GATHER}    if rank == 0:\n"),
        (
            f"    if epoch % 2 == 0:\n        if rank == 0:\n            {SAVE}",
            f"    if epoch % 2 == 0:\n        {GATHER}        if rank == 0:\n",
        ),
        (f"    if loss < 1:\n        if rank == 0:\n            {SAVE}", f"    {GATHER}    if loss < 1:\n"),
        (f"    if rank != 0:\n        continue\n    {SAVE}", f"    {GATHER}    if rank != 0:\n"),
        (f"    if loss > 9:\n        pass\n    elif rank == 0:\n        {SAVE}", f"    {GATHER}    if loss > 9:\n"),
        (f"    try:\n        {SAVE}    except OSError:\n        print(epoch)\n", f"    {GATHER}    try:\n"),
    ],
    ids=["by the fix", "by the rank", "in some epochs", "by a result", "left early", "elif", "try"],
)  # fmt: skip
def test_the_ranks_gather_where_all_of_them_come_by(save: str, gathered: str) -> None:
    after = first(HEAD + save)["main.py"]
    assert gathered in after
    assert after.count(GATHER) == 1 and '"rng_states": rng_states,' in after
    assert '    if "rng_states" in checkpoint:\n        restore_rng_state(checkpoint["rng_states"])\n' in after


EVALUATES = f"    if rank == 0:\n        accuracy = evaluate(model)\n        {SAVE}"


@pytest.mark.parametrize("text", [HEAD + EVALUATES], ids=["numbers are drawn before the save"])
def test_where_they_cannot_be_gathered_the_fix_says_so(text: str) -> None:
    ((fix, files),) = offered(text)
    assert fix.title.startswith("Complete the checkpoint with `optimizer`, and save `model` without `module.` (each")
    assert fix.title.endswith("(each rank's random state to be saved by hand)")
    assert "rng" not in files["main.py"]


@pytest.mark.parametrize("set_device", [True, False])
def test_nccl_sends_objects_through_the_device_that_each_rank_has_set(set_device: bool) -> None:
    text = HEAD.replace('"gloo"', '"nccl"').replace("torch.nn.Linear(4, 1)", "torch.nn.Linear(4, 1).cuda()")
    text = text.replace(
        "torch.manual_seed(3)",
        "torch.cuda.set_device(rank)\ntorch.manual_seed(3)" if set_device else "torch.manual_seed(3)",
    )
    after = first(text + f"    if rank == 0:\n        {SAVE}")["main.py"]
    assert (GATHER in after) is set_device


def test_an_unseeded_run_has_nothing_to_repeat() -> None:
    ((fix, files),) = offered(HEAD.replace("torch.manual_seed(3)\n", "") + f"    if rank == 0:\n        {SAVE}")
    assert "random" not in fix.title and "rng" not in files["main.py"]


def test_a_load_on_one_rank_alone_gives_nobody_else_a_state() -> None:
    text = HEAD.replace('if os.path.exists("last.pt"):', 'if rank == 0 and os.path.exists("last.pt"):')
    ((fix, files),) = offered(text + f"    if rank == 0:\n        {SAVE}")
    assert "the random generators to be restored by hand" in fix.title
    assert "restore_rng_state(checkpoint" not in files["main.py"]


def test_a_process_group_that_may_not_be_there_is_asked_for() -> None:
    text = HEAD.replace('dist.init_process_group("gloo")\n', 'if several:\n    dist.init_process_group("gloo")\n')
    lines = added(text, first(text + f"    if rank == 0:\n        {SAVE}")["main.py"])
    assert "if not dist.is_initialized():" in lines
    assert "rank = dist.get_rank() if dist.is_initialized() else 0" in lines


TRAINER = """import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel


class Trainer:
    def __init__(self, model, loader, rank, every, path):
        self.rank = rank
        self.model = DistributedDataParallel(model)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.loader = loader
        self.every = every
        self.path = path
        self.begun = 0
        if os.path.exists(path):
            state = torch.load(path, map_location="cpu")
            self.model.load_state_dict(state["model"])
            self.begun = state["epoch"] + 1

    def fit(self, epochs):
        for epoch in range(self.begun, epochs):
            for x, y in self.loader:
                self.optimizer.zero_grad()
                torch.nn.functional.mse_loss(self.model(x), y).backward()
                self.optimizer.step()
            CALL

    def save(self, epoch):
        BODY


dist.init_process_group("gloo")
torch.manual_seed(0)
Trainer(torch.nn.Linear(8, 8), loader, dist.get_rank(), 5, "last.pt").fit(9)
"""
DICT = 'torch.save({"model": self.model.state_dict(), "epoch": epoch}, self.path)'


def test_a_method_that_one_rank_calls_is_given_what_all_have_gathered() -> None:
    text = TRAINER.replace("CALL", "if self.rank == 0 and epoch % self.every == 0:\n                self.save(epoch)")
    after = first(text.replace("BODY", DICT))["main.py"]
    assert f"            {GATHER}            if self.rank == 0 and" in after
    assert "self.save(epoch, rng_states=rng_states)\n" in after
    assert "def save(self, epoch, rng_states=None):\n" in after
    assert 'if state.get("rng_states") is not None:' in after


def test_a_method_that_every_rank_calls_gathers_itself() -> None:
    text = TRAINER.replace("CALL", "if epoch % self.every == 0:\n                self.save(epoch)")
    after = first(text.replace("BODY", f"if self.rank == 0:\n            {DICT}"))["main.py"]
    assert f"    def save(self, epoch):\n        {GATHER}        if self.rank == 0:\n" in after


def test_a_method_that_one_rank_calls_in_two_places_is_left_alone() -> None:
    calls = "if self.rank == 0:\n                self.save(epoch)\n        if self.rank == 0:\n            self.save(9)"
    ((fix, files),) = offered(TRAINER.replace("CALL", calls).replace("BODY", DICT))
    assert "(each rank's random state to be saved by hand)" in fix.title and "rng" not in files["main.py"]


def test_parameters_that_would_make_a_line_too_long_get_one_of_their_own() -> None:
    long = "def save(self, epoch, note_on_the_run_that_is_saved=None, name_of_the_run_that_is_saved_in_full=None):"
    text = TRAINER.replace("CALL", "if self.rank == 0:\n                self.save(epoch)").replace("BODY", DICT)
    after = first(text.replace("def save(self, epoch):", long))["main.py"]
    assert f"    {long[:-2]},\n             rng_states=None):\n" in after
