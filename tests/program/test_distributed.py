"""What is said of several processes: the backend, the guards of one rank, what only one rank reaches."""

from __future__ import annotations

import ast

import pytest

from tests.program.model import program

HEAD = "import os, torch\nimport torch.distributed as dist\nimport torch.multiprocessing as mp\n"


def guards(source: str, files: dict[str, str] | None = None) -> list[int]:
    """Lines of the guards, counted behind the head."""
    model = program(HEAD + source, files)
    return [model.line(g) - 3 for g in model.training.distributed.guards]


@pytest.mark.parametrize(
    "test",
    [
        "rank == 0",
        "0 == rank",
        "dist.get_rank() == 0",
        "int(os.environ['RANK']) == 0",
        "os.environ.get('LOCAL_RANK', '0') == '0'",
        "args.local_rank in (-1, 0)",
        "not args.rank",
        "rank < 1",
        "rank <= 0",
        "args.gpu == 0",
        "rank % 8 == 0",
        "rank == world_size - 1",
        "step % 10 == 0 and rank == 0",
        "not distributed or rank == 0",
        "not dist.is_initialized() or dist.get_rank() == 0",
        "accelerator.is_main_process",
        "utils.is_main_process()",
        "is_main_process() is True",
    ],
)
def test_tests_that_hold_on_one_rank(test: str) -> None:
    assert guards(f"if {test}:\n    pass") == [1]
    assert guards(f"if not ({test}):\n    pass\nelse:\n    save()") == [1]


@pytest.mark.parametrize(
    "test",
    [
        "args.local_rank == -1",
        "args.local_rank in (0, 1)",
        "lora_rank == 0",
        "use_gpu",
        "args.gpu is not None",
        "n_gpu == 0",
        "num_gpus > 0",
        "rank == 0 or step % 10 == 0",
        "world_size == 1",
        "epoch == 0",
        "ranking == 0",
        "args.rank",
    ],
)
def test_tests_that_say_nothing_of_the_rank(test: str) -> None:
    assert guards(f"if {test}:\n    pass") == []


@pytest.mark.parametrize(
    "source",
    [
        "main = dist.get_rank() == 0\nif main:\n    pass",
        "device_number = int(os.environ['LOCAL_RANK'])\nif device_number == 0:\n    pass",
        "me = dist.get_rank()\nif me == 0:\n    pass",
    ],
)
def test_a_variable_is_what_it_is_bound_to(source: str) -> None:
    assert guards(source) == [2]


def test_a_variable_that_is_about_more_than_the_rank_is_no_guard() -> None:
    assert guards("show = verbose and dist.get_rank() == 0\nif show:\n    pass") == []
    assert guards("me = dist.get_rank()\nme = 3\nif me == 0:\n    pass") == []


def test_an_attribute_of_self() -> None:
    source = """
class Trainer:
    def __init__(self):
        self.number = int(os.environ["LOCAL_RANK"])
        self.first = self.number == 0

    def run(self):
        if self.number == 0:
            pass
        if self.first:
            pass
"""
    assert guards(source) == [8, 10]


def test_a_helper_is_what_it_returns() -> None:
    files = {"tools.py": "import torch.distributed as dist\n\ndef rank():\n    if not dist.is_initialized():\n"
             "        return 0\n    return dist.get_rank()\n\ndef talks():\n    return rank() == 0\n\n"
             "def other():\n    return True\n"}  # fmt: skip
    assert guards("from tools import talks, other\nif talks():\n    pass\nif other():\n    pass", files) == [2]


def test_the_first_parameter_of_a_spawned_function_is_the_rank() -> None:
    source = "def worker(number, args):\n    if number == 0:\n        pass\n    if args == 0:\n        pass\n\n"
    assert guards(f"{source}mp.spawn(worker, nprocs=2, args=(1,))") == [2]
    assert guards(source) == []


def one_rank(source: str) -> bool:
    model = program(HEAD + source)
    call = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "here")
    return model.training.distributed.one_rank(call)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if rank == 0:\n    here()", True),
        ("if rank == 0:\n    pass\nelse:\n    here()", False),
        ("def f():\n    if rank != 0:\n        return\n    here()", True),
        ("def f():\n    if not is_main_process():\n        return\n    if x:\n        here()", True),
        ("def f():\n    if rank == 0:\n        return\n    here()", False),
        ("@rank_zero_only\ndef f():\n    here()", True),
        ("@utils.master_only\ndef f():\n    here()", True),
        ("@cached\ndef f():\n    here()", False),
        ("def f():\n    here()\n\nif rank == 0:\n    f()", True),
        ("def f():\n    here()\n\nif rank == 0:\n    f()\nf()", False),
        ("for rank in range(3):\n    here()", False),
    ],
)
def test_what_one_rank_alone_reaches(source: str, expected: bool) -> None:
    assert one_rank(source) is expected


