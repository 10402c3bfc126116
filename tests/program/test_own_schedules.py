"""Schedulers of the project's own: what a resumed run loses with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.project.read import read

SCHEDULE = """
import torch

class Warmup(torch.optim.lr_scheduler.LRScheduler):
    def step(self, epoch=None):
        group = self.optimizer.param_groups[0]
        {count}
        for group, lr in zip(self.optimizer.param_groups, self.get_lr()):
            group["lr"] = lr
    def get_lr(self):
        return [base * min(1.0, self.last_epoch / 100) for base in self.base_lrs]
"""
MAIN = """
import torch
from schedule import Warmup

model = torch.nn.Linear(8, 8)
optimizer = torch.optim.AdamW(model.parameters())
schedule = Warmup(optimizer)
first = 0
if resume:
    state = torch.load("last.pt", map_location="cpu")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    first = state["epoch"] + 1
for epoch in range(first, 10):
    for batch in loader:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()
        schedule.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt")
"""


@pytest.mark.parametrize(
    ("count", "missing"),
    [
        ("self.last_epoch = self.last_epoch + 1", True),
        ("self.last_epoch = group['step'] + 1", False),  # saved with the optimizer
        ("self.last_epoch = group['step'] + 1 if 'step' in group else 1", False),
        ("self.last_epoch = group['lr'] * 100", True),
    ],
)
def test_a_schedule_that_counts_by_the_optimizer_s_state_has_none(tmp_path: Path, count: str, missing: bool) -> None:
    (tmp_path / "schedule.py").write_text(SCHEDULE.format(count=count), "utf-8")
    (tmp_path / "main.py").write_text(MAIN, "utf-8")
    result = analyse(read(str(tmp_path / "main.py")), ProjectHost(str(tmp_path)), Settings(select=("CKPT001",)))
    assert [("schedule" in finding.message) for finding in result.findings] == ([True] if missing else [])
