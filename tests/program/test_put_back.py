"""What the lines around steps show without a walk: models put back into training mode, gradients cleared each time."""

import textwrap

import pytest
from dry_debug.program.gradient_order import cleared_each_time
from dry_debug.program.program import Program
from dry_debug.program.put_back import put_back_each_time
from dry_debug_rules.loop import lingering_eval_mode

from tests.program.model import program

HEAD = """
import torch
from torch import nn
net = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
other = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
opt = torch.optim.SGD(net.parameters(), lr=0.1)

"""
SCORE = """
def score(model, data):
    model.eval()
    with torch.no_grad():
        return sum(model(x).sum() for x in data)

"""

TOLD = {
    "at the head of each epoch": """
        for epoch in range(3):
            net.train()
            for x in data:
                net(x).sum().backward()
                opt.step()
            score(net, data)
        """,
    "in the function that trains": """
        def fit(model, data):
            model.train()
            for x in data:
                model(x).sum().backward()
                opt.step()

        for epoch in range(3):
            fit(net, data)
            score(net, data)
        """,
    "behind an evaluation among the steps": """
        net.train()
        for at, x in enumerate(data):
            net(x).sum().backward()
            opt.step()
            if at % 100 == 0:
                score(net, data)
                net.train()
        """,
    "by the evaluation itself": """
        def score(model, data):
            model.eval()
            with torch.no_grad():
                total = sum(model(x).sum() for x in data)
            model.train()
            return total

        for at, x in enumerate(data):
            net(x).sum().backward()
            opt.step()
            if at % 100 == 0:
                score(net, data)
        """,
}
NOT_TOLD = {
    "once, before all epochs": """
        net.train()
        for epoch in range(3):
            for x in data:
                net(x).sum().backward()
                opt.step()
            score(net, data)
        """,
    "an evaluation among the steps": """
        for epoch in range(3):
            net.train()
            for at, x in enumerate(data):
                net(x).sum().backward()
                opt.step()
                if at % 100 == 0:
                    score(net, data)
        """,
    "on one branch only": """
        for epoch in range(3):
            if epoch == 0:
                net.train()
            for x in data:
                net(x).sum().backward()
                opt.step()
            score(net, data)
        """,
    "another model": """
        for epoch in range(3):
            other.train()
            for x in data:
                net(x).sum().backward()
                opt.step()
            score(net, data)
        """,
    "an evaluation that may end before it": """
        def check(model, data):
            model.eval()
            if not data:
                return 0
            model.train()

        for x in data:
            net(x).sum().backward()
            opt.step()
            check(net, data)
        """,
    "an evaluation that trains in evaluation mode": """
        def tune(data):
            net.eval()
            for x in data:
                net(x).sum().backward()
                opt.step()
            net.train()

        net.train()
        opt.step()
        for epoch in range(3):
            tune(data)
        """,
    "a function that is handed in": """
        def fit(model, data, after):
            model.train()
            for x in data:
                model(x).sum().backward()
                opt.step()
                after()

        def look():
            net.eval()

        fit(net, data, look)
        """,
}


def _program(text: str) -> Program:
    return program(HEAD + ("" if "def score" in text else SCORE) + textwrap.dedent(text))


@pytest.mark.parametrize("name", TOLD)
def test_the_lines_tell(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _program(TOLD[name])
    assert put_back_each_time(model)
    monkeypatch.setattr(lingering_eval_mode, "put_back_each_time", lambda program: False)
    assert not list(lingering_eval_mode.LingeringEvalMode().check(model))  # the walk says the same


@pytest.mark.parametrize("name", NOT_TOLD)
def test_the_lines_do_not_tell(name: str) -> None:
    assert not put_back_each_time(_program(NOT_TOLD[name]))


@pytest.mark.parametrize(
    ("clearing", "told"),
    [("opt.zero_grad()", True), ("net.zero_grad()", True), ("other.zero_grad()", False), ("net[0].zero_grad()", False)],
)
def test_what_clears_all_that_an_optimizer_updates(clearing: str, told: bool) -> None:
    model = program(HEAD + f"for x in data:\n    {clearing}\n    net(x).sum().backward()\n    opt.step()\n")
    (step,) = model.events.of_kind("optimizer_step")
    assert cleared_each_time(step) is told
