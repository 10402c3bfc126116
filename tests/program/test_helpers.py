"""What functions do for those who call them: fill a class, handle a variable, end a path, seed, keep, come later."""

import ast
import textwrap

import pytest
from dry_debug.program.afterwards import comes_after
from dry_debug.program.automata import collect, run
from dry_debug.program.carried import backward_passes
from dry_debug.program.program import Program

from tests.program.model import marked, program
from tests.program.test_order import Again


def _class(model: Program, name: str) -> object:
    return next(c for c in model.index.classes if c.name == name)


# -- functions that act for a class --------------------------------------------------------------------------


def test_a_function_fills_the_object_that_a_class_hands_it() -> None:
    value = marked("""
        import torch

        def make_parts(owner, rate):
            owner.updater = torch.optim.SGD(owner.net.parameters(), lr=rate)

        class Run:
            def __init__(self, net):
                self.net = net
                make_parts(self, 0.1)

            def once(self):
                here(self.updater)
        """)
    assert (value.kind, value.confidence) == ("optimizer", "high")


def test_it_is_handed_on_by_keyword_and_through_another_function() -> None:
    value = marked("""
        from torch import nn

        def inner(thing):
            thing.layer = nn.Linear(2, 2)

        def outer(it):
            inner(thing=it)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                outer(self)

            def forward(self, x):
                return here(self.layer)
        """)
    assert value.type == "torch.nn.Linear"


def test_a_function_of_two_classes_fills_both_and_acts_for_neither() -> None:
    model = program("""
        from torch import nn

        def fill(it):
            it.layer = nn.Linear(2, 2)

        class One(nn.Module):
            def __init__(self):
                fill(self)

        class Two(nn.Module):
            def __init__(self):
                fill(self)
        """)
    assert all("layer" in c.attributes for c in model.index.classes)
    assert next(f for f in model.index.functions if f.name == "fill").class_scope is None


@pytest.mark.parametrize("call", ["fill(other)", "fill(1, self)", "obj.fill(self)", "fill(*self)"])
def test_what_does_not_hand_the_object_over(call: str) -> None:
    model = program(f"""
        def fill(it):
            it.layer = 1

        class One:
            def __init__(self, other, obj):
                {call}
        """)
    assert "layer" not in model.index.classes[0].attributes


def test_a_name_that_means_something_else_inside() -> None:
    model = program("""
        def fill(it):
            it.layer = 1

        class One:
            def __init__(self, fill):
                fill(self)
        """)
    assert "layer" not in model.index.classes[0].attributes


def test_one_that_is_called_with_other_objects_as_well_acts_for_nobody() -> None:
    model = program("""
        def fill(it):
            it.layer = 1

        class One:
            def __init__(self):
                fill(self)

        fill(load())
        """)
    function = model.index.functions[0]
    assert function.acts_for is None
    assert "layer" in model.index.classes[0].attributes


# -- what is called on a variable, also inside of functions --------------------------------------------------


def test_what_a_function_does_with_it_tells_what_a_variable_is() -> None:
    source = """
        def clear(one):
            one.zero_grad()

        def advance(which, *, by):
            by.step()

        def train(thing):
            clear(thing)
            advance(0, by=thing)
            here(thing)
        """
    assert (marked(source).kind, marked(source).confidence) == ("optimizer", "medium")


def test_not_what_a_function_does_with_something_else_of_that_name() -> None:
    source = """
        def clear(thing):
            thing = make()
            thing.zero_grad()
            thing.step()

        def train(thing):
            clear(thing)
            here(thing)
        """
    assert marked(source).kind == "unknown"


def test_functions_that_hand_it_back_and_forth() -> None:
    source = """
        def ping(a):
            pong(a)

        def pong(b):
            ping(b)
            b.eval()

        def use(c):
            ping(c)
            here(c)
        """
    assert marked(source).kind == "module"


# -- objects that a helper makes -----------------------------------------------------------------------------


