"""What the model says a training program is: saves and loads, relations, loops, seeds, ranks."""

import ast

import pytest
from dry_debug.program.checkpoints import SaveSite
from dry_debug.program.program import Program
from dry_debug.program.reached import reached

from tests.program.model import program

HEAD = """
import itertools, random, torch
import numpy as np
from torch import nn, optim
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader
"""


def made(source: str, **files: str) -> Program:
    """The model of HEAD and `source`; `files` by module name."""
    return program(HEAD + source, {f"{name}.py": HEAD + text for name, text in files.items()})


def row(model: Program, site: SaveSite) -> str:
    """`call: kinds | keys | open`, the call as the name that is called."""
    kinds = [v.kind for v in site.states("module", "optimizer", "scheduler", "scaler", "ema")]
    name = ast.unparse(site.node.func)
    return f"{name}: {' '.join(kinds)} | {' '.join(site.keys)}{' | open' if site.open else ''}"


def saves(source: str, **files: str) -> list[str]:
    model = made(source, **files)
    return [row(model, site) for site in model.training.checkpoints.saves]


NET = """
net = nn.Linear(2, 2)
opt = optim.Adam(net.parameters())
sched = optim.lr_scheduler.StepLR(opt, 3)
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.save(net.state_dict(), 'a')", "torch.save: module | "),
        ("torch.save(net, 'a')", "torch.save: module | "),
        ("torch.save({'m': net.state_dict(), 'o': opt.state_dict()}, 'a')", "torch.save: module optimizer | m o"),
        ("torch.save(dict(m=net.state_dict(), s=sched.state_dict()), 'a')", "torch.save: module scheduler | m s"),
        ("s = {'m': net.state_dict()}\ns['o'] = opt\ntorch.save(s, 'a')", "torch.save: module optimizer | m o"),
        ("s = {}\ns.update({'m': net.state_dict()}, e=1)\ntorch.save(s, 'a')", "torch.save: module | e m"),
        ("s = {'m': net.state_dict()}\ns.update(other)\ntorch.save(s, 'a')", "torch.save: module | m | open"),
        ("s = {'m': net.state_dict()}\nfor k in ks: s[k] = 1\ntorch.save(s, 'a')", "torch.save: module | m | open"),
        ("torch.save({'m': net.state_dict(), **more}, 'a')", "torch.save: module | m | open"),
        ("torch.save(make(), 'a')", "torch.save:  |  | open"),
        ("torch.save({k: v.cpu() for k, v in net.state_dict().items()}, 'a')", "torch.save: module | "),
        ("torch.save({'m': getattr(net, 'module', net).state_dict()}, 'a')", "torch.save: module | m"),
        ("torch.save({'a': {'m': net.state_dict()}, 'e': 1}, 'a')", "torch.save: module | m a e"),
        ("net = DDP(net)\ntorch.save(net.module.state_dict(), 'a')", "torch.save: module | "),
        ("def state():\n    return {'m': net.state_dict()}\ntorch.save(state(), 'a')", "torch.save: module | m"),
    ],
)
def test_what_a_save_writes_is_read_from_however_it_was_built(source: str, expected: str) -> None:
    assert saves(NET + source) == [expected]


def test_a_helper_that_takes_the_payload_is_seen_at_its_calls() -> None:
    source = NET + (
        "def write(state, path='x'):\n    torch.save(state, path)\n"
        "write({'m': net.state_dict()})\nwrite(opt.state_dict(), 'o')\n"
    )
    assert saves(source) == ["write: module | m", "write: optimizer | "]


def test_a_helper_that_builds_the_dict_of_its_parameters_is_seen_at_its_calls() -> None:
    source = NET + (
        "def keep(m, o, epoch):\n    torch.save({'m': m.state_dict(), 'o': o.state_dict(), 'epoch': epoch}, 'x')\n"
        "keep(net, opt, 1)\nkeep(m=net, o=other, epoch=2)\n"
    )
    assert saves(source) == ["keep: module optimizer | m o epoch", "keep: module | m o epoch"]


def test_helpers_of_helpers_are_followed() -> None:
    source = NET + (
        "def write(state, path):\n    torch.save(state, path)\n"
        "def keep(state, folder):\n    write(state, folder + '/x')\n"
        "keep({'m': net.state_dict()}, 'out')\n"
    )
    assert saves(source) == ["keep: module | m"]


def test_a_method_that_saves_its_own_attributes_is_seen_where_it_writes() -> None:
    source = """
