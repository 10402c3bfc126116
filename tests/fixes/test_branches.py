"""A complete checkpoint beside weights that are saved in one of several branches, and what it takes along."""

import pytest

from tests.fixes.checkpoints import LOOP, added, first, offered

HEAD = "import os\n\nimport torch\n\nmodel = torch.nn.Linear(4, 1)\n"
PARALLEL = "if torch.cuda.device_count() > 1:\n    model = torch.nn.DataParallel(model)\n"
OPTIMIZER = "optimizer = torch.optim.Adam(model.parameters())\n"
BARE = 'torch.save({}.state_dict(), f"out/{{epoch}}.pt")\n'


def branches(test: str, one: str, other: str) -> str:
    return f"    if {test}:\n        {one}    else:\n        {other}"


def looped(saves: str, head: str = HEAD + PARALLEL + OPTIMIZER) -> str:
    return f"{head}for epoch in range(9):\n{LOOP}{saves}"


@pytest.mark.parametrize("test", ["isinstance(model, torch.nn.DataParallel)", "torch.cuda.device_count() > 1"])
def test_a_model_that_is_saved_in_two_branches_is_one_entry_behind_them(test: str) -> None:
    text = looped(branches(test, BARE.format("model.module"), BARE.format("model")))
    ((_, files), (_, resumed), *_) = offered(text)
    lines = added(text, files["main.py"])
    assert '"model": getattr(model, "module", model).state_dict(),' in lines
    assert not [line for line in lines if "model_1" in line]
    assert '\n    checkpoint_path = "out/checkpoint.pt"\n' in files["main.py"]
    assert '    getattr(model, "module", model).load_state_dict(checkpoint["model"])\n' in resumed["main.py"]


def test_a_model_that_is_wrapped_in_a_way_that_nobody_sees_is_unwrapped_where_it_is() -> None:
    text = looped(branches("wrapped(model)", BARE.format("model.module"), BARE.format("model")), HEAD + OPTIMIZER)
    assert '"model": getattr(model, "module", model).state_dict(),' in added(text, first(text)["main.py"])


def test_two_models_in_one_branch_stay_two_entries_in_it() -> None:
    head = (
        HEAD
        + "critic = torch.nn.Linear(4, 1)\n"
        + OPTIMIZER.replace("model.p", "[*model.p").replace("())", "(), *critic.parameters()])")
    )
    saves = f"    if epoch % 2 == 0:\n        {BARE.format('model')}        " + BARE.format("critic").replace("/", "/c")
    lines = added(text := looped(saves, head), after := first(text)["main.py"])
    assert '"model": model.state_dict(),' in lines and '"critic": critic.state_dict(),' in lines
    assert '\n        checkpoint_path = "out/checkpoint.pt"\n' in after


def test_the_other_branch_that_saves_in_another_way_gets_the_checkpoint_as_well() -> None:
    one, other = BARE.format("model"), "model.save_pretrained(folder)\n"
    after = first(looped(branches("plain", one, other), HEAD + OPTIMIZER))["main.py"]
    assert '\n    checkpoint_path = "out/checkpoint.pt"\n' in after
    alone = first(looped(branches("plain", one, "print(epoch)\n"), HEAD + OPTIMIZER))["main.py"]
    assert '\n        checkpoint_path = "out/checkpoint.pt"\n' in alone


def test_a_path_of_one_branch_keeps_the_checkpoint_in_it() -> None:
    saves = branches("plain", 'path = "a/b.pt"\n        torch.save(model.state_dict(), path)\n', "model.save(9)\n")
    after = first(looped(saves, HEAD + OPTIMIZER))["main.py"]
    assert '\n        checkpoint_path = os.path.join(os.path.dirname(path), "checkpoint.pt")\n' in after


def test_every_best_result_and_every_count_is_taken_along() -> None:
    begun = "steps, best, top = 0, -1, 0\nglobal_step = args.start_step\n"
    counted = "        steps += 1\n        global_step += 1\n"
    saves = counted
    for name in ("best", "top"):
        saves += f"    if score(epoch) > {name}:\n        {name} = score(epoch)\n"
        saves += f'        torch.save(model.state_dict(), "out/{name}.pt")\n'
    saves += "    " + BARE.format("model")
    lines = added(text := looped(saves, HEAD + OPTIMIZER + begun), first(text)["main.py"])
    assert {'"steps": steps,', '"global_step": global_step,'} <= set(lines)
    assert any('"best": ' in line for line in lines) and any('"top": ' in line for line in lines)


def test_a_best_result_that_need_not_be_there_is_left_out() -> None:
    begun = "best = 0\nif averaged:\n    best_average = 0\n"
    saves = ""
    for name in ("best", "best_average"):
        saves += f"    if score(epoch) > {name}:\n        {name} = score(epoch)\n"
        saves += f'        torch.save(model.state_dict(), "out/{name}.pt")\n'
    saves += "    " + BARE.format("model")
    lines = added(text := looped(saves, HEAD + OPTIMIZER + begun), first(text)["main.py"])
    assert any("best)" in line for line in lines) and not any("best_average" in line for line in lines)