def test_a_scheduler_made_beside_its_optimizer_drives_the_one_that_the_caller_knows() -> None:
    model = program("""
        import torch

        def build(net):
            o = torch.optim.Adam(net.parameters())
            return o, torch.optim.lr_scheduler.StepLR(o, 3)

        net = torch.nn.Linear(2, 2)
        opt, sched = build(net)
        """)
    names = {c.name: c for c in model.training.components.related}
    assert names["sched"].drives == ["opt"]


# -- a test function stays one -------------------------------------------------------------------------------


def test_a_test_function_in_any_file() -> None:
    model = program("""
        def test_it():
            x = compute()
            assert x

        def test_epoch(model):
            assert model
            return run()

        def test_called():
            assert work()

        test_called()
        """, path="parts.py")  # fmt: skip
    found = [c.func.id for c in model.index.calls if isinstance(c.func, ast.Name) and model.in_test(c)]
    assert found == ["compute"]


# -- behind a loop -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for i in r:\n    pass\nmark()", True),
        ("mark()\nfor i in r:\n    pass", False),
        ("for i in r:\n    mark()", False),
        ("def f():\n    for i in r:\n        pass\ndef g():\n    mark()\nf()\ng()", True),
        ("def f():\n    for i in r:\n        pass\ndef g():\n    mark()\ng()\nf()", False),
        ("def f():\n    for i in r:\n        pass\ndef h():\n    f()\nh()\nmark()", True),
        ("def f():\n    for i in r:\n        pass\n    f()\n    mark()\nf()", True),
    ],
)
def test_what_comes_after_a_loop(source: str, expected: bool) -> None:
    model = program(source)
    loop = next(n for n in ast.walk(model.tree) if isinstance(n, ast.For))
    mark = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "mark")
    assert comes_after(model, loop, [mark]) is expected


# -- seeding -------------------------------------------------------------------------------------------------


def test_a_helper_that_leaves_it_to_another_helper() -> None:
    model = program("""
        import random, torch

        def each(n):
            random.seed(n)
            torch.manual_seed(n)

        def everything(n):
            each(n)

        everything(3)
        """)
    seeds = [(s.rng, s.node.lineno) for s in model.randomness.seeds]
    assert seeds == [("python", 11), ("torch", 11), ("cuda", 11)]


@pytest.mark.parametrize(
    ("body", "anchored"),
    [
        ("    again()\n    a()\n    again()\n    b()", False),  # two things draw alike
        ("    again()\n    a()", True),
    ],
)
def test_a_comparison_through_a_function(body: str, anchored: bool) -> None:
    model = program(f"import torch\ndef again():\n    torch.manual_seed(3)\ndef main():\n{body}\nmain()")
    assert (model.training.seeding.anchor is not None) is anchored


def test_a_method_that_seeds_its_object_through_a_function() -> None:
    model = program("""
        import torch

        def plant(n):
            torch.manual_seed(n)

        class Coin:
            def reset(self, n):
                plant(n)
        """)
    assert model.training.seeding.anchor is None


# -- what keeps a graph --------------------------------------------------------------------------------------

LOOP = """
import torch
net = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
def loop(batches):
    total, rows = 0.0, []
    for x, y in batches:
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
        {call}
    print(float(total), len(rows))
"""


@pytest.mark.parametrize(
    ("function", "call", "line"),
    [
        ("def add(t, l):\n    t += l\n    return t", "total = add(total, loss)", 2),
        ("def add(t, l):\n    t += l.item()\n    return t", "total = add(total, loss)", 0),
        ("def put(r, l):\n    r.append(l)", "put(rows, loss)", 13),
        ("def put(r, l):\n    r.append(l)\ndef two(l, r):\n    put(r, l)", "two(loss, rows)", 15),
        ("def put(r, x):\n    l = net(x).sum()\n    l.backward()\n    r.append(l)", "put(rows, x)", 4),
        ("def put(r, x):\n    l = net(x).sum()\n    r.append(l)", "put(rows, x)", 0),  # perhaps for a backward pass
        ("def put(x, y):\n    r = []\n    r.append(torch.nn.functional.mse_loss(net(x), y))", "put(x, y)", 0),
        ("def put(r, l):\n    r.append(l)\n    return 1", "n = put(rows, loss)", 14),
    ],
)
def test_what_grows_in_a_function(function: str, call: str, line: int) -> None:
    model = program(function + textwrap.dedent(LOOP).replace("{call}", call))
    found = [g.at.lineno for g in model.flow.growths]
    assert found == ([line] if line else [])


