"""Seeds that come too late, and workers that draw alike."""

import textwrap

import pytest
from dry_debug.program.late_seeds import late_seeds
from dry_debug.program.worker_seeds import one_seed, shared_generators

from tests.program.model import program

RUN = """
    import random
    import numpy as np
    import torch
    {before}
    torch.manual_seed(0)
    {behind}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x in data:
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
"""
MADE = "model = torch.nn.Linear(2, 2)"


@pytest.mark.parametrize(
    ("before", "behind", "drawn"),
    [
        (MADE, "pass", "model"),
        (f"noise = torch.randn(3); {MADE}", "print(noise)", None),
        ("noise = torch.randn(3)", f"{MADE}; print(noise)", None),
        ("noise = torch.randn(3)", MADE, ""),
        (MADE, MADE, ""),
        ("print(torch.randn(3))", MADE, ""),
        ("torch.manual_seed(1)", MADE, ""),
        (f"torch.manual_seed(1)\n    {MADE}", "pass", ""),
        ("pass", MADE, ""),
        (MADE, "model.apply(init)", ""),
        (MADE, "model.load_state_dict(torch.load('a.pt'))", ""),
        ("if resume:\n        model = torch.nn.Linear(2, 2)", "pass", ""),
        ("start = torch.randint(0, 9, (1,))", f"{MADE}; print(start)", None),
        ("run_name = f'run-{torch.randint(0, 9, (1,))}'", f"{MADE}; print(run_name)", ""),
    ],
)
def test_what_is_drawn_before_the_first_seed(before: str, behind: str, drawn: str | None) -> None:
    found = [late.model for late in late_seeds(program(RUN.format(before=before, behind=behind)))]
    assert found == ([] if drawn == "" else [drawn])


DATA = """
    import numpy as np
    import random
    from functools import partial
    import torch
    from torch.utils.data import DataLoader, Dataset
    class Data(Dataset):
        def __init__(self, seed):
            self.rng = {maker}
        def __getitem__(self, index):
            return {item}
    {function}
    loader = DataLoader(Data(1), {options})
"""


@pytest.mark.parametrize(
    ("maker", "item", "options", "shared"),
    [
        ("np.random.default_rng(seed)", "self.rng.normal()", "num_workers=2", True),
        ("random.Random()", "self.rng.random()", "num_workers=n", True),
        ("random.Random()", "self.rng.random()", "num_workers=0", False),
        ("random.Random()", "self.rng.random()", "batch_size=2", False),
        ("random.Random()", "index", "num_workers=2", False),
        ("random.Random()", "self.rng.random()", "num_workers=2, worker_init_fn=f", False),
        ("torch.arange(seed)", "self.rng", "num_workers=2", False),
    ],
)
def test_a_generator_that_the_workers_have_copies_of(maker: str, item: str, options: str, shared: bool) -> None:
    text = DATA.format(maker=maker, item=item, options=options, function="")
    assert bool(list(shared_generators(program(text)))) is shared


@pytest.mark.parametrize(
    ("function", "given", "alike"),
    [
        ("def f(i): np.random.seed(3)", "f", True),
        ("def f(i, seed): random.seed(seed)", "partial(f, seed=3)", True),
        ("f = lambda i: np.random.seed(3)", "f", True),
        ("def f(i): np.random.seed(3 + i)", "f", False),
        ("def s(n): np.random.seed(n)\n    def f(i): s(3)", "f", True),
        ("def s(n): np.random.seed(n)\n    def f(i): s(i)", "f", False),
        ("def s(n): np.random.seed(torch.initial_seed() % n)\n    def f(i): s(9)", "f", False),
        ("def f(i): np.random.seed(torch.initial_seed() % 2**32)", "f", False),
        ("def f(i, seed): random.seed(seed)", "partial(f, 3)", False),
        ("def f(i): np.random.seed(somewhere())", "f", False),
        ("def f(i): np.random.seed(3); random.seed(i)", "f", False),
        ("def s(): np.random.seed(3); return 3\n    def f(i): random.seed(s())", "f", True),
        ("def s(n): np.random.seed(3); return n\n    def f(i): random.seed(s(i))", "f", False),
        ("def s(n): np.random.seed(3); return somewhere(n)\n    def f(i): random.seed(s(4))", "f", False),
        ("def f(i): print(i)", "f", False),
    ],
)
def test_a_function_that_seeds_all_workers_alike(function: str, given: str, alike: bool) -> None:
    options = f"num_workers=2, worker_init_fn={given}"
    text = DATA.format(maker="None", item="read(index)", options=options, function=function)
    assert bool(list(one_seed(program(text)))) is alike


def test_seeds_of_workers_that_only_look_samples_up_are_nobodys_business() -> None:
    text = DATA.format(maker="[1, 2]", item="self.rng[index]", options="num_workers=2, worker_init_fn=f",
                       function="def f(i): np.random.seed(3)")  # fmt: skip
    assert not list(one_seed(program(text)))


