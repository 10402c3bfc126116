"""What the complete checkpoint saves and restores, in layouts and orders that its page does not show."""

import ast

import pytest

from tests.fixes.checkpoints import LOOP, added, first, offered

HEAD = "import os\n\nimport torch\n\nmodel = torch.nn.Linear(4, 1)\n"
OPTIMIZER = "optimizer = torch.optim.Adam(model.parameters())\n"
LOAD = """if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    start = checkpoint["epoch"] + 1
"""
SAVE = '    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")\n'
RESUMED = f"{HEAD}{OPTIMIZER}start = 0\n{LOAD}for epoch in range(start, 9):\n{LOOP}{SAVE}"


def test_what_is_saved_is_restored_and_the_file_moved_into_place() -> None:
    assert added(RESUMED, first(RESUMED)["main.py"]) == [
        'if "optimizer" in checkpoint:',
        'optimizer.load_state_dict(checkpoint["optimizer"])',
        "torch.save({",
        '"model": model.state_dict(),',
        '"epoch": epoch,',
        '"optimizer": optimizer.state_dict(),',
        '}, "last.pt.tmp")',
        'os.replace("last.pt.tmp", "last.pt")',
    ]


@pytest.mark.parametrize(("old", "new"), [("    ", "\t"), ("    ", "  "), ("\n", "\r\n"), ('"', "'")])
def test_the_layout_of_the_file_is_kept(old: str, new: str) -> None:
    text = RESUMED.replace(old, new)
    after = first(text)["main.py"]
    ast.parse(after)
    assert after == first(RESUMED)["main.py"].replace(old, new)


def test_what_is_made_after_the_load_is_restored_before_the_loop() -> None:
    text = f"{HEAD}start = 0\n{LOAD}{OPTIMIZER}for epoch in range(start, 9):\n{LOOP}{SAVE}"
    after = first(text)["main.py"]
    assert after.index("optimizer.load_state_dict") > after.index("optimizer = ")
    assert 'if os.path.exists("last.pt"):\n    if "optimizer" in checkpoint:\n' in after


@pytest.mark.parametrize("test", ["path.exists()", "(folder / 'last.pt').is_file()", "not path.is_dir()"])
def test_whether_a_path_is_there_is_asked_again_before_the_loop(test: str) -> None:
    load = LOAD.replace('os.path.exists("last.pt")', test)
    text = f"{HEAD}start = 0\n{load}{OPTIMIZER}for epoch in range(start, 9):\n{LOOP}{SAVE}"
    assert f'if {test}:\n    if "optimizer" in checkpoint:\n' in first(text)["main.py"]


def test_a_condition_that_may_have_changed_is_not_asked_again() -> None:
    load = LOAD.replace("os.path.exists", "ready")
    text = f"{HEAD}start = 0\n{load}{OPTIMIZER}for epoch in range(start, 9):\n{LOOP}{SAVE}"
    ((fix, files), *_) = offered(text)
    assert fix.title.endswith("(`optimizer` to be restored by hand)")
    assert "optimizer.load_state_dict" not in files["main.py"]


def test_a_run_that_repeats_its_last_epoch_goes_on_behind_it() -> None:
    text = RESUMED.replace('checkpoint["epoch"] + 1', 'checkpoint["epoch"]')
    assert 'start = checkpoint["epoch"] + 1\n' in first(text)["main.py"]


def test_an_epoch_that_is_saved_as_the_next_one_is_left_alone() -> None:
    text = RESUMED.replace('checkpoint["epoch"] + 1', 'checkpoint["epoch"]').replace(
        '"epoch": epoch}', '"epoch": epoch + 1}'
    )
    assert 'start = checkpoint["epoch"]\n' in first(text)["main.py"]


def test_a_scheduler_that_steps_behind_the_save_takes_its_step_after_loading() -> None:
    made = "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)\n"
    text = RESUMED.replace(OPTIMIZER, OPTIMIZER + made) + "    scheduler.step()\n"
    assert "scheduler.step()  # it was saved before the step of its epoch" in first(text)["main.py"]
    before = RESUMED.replace(OPTIMIZER, OPTIMIZER + made).replace(LOOP, LOOP + "    scheduler.step()\n")
    assert first(before)["main.py"].count("scheduler.step()") == 1


