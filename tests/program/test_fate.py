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


HELPERS = """
import torch

class Meter:
    def __init__(self, value):
        self.value = value
    def __call__(self, value, weight):
        self.value = value
    def handed(self, value):
        self.kept = value
        return self.kept

def loss_of(out, target):
    diff = out - target
    return (diff ** 2).mean(), len(diff)

meter = Meter(0.0)

def train(model, x, y):
    out = model(x)
    loss, _ = loss_of(out, y)
    loss.backward()
    meter.handed(model(x)).backward()

def test(model, x, y):
    out = model(x)
    {read}
"""


@pytest.mark.parametrize(
    ("read", "backward", "unknown"),
    [
        ("loss, _ = loss_of(out, y); print(loss.item())", False, False),  # training differentiates what it is given
        ("loss, _ = loss_of(out, y); loss.backward()", True, False),
        ("a, b = loss_of(out, y), 1; a[0].backward()", False, True),  # what a tuple of several things is, is not asked
        ("a = b = loss_of(out, y)[0]; b.backward()", True, False),
        ("y, loss = 0, loss_of(y, out)[0]; loss.backward()", False, True),
        ("Meter(out).value.backward()", True, False),
        ("meter(0, out)", False, False),  # the weight is kept nowhere
        ("meter(out, 0); meter.value.backward()", True, False),
        ("meter(out, 0); other(y).value.backward()", False, True),
        ("meter(out, 0); y.args.value.backward()", False, True),
        ("meter.handed(out)", True, False),  # an attribute: who reads it may have come by another call
    ],
)
def test_what_a_function_gives_back_goes_to_the_call_that_gave_it_the_value(
    read: str, backward: bool, unknown: bool
) -> None:
    text = HELPERS.format(read=read)
    tree = ast.parse(text)
    program = Program(Document.from_text(text, "main.py"), tree, NullHost())
    function = tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    found: Fate = fate_of(program, "out", function.body[0])
    assert (found.backward, found.unknown) == (backward, unknown)
