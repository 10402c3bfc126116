"""Shapes of code whose cost grew without bound: each is asked once."""

import pytest
from dry_debug.program import reaching
from dry_debug.program.facts import facts

from tests.program.model import program


def test_each_of_many_nested_loops_is_judged_once() -> None:
    heads = "".join("  " * n + f"for i{n} in items:\n" for n in range(19))
    source = "import torch\nnet = torch.nn.Linear(1, 1)\nopt = torch.optim.SGD(net.parameters(), lr=1)\n"
    model = program(f"{source}{heads}{'  ' * 19}net(x).backward()\n{'  ' * 19}opt.step()\n")
    loops = model.training.loops
    asked = []
    finds = loops._finds_level
    loops._finds_level = lambda loop, scope: asked.append(loop) or finds(loop, scope)  # type: ignore[method-assign,func-returns-value]
    facts(model)
    assert len(asked) == len(set(asked)) > 1


def test_a_hierarchy_of_a_thousand_classes_is_of_no_known_kind() -> None:
    rows = "".join(f"class C{n}(C{n - 1}):\n    pass\n" for n in range(1, 1000))
    model = program(f"import torch\nclass C0(torch.nn.Module):\n    pass\n{rows}")
    kinds = [model.class_kind(cls) for cls in reversed(model.index.classes)]
    assert set(kinds) == {"instance", "module"} and kinds[0] == "instance"


def test_bindings_behind_a_use_are_looked_at_only_in_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(reaching, "_loops_of", lambda index, binding: asked.append(binding) or [])
    rows = "".join(f"a = {n}\nhere(a)\n" for n in range(50))
    model = program(rows)
    for call in model.index.calls:
        assert model.value(call.args[0], call).kind == "const"
    assert asked == []


def test_one_question_leaves_enough_for_those_after_it() -> None:
    """Functions that call one another in many ways: what each gives back depends on what it is given."""
    names = [f"step_{n}" for n in range(12)]
    rows = "".join(
        f"def {name}(node, table, states):\n"
        + "".join(f"    states = {other}(node, table, {{'{name}{n}': states}})\n" for n, other in enumerate(names))
        + "    return states\n"
        for name in names
    )
    source = f"import torch\n{rows}tree = step_0(1, 2, {{}})\nnet = torch.nn.Linear(1, 1)\n"
    source += "opt = torch.optim.Adam(net.parameters())\nseen(tree, opt)\n"
    model = program(source)
    (call,) = (c for c in model.index.calls if getattr(c.func, "id", "") == "seen")
    run = model.host.evaluation
    before = run.fuel
    model.value(call.args[0], call)
    assert before - run.fuel > 1000, "it is not the question that is meant"
    assert model.value(call.args[1], call).kind == "optimizer"
    assert run.fuel > 0