def test_random_generators_of_a_seeded_run_are_saved_and_put_back() -> None:
    lines = added(RESUMED, first(RESUMED.replace(OPTIMIZER, f"torch.manual_seed(1)\n{OPTIMIZER}"))["main.py"])
    assert '"rng_state": torch.get_rng_state(),' in lines
    assert 'torch.set_rng_state(checkpoint["rng_state"].cpu())' in lines


def test_a_split_of_the_data_after_the_load_comes_before_the_generators_are_put_back() -> None:
    split = "part, _ = torch.utils.data.random_split(data, [8, 2])\n"
    text = RESUMED.replace(OPTIMIZER, f"torch.manual_seed(1)\n{OPTIMIZER}").replace("for epoch", f"{split}for epoch")
    after = first(text)["main.py"]
    assert after.index("random_split") < after.index("set_rng_state")


def test_without_a_seed_there_is_nothing_to_repeat() -> None:
    assert "rng" not in first(RESUMED)["main.py"]


def test_a_scheduler_without_a_state_is_not_asked_for_one() -> None:
    own = (
        "class Warmup:\n    def __init__(self, optimizer):\n        self.optimizer = optimizer\n        self.n = 0\n\n"
        "    def step(self):\n        self.n += 1\n        for group in self.optimizer.param_groups:\n"
        "            group['lr'] = 0.1 * self.n\n\n\n"
    )
    text = HEAD.replace("model =", f"\n{own}model =") + RESUMED[len(HEAD) :].replace(
        OPTIMIZER, f"{OPTIMIZER}scheduler = Warmup(optimizer)\n"
    ).replace(LOOP, f"{LOOP}    scheduler.step()\n")
    assert all("scheduler.state_dict" not in files["main.py"] for _, files in offered(text))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ('f"out/{epoch}.pt"', '"out/checkpoint.pt"'),
        ('f"{folder}/{epoch}.pt"', 'f"{folder}/checkpoint.pt"'),
        ('"out/%d.pt" % epoch', '"out/checkpoint.pt"'),
        ('"%s.pt" % prefix', 'os.path.join(os.path.dirname("%s.pt" % prefix), "checkpoint.pt")'),
        ('"out/model_%d.pt" % epoch', '"out/checkpoint.pt"'),
        ('"%s/model_%d.pt" % (folder, epoch)', '"%s/checkpoint.pt" % folder'),
        ('"{}/m-{}.pt".format(folder, epoch)', '"{}/checkpoint.pt".format(folder)'),
        ('"{}.pt".format(prefix + str(epoch))',
         'os.path.join(os.path.dirname("{}.pt".format(prefix + str(epoch))), "checkpoint.pt")'),
        ('folder + "/model_" + str(epoch) + ".pt"', 'folder + "/checkpoint.pt"'),
        ('"{}.pkl".format(folder + "/model_" + str(epoch))', 'folder + "/checkpoint.pt"'),
        ('prefix + "weights.pt"', 'prefix + "checkpoint.pt"'),
        ('prefix + name(epoch)', 'os.path.join(os.path.dirname(prefix + name(epoch)), "checkpoint.pt")'),
        ('os.path.join(folder, f"{epoch}.pt")', 'os.path.join(folder, "checkpoint.pt")'),
        ('folder / f"{epoch}.pt"', 'folder / "checkpoint.pt"'),
        ('folder + "/model-%d-%s" % (epoch, name)', 'folder + "/checkpoint.pt"'),
        ('"out/net/model" + str(now())[:10]', '"out/net/checkpoint.pt"'),
    ],
)  # fmt: skip
def test_the_second_file_lies_in_the_folder_of_the_first(path: str, expected: str) -> None:
    text = f"{HEAD}{OPTIMIZER}for epoch in range(9):\n{LOOP}    torch.save(model.state_dict(), {path})\n"
    assert f"    checkpoint_path = {expected}\n" in first(text)["main.py"]


