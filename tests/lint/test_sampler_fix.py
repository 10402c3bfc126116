"""The fix of frozen-sampler-epoch in layouts that a page does not show."""

import ast

import pytest
from dry_debug.lint.applier import apply_fixes
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.program.host import NullHost
from dry_debug.text.document import Document

RULE = "frozen-sampler-epoch"
SCRIPT = """import torch
from torch.utils.data import DataLoader, RandomSampler
from torch.utils.data.distributed import DistributedSampler


def one_epoch(model, optimizer, loader):
    for batch in loader:
        optimizer.zero_grad()
        model(batch).sum().backward()
        optimizer.step()


def train(dataset, model, alone):
    sampler = RandomSampler(dataset) if alone else DistributedSampler(dataset)
    loader = DataLoader(dataset, 8, sampler=sampler)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
TWO_LINES = "    for epoch in range(5):\n        one_epoch(model, optimizer, loader)\n"
ONE_LINE = "    for epoch in range(5): one_epoch(model, optimizer, loader)\n"


@pytest.mark.parametrize("indent", ["    ", "\t"], ids=["spaces", "tabs"])
def test_the_fix_is_indented_as_the_file_is(indent: str) -> None:
    text = (SCRIPT + TWO_LINES).replace("    ", indent)
    fixed = apply_fixes(Document.from_text(text), NullHost(), Settings(select=(RULE,)), unsafe=True).source
    ast.parse(fixed)
    assert "set_epoch(epoch)" in fixed
    assert not analyse(Document.from_text(fixed), settings=Settings(select=(RULE,))).findings


def test_a_test_of_the_sampler_does_not_fit_into_the_line_of_the_loop() -> None:
    (finding,) = analyse(Document.from_text(SCRIPT + ONE_LINE), settings=Settings(select=(RULE,))).with_fixes()
    assert finding.rule == RULE
    assert finding.fix is None
