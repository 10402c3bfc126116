"""A finding that rests on another file links there."""

from __future__ import annotations

import ast

from dry_debug.lint.engine import analyse
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document

ROOT = "/nowhere/project"
ENGINE = """
def train_epoch(model, optimizer, loader):
    for batch in loader:
        optimizer.zero_grad()
        model(batch).sum().backward()
        optimizer.step()
"""
TOOLS = """
import torch

def write(state, path):
    torch.save(state, path)

def restore(path, model, optimizer):
    state = torch.load(path, map_location="cpu")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]
"""


def linked(source: str, code: str, **files: str) -> list[tuple[str, int, str]]:
    """(file, line, message) of what the only finding of `code` links to in other files."""
    overlay = {f"{ROOT}/{name}.py": text for name, text in files.items()}
    document = Document.from_text(source, f"{ROOT}/main.py")
    assert isinstance(ast.parse(source), ast.Module)
    (finding,) = (f for f in analyse(document, ProjectHost(ROOT, overlay)).findings if f.code == code)
    places = [(related.place, related.message) for related in finding.related]
    return [(p.path.rpartition("/")[2], p.line + 1, message) for p, message in places if p is not None]


def test_an_optimizer_that_is_stepped_in_another_file_is_linked_there() -> None:
    source = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from engine import train_epoch

def main(data):
    model = nn.Linear(4, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    loader = DataLoader(data, batch_size=4, shuffle=True)
    for epoch in range(9):
        train_epoch(model, optimizer, loader)
        torch.save({"model": model.state_dict(), "epoch": epoch}, f"epoch_{epoch}.pt")
"""
    assert ("engine.py", 6, "`optimizer` is stepped here") in linked(source, "CKPT001", engine=ENGINE)


def test_a_checkpoint_that_helpers_write_and_load_is_linked_to_both() -> None:
    source = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from engine import train_epoch
from tools import restore, write

def main(data):
    model = nn.Linear(4, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    loader = DataLoader(data, batch_size=4, shuffle=True)
    start = restore("last.pt", model, optimizer)
    for epoch in range(start, 9):
        train_epoch(model, optimizer, loader)
        scheduler.step()
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        write(state, "last.pt")
"""
    found = linked(source, "CKPT001", engine=ENGINE, tools=TOOLS)
    assert ("tools.py", 5, "it is written here") in found
    assert ("tools.py", 10, "its state is loaded here") in found
