"""Which devices are a GPU for certain, by the way they are written."""

from __future__ import annotations

import pytest
from dry_debug.program.worker_cuda import is_cuda, run_by_workers

from tests.program.model import program


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("use('cuda:1')", True),
        ("use('cpu')", False),
        ("use(torch.device('cuda', 0))", True),
        ("use(f'cuda:{rank}')", True),
        ("use(f'{kind}:0')", False),
        ("d = 'cuda' if torch.cuda.is_available() else 'cpu'\nuse(d)", True),
        ("d = 'cpu' if torch.cuda.is_available() else 'cuda'\nuse(d)", False),
        ("d = 'cuda' if flag and torch.cuda.is_available() else 'cpu'\nuse(d)", False),
        ("d = 'cuda' if not torch.cuda.is_available() else 'cpu'\nuse(d)", False),
        ("d = 'cuda'\nd = 'cpu'\nuse(d)", False),
        ("class A:\n    def __init__(self):\n        self.d = 'cuda'\n    def f(self):\n        use(self.d)", True),
        ("def f(d):\n    use(d)\nf('cuda')\nf('cuda:1')", True),
        ("def f(d):\n    use(d)\nf('cuda')\nf('cpu')", False),
        ("def f(d='cuda'):\n    use(d)\nf()", False),
        ("def f(d):\n    use(d)", False),
    ],
)
def test_a_device_is_a_gpu_only_if_it_is_written_so(source: str, expected: bool) -> None:
    model = program("import torch\n" + source + "\n")
    (call,) = [c for c in model.index.calls if getattr(c.func, "id", "") == "use"]
    assert is_cuda(model, call.args[0], model.scope(call)) is expected


PARTS = """
import torch
from torch.utils.data import DataLoader, Dataset, Subset, random_split
class Words(Dataset):
    def __getitem__(self, index):
        return index
def split(data):
    one, two = random_split({whole}, [8, 2])
    return one, two
def loader():
    {part}
    return DataLoader(one, num_workers=2)
"""


@pytest.mark.parametrize(
    ("whole", "part", "found"),
    [
        ("Words()", "one, two = split(1)", ["`Words.__getitem__`"]),
        ("data", "one, two = split(Words())", ["`Words.__getitem__`"]),
        ("Words()", "one = Subset(Words(), [1])", ["`Words.__getitem__`"]),
        ("Words()", "one = Words()", ["`Words.__getitem__`"]),
        ("data", "one, two = split(read())", []),
    ],
)
def test_the_data_set_that_a_part_is_taken_from(whole: str, part: str, found: list[str]) -> None:
    model = program(PARTS.format(whole=whole, part=part))
    (call,) = model.calls_of("torch.utils.data.DataLoader")
    assert [name for name, _ in run_by_workers(call, model)] == found
