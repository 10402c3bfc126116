"""Before which statement of a loop every rank comes by."""

import ast

import pytest
from dry_debug.program.every_rank import every_rank, may_draw_between
from dry_debug.program.program import Program

from tests.program.model import program

HEAD = """import torch.distributed as dist

every = args.every
limit = measure()
for epoch in range(9):
    loss = train(epoch)
    last = epoch == 8
"""


def place(body: str) -> tuple[Program, ast.stmt, ast.stmt | None]:
    """The program, the call of `save()` in it, and the statement before which all ranks come by."""
    model = program(HEAD + body)
    call = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "save")
    loop = next(s for s in model.tree.body if isinstance(s, ast.For))
    stmt = model.statement(call)
    assert stmt is not None
    return model, stmt, every_rank(model, stmt, loop)


@pytest.mark.parametrize(
    "test",
    ["epoch % every == 0", "epoch > args.begin and not last", "epoch == max(EPOCHS - 1, 0)", "(epoch + 1) % 5 == 0"],
)
def test_a_test_of_the_epoch_and_of_settings_is_the_same_on_all(test: str) -> None:
    _, stmt, found = place(f"    if {test}:\n        save()\n")
    assert found is stmt


@pytest.mark.parametrize(
    "test", ["loss < 1", "limit > epoch", "dist.get_rank() == 0", "args.rank == 0", "ready()", "epoch % 2 and loss"]
)
def test_a_test_of_a_result_or_of_the_rank_is_stood_before(test: str) -> None:
    model, _, found = place(f"    if {test}:\n        save()\n")
    assert found is not None and model.text(found).startswith(f"if {test}")


@pytest.mark.parametrize(("leave", "stands"), [("continue", True), ("break", True), ("raise ValueError", False)])
def test_who_leaves_the_round_early_has_to_come_by_as_well(leave: str, stands: bool) -> None:
    model, stmt, found = place(f"    if loss > 9:\n        {leave}\n    save()\n")
    assert found is not None
    assert model.text(found).startswith("if loss > 9") if stands else found is stmt


def test_all_leave_in_the_same_round() -> None:
    _, stmt, found = place("    if epoch % 2:\n        continue\n    save()\n")
    assert found is stmt


def test_a_break_of_an_inner_loop_leaves_no_round() -> None:
    _, stmt, found = place("    for x in data:\n        if x:\n            break\n    save()\n")
    assert found is stmt


def test_a_loop_over_files_is_stood_before_and_a_loop_that_trains_is_not() -> None:
    model, _, found = place("    for path in paths:\n        save()\n")
    assert found is not None and model.text(found).startswith("for path")
    steps = "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n"
    assert place(f"    for x in data:\n{steps}        save()\n")[2] is None


@pytest.mark.parametrize(
    ("before", "draws"),
    [
        ("print(loss)", False),
        ("evaluate(model)", True),
        ("for x in data:\n            pass", True),
        ("latest()", False),
    ],
)
def test_what_may_draw_on_the_way_to_the_save(before: str, draws: bool) -> None:
    model, stmt, found = place(f"    if loss < 1:\n        {before}\n        save()\n")
    assert found is not None and may_draw_between(model, found, stmt) is draws


@pytest.mark.parametrize(
    ("head", "test", "same"),
    [
        ("for i, x in enumerate(data):", "i % 5 == 0", True),
        ("for i, x in enumerate(data):", "x > 0", False),
        ("for x in data:", "x > 0", False),
        ("for i, n in enumerate(range(9)):", "n > 3", True),
        ("for n in tqdm(range(9)):", "n > 3", True),
    ],
)
def test_what_a_loop_counts_with_is_the_same_and_what_it_goes_through_is_not(head: str, test: str, same: bool) -> None:
    model = program(
        f"import torch.distributed as dist\nfrom tqdm import tqdm\n{head}\n    if {test}:\n        save()\n"
    )
    loop = next(s for s in model.tree.body if isinstance(s, ast.For))
    stmt = next(s for c in model.index.calls if getattr(c.func, "id", "") == "save" and (s := model.statement(c)))
    assert (every_rank(model, stmt, loop) is stmt) is same