def test_weights_that_are_exported_stay_as_they_are() -> None:
    text = (
        f"{HEAD}{OPTIMIZER}for epoch in range(9):\n{LOOP}" + '    torch.save(model.state_dict(), f"out/{epoch}.pt")\n'
    )
    after = first(text)["main.py"]
    assert 'torch.save(model.state_dict(), f"out/{epoch}.pt")\n' in after
    assert 'checkpoint_path = "out/checkpoint.pt"' in after


def test_helpers_of_another_file_get_what_they_lack() -> None:
    state = (
        "import torch\n\n\ndef save_run(path, model, epoch):\n"
        '    torch.save({"model": model.state_dict(), "epoch": epoch}, path)\n\n\n'
        "def load_run(path, model):\n    checkpoint = torch.load(path)\n"
        '    model.load_state_dict(checkpoint["model"])\n    return checkpoint["epoch"] + 1\n'
    )
    main = (
        f"import torch\n\nfrom state import load_run, save_run\n\nmodel = torch.nn.Linear(4, 1)\n{OPTIMIZER}"
        'start = load_run("last.pt", model)\n'
        f'for epoch in range(start, 9):\n{LOOP}    save_run("last.pt", model, epoch)\n'
    )
    after = first({"main.py": main, "state.py": state})
    assert 'load_run("last.pt", model, optimizer=optimizer)' in after["main.py"]
    assert 'save_run("last.pt", model, epoch, optimizer=optimizer)' in after["main.py"]
    assert "def save_run(path, model, epoch, optimizer=None):" in after["state.py"]
    assert '"optimizer": optimizer.state_dict() if optimizer is not None else None,' in after["state.py"]
    assert 'if optimizer is not None and checkpoint.get("optimizer") is not None:' in after["state.py"]


SCHEDULER = "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)\n"
NEW = f"{HEAD}{OPTIMIZER}{SCHEDULER}for epoch in range(9):\n{LOOP}    scheduler.step()\n{SAVE}"


def test_where_nothing_loads_the_resume_is_a_fix_of_its_own() -> None:
    titles = [fix.title for fix, _ in offered(NEW)]
    assert titles == [
        "Complete the checkpoint with `optimizer`, `scheduler`",
        "Complete the checkpoint and resume from it before the loop",
        "Save and resume by a pair of functions, `save_checkpoint` and `load_checkpoint`",
        "Save and resume by a class, `Checkpointer`",
    ]
    assert "torch.load" not in offered(NEW)[0][1]["main.py"]
    assert all("weights_only=True" in files["main.py"] for _, files in offered(NEW)[1:])


def test_the_fixes_are_only_offered_where_the_save_can_be_put_back() -> None:
    assert [fix.title for fix, _ in offered(RESUMED)] == ["Complete the checkpoint with `optimizer`"]
    inner = NEW.replace(f"    scheduler.step()\n{SAVE}", f"        scheduler.step()\n    {SAVE}")
    assert len(offered(inner)) == 1  # in the middle of an epoch


GROUP = 'torch.distributed.init_process_group("gloo")\n'


@pytest.mark.parametrize("uniform", [True, False], ids=["on every rank", "on ranks whose loss is low"])
def test_one_rank_writes_and_all_wait_only_where_all_come_by(uniform: bool) -> None:
    test = "if epoch % 2 == 0:" if uniform else "if loss < 1:"
    text = RESUMED.replace(OPTIMIZER, GROUP + OPTIMIZER).replace(SAVE, f"    {test}\n    {SAVE}")
    after = first(text)["main.py"]
    assert "        if torch.distributed.get_rank() == 0:\n            torch.save(" in after
    assert ("barrier" in after) is uniform


def test_a_save_that_one_rank_reaches_is_guarded_already() -> None:
    text = RESUMED.replace(OPTIMIZER, GROUP + OPTIMIZER)
    text = text.replace(SAVE, f"    if torch.distributed.get_rank() == 0:\n    {SAVE}")
    assert first(text)["main.py"].count("get_rank") == 1


