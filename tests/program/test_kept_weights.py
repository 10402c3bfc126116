"""Weights that are held without a copy, tests for a better result, and where a kept value is used."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.improvement import branch_of, improving
from dry_debug.program.kept import late_use, target_name
from dry_debug.program.live_weights import live

from tests.program.model import program

HEAD = "import copy, torch\nfrom torch import nn\nnet = nn.Linear(1, 1)\n"


def form(expr: str, more: str = "") -> str | None:
    model = program(f"{HEAD}{more}\nkept = {expr}\n")
    stmt = model.tree.body[-1]
    assert isinstance(stmt, ast.Assign)
    found = live(model, stmt.value, stmt)
    return found.form if found is not None else None


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("net.state_dict()", "state"),
        ("net", "module"),
        ("dict(net.state_dict())", "state"),
        ("net.state_dict().copy()", "state"),
        ("copy.copy(net.state_dict())", "state"),
        ("{k: v for k, v in net.state_dict().items()}", "state"),
        ("{k: v.detach() for k, v in net.state_dict().items()}", "state"),
        ("{'n': 1, 'net': net.state_dict()}", "state"),
        ("[p.data for p in net.parameters()]", "parameters"),
        ("list(net.parameters())", "parameters"),
        ("copy.deepcopy(net.state_dict())", None),
        ("copy.deepcopy(net)", None),
        ("{k: v.clone() for k, v in net.state_dict().items()}", None),
        ("{k: v.cpu() for k, v in net.state_dict().items()}", None),
        ("net.cpu().state_dict()", None),
        ("torch.optim.SGD(net.parameters(), lr=1).state_dict()", None),
        ("torch.load('x.pt')", None),
        ("score", None),
    ],
)
def test_weights_that_are_no_copy(expr: str, expected: str | None) -> None:
    assert form(expr) == expected


def test_a_function_that_gives_back_the_weights() -> None:
    assert form("held(net)", "def held(m):\n    return m.state_dict()") == "state"
    assert form("held(net)", "def held(m):\n    return copy.deepcopy(m.state_dict())") is None
    assert form("held(net)", "def held(m):\n    s = m.state_dict()\n    return s") == "state"
    assert form("held(net)", "def held(m):\n    s = m.state_dict()\n    copied(s)\n    return s") is None
    assert form("held(net)", "def held(m):\n    s = m.state_dict()\n    s = {}\n    return s") is None


def better(body: str) -> bool:
    model = program(f"for step in range(9):\n{body}")
    stmt = next(a for a in model.index.assignments if "kept" in model.text(a))
    return improving(model, stmt, model.tree.body[0]) is not None


@pytest.mark.parametrize(
    "body",
    [
        "    if score() < low:\n        low = score()\n        kept = 1",
        "    if low is None:\n        low = s\n    elif s < low - 1:\n        low, kept = s, 1",
        "    if s >= low:\n        left -= 1\n    else:\n        low = s\n        kept = 1",
        "    first = s > top\n    top = max(s, top)\n    if first:\n        kept = 1",
        "    if s > max(history):\n        kept = 1",
        "    s = total() / 3\n    if s > top:\n        kept = 1",
    ],
)
def test_a_test_for_a_better_result(body: str) -> None:
    assert better(body)


@pytest.mark.parametrize(
    "body",
    [
        "    if step > 100:\n        kept = 1",
        "    if step % 10 == 0:\n        kept = 1",
        "    count = count + 1\n    if count > 3:\n        kept = 1",
        "    count += 1\n    if count > 3:\n        kept = 1",
        "    if s < low:\n        low = s\n        kept = 1\n        break",
        "    if main:\n        kept = 1",
        "    kept = 1",
    ],
)
def test_another_test(body: str) -> None:
    assert not better(body)


def late(source: str) -> bool:
    model = program(source)
    stmt = next(a for a in model.index.assignments if "state()" in model.text(a))
    assert isinstance(stmt, ast.Assign)
    loop = next((b for b in model.index.ancestors(stmt) if isinstance(b, ast.For)), None)
    block = next(b for b in model.index.ancestors(stmt) if isinstance(b, ast.If))
    name = target_name(stmt.targets[0])
    assert name is not None
    use, seen = late_use(model, name, stmt, branch_of(block, stmt, model), loop)
    return use is not None or not seen


LOOP = "for i in x:\n    if a:\n        kept = state()\n"


def test_a_use_behind_the_loop_or_in_a_later_round() -> None:
    assert late(f"{LOOP}use(kept)")
    assert late(f"{LOOP}    else:\n        use(kept)")
    assert late(f"{LOOP}    if b:\n        use(kept)")
    assert late("def f():\n    for i in x:\n        if a:\n            kept['m'] = state()\n    return kept\nkept = {}")
    assert not late(f"{LOOP}        use(kept)")
    assert not late(f"kept = 1\nuse(kept)\n{LOOP}print(kept)\nif kept is None:\n    pass")


def test_uses_of_an_attribute() -> None:
    method = "class A:\n    def keep(self):\n        if a:\n            self.kept = state()\n"
    assert late(method)  # another file may use it
    assert late(f"{method}    def back(self):\n        use(self.kept)")
    assert late(f"{method}            use(self.kept)\nuse(keeper.kept)")
    assert not late(f"{method}            use(self.kept)")


@pytest.mark.parametrize(("back", "expected"), [("1, m.state_dict()", "state"), ("m.state_dict(), 1", None)])
def test_one_of_several_things_that_a_function_gives_back(back: str, expected: str | None) -> None:
    model = program(f"{HEAD}def held(m):\n    return {back}\na, b = held(net)\n")
    stmt = model.tree.body[-1]
    assert isinstance(stmt, ast.Assign)
    found = live(model, stmt.value, stmt, path=(1,))
    assert (found.form if found is not None else None) == expected


@pytest.mark.parametrize(
    ("made", "found"),
    [("s > top['score']", True), ("s > limit", False), ("compare(s, top)", True), ("compare(s, limit)", False)],
)
def test_a_test_that_is_handed_in(made: str, found: bool) -> None:
    model = program(f"""
def compare(one, other):
    return one > other['score']
def keep(first, best, s):
    if first:
        best['score'] = s
        best['kept'] = 1
for s in scores():
    better = {made}
    keep(better, top, s)
""")
    stmt = next(a for a in model.index.assignments if "kept" in model.text(a))
    assert (improving(model, stmt) is not None) is found


def test_a_dict_that_a_caller_has_handed_in() -> None:
    keep = "def keep(best):\n    if a:\n        best['m'] = state()\n"
    assert late(f"{keep}top = {{}}\nfor i in x:\n    keep(top)\nsave(top)")
    assert not late(f"{keep}top = {{}}\nfor i in x:\n    keep(top)\nprint(top)")