@pytest.mark.parametrize(
    ("function", "call", "found"),
    [
        ("def back(t):\n    t.backward()", "back(loss)", True),
        ("def back(a, *, t):\n    scaler.scale(t).backward()", "back(1, t=loss)", True),
        ("def back(t):\n    t.backward(retain_graph=True)", "back(loss)", False),  # the graph stays
        ("def back(t):\n    t = other(t)\n    t.backward()", "back(loss)", False),
        ("def back(t):\n    net(t).backward()", "back(loss)", False),
        ("def back(t):\n    t.step()", "back(loss)", False),
    ],
)
def test_a_backward_pass_in_a_function(function: str, call: str, found: bool) -> None:
    model = program(f"{function}\ndef loop(loss):\n    {call}")
    scope = next(f for f in model.index.functions if f.name == "loop")
    assert [model.text(over) for _, over in backward_passes(model, scope)] == (["loss"] if found else [])


def test_a_backward_pass_over_what_a_function_computes() -> None:
    model = program("def back(a, b, t):\n    b = 1\n    net(a + b).backward()\ndef loop(loss):\n    back(loss, x, y)")
    scope = next(f for f in model.index.functions if f.name == "loop")
    [(_, over)] = backward_passes(model, scope, computed=True)
    assert ast.unparse(over) == "(loss,)"


# -- checkpoints through functions ---------------------------------------------------------------------------

RUN = """
import torch
net = torch.nn.Linear(2, 1)
opt = torch.optim.Adam(net.parameters())
"""


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def w(n, o):\n    torch.save({'n': n.state_dict(), 'o': o.state_dict()}, 'x')\nw(net, opt)", [7]),
        ("def w(n, o):\n    torch.save({'n': n.state_dict(), 'o': o.state_dict()}, 'x')\n"
         "def v(a, b):\n    w(a, b)\nv(net, opt)\nv(net, opt)", [9, 10]),
        ("def w(n, o):\n    torch.save({'n': n.state_dict(), 'o': o.state_dict()}, 'x')\n"
         "def v(a):\n    w(a, opt)\nv(net)", [8]),  # it decides something itself
    ],
)  # fmt: skip
def test_a_save_stands_where_what_is_saved_is_decided(source: str, lines: list[int]) -> None:
    sites = program(RUN + source).training.checkpoints.saves
    assert [s.node.lineno for s in sites] == lines
    assert all(v.wraps is not None and v.wraps.known for s in sites for v in s.values)


@pytest.mark.parametrize(
    ("source", "own"),
    [
        ("def path():\n    return f'{dist.get_rank()}.pt'\ntorch.load(path())", True),
        ("def path():\n    p = f'{dist.get_rank()}.pt'\n    return p\nf = path()\ntorch.load(f)", True),
        ("def path():\n    return 'a.pt'\ntorch.load(path())", False),
        ("def take(p):\n    torch.load(p)\ntake(f'{dist.get_rank()}.pt')", True),
        ("def take(p):\n    torch.load(p)\ntake(f'{epoch}.pt')", False),
        ("def path(p):\n    return path(p)\ntorch.load(path('a'))", False),
    ],
)
def test_a_path_of_the_rank_through_functions(source: str, own: bool) -> None:
    model = program(f"import torch\nimport torch.distributed as dist\n{source}")
    load = model.calls_of("torch.load")[0]
    stmt = model.statement(load)
    assert stmt is not None
    assert model.training.distributed.ranks.own_file(load.args[0], stmt) is own


