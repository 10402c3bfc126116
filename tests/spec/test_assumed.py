"""What nobody asked for, line by line."""

import ast
import textwrap

from dry_debug.program.program import Program
from dry_debug.project.host import ProjectHost
from dry_debug.spec.assumed import assumed
from dry_debug.text.document import Document

ROOT = "/nowhere/assumed"


def lines(code: str, asked: str, **files: str) -> list[tuple[str, str]]:
    """(The text that is pointed at, what is said of it) for a train.py beside an INSTRUCTIONS.md."""
    texts = {"INSTRUCTIONS.md": asked, **{name.replace("__", "."): body for name, body in files.items()}}
    host = ProjectHost(ROOT, {f"{ROOT}/{name}": body for name, body in texts.items() if body})
    document = Document.from_text(textwrap.dedent(code), f"{ROOT}/train.py")
    program = Program(document, ast.parse(document.source), host)
    return [(document.source[one.span.start : one.span.end], one.text) for one in assumed(program)]


def test_values_of_a_line_stand_together_as_the_code_writes_them() -> None:
    code = """
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=1e-2)
    for batch in loader:
        optimizer.zero_grad()
        model(batch).mean().backward()
        optimizer.step()
    """
    told = "not in INSTRUCTIONS.md: optimizer AdamW, learning_rate 2e-4, weight_decay 1e-2"
    assert lines(code, "seed 7") == [("torch.optim.AdamW", told)]


def test_a_value_is_shown_where_it_is_decided() -> None:
    code = """
    import argparse

    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--weight-decay", type=float, default=0.05)
    args = parser.parse_args()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=args.weight_decay)
    for batch in loader:
        optimizer.zero_grad()
        model(batch).mean().backward()
        optimizer.step()
    """
    assert lines(code, "AdamW, lr 2e-4") == [("0.05", "not in INSTRUCTIONS.md: weight_decay 0.05")]


def test_a_value_of_another_file_is_above_no_line_of_this_one() -> None:
    code = """
    import torch
    import yaml

    with open("config.yaml") as file:
        config = yaml.safe_load(file)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=config["weight_decay"])
    for batch in loader:
        optimizer.zero_grad()
        model(batch).mean().backward()
        optimizer.step()
    """
    assert lines(code, "AdamW, lr 2e-4", config__yaml="weight_decay: 0.05\n") == []


def test_only_what_somebody_has_written_down_makes_the_rest_an_assumption() -> None:
    code = """
    '''Trains.

    As asked: lr 2e-4
    '''
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.01)
    optimizer.step()
    """
    assert lines(code, "") == []
    assert lines(code, "Please keep the code tidy.") == []
    assert lines("x = 1\n", "lr 2e-4, seed 3") == []