def test_a_sampler_draws_in_the_process_of_its_loader() -> None:
    source = """
        import numpy as np
        import torch
        from torch.utils.data import DataLoader, Dataset
        from torch.utils.data.sampler import Sampler

        class Blocks(Sampler):
            def __iter__(self):
                return iter(torch.randperm(8).tolist())

        class Items(Dataset):
            def __getitem__(self, at):
                return torch.rand(2)

        np.random.seed(0)
        items = Items()
        loader = DataLoader(items, sampler=Blocks(items), num_workers=2)
        for batch in loader:
            optimizer.zero_grad()
            model(batch).sum().backward()
            optimizer.step()
    """
    run = program(source)
    (gap,) = run.training.seeding.gaps()
    assert gap.rng == "torch"
    assert [run.text(step.node) for step in gap.draws] == ["torch.randperm(8)"]


SPLIT = """
    import torch
    def train(model):
        {seed}
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for x in data:
            optimizer.zero_grad()
            model(x).sum().backward()
            optimizer.step()
    {more}
    model = torch.nn.Linear(2, 2)
    {call}
"""


@pytest.mark.parametrize(
    ("seed", "call", "late"),
    [
        ("torch.manual_seed(0)", "train(model)", True),
        ("begin()", "train(model)", True),
        ("print(1)", "train(model)", False),
        ("torch.manual_seed(0)", "train(model); train(model)", False),  # which of them is the run
        ("torch.manual_seed(0)", "for _ in range(3): train(model)", False),
        ("torch.manual_seed(0)", "model.apply(init); train(model)", False),
        ("torch.manual_seed(0)", "train(torch.nn.Linear(2, 2))", False),
    ],
)
def test_a_seed_in_a_function_that_one_call_leads_to(seed: str, call: str, late: bool) -> None:
    more = "def begin(): torch.manual_seed(0)" if "begin" in seed else "pass"
    assert bool(list(late_seeds(program(SPLIT.format(seed=seed, call=call, more=more))))) is late


GIVES_BACK = """
    import contextlib
    import numpy as np
    import torch

    @contextlib.contextmanager
    def drawn_with(seed):
        {taken}
        np.random.seed(seed)
        try:
            yield
        finally:
            {put}
"""


@pytest.mark.parametrize(
    ("taken", "put", "seeds"),
    [
        ("state = np.random.get_state()", "np.random.set_state(state)", 0),
        ("state = np.random.get_state()", "np.random.set_state(saved['numpy'])", 1),
        ("state = torch.get_rng_state()", "torch.set_rng_state(state)", 1),
        ("pass", "print(np.random.get_state())", 1),
    ],
)
def test_a_state_that_is_put_back_seeds_no_run(taken: str, put: str, seeds: int) -> None:
    assert len(program(GIVES_BACK.format(taken=taken, put=put)).randomness.own_seeds) == seeds


def test_what_is_drawn_in_a_block_that_seeds_for_itself_is_no_gap() -> None:
    taken, put = "state = np.random.get_state()", "np.random.set_state(state)"
    source = textwrap.dedent(GIVES_BACK.format(taken=taken, put=put)) + textwrap.dedent("""
        torch.manual_seed(0)
        net = torch.nn.Linear(2, 2)
        adam = torch.optim.Adam(net.parameters())
        {block}
            order = np.random.permutation(len(rows))
        for at in order:
            adam.zero_grad()
            net(rows[at]).sum().backward()
            adam.step()
    """)
    gaps = [
        [gap.rng for gap in program(source.format(block=block)).training.seeding.gaps()]
        for block in ("with drawn_with(7):", "if True:")
    ]
    assert gaps == [[], ["numpy"]]


STEP = """
    import numpy as np
    import torch
    {function}
    {before}
    net = torch.nn.Linear(2, 2)
    adam = torch.optim.Adam(net.parameters())
    for at in order:
        adam.zero_grad()
        net(rows[at]).sum().backward()
        adam.step()
"""
DRAWS = "return np.random.permutation(9)"


@pytest.mark.parametrize(
    ("function", "before", "line"),
    [
        ("pass", "np.random.seed(0); order = np.random.permutation(9)", 5),
        (f"def step(): np.random.seed(0); {DRAWS}", "order = step()", 4),
        (f"def step(seed): np.random.seed(seed); {DRAWS}", "order = step(0)", 0),  # whoever calls it says which
        (f"def step(): np.random.seed(0); {DRAWS}", "order, other = step(), step()", 0),
        (f"def step(): np.random.seed(0); {DRAWS}", "for i in range(3): order = step()", 0),
        (f"def step(): np.random.seed(0); {DRAWS}", "def part(): return step()\n    order = part()", 0),
        (
            "class Rows:\n        def __init__(self): np.random.seed(0); self.order = np.random.permutation(9)",
            "order = Rows().order",
            0,
        ),
        (f"def step(): torch.cuda.manual_seed(0); {DRAWS}", "order = step()", 0),
    ],
)
def test_a_number_that_seeds_in_a_step_of_the_script(function: str, before: str, line: int) -> None:
    told = program(STEP.format(function=function, before=before)).training.seeding.told_at
    assert (told[0].lineno if told is not None else 0) == line
