"""The complete checkpoint of loops that count themselves: `while True:`, `while step < limit:`, `step += 1`."""

import pytest

from tests.fixes.checkpoints import added, offered

HEAD = "import os\n\nimport torch\n\nmodel = torch.nn.Linear(4, 1)\noptimizer = torch.optim.Adam(model.parameters())\n"
TRAIN = """optimizer.zero_grad()
torch.nn.functional.mse_loss(model(x), y).backward()
optimizer.step()
"""
RESUME = "Complete the checkpoint and resume from it before the loop"
EPOCH, STEP = '"epoch": epoch', '"step": step'
ANEW = ", which begins a new pass over the data"


def deeper(text: str, steps: int = 1) -> str:
    return "".join(f"{'    ' * steps}{line}\n" for line in text.splitlines())


def save(entries: str) -> str:
    return f'torch.save({{"model": model.state_dict(), {entries}}}, "last.pt")\n'


def resumed(text: str) -> tuple[str, list[str]]:
    """The title of the fix that resumes, and the lines that it adds."""
    found = [(fix, files) for fix, files in offered(text) if fix.title.startswith(RESUME)]
    if not found:
        return "", []
    return found[0][0].title, added(text, found[0][1]["main.py"])


def counted(body: str, entries: str, head: str = "step = 0\nwhile step < 100:\n") -> str:
    text = body.replace("TRAIN\n", f"x, y = batch()\n{TRAIN}").replace("SAVE\n", save(entries))
    return f"{HEAD}{head}{deeper(text)}"


@pytest.mark.parametrize(
    ("body", "entries", "put_back"),
    [
        ("TRAIN\nstep += 1\nSAVE\n", '"step": step', 'step = checkpoint["step"]'),
        ("TRAIN\nSAVE\nstep += 1\n", '"step": step', 'step = checkpoint["step"] + 1'),
        ("TRAIN\nSAVE\nstep += 1\n", '"step": step + 1', 'step = checkpoint["step"]'),
        ("SAVE\nTRAIN\nstep += 1\n", '"step": step', 'step = checkpoint["step"]'),
        ("step += 1\nTRAIN\nSAVE\n", '"step": step', 'step = checkpoint["step"]'),
    ],
)
def test_the_run_goes_on_behind_what_was_trained(body: str, entries: str, put_back: str) -> None:
    title, lines = resumed(counted(body, entries))
    assert title == RESUME
    assert put_back in lines and 'optimizer.load_state_dict(checkpoint["optimizer"])' in lines


@pytest.mark.parametrize(
    "head", ["step = 0\nwhile True:\n    if step == 100:\n        break\n", "step: int = 0\nwhile step != limit:\n"]
)
def test_the_loop_may_end_in_any_way(head: str) -> None:
    assert resumed(counted("TRAIN\nstep += 1\nSAVE\n", '"step": step', head))[0] == RESUME


def test_a_number_that_nobody_saves_is_added_as_it_will_be_needed() -> None:
    for body, saved in (("TRAIN\nSAVE\nstep += 1\n", "step + 1"), ("TRAIN\nstep += 1\nSAVE\n", "step")):
        _, lines = resumed(counted(body, '"name": "a"'))
        assert f'"step": {saved},' in lines and 'step = checkpoint["step"]' in lines


def test_what_a_for_loop_counts_behind_the_save_is_saved_as_it_will_be_needed() -> None:
    body = f"for x, y in loader:\n{deeper(TRAIN)}global_step += 1\n"
    text = f"{HEAD}global_step = 0\nfor epoch in range(9):\n{deeper(body)}    {save(EPOCH)}"
    assert '"global_step": global_step,' in resumed(text)[1]
    late = text.replace("    global_step += 1\n", "") + "    global_step += 1\n"
    assert '"global_step": global_step + 1,' in resumed(late)[1]


EPOCHS = f"for x, y in loader:\n{deeper(TRAIN)}    step += 1\n"


def test_a_run_that_is_saved_on_the_way_through_its_data_begins_them_anew() -> None:
    inner = f"    if step % 100 == 0:\n        {save(STEP)}"
    title, lines = resumed(f"{HEAD}step = 0\nwhile step < 100:\n{deeper(EPOCHS + inner)}")
    assert title == RESUME + ANEW and 'step = checkpoint["step"]' in lines
    drawn = counted("x, y = next(batches)\nTRAIN\nstep += 1\nSAVE\n", '"step": step')
    assert resumed(drawn)[0] == RESUME + ANEW


def test_what_the_outer_loop_counts_is_put_back_where_the_program_loads() -> None:
    load = """if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    step = checkpoint["step"]
"""
    body = f"epoch += 1\n{EPOCHS}    if step % 100 == 0:\n        {save(STEP)}"
    text = f"{HEAD}epoch = 0\nstep = 0\n{load}while step < 100:\n{deeper(body)}"
    ((fix, files), *_) = offered(text)
    assert "by hand" not in fix.title
    assert 'epoch = checkpoint.get("epoch", epoch)' in added(text, files["main.py"])


