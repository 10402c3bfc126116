"""What a Lightning trainer does with a module's hooks, as the order of events sees it."""

from __future__ import annotations

from dry_debug.lint.engine import analyse
from dry_debug.program.host import NullHost
from dry_debug.text.document import Document

MODULE = """
import pytorch_lightning as pl
import torch


class Task(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(4, 2)
        self.automatic_optimization = False

    def training_step(self, batch, i):
        opt = self.optimizers()
{step}

    def configure_optimizers(self):
        return torch.optim.SGD(self.body.parameters(), lr=0.1)
"""
BACKWARD = "self.manual_backward(self.body(batch).sum())"


def found(*lines: str, more: str = "") -> list[str]:
    source = MODULE.format(step="\n".join("        " + line for line in lines)) + more
    result = analyse(Document.from_text(source, "task.py"), NullHost())
    assert not result.problems
    return [f.rule for f in result.findings]


def test_gradients_that_no_training_step_clears_add_up_from_batch_to_batch() -> None:
    assert found(BACKWARD, "opt.step()") == ["uncleared-gradients"]


def test_gradients_that_are_cleared_anywhere_in_the_step_do_not() -> None:
    assert found("opt.zero_grad()", BACKWARD, "opt.step()") == []
    assert found(BACKWARD, "opt.step()", "opt.zero_grad()") == []
    assert found(BACKWARD, "if i % 4 == 0:", "    opt.step()", "    opt.zero_grad()") == []


def test_a_step_that_returns_early_goes_on_with_the_next_batch() -> None:
    assert found("if i == 0:", "    return None", BACKWARD, "opt.step()") == ["uncleared-gradients"]
    assert found("opt.zero_grad()", "if i == 0:", "    return None", BACKWARD, "opt.step()", "return i") == []


def test_another_hook_may_clear_the_gradients() -> None:
    hook = "\n    def on_train_batch_start(self, batch, i):\n        self.optimizers().zero_grad()\n"
    assert found(BACKWARD, "opt.step()", more=hook) == []


def test_what_is_tested_in_one_batch_says_nothing_of_the_next() -> None:
    assert found("if self.fresh:", "    opt.zero_grad()", BACKWARD, "opt.step()") == []
