"""Tensors that a loop collects through a function: it is handed the list, the model or the object that keeps them."""

from __future__ import annotations

import pytest
from dry_debug.program.collected import collections

from tests.program.model import program

HEAD = "import torch\nfrom torch.utils.data import DataLoader\n"


def _found(text: str) -> list[str]:
    return [one.path for one in collections(program(HEAD + text))]


FILLS = """
def note(model, rows, x):
    rows.append(model(x))
def predict(net, data):
    net.{mode}()
    rows = []
    for i, x in enumerate(DataLoader(data)):
        {call}
    {end}
"""


@pytest.mark.parametrize(
    ("mode", "call", "end", "found"),
    [
        ("eval", "note(net, rows, x)", "print(torch.cat(rows).argmax(1).tolist())", ["rows"]),
        ("train", "note(net, rows, x)", "return rows", []),  # nobody can see what becomes of it
        ("eval", "note(net, rows, x)", "torch.cat(rows).sum().backward()", []),
        ("eval", "if i == 0: note(net, rows, x)", "return rows", []),
        ("eval", "rows = []; note(net, rows, x)", "return rows", []),
    ],
)
def test_a_list_that_a_function_fills(mode: str, call: str, end: str, found: list[str]) -> None:
    assert _found(FILLS.format(mode=mode, call=call, end=end)) == found


@pytest.mark.parametrize(("before", "found"), [("net.eval()", ["rows"]), ("pass", [])])
def test_a_model_that_the_caller_puts_into_evaluation_mode(before: str, found: list[str]) -> None:
    text = f"""
def run(model):
    rows = []
    for x in batches:
        rows.append(model(x))
    return rows
net = torch.nn.Linear(2, 2)
{before}
print(run(net)[0].argmax(1))
"""
    assert _found(text) == found


def test_every_caller_has_to_say_so() -> None:
    text = """
def run(model):
    rows = []
    for x in batches:
        rows.append(model(x))
    return rows
net, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
net.eval()
print(run(net)[0].argmax(1), run(other)[0].argmax(1))
"""
    assert _found(text) == []


STEP = """
def keep(self, out):
    self.history.append(out)
class Fit:
    def __init__(self):
        self.net = torch.nn.Linear(2, 2)
        self.history = []
    def step(self, x):
        out = self.net(x)
        loss = out.square().mean()
        {backward}
        keep(self, out)
    def fit(self, data):
        for x in data:
            self.step(x)
"""


@pytest.mark.parametrize(("backward", "found"), [("loss.backward()", ["self.history"]), ("pass", [])])
def test_a_function_that_acts_for_an_object(backward: str, found: list[str]) -> None:
    assert _found(STEP.format(backward=backward)) == found


@pytest.mark.parametrize(("back", "found"), [("out, cost", ["rows"]), ("net(x), net(x).sum()", [])])
def test_a_loss_that_one_call_gives_with_what_it_is_computed_from(back: str, found: list[str]) -> None:
    text = f"""
def forward(net, x):
    out = net(x)
    cost = out.square().mean()
    return {back}
def train(data):
    net = torch.nn.Linear(2, 2)
    rows = []
    for x in data:
        out, loss = forward(net, x)
        loss.backward()
        rows.append(out)
    return len(rows)
"""
    assert _found(text) == found


DICTS = """
from parts import *
{function}
def epoch(task, loader, optimizer):
    kept = []
    for batch in loader:
        {body}
        optimizer.step()
        optimizer.zero_grad()
    return task.at_the_end(kept)
"""
DICT = "out = task.training_step(batch)"
LOSS = "loss = out['loss']; loss.backward()"
KEPT = "kept.append(out)"


@pytest.mark.parametrize(
    ("function", "body", "found"),
    [
        ("pass", f"{DICT}; {LOSS}; {KEPT}", "out['loss']"),
        ("def part(d): return d['loss']", f"{DICT}; loss = part(out); loss.backward(); {KEPT}", "out['loss']"),
        ("def part(d): a = d['loss']; return 1, a", f"{DICT}; _, l = part(out); l.backward(); {KEPT}", "out['loss']"),
        ("def back(d): d['loss'].backward()", f"{DICT}; back(out); {KEPT}", "out['loss']"),
        ("def keep(d, rows): rows.append(d)", f"{DICT}; {LOSS}; keep(out, kept)", "d['loss']"),
        ("def keep(d, rows): d['loss'].backward(); rows.append(d)", f"{DICT}; keep(out, kept)", "d['loss']"),
        # What the function leaves in the dict has no graph any more, or nobody knows which entry it is.
        ("def back(d): d['loss'].backward(); d['loss'] = 0", f"{DICT}; back(out); {KEPT}", ""),
        ("def keep(d, rows): d['loss'] = 0; rows.append(d)", f"{DICT}; {LOSS}; keep(out, kept)", ""),
        ("def back(d): d['loss'].backward(retain_graph=True)", f"{DICT}; back(out); {KEPT}", ""),
        ("def back(d, k): d[k].backward()", f"{DICT}; back(out, 'loss'); {KEPT}", ""),
        ("def part(d): return d.pop('loss')", f"{DICT}; loss = part(out); loss.backward(); {KEPT}", ""),
        ("def part(d): return d['loss']", f"{DICT}; loss = part(copy(out)); loss.backward(); {KEPT}", ""),
        ("def keep(d, rows): rows.append(d)", f"out = {{}}; {LOSS}; out = read(batch); keep(out, kept)", ""),
    ],
)
def test_the_entry_of_a_dict_that_a_backward_pass_goes_over(function: str, body: str, found: str) -> None:
    entries = [one.entry for one in collections(program(HEAD + DICTS.format(function=function, body=body)))]
    assert entries == ([found] if found else [])


OBJECTS = """
from parts import *
{function}
def turn(net: torch.nn.Module, batches, optimizer):
    kept = []
    for x in batches:
        {body}
    optimizer.step()
    return net.summary(kept)
"""
BACK = "out.loss.backward()"


@pytest.mark.parametrize(
    ("function", "body", "found"),
    [
        ("pass", f"out = net(x); kept.append(out); {BACK}", ["kept"]),
        ("pass", f"out = net(x); out.free(); kept.append(out); {BACK}", []),
        ("def free(o): o.free()", f"out = net(x); free(out); kept.append(out); {BACK}", []),
        ("def run(n, x): o = n(x); o.free(); return o", f"out = run(net, x); kept.append(out); {BACK}", []),
        ("def keep(o, rows): rows.append(o)", f"out = net(x); out.free(); keep(out, kept); {BACK}", []),
        ("def run(n, x): o = n(x); n.free(); return o", f"out = run(net, x); kept.append(out); {BACK}", ["kept"]),
        ("def free(o): o.free()", f"out = net(x); free(x); kept.append(out); {BACK}", ["kept"]),
    ],
)
def test_an_output_that_is_told_to_let_its_features_go(function: str, body: str, found: list[str]) -> None:
    assert _found(OBJECTS.format(function=function, body=body)) == found