class Trainer:
    def __init__(self):
        self.net = nn.Linear(2, 2)
        self.opt = optim.SGD(self.net.parameters(), lr=1)

    def run(self):
        for epoch in range(3):
            self.save(epoch)

    def save(self, epoch):
        torch.save({'net': self.net.state_dict(), 'opt': self.opt.state_dict(), 'epoch': epoch}, 'x')
"""
    assert saves(source) == ["torch.save: module optimizer | net opt epoch"]


@pytest.mark.parametrize(
    ("helper", "call", "expected"),
    [
        ("def write(s, path):\n    torch.save(s, path)", "write({'m': net.state_dict()}, 'x')", "write: module | m"),
        ("def write(m, o):\n    torch.save({'m': m.state_dict(), 'o': o.state_dict()}, 'x')", "write(net, opt)",
         "write: module optimizer | m o"),
        ("def inner(s):\n    torch.save(s, 'x')\ndef write(m):\n    inner({'m': m.state_dict()})", "write(net)",
         "write: module | m"),
        ("class Box:\n    def write(self, m):\n        torch.save(m.state_dict(), 'x')",
         "box = helper.Box()\nbox.write(net)", "box.write: module | "),
    ],
)  # fmt: skip
def test_a_helper_of_another_file_is_seen_at_its_calls(helper: str, call: str, expected: str) -> None:
    imported = "import helper\n" if "helper." in call else "from helper import write\n"
    assert saves(imported + NET + call, helper=helper) == [expected]


def test_the_path_of_a_save_is_what_the_caller_gives() -> None:
    calls = "write(net.state_dict())\nwrite(net.state_dict(), 'e')\n"
    model = made(NET + "def write(s, f='d'):\n    torch.save(s, f)\n" + calls)
    paths = [ast.unparse(s.path) for s in model.training.checkpoints.saves if s.path is not None]
    assert paths == ["'d'", "'e'"]


@pytest.mark.parametrize(
    ("source", "keys", "plain"),
    [
        ("net.load_state_dict(torch.load('a'))", [], True),
        ("c = torch.load('a')\nnet.load_state_dict(c['m'])\ne = c['epoch']", ["m", "epoch"], False),
        ("c = torch.load('a')\nif 'opt' in c:\n    opt.load_state_dict(c.get('opt'))", ["opt"], False),
    ],
)
def test_what_a_load_reads(source: str, keys: list[str], plain: bool) -> None:
    (site,) = made(NET + source).training.checkpoints.loads
    assert (site.keys, site.plain) == (keys, plain)


# -- relations ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "covered"),
    [
        ("o = optim.Adam(a.parameters())", ["a"]),
        ("o = optim.Adam(list(a.parameters()) + list(b.parameters()))", ["a", "b"]),
        ("o = optim.Adam(itertools.chain(a.parameters(), b.parameters()))", ["a", "b"]),
        ("o = optim.Adam([{'params': a.parameters()}, {'params': b.parameters(), 'lr': 1}])", ["a", "b"]),
        ("p = [x for x in a.parameters() if x.requires_grad]\no = optim.Adam(p)", ["a"]),
        ("o = optim.Adam(filter(lambda x: x.requires_grad, b.parameters()))", ["b"]),
        ("g = []\ng.append({'params': a.parameters()})\no = optim.Adam(g)", ["a"]),
        ("a = DDP(a)\no = optim.Adam(a.parameters())", ["a"]),
        ("def make(m):\n    return optim.Adam(m.parameters())\no = make(b)", ["b"]),
        ("def both():\n    m = nn.Linear(1, 1)\n    return m, optim.Adam(m.parameters())\nc, o = both()", ["c"]),
    ],
)
def test_which_models_an_optimizer_covers(source: str, covered: list[str]) -> None:
    model = made("a = nn.Linear(1, 1)\nb = nn.Linear(1, 1)\n" + source)
    (found,) = [c for c in model.training.components.related if c.kind == "optimizer" and c.name == "o"]
    assert found.covers == covered


def test_the_optimizers_of_two_networks_are_kept_apart() -> None:
    model = made(
        "G = nn.Linear(1, 1)\nD = nn.Linear(1, 1)\n"
        "og = optim.Adam(G.parameters())\nod = optim.Adam(D.parameters())\ns = optim.lr_scheduler.StepLR(od, 1)\n"
    )
    components = model.training.components.related
    assert {c.name: c.covers for c in components if c.kind == "optimizer"} == {"og": ["G"], "od": ["D"]}
    assert [c.drives for c in components if c.kind == "scheduler"] == [["od"]]


def test_a_model_that_a_factory_makes_and_a_method_moves_is_one_component() -> None:
    model = made("def make():\n    return nn.Linear(1, 1)\nnet = make().to('cpu')\nnet = net.cuda()\n")
    assert [c.name for c in model.training.components.of("model")] == ["net"]


def test_an_attribute_that_two_methods_assign_is_one_component() -> None:
    model = made(
        "class T:\n    def __init__(self):\n        self.net = nn.Linear(1, 1)\n        self.opt = None\n"
        "    def warm(self):\n        self.opt = optim.SGD(self.net.parameters(), 1)\n"
        "    def main(self):\n        self.opt = optim.Adam(self.net.parameters())\n"
    )
    found = [c for c in model.training.components.related if c.kind == "optimizer"]
    assert [(c.name, c.covers) for c in found] == [("self.opt", ["self.net"])]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("def f():\n    here()", "opt"),
        ("def f(o):\n    here()\nf(opt)", "o"),
        ("def f():\n    same = opt\n    here()", "same"),
        ("def f(opt):\n    here()\nf(3)", None),
    ],
)
def test_the_name_of_an_object_at_another_place(function: str, name: str | None) -> None:
    model = made(NET + function)
    (here,) = [c for c in model.index.calls if getattr(c.func, "id", "") == "here"]
    components = model.training.components
    (held,) = components.of("optimizer")
    found = components.name_at(held.value, model.scope(here))
    if name is None:  # the module's own name is hidden by the parameter
        assert found != "o"
    else:
        assert found == name


# -- loops -------------------------------------------------------------------------------------------------------------

STEP = "        opt.zero_grad()\n        net(x).sum().backward()\n        opt.step()\n"


def test_loops_over_epochs_batches_and_evaluation() -> None:
    model = made(
        NET
        + "loader = DataLoader(d)\nfor epoch in range(3):\n    for x in loader:\n"
        + STEP
        + "    with torch.no_grad():\n        for x in loader:\n            net(x)\n"
    )
    assert [loop.kind for loop in model.training.loops.all] == ["epoch", "batch", "eval"]


def test_a_loop_that_trains_in_a_called_function_is_over_epochs() -> None:
    model = made(
        "from engine import one_epoch\n" + NET + "for e in range(3):\n    one_epoch(net, opt, loader)\n",
        engine="def one_epoch(m, o, loader):\n    for x in loader:\n        o.zero_grad()\n"
        "        m(x).sum().backward()\n        o.step()\n",
    )
    assert [loop.kind for loop in model.training.loops.all] == ["epoch"]


def test_a_place_in_a_helper_is_reached_from_the_loop_that_calls_it() -> None:
    model = made(
        NET + "def keep():\n    torch.save(net.state_dict(), 'x')\n"
        "def export():\n    torch.save(net.state_dict(), 'y')\n"
        "for epoch in range(3):\n    for x in loader:\n" + STEP + "    keep()\nexport()\n"
    )
    inside, after = model.training.checkpoints.saves
    assert model.training.reached_from_training_loop(inside.node) is model.training.loops.all[0].node
    assert model.training.reached_from_training_loop(after.node) is None


# -- resuming ----------------------------------------------------------------------------------------------------------

LOOP = "for epoch in range({start}3):\n    for x in loader:\n" + STEP + "    sched.step()\n"


@pytest.mark.parametrize(
    ("before", "start", "count"),
    [
        ("", "", 0),
        ("first = 0\n", "first, ", 0),
        ("net.load_state_dict(torch.load('a'))\n", "", 0),
        ("opt.load_state_dict(torch.load('a')['o'])\n", "", 1),
        ("", "args.start_epoch, ", 1),
        ("c = torch.load('a')\nq = c['epoch'] + 1\n", "q, ", 1),
        ("def f():\n    c = torch.load('a')\n    return c['epoch'] + 1\nq = f()\n", "q, ", 1),
        ("def f(c):\n    return net, c['epoch']\nm, q = f(torch.load('a'))\n", "q, ", 1),
        ("def f(c):\n    return net, c['epoch']\nm, q = f({'epoch': e()})\n", "q, ", 0),
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('--resume')\n", "", 1),
        ("if args.resume:\n    net.load_state_dict(torch.load('a'))\n", "", 1),
    ],
)
def test_signs_that_a_run_is_resumed(before: str, start: str, count: int) -> None:
    signs = made(NET + before + LOOP.format(start=start)).training.resume_signs.all
    assert len(signs) == count


@pytest.mark.parametrize(
    ("site", "missing"),
    [
        ("    torch.save(net.state_dict(), 'x')", ["opt", "sched"]),
        ("    torch.save({'m': net.state_dict(), 'o': opt.state_dict()}, 'x')", ["sched"]),
        ("    torch.save(net.state_dict(), 'x')\n    torch.save(opt.state_dict(), 'y')", ["sched"]),
        ("    torch.save({'m': net.state_dict(), 'optimizer': frozen, 'lr_sched': other}, 'x')", []),
        ("    torch.save(net.state_dict(), 'x')\n    unknown.save(opt, sched)", []),
    ],
)
def test_what_a_run_has_and_no_save_holds(site: str, missing: list[str]) -> None:
    training = made(NET + LOOP.format(start="") + site).training
    run = training.resumption.run_at(training.checkpoints.saves[0])
    assert run is not None
    assert [p.name for p in run.missing] == missing


@pytest.mark.parametrize(
    "source",
    [
        NET + LOOP.format(start="") + "torch.save(net.state_dict(), 'x')",
        NET + LOOP.format(start="") + "    torch.save({'m': net.state_dict(), **more}, 'x')",
        NET + LOOP.format(start="") + "    torch.save(net(x), 'x')",
        NET + LOOP.format(start="") + "    torch.save(nn.Linear(1, 1).state_dict(), 'x')",
        "for fold in range(5):\n    net = nn.Linear(1, 1)\n    opt = optim.Adam(net.parameters())\n"
        "    for x in loader:\n" + STEP + "    torch.save(net.state_dict(), fold)",
    ],
)
def test_no_run_belongs_to_exports_unknown_payloads_and_runs_in_a_loop(source: str) -> None:
    training = made(source).training
    assert training.resumption.run_at(training.checkpoints.saves[0]) is None


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_a_seeding_helper_seeds_at_its_call() -> None:
    model = made("from tools import fix\nfix(3)\n", tools="def fix(s):\n    random.seed(s)\n    np.random.seed(s)\n")
    seeds = model.randomness.seeds
    assert [(s.rng, s.via is not None) for s in seeds] == [("python", True), ("numpy", True)]


@pytest.mark.parametrize(
    ("source", "rngs"),
    [
        ("torch.manual_seed(1)", ["torch", "cuda"]),
        ("random.seed()", []),
        ("np.random.seed(None)", []),
        ("from transformers import set_seed\nset_seed(1)", ["python", "numpy", "torch", "cuda"]),
        ("g = torch.Generator()\ng.manual_seed(1)", []),
    ],
)
def test_what_a_call_seeds(source: str, rngs: list[str]) -> None:
    assert [s.rng for s in made(source).randomness.own_seeds] == rngs


@pytest.mark.parametrize(
    ("source", "rngs"),
    [
        ("random.shuffle(x)", ["python"]),
        ("random.Random(1).shuffle(x)", []),
        ("np.random.permutation(3)", ["numpy"]),
        ("np.random.default_rng(1).normal()", []),
        ("torch.randperm(3)", ["torch"]),
        ("torch.randperm(3, generator=g)", []),
        ("from sklearn.model_selection import train_test_split as t\nt(x)", ["numpy"]),
        ("from sklearn.model_selection import train_test_split as t\nt(x, random_state=1)", []),
    ],
)
def test_what_a_call_draws_from(source: str, rngs: list[str]) -> None:
    assert [s.rng for s in made(source).randomness.draws] == rngs


def gaps(source: str, **files: str) -> list[str]:
    return [g.rng for g in made(source, **files).training.seeding.gaps()]


TRAIN = NET + "for x in loader:\n    opt.zero_grad()\n    net(x).sum().backward()\n    opt.step()\n"


def test_draws_of_called_functions_of_other_files_count() -> None:
    source = "from data import order\ntorch.manual_seed(1)\n" + TRAIN + "order(x)\n"
    data = "def order(x):\n    random.shuffle(x)\ndef unused(x):\n    np.random.shuffle(x)\n"
    assert gaps(source, data=data) == ["python"]


@pytest.mark.parametrize(
    ("workers", "expected"), [("", ["python"]), (", num_workers=0", ["python"]), (", num_workers=2", [])]
)
def test_draws_of_a_data_set_count_where_the_loader_has_no_workers(workers: str, expected: list[str]) -> None:
    source = (
        "class D(torch.utils.data.Dataset):\n    def __getitem__(self, i):\n        return random.random()\n"
        f"torch.manual_seed(1)\nloader = DataLoader(D(){workers})\n" + TRAIN
    )
    assert gaps(source) == expected


def test_a_model_draws_from_torch() -> None:
    assert gaps("np.random.seed(1)\n" + TRAIN) == ["torch"]


def test_seeding_for_workers_or_for_a_split_is_not_seeding_the_run() -> None:
    seeding = made(
        "def worker_init_fn(i):\n    np.random.seed(i)\n"
        "def split(x):\n    random.seed(0)\n    random.shuffle(x)\n    return x\n"
        + TRAIN
        + "other = DataLoader(split(d), worker_init_fn=worker_init_fn)\n"
    ).training.seeding
    assert seeding.seeded == {"python"}
    assert seeding.anchor is None


# -- ranks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "one"),
    [
        ("torch.save(s, 'x')", False),
        ("if rank == 0:\n    torch.save(s, 'x')", True),
        ("if rank != 0:\n    pass\nelse:\n    torch.save(s, 'x')", True),
        ("if not is_main_process():\n    torch.save(s, 'x')", False),
        ("def f():\n    if rank != 0:\n        return\n    torch.save(s, 'x')\nf()", True),
        ("def f():\n    torch.save(s, 'x')\nif args.local_rank == 0:\n    f()", True),
        ("def f():\n    torch.save(s, 'x')\nif args.local_rank == 0:\n    f()\nf()", False),
        ("@rank_zero_only\ndef f():\n    torch.save(s, 'x')", True),
    ],
)
def test_whether_one_rank_alone_gets_to_a_place(source: str, one: bool) -> None:
    model = made(source)
    (call,) = model.calls_of("torch.save")
    assert model.training.distributed.one_rank(call) is one


def test_functions_behind_a_loop_are_reached_through_objects_and_files() -> None:
    model = made(
        "from keeping import Keeper\n"
        "def fit(net, batches):\n"
        "    keep = Keeper()\n"
        "    for x in batches:\n"
        "        keep(net)\n"
        "    unrelated(net)\n"
        "def unrelated(net): ...\n",
        keeping="class Keeper:\n"
        "    def __call__(self, net):\n"
        "        self.write(net)\n"
        "    def write(self, net):\n"
        "        torch.save(net, 'a.pt')\n",
    )
    loop = next(node for node in ast.walk(model.tree) if isinstance(node, ast.For))
    assert [scope.name for _, scope in reached(model, loop)] == ["__call__", "write"]


def test_a_run_that_a_helper_saves_whole_has_no_incomplete_checkpoint() -> None:
    loop = """