def test_epochs_and_steps_are_both_put_back() -> None:
    body = f"{EPOCHS}epoch += 1\n{save(EPOCH)}"
    title, lines = resumed(f"{HEAD}epoch = 0\nstep = 0\nwhile epoch < 9:\n{deeper(body)}")
    assert title == RESUME
    assert 'epoch = checkpoint["epoch"]' in lines and 'step = checkpoint["step"]' in lines


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("TRAIN\nSAVE\nif x.sum() > 0:\n    step += 1\n", "it is counted in some rounds only"),
        ("TRAIN\nSAVE\nstep += 2\n", "it counts by two"),
        ("TRAIN\nSAVE\nstep = compute(step)\n", "nobody knows what it counts"),
        ("step += 1\nSAVE\nTRAIN\n", "it is counted before what it counts"),
    ],
)
def test_where_the_number_does_not_say_how_far_the_run_is_nothing_is_resumed(body: str, why: str) -> None:
    assert resumed(counted(body, STEP)) == ("", []), why


def test_a_save_within_epochs_that_alone_are_counted_is_not_resumed() -> None:
    body = f"for x, y in loader:\n{deeper(TRAIN)}    {save(EPOCH)}epoch += 1\n"
    assert resumed(f"{HEAD}epoch = 0\nwhile epoch < 9:\n{deeper(body)}") == ("", [])


def test_the_pair_and_the_class_put_the_number_back_as_well() -> None:
    text = counted("TRAIN\nSAVE\nstep += 1\n", '"step": step')
    files = {fix.title.rpartition(" ")[2]: after["main.py"] for fix, after in offered(text)}
    assert 'step = checkpoint.get("step", step - 1) + 1\n' in files["`load_checkpoint`"]
    more = text.replace("step = 0\n", "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)\nstep = 0\n")
    more = more.replace("    optimizer.step()\n", "    optimizer.step()\n    scheduler.step()\n")
    files = {fix.title.rpartition(" ")[2]: after["main.py"] for fix, after in offered(more)}
    assert "checkpointer.save(step=step)\n" in files["`Checkpointer`"]


def test_the_number_of_an_object_goes_on() -> None:
    text = """import torch


class Fitting:
    def __init__(self, net, limit):
        self.net = net
        self.optimizer = torch.optim.Adam(net.parameters())
        self.done = 0
        self.limit = limit

    def fit(self):
        while self.done < self.limit:
            loss = self.net(batch()).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.done += 1
            torch.save({"net": self.net.state_dict(), "done": self.done}, "last.pt")


Fitting(torch.nn.Linear(4, 1), 9).fit()
"""
    assert 'self.done = checkpoint["done"]' in resumed(text)[1]


# -- `dict(...)` -------------------------------------------------------------------------------------------------------

LOOPED = f"{HEAD}for epoch in range(9):\n    for x, y in loader:\n{deeper(TRAIN, 2)}"
NOTE = '"a note that fills the line"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("state = dict(model=model.state_dict(), epoch=epoch)\n",
         "state = dict(model=model.state_dict(), epoch=epoch, optimizer=optimizer.state_dict())\n"),
        ("state = dict(\n        model=model.state_dict(),  # the weights\n        epoch=epoch\n    )\n",
         "state = dict(\n        model=model.state_dict(),  # the weights\n        epoch=epoch,\n"
         "        optimizer=optimizer.state_dict()\n    )\n"),
        ("state = dict(model=model.state_dict(),\n                 epoch=epoch)\n",
         "state = dict(model=model.state_dict(),\n                 epoch=epoch,\n"
         "                 optimizer=optimizer.state_dict())\n"),
        (f"state = dict(model=model.state_dict(), epoch=epoch, note={NOTE})\n",
         "state = dict(\n        model=model.state_dict(),\n        epoch=epoch,\n"
         f"        note={NOTE},\n        optimizer=optimizer.state_dict(),\n    )\n"),
    ],
    ids=["one line", "a line each", "behind the bracket", "too long"],
)  # fmt: skip
def test_a_dict_that_is_called_is_completed_in_its_layout(before: str, after: str) -> None:
    ((_, files), *more) = offered(f'{LOOPED}    {before}    torch.save(state, "last.pt")\n')
    assert f'    {after}    torch.save(state, "last.pt.tmp")\n' in files["main.py"]
    assert next(fix.title for fix, _ in more) == RESUME


def test_a_dict_that_is_called_in_the_call_that_saves_is_completed() -> None:
    text = f'{LOOPED}    torch.save(dict(model=model.state_dict(), epoch=epoch), "last.pt")\n'
    assert "optimizer=optimizer.state_dict()," in offered(text)[0][1]["main.py"]


def test_a_dict_that_only_the_old_call_has_read_goes_with_it() -> None:
    text = f'{LOOPED}    state = dict(model=model.state_dict(), epoch=epoch)\n    torch.save(state, "last.pt")\n'
    ((_, files),) = [(fix, files) for fix, files in offered(text) if "`save_checkpoint`" in fix.title]
    assert "state = dict(" not in files["main.py"]
    read = text + "    print(state)\n"
    ((_, files),) = [(fix, files) for fix, files in offered(read) if "`save_checkpoint`" in fix.title]
    assert "state = dict(" in files["main.py"]


def test_numbers_that_are_saved_already_are_put_back() -> None:
    entries = '"epoch": epoch, "best": best, "steps": steps'
    body = "if score() > best:\n    best = score()\n"
    begun = LOOPED.replace("for epoch", "best = 0.0\nsteps = 0\nfor epoch", 1)
    text = f"{begun}        steps += 1\n"
    _, lines = resumed(f"{text}{deeper(body)}    {save(entries)}")
    assert 'best = checkpoint["best"]' in lines and 'steps = checkpoint["steps"]' in lines
