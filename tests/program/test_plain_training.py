"""Whose loss is trained on, and whether a training by hand is one that a library's trainer would do."""

import ast

import pytest
from dry_debug.program.plain_loss import own_loss
from dry_debug.program.plain_training import plain_training

from tests.program.model import program as program_of

HEAD = """
import torch
from transformers import AutoModelForCausalLM
net = AutoModelForCausalLM.from_pretrained("some/model")
opt = torch.optim.AdamW(net.parameters(), lr=1e-5)
"""


def own(body: str) -> bool:
    """Whether the loss of the one backward pass is the model's own."""
    program = program_of(HEAD + "for batch in data:\n" + "".join(f"    {line}\n" for line in body.split("\n")))
    (event,) = program.events.of_kind("backward")
    assert isinstance(event.node, ast.Call) and isinstance(event.node.func, ast.Attribute)
    found = own_loss(event.node.func.value, event.stmt, program)
    return found is not None and found.model.base.type == "transformers.AutoModelForCausalLM.from_pretrained"


@pytest.mark.parametrize(
    "body",
    [
        "net(**batch).loss.backward()",
        "out = net(**batch)\nloss = out.loss.mean() / 4\nloss.backward()",
        "loss = net(**batch)[0]\nloss = loss / 2\nloss.backward()",
        "loss, logits = net(**batch)[:2]\nloss.backward()",
        "loss, *_ = net(**batch)\nloss.backward()",
        "out = net.forward(**batch)\nloss = out['loss']\nif many:\n    loss = loss.mean()\nloss.backward()",
        "loss = net(**batch).loss\nloss /= steps\nloss.backward()",
        "with amp.scale_loss(net(**batch).loss, opt) as scaled:\n    scaled.backward()",
    ],
)
def test_a_loss_that_the_model_computes(body: str) -> None:
    assert own(body)


@pytest.mark.parametrize(
    "body",
    [
        "loss = net(**batch).loss + 0.1 * penalty(net)\nloss.backward()",
        "loss = criterion(net(**batch).logits, batch['labels'])\nloss.backward()",
        "loss = net(**batch).loss\nloss += penalty(net)\nloss.backward()",
        "logits, loss = other(net, batch)\nloss.backward()",
        "loss = net(**batch).loss * weight\nloss.backward()",
        "loss = net(**batch).loss\nif late:\n    loss = contrast(batch)\nloss.backward()",
        "_, loss = net(**batch)[:2]\nloss.backward()",
    ],
)
def test_a_loss_with_anything_else_in_it(body: str) -> None:
    assert not own(body)


def test_helpers_that_return_the_loss_are_looked_into() -> None:
    text = HEAD + (
        "def run(model, batch):\n    out = model(**batch)\n    return out.logits, out.loss / 4\n"
        "for batch in data:\n    _, loss = run(net, batch)\n    loss.backward()\n    opt.step()\n"
    )
    program = program_of(text)
    (event,) = program.events.of_kind("backward")
    found = own_loss(event.node.func.value, event.stmt, program)  # type: ignore[attr-defined]
    assert found is not None and [program.line(call) for call in found.calls] == [7]


LOOP = """
for epoch in range(3):
    for batch in data:
        opt.zero_grad()
        net(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    print(epoch)
    torch.save(net.state_dict(), "net.pt")
"""


def test_what_the_loops_do_is_told() -> None:
    found = plain_training(program_of(HEAD + LOOP))
    assert found is not None and found.lines == 8
    assert [part.what for part in found.parts] == ["clips gradients", "logs", "saves checkpoints"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("opt.zero_grad()", "opt.zero_grad(); net(**batch)"),  # a second pass
        ("opt.zero_grad()", "opt.zero_grad(); net.update_ranks(epoch)"),
        (".backward()", ".backward(retain_graph=True)"),
        ("opt.step()", "opt.step(); print(net.head.weight.grad.norm())"),
        ("for epoch", "other = AutoModelForCausalLM.from_pretrained('some/judge')\nfor epoch"),
        ("for epoch", "second = torch.optim.SGD(net.parameters(), lr=1.0)\nfor epoch"),
        ("for epoch", "# the Trainer cannot stop in the middle of an epoch\nfor epoch"),
        ("for epoch", "from accelerate import Accelerator\nfor epoch"),
    ],
)
def test_a_training_of_its_own_kind(old: str, new: str) -> None:
    assert plain_training(program_of(HEAD + LOOP.replace(old, new, 1))) is None
