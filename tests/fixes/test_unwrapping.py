"""Models that are saved inside of a wrapper: both ends of the checkpoint change together, or neither does."""

import pytest

from tests.fixes.checkpoints import LOOP, added, first, offered

HEAD = """import os

import torch
from torch.nn.parallel import DistributedDataParallel as DDP

"""
SAVE = '    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")\n'
LOAD = """start = 0
if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    start = checkpoint["epoch"] + 1
"""
STRIP = 'consume_prefix_in_state_dict_if_present(checkpoint["model"], '
PLAIN = "model = torch.nn.Linear(4, 1)\n"
OPTIMIZER = "optimizer = torch.optim.Adam(model.parameters())\n"


def program(model: str, load: str = LOAD, save: str = SAVE) -> str:
    return f"{HEAD}{model}{OPTIMIZER}{load}for epoch in range(start, 9):\n{LOOP}{save}"


@pytest.mark.parametrize(
    ("model", "inside", "prefixes"),
    [
        ("model = DDP(torch.nn.Linear(4, 1))\n", "model.module", ["module."]),
        ("model = torch.nn.DataParallel(torch.nn.Linear(4, 1)).cuda()\n", "model.module", ["module."]),
        (f"{PLAIN}model = torch.compile(model)\n", "model._orig_mod", ["_orig_mod."]),
        (f"{PLAIN}model = DDP(torch.compile(model))\n", "model.module._orig_mod", ["module.", "_orig_mod."]),
        (f"{PLAIN}if many:\n    model = DDP(model)\n", 'getattr(model, "module", model)', ["module."]),
        (f"{PLAIN}model = DDP(model) if many else model\n", 'getattr(model, "module", model)', ["module."]),
    ],
)
def test_both_ends_leave_the_wrapper_out(model: str, inside: str, prefixes: list[str]) -> None:
    text = program(model)
    ((fix, files), *_) = offered(text)
    lines = added(text, files["main.py"])
    assert fix.title.endswith(f"and save `model` without `{''.join(prefixes)}`")
    assert f'"model": {inside}.state_dict(),' in lines
    assert f'{inside}.load_state_dict(checkpoint["model"])' in lines
    assert [line for line in lines if line.startswith("consume")] == [f'{STRIP}"{prefix}")' for prefix in prefixes]
    assert "from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present" in lines


def test_a_load_before_the_wrapper_stays_as_it_is() -> None:
    text = f"{HEAD}{PLAIN}{LOAD}model = DDP(model)\n{OPTIMIZER}for epoch in range(start, 9):\n{LOOP}{SAVE}"
    after = first(text)["main.py"]
    assert f'    {STRIP}"module.")\n    model.load_state_dict(checkpoint["model"])\n' in after
    assert '"model": model.module.state_dict()' in after


@pytest.mark.parametrize(
    "load",
    [
        LOAD.replace('checkpoint["model"]', '{k[7:]: v for k, v in checkpoint["model"].items()}'),
        LOAD.replace("    model.load", '    print(list(checkpoint["model"]))\n    model.load'),
        LOAD.replace('model.load_state_dict(checkpoint["model"])', 'fill(model, checkpoint["model"])'),
        'start = torch.load("last.pt")["epoch"] + 1\n',
    ],
)
def test_who_reads_the_names_in_another_way_finds_them_as_they_were(load: str) -> None:
    text = program("model = DDP(torch.nn.Linear(4, 1))\n", load)
    ((fix, files), *_) = offered(text)
    assert "(`model` keeps the names of its wrapper, `module.`)" in fix.title
    assert "consume_prefix" not in files["main.py"] and "model.module" not in files["main.py"]


def test_a_class_that_has_such_an_attribute_itself_is_left_alone() -> None:
    own = "class Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    own += "        self.module = torch.nn.Linear(4, 1)\n\n\n"
    text = program(f"{own}model = Net()\nif many:\n    model = DDP(model)\n")
    assert 'getattr(model, "module"' not in first(text)["main.py"]


def test_where_nothing_loads_yet_the_resume_block_leaves_the_wrapper_out_at_both_ends() -> None:
    text = f"{HEAD}model = torch.compile(torch.nn.Linear(4, 1))\n{OPTIMIZER}for epoch in range(9):\n{LOOP}{SAVE}"
    (alone, _), (both, files), *_ = offered(text)
    assert alone.title.endswith("(`model` keeps the names of its wrapper, `_orig_mod.`)")
    assert both.title.endswith("before the loop, `model` without `_orig_mod.`")
    assert 'model._orig_mod.load_state_dict(checkpoint["model"])' in files["main.py"]
    assert '"model": model._orig_mod.state_dict(),' in files["main.py"]


def test_a_file_that_is_new_never_has_the_names_of_the_wrapper() -> None:
    save = '    torch.save(model.state_dict(), f"weights_{epoch}.pt")\n'
    text = f"{HEAD}model = torch.compile(torch.nn.Linear(4, 1))\n{OPTIMIZER}for epoch in range(9):\n{LOOP}{save}"
    after = first(text)["main.py"]
    assert f"{save}" in after
    assert '"model": model._orig_mod.state_dict(),' in after


def test_the_attribute_of_a_trainer_class() -> None:
    text = f"""{HEAD}
class Trainer:
    def __init__(self, model, resume):
        self.model = DDP(model)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.epoch = 0
        if resume:
            self.load("last.pt")

    def load(self, path):
        state = torch.load(path)
        self.model.load_state_dict(state["model"])
        self.epoch = state["epoch"] + 1

    def save(self, epoch):
        torch.save({{"model": self.model.state_dict(), "epoch": epoch}}, "last.pt")

    def train(self, loader):
        for epoch in range(self.epoch, 9):
            for x, y in loader:
                self.optimizer.zero_grad()
                torch.nn.functional.mse_loss(self.model(x), y).backward()
                self.optimizer.step()
            self.save(epoch)


Trainer(torch.nn.Linear(4, 1), True).train([])
"""
    after = first(text)["main.py"]
    assert '"model": self.model.module.state_dict(),' in after
    assert 'self.model.module.load_state_dict(state["model"])' in after


def test_a_load_in_another_file_takes_models_with_and_without_the_wrapper() -> None:
    util = """import torch


def load(path, model):
    state = torch.load(path)
    model.load_state_dict(state["model"])
    return state["epoch"] + 1
"""
    head = HEAD.replace("import torch\n", "import torch\n\nfrom util import load\n", 1)
    text = f'{head}model = DDP(torch.nn.Linear(4, 1))\n{OPTIMIZER}start = load("last.pt", model)\n'
    text += f"for epoch in range(start, 9):\n{LOOP}{SAVE}"
    after = first({"main.py": text, "util.py": util})
    assert '"model": model.module.state_dict(),' in after["main.py"]
    assert 'getattr(model, "module", model).load_state_dict(state["model"])' in after["util.py"]


def test_what_the_program_takes_off_itself_is_not_taken_off_again() -> None:
    save = """    bare = model.module if hasattr(model, "module") else model
    torch.save(bare.state_dict(), f"weights_{epoch}.pt")
"""
    text = f"{HEAD}{PLAIN}if many:\n    model = DDP(model)\n{OPTIMIZER}for epoch in range(9):\n{LOOP}{save}"
    assert '"model": bare.state_dict(),' in first(text)["main.py"]
