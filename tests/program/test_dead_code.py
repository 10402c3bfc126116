"""Code that can never run is no part of the program."""

import ast

import pytest
from dry_debug.program.facts import facts
from dry_debug.program.scopes import fixed_truth

from tests.program.model import marked, program

HEAD = """
import torch
net = torch.nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""


def steps(source: str) -> list[tuple[str, int]]:
    return [(row["kind"], row["line"]) for row in facts(program(source))["steps"]]


@pytest.mark.parametrize(
    ("test", "truth"),
    [("False", False), ("0", False), ("not True", False), ("1", True), ("not not 1", True), ("x", None)],
)
def test_what_a_literal_test_always_says(test: str, truth: bool | None) -> None:
    assert fixed_truth(ast.parse(test, mode="eval").body) is truth


@pytest.mark.parametrize(
    "dead",
    [
        "if False:\n    opt.step()",
        "if not 1:\n    opt.step()",
        "while 0:\n    opt.step()",
        "if True:\n    pass\nelse:\n    opt.step()",
        "if x:\n    pass\nelif False:\n    opt.step()",
        "def f():\n    return 1\n    opt.step()\nf()",
        "for i in range(3):\n    if x:\n        continue\n        opt.step()",
        "if True:\n    if True:\n        if False:\n            opt.step()",
        "def f():\n    raise ValueError\n    if x:\n        opt.step()\nf()",
    ],
)
def test_a_step_that_never_runs_is_no_step(dead: str) -> None:
    assert steps(HEAD + dead) == []


@pytest.mark.parametrize("live", ["if True:\n    opt.step()", "if False:\n    pass\nelse:\n    opt.step()",
                                  "while False:\n    pass\nelse:\n    opt.step()"])  # fmt: skip
def test_what_a_fixed_test_lets_run_is_a_step(live: str) -> None:
    assert [kind for kind, _ in steps(HEAD + live)] == ["optimizer_step"]


def test_a_value_under_if_true_is_the_only_one() -> None:
    assert marked(HEAD + "x = net\nif True:\n    x = opt\nhere(x)").kind == "optimizer"


def test_a_value_in_code_that_never_runs_is_none() -> None:
    assert marked(HEAD + "x = net\nif False:\n    x = opt\nhere(x)").kind == "module"


def test_a_generator_is_one_by_a_yield_that_never_runs() -> None:
    model = program("def f():\n    return\n    yield 1\n")
    assert model.index.functions[0].yields and [type(s) for s in model.index.dead] == [ast.Expr]


def test_a_loop_that_never_runs_is_no_loop() -> None:
    model = program("def f():\n    while False:\n        g()\n")
    assert model.index.functions[0].loops == [] and model.index.calls == []


@pytest.mark.parametrize("made", ["x: Any = torch.optim.Adam(p)", "x: 'Nowhere' = torch.optim.Adam(p)"])
def test_an_annotation_does_not_hide_what_is_assigned(made: str) -> None:
    assert marked(f"import torch\n{made}\nhere(x)").kind == "optimizer"


def test_an_annotation_says_what_a_call_of_something_unknown_gives() -> None:
    assert marked("import torch\nfrom elsewhere import make\nx: torch.optim.Adam = make()\nhere(x)").kind == "optimizer"


def test_a_loop_over_pairs_made_in_a_comprehension_is_looked_at() -> None:
    assert facts(program("rows = [{'a': 1} for _ in names]\nfor row in rows:\n    print(row)\n"))["loops"] == []


def test_an_ellipsis_among_the_arguments_is_read() -> None:
    facts(program(HEAD + "import functools\nfor i in range(2):\n    opt.step(functools.partial(f, ...))\n"))


def test_a_ring_of_many_functions_that_call_each_other_is_followed_once() -> None:
    rows = [f"def f{n}(x):\n" + "".join(f"    f{(n + k) % 40}(x)\n" for k in range(40)) for n in range(40)]
    model = program(HEAD + "\n".join(rows) + "\nfor i in range(3):\n    g(net, opt)\n"
                    "def g(a, b):\n    a(1).backward()\n    b.step()\n")  # fmt: skip
    last = model.index.functions[-2].calls[-1]
    assert model.training.reached_from_training_loop(last) is None