def test_one_of_several_things_that_a_function_gives_back() -> None:
    model = program("""
        import torch

        def take():
            n, extra = torch.load("x"), 3
            m = torch.load("y")
            return extra, m

        extra, whole = take()
        whole.eval()
        """)
    loads = model.calls_of("torch.load")
    assert model.flow.use_of_loaded(loads[1]).kind == "module"


# -- functions of other files --------------------------------------------------------------------------------


def test_a_loss_of_another_file_that_is_given_an_argument_as_it_comes_in() -> None:
    files = {
        "losses.py": """
            from torch.nn import functional as F

            def plain(p, y, scale=1):
                return F.cross_entropy(p.view(-1, 4), y) * scale

            def own(x, y):
                return F.cross_entropy(x @ x, y)
            """
    }
    model = program("""
        from losses import own, plain
        plain(first, y)
        plain(p=second, y=y)
        own(third, y)
        """, files)  # fmt: skip
    found = model.flow.loss_calls(frozenset(("torch.nn.functional.cross_entropy",)))
    assert [model.text(loss.prediction) for loss in found] == ["first", "second"]


def test_a_mistake_that_lies_whole_in_another_file_is_told_there() -> None:
    whole = """
        import torch
        net = torch.nn.Linear(2, 1)

        def main(batches):
            opt = torch.optim.SGD(net.parameters(), lr=0.1)
            for x in batches:
                net(x).sum().backward()
                opt.step()
        """
    part = """
        def main(net, opt, batches):
            for x in batches:
                net(x).sum().backward()
                opt.step()
        """
    head = "import torch\nfrom engine import main\n"
    made = "net = torch.nn.Linear(2, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
    caller = program(f"{head}main([1])", {"engine.py": whole})
    giver = program(f"{head}{made}main(net, opt, [1])", {"engine.py": part})
    for model, expected in ((caller, 0), (giver, 1)):
        (_, optimizer, _), *_ = collect(model, "optimizer_step")
        assert len(run(Again(optimizer.base.ident), model)) == expected


def test_a_draw_in_the_helpers_file_is_told_there() -> None:
    helper = "import random, torch\ndef fix(n):\n    torch.manual_seed(n)\ndef pick():\n    return random.random()\n"
    here = program("from helper import fix, pick\nfix(1)\npick()\n", {"helper.py": helper}).training.seeding
    assert here.told_in_helper(here.gaps()) is not None
    drawing = "from helper import fix\nimport random\nfix(1)\nx = random.random()\n"
    both = program(drawing, {"helper.py": helper}).training.seeding
    assert both.told_in_helper(both.gaps()) is not None  # the helper that is mended there seeds for both
    there = program(drawing, {"helper.py": helper.partition("def pick")[0]}).training.seeding
    assert there.gaps() and there.told_in_helper(there.gaps()) is None


def test_data_sets_and_loaders_that_other_files_make() -> None:
    data = """
        import random
        from torch.utils.data import DataLoader, Dataset
        class Rows(Dataset):
            def __init__(self, path): self.path = path
            def __getitem__(self, at): return random.random()
        def build(n): return DataLoader(Rows("rows"), batch_size=n{workers})
        """
    run = "import torch\nfrom data import build\ntorch.manual_seed(0)\nloader = build(4)\n"
    for workers, drawn in (("", ["python"]), (", num_workers=n", [])):  # PyTorch seeds those of the workers
        model = program(run, {"data.py": data.format(workers=workers)})
        assert [gap.rng for gap in model.training.seeding.gaps()] == drawn


def test_a_data_set_of_another_file_that_is_made_without_a_name() -> None:
    crops = """
        import random
        from torch.utils.data import Dataset

        class Crops(Dataset):
            def __init__(self, rows):
                self.rows = rows

            def __getitem__(self, index):
                return self.rows[index], random.random()
        """
    model = program("""
        import torch
        from torch.utils.data import DataLoader
        from crops import Crops

        torch.manual_seed(0)
        loader = DataLoader(Crops([1]), shuffle=True)
        """, {"crops.py": crops})  # fmt: skip
    assert [gap.rng for gap in model.training.seeding.gaps()] == ["python"]
