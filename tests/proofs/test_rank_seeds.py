"""Two ranks on the CPU: equal weights and an equal split of the data, and noise of its own on each; twice the same."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.programs import SEEDS
from tests.proofs.runs import folder, run

pytestmark = pytest.mark.slow
# A new process starts its generators from the system's entropy; here they come out of a process that has imported them.
FRESH = "import random, numpy, torch\nrandom.seed(), numpy.random.seed(), torch.seed()\n"


@functools.cache
def outcomes(where: Path) -> dict[str, list[dict[str, Any]]]:
    """The program run twice on two ranks: as it is, and fixed; with workers and without."""
    unfixed = {"main.py": SEEDS}
    programs = {"unfixed": unfixed, "fixed": fixed(unfixed, rule="partial-seeding")}
    jobs, names = [], []
    for name, files in programs.items():
        for workers in ("0", "2"):
            for again in ("first", "again"):
                names.append(f"{name} {workers}")
                place = folder(where, f"{name} {workers} {again}", files)
                jobs.append({"folder": place, "main": "main.py", "argv": ["2", workers], "ranks": 2, "before": FRESH})
    found: dict[str, list[dict[str, Any]]] = {}
    for name, answer in zip(names, run(jobs), strict=True):
        assert answer["code"] == 0, answer["ranks"]
        found.setdefault(name, []).append(answer)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds")


def told(answer: dict[str, Any], rank: int, word: str) -> list[str]:
    """The lines of a rank that begin with a word."""
    return [line for line in answer["ranks"][rank].splitlines() if line.startswith(word)]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_two_runs_are_the_same_on_every_rank_and_were_not(workers: str, place: Path) -> None:
    first, again = outcomes(place)[f"fixed {workers}"]
    assert first["ranks"] == again["ranks"]
    one, other = outcomes(place)[f"unfixed {workers}"]
    assert one["ranks"] != other["ranks"]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_weights_and_the_split_are_the_same_on_all_ranks(workers: str, place: Path) -> None:
    answer = outcomes(place)[f"fixed {workers}"][0]
    for word in ("SPLIT", "WEIGHTS"):
        assert told(answer, 0, word) == told(answer, 1, word) != []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_rank_draws_noise_of_its_own(workers: str, place: Path) -> None:
    answer = outcomes(place)[f"fixed {workers}"][0]
    mine, theirs = ([json.loads(line.split(" ", 2)[2]) for line in told(answer, rank, "NOISE")] for rank in (0, 1))
    assert len(mine) == len(theirs) > 0
    for one, other in zip(mine, theirs, strict=True):
        assert not set(map(str, one[0])) & set(map(str, other[0]))  # of the data set, in its workers
        assert one[1:] != other[1:]  # of NumPy and PyTorch in the process itself


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_samplers_still_share_out_the_data_between_them(workers: str, place: Path) -> None:
    answer = outcomes(place)[f"fixed {workers}"][0]
    for epoch in (0, 1):
        seen = [
            number
            for rank in (0, 1)
            for line in told(answer, rank, f"DATA {epoch} ")
            for number in json.loads(line[line.rindex("[") :])
        ]
        assert len(seen) == len(set(seen)) == 16


def test_with_the_same_seed_on_all_ranks_all_would_draw_the_same(place: Path, tmp_path: Path) -> None:
    """What the proof is worth: without the seed of its own each rank draws what the other one does."""
    text = fixed({"main.py": SEEDS}, rule="partial-seeding")["main.py"]
    assert "set_seed(3 + rank)" in text
    alike = folder(tmp_path, "alike", {"main.py": text.replace("set_seed(3 + rank)", "pass")})
    job = {"folder": alike, "main": "main.py", "argv": ["2", "0"], "ranks": 2, "before": FRESH}
    (answer,) = run([job])
    assert told(answer, 0, "NOISE") == told(answer, 1, "NOISE") != []