ACCELERATED = f"""import torch
from accelerate import Accelerator

accelerator = Accelerator()
model = torch.nn.Linear(4, 1)
{OPTIMIZER}model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(9):
{LOOP.replace("torch.nn.functional.mse_loss(model(x), y).backward()", "accelerator.backward(model(x).sum())")}\
    if accelerator.is_main_process:
        torch.save({{"model": accelerator.unwrap_model(model).state_dict()}}, "out/last.pt")
"""


def test_accelerate_saves_the_whole_run_on_every_process() -> None:
    fixes = {fix.title: files["main.py"] for fix, files in offered(ACCELERATED)}
    after = fixes["Save the whole run with `accelerator.save_state`, beside what is saved now"]
    assert '\n    accelerator.save_state("out/run_state")\n' in after  # outside of the test for one process


SHARDED = f"""import torch
import torch.distributed as dist
from torch.distributed.fsdp import FullyShardedDataParallel

dist.init_process_group("nccl")
model = FullyShardedDataParallel(torch.nn.Linear(4, 1).cuda())
{OPTIMIZER}for epoch in range(9):
{LOOP}    state = model.state_dict()
    if dist.get_rank() == 0:
        torch.save({{"model": state, "epoch": epoch}}, "out/last.pt")
"""


def test_every_rank_writes_its_shards_of_a_sharded_model() -> None:
    ((fix, files), _) = offered(SHARDED)
    assert fix.title.endswith("with `torch.distributed.checkpoint`")
    assert "\n    model_state, optimizer_state = get_state_dict(model, optimizer)\n" in files["main.py"]
    assert 'torch.save({"model": state, "epoch": epoch}, "out/last.pt")\n' in files["main.py"]
    assert '        checkpoint_id=f"out/run_state_{epoch}",\n' in files["main.py"]  # those from before stay whole


def test_every_rank_saves_its_own_random_state_under_a_key_of_its_own() -> None:
    seeded = SHARDED.replace("model = ", "torch.manual_seed(1)\nmodel = ")
    assert '        f"rng_rank{dist.get_rank()}": ' in first(seeded)["main.py"]
    assert "rng_rank" not in first(SHARDED)["main.py"]  # nothing is seeded: there is nothing to repeat


def test_a_sharded_run_is_taken_up_from_its_newest_complete_folder() -> None:
    both = offered(SHARDED.replace("model = ", "torch.manual_seed(1)\nmodel = "))[1][1]["main.py"]
    assert 'sorted(glob.glob("out/run_state_*/.metadata"), key=os.path.getmtime)\n' in both
    assert "from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict\n" in both
    assert "for epoch in range(start_epoch, 9):\n" in both
    scheduled = SHARDED.replace("for epoch", "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)\nfor epoch", 1)
    scheduled = scheduled.replace("    state = ", "    scheduler.step()\n    state = ")
    whole = scheduled.replace('"epoch": epoch}', '"epoch": epoch, "scheduler": scheduler.state_dict()}')
    lines = added(whole, offered(whole)[1][1]["main.py"])  # what the other file has belongs to this one as well
    assert 'scheduler.load_state_dict(run_state["scheduler"])' in lines


def test_no_second_resume_is_written_where_one_is() -> None:
    load = 'if os.path.exists("out/last.pt"):\n    state = torch.load("out/last.pt")\n'
    load += '    model.load_state_dict(state["model"])\n'
    assert (
        len(
            offered(
                SHARDED.replace("import torch\n", "import os\n\nimport torch\n", 1).replace(
                    "for epoch", f"{load}for epoch", 1
                )
            )
        )
        == 1
    )


def test_no_resume_is_written_for_a_file_that_the_default_loader_may_refuse() -> None:
    assert len(offered(NEW.replace('"epoch": epoch}', '"epoch": epoch, "note": "first"}'))) == 4
    assert len(offered(NEW.replace('"epoch": epoch}', '"epoch": epoch, "args": args}'))) == 1


