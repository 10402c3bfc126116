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


OTHER = """
def fit_other(model, batches):
    opt2 = torch.optim.SGD(model.parameters(), lr=1.0)
    for batch in batches:
        opt2.zero_grad()
        model(batch).sum().backward()
        opt2.step()
"""


@pytest.mark.parametrize(
    ("call", "plain"),
    [
        ("", True),  # nothing in this program calls it
        ("fit_other(net, data)", False),
        ("run(fit_other)", False),
    ],
)
def test_a_function_that_trains_what_nobody_here_gives_it_is_no_part(call: str, plain: bool) -> None:
    found = plain_training(program_of(HEAD + OTHER + LOOP + call))
    assert (found is not None) is plain
    assert found is None or found.lines == 8


def test_an_optimizer_that_a_function_makes_is_one_optimizer() -> None:
    made = "def make(n):\n    extra = 1\n    return torch.optim.AdamW(n.parameters()), extra\nopt, _ = make(net)\n"
    head = HEAD.replace("opt = torch.optim.AdamW(net.parameters(), lr=1e-5)\n", made)
    assert plain_training(program_of(head + LOOP)) is not None


STEP = """
import torch
def update(net, batch, opt):
    net(**batch).loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
def one_epoch(net, batches, opt):
    for batch in batches:
        opt.zero_grad()
        update(net, batch, opt)
"""


def test_a_step_in_a_function_of_the_function_of_another_file() -> None:
    run = "from engine import one_epoch\ndef again():\n    one_epoch(net, data, opt)\n"
    found = plain_training(program_of(HEAD + run + "for epoch in range(3):\n    again()\n", {"engine.py": STEP}))
    assert found is not None and [part.what for part in found.parts] == ["clips gradients"]
    assert found.lines > 5
