"""A model that was saved inside of DDP or `torch.compile`: after the fix its file loads wrapped and unwrapped, and a
file from before the fix is still taken."""

import functools
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.programs import ON_ONE, RANKS
from tests.proofs.runs import ALL, SOME, folder, lines, run, stopped

pytestmark = pytest.mark.slow
# Reads what the program wrote with no wrapper around the model.
READ = """import torch
from torch import nn

state = torch.load("last.pt", weights_only=True)["model"]
try:
    nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1)).load_state_dict(state)
    print("LOADED")
except RuntimeError as error:
    print("REFUSED", "module." in str(error), "_orig_mod." in str(error))
"""
COMPILED = """import sys

import torch
from torch import nn

torch.manual_seed(3)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
model = torch.compile(net, backend="eager")
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
x, y = torch.linspace(-1, 1, 48).reshape(12, 4), torch.linspace(0, 1, 12).reshape(12, 1)
loader = [(x[:6], y[:6]), (x[6:], y[6:])]
EPOCHS = int(sys.argv[1])
for epoch in range(EPOCHS):
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
    print("LOSS", epoch, loss.item().hex())
    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")
print("WEIGHTS", [p.detach().flatten().tolist() for p in model.parameters()])
"""
RESUME = 1  # the variant that writes both ends


@functools.cache
def outcomes(where: Path) -> dict[str, dict[str, Any]]:
    """What came of: the fixed program until it is stopped and the file read bare, the same unfixed, and the unfixed
    program's file taken up by the fixed and by the unfixed program."""
    unfixed = {"main.py": RANKS.replace("SAVE", ON_ONE), "read.py": READ}
    after = {**unfixed, **fixed({"main.py": unfixed["main.py"]})}
    new, old = folder(where, "new", after), folder(where, "old", unfixed)
    taken = folder(where, "taken", {**after, "first.py": unfixed["main.py"]})
    names = ["new", "read new", "old", "read old", "old rest", "before", "taken"]
    jobs: list[dict[str, Any]] = [
        {"folder": new, "main": "main.py", "argv": [str(SOME), "0"], "ranks": 2},
        {"folder": new, "main": "read.py", "argv": []},
        {"folder": old, "main": "main.py", "argv": [str(SOME), "0"], "ranks": 2},
        {"folder": old, "main": "read.py", "argv": []},
        {"folder": old, "main": "main.py", "argv": [str(ALL), "0"], "ranks": 2},
        {"folder": taken, "main": "first.py", "argv": [str(SOME), "0"], "ranks": 2},
        {"folder": taken, "main": "main.py", "argv": [str(ALL), "0"], "ranks": 2},
    ]
    return dict(zip(names, run(jobs), strict=True))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unwrapped")


def test_what_was_saved_inside_of_ddp_loads_without_it(place: Path) -> None:
    found = outcomes(place)
    assert found["new"]["code"] == 0, found["new"]["out"]
    assert found["read new"]["out"].strip() == "LOADED"
    assert found["read old"]["out"].strip() == "REFUSED True False"


def test_a_file_from_before_the_fix_is_taken(place: Path) -> None:
    found = outcomes(place)
    assert found["taken"]["code"] == 0, found["taken"]["out"]
    for rank in (0, 1):  # it has no optimizer state and no generators, with either program
        assert lines(found["taken"], SOME, rank) == lines(found["old rest"], SOME, rank)


def test_a_compiled_model_goes_on_and_loads_without_being_compiled(tmp_path: Path) -> None:
    after = {**fixed({"main.py": COMPILED}, RESUME), "read.py": READ}
    jobs = stopped(tmp_path, "compiled", after, 0)
    jobs.append({"folder": jobs[-1]["folder"], "main": "read.py", "argv": []})
    before = folder(tmp_path, "unfixed", {"main.py": COMPILED, "read.py": READ})
    jobs += [{"folder": before, "main": name, "argv": [str(SOME)]} for name in ("main.py", "read.py")]
    straight, first, rest, read, _, refused = run(jobs)
    assert [a["code"] for a in (straight, first, rest)] == [0, 0, 0], rest["out"]
    assert lines(rest, SOME) == lines(straight, SOME)
    assert read["out"].strip() == "LOADED"
    assert refused["out"].strip() == "REFUSED False True"