from helpers import keep_state
accelerator = make()
def fit(loader):
    net = nn.Linear(2, 2)
    opt = optim.Adam(net.parameters())
    for epoch in range(3):
        for x in loader:
            opt.zero_grad()
            net(x).sum().backward()
            opt.step()
        torch.save(net.state_dict(), "net.pt")
        keep_state(accelerator, epoch)
"""
    whole = made(loop, helpers="def keep_state(acc, n):\n    acc.save_state(f'state{n}')\n")
    part = made(loop, helpers="def keep_state(acc, n):\n    print(n)\n")
    for model, saved in ((whole, True), (part, False)):
        (site,) = model.training.checkpoints.saves
        assert (model.training.resumption.run_at(site) is None) is saved


CALLED_STOPPER = """
import torch


class Stopper:
    def __init__(self):
        self.best_loss = None

    def __call__(self, loss, model):
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss = loss
            self.keep(model)

    def keep(self, model):
        torch.save(model.state_dict(), "weights.pt")


def train(resumed):
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters())
    stopper = Stopper()
    for epoch in range(10):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        stopper(evaluate(model), model)


train(True)
"""


@pytest.mark.parametrize(
    ("test", "best"), [("if self.best_loss is None or loss < self.best_loss:", True), ("if loss:", False)]
)
def test_a_save_behind_a_callable_object_belongs_to_the_loop_that_calls_it(test: str, best: bool) -> None:
    p = program(CALLED_STOPPER.replace("if self.best_loss is None or loss < self.best_loss:", test))
    (site,) = p.training.checkpoints.saves
    run = p.training.resumption.run_at(site)
    assert run is not None
    assert ([name for name, _ in run.models], [part.name for part in run.missing]) == (["model"], ["optimizer"])
    assert p.training.save_purpose.keeps_best(site, run.loop) is best


@pytest.mark.parametrize(("other", "missing"), [("", ["optimizer"]), ("teacher = Encoder()\n", None)])
def test_a_model_of_which_parts_are_trained_belongs_to_the_run(other: str, missing: list[str] | None) -> None:
    p = program(f"""
import torch


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = torch.nn.Linear(3, 3)
        self.head = torch.nn.Linear(3, 1)


encoder = Encoder()
{other}decoder = torch.nn.Linear(1, 1)
optimizer = torch.optim.Adam(list(decoder.parameters()) + list(encoder.head.parameters()))
for epoch in range(9):
    optimizer.zero_grad()
    decoder(encoder(x)).sum().backward()
    optimizer.step()
    torch.save(encoder.state_dict(), "encoder.pt")
""")
    (site,) = p.training.checkpoints.saves
    run = p.training.resumption.run_at(site)
    assert (None if run is None else [part.name for part in run.missing]) == missing
