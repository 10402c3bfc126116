"""Fixes in the style of the file that they change: its quotes, its logging, both ends of what it collects."""

from dry_debug.lint.settings import Settings

from tests.fixes.checkpoints import added, offered


def lines_of(text: str, rule: str) -> list[str]:
    ((_, files), *_) = offered(text, settings=Settings(select=(rule,)))
    return added(text, files["main.py"])


def test_a_device_is_written_in_the_quotes_of_the_file() -> None:
    text = (
        "import torch\n\nmodel = torch.nn.Linear(1, 1)\nstate = torch.load('a.pt')\nmodel.load_state_dict(state['m'])\n"
    )
    assert lines_of(text, "unmapped-checkpoint-load") == ["state = torch.load('a.pt', map_location='cpu')"]
    double = text.replace("'", '"')
    assert lines_of(double, "unmapped-checkpoint-load") == ['state = torch.load("a.pt", map_location="cpu")']


def test_a_file_that_logs_is_told_through_its_log() -> None:
    text = """import logging

import torch


def load(path, model):
    logging.info("reading %s", path)
    state = torch.load(path, map_location="cpu")
    model.load_state_dict(state["model"], strict=False)


model = torch.nn.Linear(1, 1)
load("last.pt", model)
"""
    rule = "unchecked-partial-load"
    assert lines_of(text, rule)[-1].startswith("logging.warning(")
    assert lines_of(text.replace("logging.info", "print"), rule)[-1].startswith("print(")


def test_what_a_collection_begins_with_is_detached_as_well() -> None:
    text = """import torch

model = torch.nn.Linear(1, 1)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(9):
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()
    seen = []
    model.eval()
    for x in shown:
        out = model(x)
        if len(seen) == 0:
            seen = out
        else:
            seen = torch.cat((seen, out), 0)
    save_image(seen, epoch)
"""
    assert lines_of(text, "attached-tensor-collection") == [
        "seen = out.detach()",
        "seen = torch.cat((seen, out.detach()), 0)",
    ]
