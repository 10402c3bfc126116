"""In which mode a model is where it is evaluated. Marks at the end of the line of the call: mode and certainty."""

import re
import textwrap

import pytest
from dry_debug.program.automata import Occurrence
from dry_debug.program.inference import data_loop, evaluated, gradients_at, modes
from dry_debug.program.model_calls import spelled

from tests.program.model import program

HEAD = """
import torch
from torch import nn
net = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
opt = torch.optim.SGD(net.parameters(), lr=0.1)
quiet = torch.no_grad  # only in files that say so are calls of models looked at

def fit(model, data):
    model.train()
    for x in data:
        model(x).sum().backward()
        opt.step()

"""

PROGRAMS = {
    "nobody says anything": """
        with torch.no_grad():
            for x in data:
                net(x)  # fresh must
        """,
    "trained in a function, evaluated behind it": """
        fit(net, data)
        with torch.no_grad():
            for x in data:
                net(x)  # trained must
        """,
    "evaluation mode": """
        fit(net, data)
        net.eval()
        for x in data:
            net(x)  # eval must
        """,
    "on some path": """
        fit(net, data)
        if careful:
            net.eval()
        for x in data:
            net(x)  # eval may, trained may
        """,
    "another one is evaluated that either branch makes": """
        other = nn.Linear(2, 2) if small else nn.Sequential(nn.Linear(2, 2))
        fit(net, data)
        other.eval()
        for x in data:
            net(x)  # trained must
        """,
    "the model is asked for its mode": """
        def one(model, x):
            if model.training:
                return model(x)
            else:
                with torch.no_grad():
                    return model(x)  # eval must
        fit(net, data)
        net.eval()
        for x in data:
            one(net, x)
        """,
    "it is asked around the call of the function": """
        def one(model, x):
            return model(x)  # eval must
        fit(net, data)
        net.eval()
        for x in data:
            if not net.training:
                one(net, x)
            else:
                net(x)
        """,
    "either branch makes one of it": """
        if small:
            whole = nn.Sequential(net)
        else:
            whole = nn.Sequential(net, nn.Linear(2, 2))
        fit(net, data)
        whole.eval()
        for x in data:
            net(x)  # eval must
        """,
    "one branch makes one of it": """
        if small:
            other = nn.Linear(2, 2)
        else:
            other = nn.Sequential(net, nn.Linear(2, 2))
        fit(net, data)
        other.eval()
        for x in data:
            net(x)
        """,
    "one branch takes the same": """
        other = nn.Linear(2, 2)
        if not small:
            other = net
        fit(net, data)
        other.eval()
        for x in data:
            net(x)
        """,
    "another one is evaluated, in statements": """
        if small:
            other = nn.Linear(2, 2)
        else:
            other = nn.Sequential(nn.Linear(2, 2))
        fit(net, data)
        other.eval()
        for x in data:
            net(x)  # trained must
        """,
    "set right before, on purpose": """
        net.train()
        for x in data:
            net(x)
        """,
    "through what it is a part of": """
        whole = nn.Sequential(net, nn.Linear(2, 2))
        whole.eval()
        for x in data:
            net(x)  # eval must
        """,
    "a part of it is switched": """
        net[1].eval()
        for x in data:
            net(x)
        """,
    "in a function that is given the model": """
        def predict(model, batches):
            return [model(x) for x in batches]  # trained must

        fit(net, data)
        predict(net, data)
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_mode_of_a_model_where_it_is_called(name: str) -> None:

    source = HEAD + textwrap.dedent(PROGRAMS[name])
    expected = {
        number: set(found.group(1).split(", "))
        for number, line in enumerate(source.split("\n"), 1)
        if (found := re.search(r"# ((?:\w+ (?:must|may)(?:, )?)+)$", line))
    }
    model = program(source)
    net = next(module for _, module in evaluated(model))
    answers: dict[int, set[str]] = {}
    for hit in modes(net, model):
        if hit.event.line > HEAD.count("\n"):
            answers.setdefault(hit.event.line, set()).add(f"{hit.label} {hit.certainty}")
    assert answers == expected


def test_the_loop_and_the_gradients_may_be_those_of_a_caller() -> None:
    model = program(
        HEAD
        + """
def one(model, x):
    return model(x)

with torch.no_grad():
    for x in data:
        one(net, x)
"""
    )
    net = next(module for _, module in evaluated(model))
    places = [Occurrence(hit.event, hit.calls) for hit in modes(net, model)]
    assert [gradients_at(place) for place in places] == ["off"]
    assert [data_loop(place) is not None for place in places] == [True]


@pytest.mark.parametrize(("where", "found"), [("for x in data:\n        one(self, x)", 1), ("one(self, 1)", 0)])
def test_a_model_on_an_object_that_a_function_is_handed(where: str, found: int) -> None:
    model = program(
        HEAD
        + f"""
def one(me, x):
    return me.inner(x)

class Job:
    def __init__(self):
        self.inner = nn.Linear(2, 2)

    def run(self, data):
        {where.replace(chr(10), chr(10) + "    ")}
"""
    )
    assert len([e for e in model.events.of_kind("forward") if "inner" in model.text(e.node)]) == found


def test_a_loop_that_trains_is_none_that_evaluates() -> None:
    model = program(HEAD + "fit(net, data)\n")
    net = next(module for _, module in evaluated(model))
    assert all(data_loop(Occurrence(hit.event, hit.calls)) is None for hit in modes(net, model))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return self.inner(x)", 1),
        ("return self.forward(x) + 1", 1),
        ("return self(x).argmax(1)", 1),
        ("self.eval()\n        return self.inner(x)", 0),  # the method sets the mode itself
        ("return self.scale * x", 0),  # no layer runs
    ],
)
def test_a_method_of_a_model_that_runs_its_layers_is_a_call_of_it(body: str, found: int) -> None:
    model = program(
        HEAD
        + f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.scale = 2

    def forward(self, x):
        return self.inner(x)

    def other(self, x):
        {body}

own = Net()
with torch.no_grad():
    for x in data:
        own.other(x)
"""
    )
    events = [e for e in model.events.of_kind("forward") if "own" in model.text(e.node)]
    assert len(events) == found
    for event in events:
        model_expr = spelled(event)
        assert model_expr is not None and model.text(model_expr) == "own"