def test_helpers_of_an_earlier_fix_are_used_again() -> None:
    seeded = NEW.replace(OPTIMIZER, f"import numpy\n\ntorch.manual_seed(1)\nnumpy.random.seed(1)\n{OPTIMIZER}")
    once = first(seeded)["main.py"]
    assert once.count("def get_rng_state():") == 1
    helper = once[once.index("def get_rng_state") : once.index("model = ")]
    again = first(seeded.replace("model = ", f"{helper}model = ", 1))["main.py"]
    assert again.count("def get_rng_state") == 1 and '"rng_state": get_rng_state(),' in again


def test_the_second_file_holds_what_other_files_hold_as_well() -> None:
    saves = "".join(f'    torch.save({x}.state_dict(), "out/{x}.pt")\n' for x in ("model", "optimizer"))
    text = NEW.replace(SAVE, saves).replace("range(9)", "range(args.start_epoch, 9)")
    lines = added(text, first(text)["main.py"])
    assert '"optimizer": optimizer.state_dict(),' in lines and '"scheduler": scheduler.state_dict(),' in lines


STOPPER = """class EarlyStopping:
    def __init__(self, patience=7):
        self.patience = patience
        self.counter = 0
        self.best_score = None
        self.best_model = None
        self.best_epoch = 0
        self.early_stop = False

    def __call__(self, loss, model, epoch):
        if self.best_score is None or -loss > self.best_score:
            self.best_score = -loss
            self.best_model = model
            self.best_epoch = epoch
            self.counter = 0
        else:
            self.counter += 1
            self.early_stop = self.counter >= self.patience


"""
TOLD = "    stopper(evaluate(model), model, epoch)\n"


def test_what_an_early_stopper_counts_goes_on() -> None:
    text = RESUMED.replace("model = ", f"{STOPPER}stopper = EarlyStopping()\nmodel = ", 1).replace(SAVE, TOLD + SAVE)
    assert [line for line in added(text, first(text)["main.py"]) if "stopper" in line] == [
        'stopper.counter = checkpoint.get("stopper_counter", stopper.counter)',
        'stopper.best_score = checkpoint.get("stopper_best_score", stopper.best_score)',
        'stopper.best_epoch = checkpoint.get("stopper_best_epoch", stopper.best_epoch)',
        '"stopper_counter": stopper.counter,',
        '"stopper_best_score": float(stopper.best_score) if stopper.best_score is not None else None,',
        '"stopper_best_epoch": stopper.best_epoch,',
    ]


def test_an_early_stopper_with_a_state_is_asked_for_it() -> None:
    methods = """    def state_dict(self):
        return {"counter": self.counter}

    def load_state_dict(self, state):
        self.counter = state["counter"]


"""
    text = RESUMED.replace("model = ", f"{STOPPER.rstrip()}\n\n{methods}stopper = EarlyStopping()\nmodel = ", 1)
    text = text.replace(SAVE, TOLD + SAVE)
    assert [line for line in added(text, first(text)["main.py"]) if "stopper" in line] == [
        'if "stopper" in checkpoint:',
        'stopper.load_state_dict(checkpoint["stopper"])',
        '"stopper": stopper.state_dict(),',
    ]


def test_a_stopper_that_is_saved_or_made_in_the_loop_is_left_alone() -> None:
    text = RESUMED.replace("model = ", f"{STOPPER}stopper = EarlyStopping()\nmodel = ", 1)
    saved = text.replace(SAVE, TOLD + SAVE.replace("{", '{"seen": vars(stopper), '))
    made = text.replace(SAVE, "    stopper = EarlyStopping()\n" + TOLD + SAVE)
    other = text.replace(SAVE, "    log(stopper)\n    model.note(epoch)\n" + SAVE)
    for one in (saved, made, other):
        assert not [line for line in added(one, first(one)["main.py"]) if "stopper." in line], one


LOADER = "from torchdata.stateful_dataloader import StatefulDataLoader\n\nloader = StatefulDataLoader(data)\n"


