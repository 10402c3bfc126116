"""What becomes of a list of losses: numbers to print, tensors, or something that is differentiated."""

import ast

import pytest
from dry_debug.program.fate import Fate, fate_of
from dry_debug.program.host import NullHost
from dry_debug.program.program import Program
from dry_debug.text.document import Document


def fate(read: str) -> Fate:
    text = f"""import torch


def joined(values):
    return torch.cat([value.clone().view(1) for value in values])


def shown(values):
    return ", ".join(f"{{value:.2f}}" for value in values)


def train(model, loader):
    losses = []
    for x in loader:
        losses.append(model(x).mean())
    {read}
"""
    document = Document.from_text(text, "main.py")
    tree = ast.parse(text)
    program = Program(document, tree, NullHost())
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "train")
    return fate_of(program, "losses", function.body[1].body[0])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("read", "tensor"),
    [
        ("print(sum(losses) / len(losses))", False),
        ("print([loss.clone() for loss in losses])", True),
        ("print(joined(losses))", True),
        ("print({i: loss.cpu() for i, loss in enumerate(losses)}, {loss.cpu() for loss in losses})", True),
        ("print(shown(losses))", False),
    ],
)
def test_what_a_comprehension_does_with_its_variable_is_done_to_the_list(read: str, tensor: bool) -> None:
    assert fate(read).tensor is tensor
    assert not fate(read).backward


def test_what_a_comprehension_makes_may_be_differentiated() -> None:
    assert fate("sum(2 * loss for loss in losses).backward()").backward
    assert fate("sum([loss for loss in losses if loss > 0]).backward()").backward
