"""Loaders that a file hands out, and the epoch loops of other files."""

from __future__ import annotations

import pytest
from dry_debug.program.epochs_elsewhere import hands_out_for_training, trains_elsewhere

from tests.program.model import program

MAKES = """
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
def loaders({data}):
    sampler = DistributedSampler({data})
    {loader}
"""
LOOP = """
{head}
def train(model, optimizer, feed):
    for epoch in range(9):
        {tell}
        for x in feed:
            optimizer.zero_grad()
            model(x).backward()
            optimizer.step()
"""
RUN = "from data import loaders\nfrom loop import train\ndef run(m, o, d):\n    train(m, o, pick(loaders(d)))\n"


@pytest.mark.parametrize(
    ("data", "loader", "handed"),
    [
        ("trainset", "return DataLoader(trainset, sampler=sampler)", True),
        ("trainset", "feed = DataLoader(trainset, sampler=sampler)\n    return feed, None", True),
        ("rows", "train_feed = DataLoader(rows, sampler=sampler)\n    return train_feed", True),
        ("testset", "return DataLoader(testset, sampler=sampler)", False),
        ("latest", "return DataLoader(latest, sampler=sampler)", True),
        ("rows", "valid_feed = DataLoader(rows, sampler=sampler)\n    return valid_feed", False),
        ("trainset", "feed = DataLoader(trainset, sampler=sampler)\n    print(len(feed))", False),
        ("trainset", "return DataLoader(trainset)", False),
    ],
)
def test_a_loader_that_its_function_hands_out(data: str, loader: str, handed: bool) -> None:
    model = program(MAKES.format(data=data, loader=loader))
    (sampler,) = model.calls_of("torch.utils.data.DistributedSampler")
    assert hands_out_for_training(model, sampler) is handed


def test_the_first_of_several() -> None:
    each = "    s{0} = DistributedSampler(d{0})\n    l{0} = DataLoader(d{0}, sampler=s{0})\n"
    model = program(
        MAKES.partition("def")[0] + "def make(d1, d2):\n" + each.format(1) + each.format(2) + "    return l1, l2"
    )
    samplers = model.calls_of("torch.utils.data.DistributedSampler")
    assert [hands_out_for_training(model, one) for one in samplers] == [True, False]


@pytest.mark.parametrize(
    ("head", "tell", "found"),
    [
        ("", "pass", True),
        ("", "feed.sampler.set_epoch(epoch)", False),
        ("import accelerate", "pass", False),
        ("from composer import *", "pass", False),
        ("from .accelerate import helper", "pass", True),
        ("from transformers import AutoTokenizer", "pass", True),
    ],
)
def test_an_epoch_loop_that_an_importer_leads_to(head: str, tell: str, found: bool) -> None:
    text = MAKES.format(data="trainset", loader="return DataLoader(trainset, sampler=sampler)")
    model = program(text, {"loop.py": LOOP.format(head=head, tell=tell), "run.py": RUN}, "data.py")
    step = trains_elsewhere(model)
    assert (step is not None and step.program.document.path.endswith("loop.py")) is found


def test_nobody_who_imports_it_trains() -> None:
    text = MAKES.format(data="trainset", loader="return DataLoader(trainset, sampler=sampler)")
    model = program(text, {"loop.py": LOOP.format(head="", tell="pass")}, "data.py")
    assert trains_elsewhere(model) is None


def test_a_sampler_that_a_helper_makes() -> None:
    text = MAKES.format(data="rows", loader="return DataLoader(rows, sampler=sampler)")
    model = program(
        text.replace("DistributedSampler(rows)", "draw(rows)") + "def draw(d):\n    return DistributedSampler(d)"
    )
    (sampler,) = model.calls_of("torch.utils.data.DistributedSampler")
    assert hands_out_for_training(model, sampler)


def test_a_file_that_hands_on_what_it_imports() -> None:
    text = MAKES.format(data="trainset", loader="return DataLoader(trainset, sampler=sampler)")
    files = {"loop.py": LOOP.format(head="", tell="pass"), "run.py": RUN, "data.py": "from parts import loaders\n"}
    assert trains_elsewhere(program(text, files, "parts.py")) is not None