def test_the_position_of_a_loader_is_saved_from_within_its_loop_alone() -> None:
    text = RESUMED.replace("\nmodel = ", f"\n{LOADER}model = ", 1)
    inside = text.replace(SAVE, "        if step():\n        " + SAVE)
    assert [line for line in added(inside, first(inside)["main.py"]) if "loader" in line] == [
        'if "loader" in checkpoint:',
        'loader.load_state_dict(checkpoint["loader"])',
        '"loader": loader.state_dict(),',
    ]
    assert "loader.state_dict" not in first(text)["main.py"]  # at the end of an epoch it says nothing of use
    plain = inside.replace("StatefulDataLoader", "DataLoader").replace(
        "torchdata.stateful_dataloader", "torch.utils.data"
    )
    assert "loader.state_dict" not in first(plain)["main.py"]


def test_a_sampler_of_the_project_that_has_a_state_keeps_it() -> None:
    sampler = """class Remembering(torch.utils.data.Sampler):
    def __iter__(self):
        return iter(range(self.at, 9))

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


sampler = Remembering()
loader = torch.utils.data.DataLoader(data, sampler=sampler)
"""
    text = RESUMED.replace("\nmodel = ", f"\n{sampler}model = ", 1)
    assert [line for line in added(text, first(text)["main.py"]) if "sampler" in line] == [
        'if "sampler" in checkpoint:',
        'sampler.load_state_dict(checkpoint["sampler"])',
        '"sampler": sampler.state_dict(),',
    ]


@pytest.mark.parametrize(
    "head",
    [
        "for i, epoch in enumerate(range(1, 9)):\n",
        "epochs = trange(9)\nfor epoch in epochs:\n",
        "with tqdm(range(9)) as shown:\n  for epoch in shown:\n",
    ],
)
def test_an_epoch_that_is_counted_in_another_way_is_saved(head: str) -> None:
    body = LOOP + '    torch.save(model.state_dict(), "last.pt")\n'
    if head.startswith("with"):
        body = "".join(f"  {line}\n" for line in body.splitlines())
    text = f"{HEAD}from tqdm import tqdm, trange\n\n{OPTIMIZER}{head}{body}"
    assert '"epoch": epoch,' in added(text, first(text)["main.py"])


def test_words_in_comments_make_no_several_ranks() -> None:
    text = RESUMED.replace(OPTIMIZER, f"# or DistributedDataParallel\ntorch.manual_seed(1)\n{OPTIMIZER}")
    assert '"rng_state": torch.get_rng_state(),' in added(text, first(text)["main.py"])


@pytest.mark.parametrize("name", ["iter_num", "local_iter_num"])
def test_what_this_process_has_done_begins_anew(name: str) -> None:
    count = f"    {name} += 1\n"
    text = RESUMED.replace("start = 0\n", f"start = 0\n{name} = 0\n").replace(SAVE, count + SAVE)
    assert (f'"{name}": {name},' in added(text, first(text)["main.py"])) is (name == "iter_num")


def test_what_is_made_after_the_model_is_restored_is_put_back_where_the_optimizer_is() -> None:
    text = f"""{HEAD}resumed = os.path.exists("last.pt")
start = 0
if resumed:
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    start = checkpoint["epoch"] + 1
scaler = torch.amp.GradScaler()
{OPTIMIZER}if resumed:
    optimizer.load_state_dict(checkpoint["optimizer"])
checkpoint = None
for epoch in range(start, 9):
{
        LOOP.replace("optimizer.step()", "scaler.step(optimizer)")
        .replace(").backward()", ")).backward()")
        .replace("torch.nn", "scaler.scale(torch.nn")
    }        scaler.update()
    torch.save({{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}}, "last.pt")
"""
    ((fix, files), *_) = offered(text)
    assert "by hand" not in fix.title
    assert (
        '    optimizer.load_state_dict(checkpoint["optimizer"])\n'
        '    if "scaler" in checkpoint:\n        scaler.load_state_dict(checkpoint["scaler"])\n' in files["main.py"]
    )