def backend(source: str, files: dict[str, str] | None = None) -> str | None:
    return program(HEAD + source, files).training.distributed.backend


@pytest.mark.parametrize(
    "source",
    [
        "dist.init_process_group('nccl')",
        "dist.init_process_group(backend='nccl', rank=0)",
        "def setup(rank, backend='nccl'):\n    dist.init_process_group(backend, rank=rank)",
        "name = 'nccl'\ndist.init_process_group(name)",
        "def setup(args):\n    args.backend = 'nccl'\n    dist.init_process_group(backend=args.backend)",
        "parser.add_argument('--dist-backend', default='nccl')\ndist.init_process_group(args.dist_backend)",
    ],
)
def test_where_the_backend_is_named(source: str) -> None:
    assert backend(source) == "nccl"


@pytest.mark.parametrize(
    "source",
    [
        "dist.init_process_group(choose())",
        "args.backend = 'nccl'\nargs.backend = 'gloo'\ndist.init_process_group(args.backend)",
        "dist.init_process_group()",
    ],
)
def test_a_backend_that_nobody_knows(source: str) -> None:
    assert backend(source) is None


SETUP = """
import torch.distributed as dist

def setup(args):
    args.backend = "nccl"
    dist.init_process_group(backend=args.backend)

def reduce(value):
    dist.all_reduce(value)

def outer(args):
    setup(args)
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from tools import setup\nsetup(args)", "nccl"),
        ("from tools import outer\n\ndef main():\n    outer(args)", "nccl"),
        ("import tools\nmp.spawn(tools.setup, nprocs=2)", "nccl"),
        ("import tools\nmp.Process(target=tools.outer).start()", "nccl"),
        ("from tools import reduce\nreduce(x)", None),
        ("from tools import setup", None),
    ],
)
def test_a_backend_that_a_helper_names(source: str, expected: str | None) -> None:
    assert backend(source, {"tools.py": SETUP}) == expected


def test_a_library_that_comes_through_a_module_of_the_project() -> None:
    files = {"tools.py": "import torch.distributed as dist\n", "pkg/__init__.py": "from tools import dist\n"}
    for module in ("tools", "pkg"):
        model = program(f"from {module} import dist\ndist.init_process_group('gloo')", files)
        assert model.training.distributed.backend == "gloo"


def test_names_that_two_files_import_from_each_other() -> None:
    files = {"one.py": "from two import dist\n", "two.py": "from one import dist\n"}
    assert program("from one import dist\ndist.init_process_group('gloo')", files).training.distributed.backend is None


def test_a_seed_in_a_function_that_does_more_counts_at_its_call() -> None:
    from dry_debug.program.facts import facts

    split = "import random\n\ndef split(names):\n    random.seed(0)\n    for name in names:\n        print(name)\n"
    rows = facts(program("from data import split\n\nsplit([])\n", {"data.py": split}))["randomness"]
    assert [(row["kind"], row["rng"], row["line"]) for row in rows] == [("seed", "python", 3)]


@pytest.mark.parametrize(
    ("before", "path", "own"),
    [
        ("pass", 'f"part_{dist.get_rank()}.pt"', True),
        ("name = f'rank{rank}.pt'", "os.path.join(folder, name)", True),
        ("name = 'a.pt'; file = folder + name; name = f'rank{rank}.pt'", "file", False),
        ("name = 'a.pt'", "os.path.join(folder, name)", False),
        ("pass", "folder + lora_rank", False),
    ],
)
def test_a_file_of_one_rank(before: str, path: str, own: bool) -> None:
    p = program(f"""
        import os
        import torch
        import torch.distributed as dist
        def restore(folder, rank, lora_rank):
            {before}
            return torch.load({path})
    """)
    call = p.calls_of("torch.load")[0]
    stmt = p.statement(call)
    assert stmt is not None
    assert p.training.distributed.ranks.own_file(call.args[0], stmt) is own
