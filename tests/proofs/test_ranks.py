"""Two ranks on the CPU that draw different numbers: one of them writes, the others wait, none waits for ever, and each
goes on as if the run had never been stopped."""

import functools
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.programs import ON_EACH, ON_ONE, RANKS, STATE_FIRST
from tests.proofs.runs import SOME, folder, lines, run, stopped

pytestmark = pytest.mark.slow
# Every file that this rank writes leaves a mark of its own.
COUNTS = """
import os
import torch

save = torch.save


def counted(state, path, *args, **kwargs):
    if isinstance(path, str):  # PyTorch packs what it sends to other ranks with it, too
        open("written-by-" + os.environ["RANK"], "a").close()
    return save(state, path, *args, **kwargs)


torch.save = counted
"""


SAVES = {"on each rank": ON_EACH, "on one rank": ON_ONE, "state first": STATE_FIRST}


@functools.cache
def outcomes(where: Path) -> dict[str, list[dict[str, Any]]]:
    """The programs fixed and as they are: straight, stopped, taken up; and taken up by another number of ranks."""
    jobs: list[dict[str, Any]] = []
    for name, text in SAVES.items():
        unfixed = {"main.py": RANKS.replace("SAVE", text)}
        for kind, files in (("fixed", fixed(unfixed)), ("unfixed", unfixed)):
            jobs += stopped(where, f"{kind} {name}", files, 0, ranks=2, before=COUNTS)
        _, until, rest = jobs[-6:-3]
        split = folder(where, f"alone {name}", fixed(unfixed))
        jobs += [{**until, "folder": split}, {**rest, "folder": split, "ranks": 1}]
    answers = run(jobs)
    names = [(name, kind) for name in SAVES for kind in ("fixed",) * 3 + ("unfixed",) * 3 + ("alone",) * 2]
    found: dict[str, list[dict[str, Any]]] = {}
    for (name, kind), answer in zip(names, answers, strict=True):
        found.setdefault(f"{kind} {name}", []).append(answer)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.mark.parametrize("name", SAVES)
def test_every_rank_goes_on_as_if_the_run_had_not_been_stopped(name: str, place: Path) -> None:
    straight, first, rest = outcomes(place)[f"fixed {name}"]
    assert [a["code"] for a in (straight, first, rest)] == [0, 0, 0], (first["ranks"], rest["ranks"])
    for rank in (0, 1):
        assert lines(rest, SOME, rank) == lines(straight, SOME, rank)
    assert lines(rest, SOME, 0) != lines(rest, SOME, 1), "the ranks draw different numbers"


@pytest.mark.parametrize("name", SAVES)
def test_without_the_fix_every_rank_goes_on_otherwise(name: str, place: Path) -> None:
    straight, first, rest = outcomes(place)[f"unfixed {name}"]
    assert [a["code"] for a in (straight, first, rest)] == [0, 0, 0], (first["ranks"], rest["ranks"])
    for rank in (0, 1):
        assert lines(rest, SOME, rank) != lines(straight, SOME, rank)


@pytest.mark.parametrize("name", SAVES)
def test_the_fix_changes_nothing_about_a_run_that_is_not_stopped(name: str, place: Path) -> None:
    fixed_run, unfixed = outcomes(place)[f"fixed {name}"][0], outcomes(place)[f"unfixed {name}"][0]
    for rank in (0, 1):
        assert lines(fixed_run, 0, rank) == lines(unfixed, 0, rank)


@pytest.mark.parametrize("name", SAVES)
def test_one_rank_alone_goes_on_from_what_two_have_saved(name: str, place: Path) -> None:
    _, rest = outcomes(place)[f"alone {name}"]
    assert rest["code"] == 0, rest["out"]
    assert lines(rest)[0].startswith(f"LOSS {SOME} ") and lines(rest)[-1].startswith("WEIGHTS")


def test_one_rank_writes_one_file(place: Path) -> None:
    outcomes(place)
    made = sorted(path.name for path in (place / "fixed on each rank straight").iterdir())
    assert [name for name in made if name.startswith("written-by-")] == ["written-by-0"]
    assert [name for name in made if name.endswith((".pt", ".tmp"))] == ["last.pt"]
    assert (place / "unfixed on each rank straight" / "written-by-1").exists()


def test_one_rank_s_numbers_on_all_ranks_would_not_do(place: Path, tmp_path: Path) -> None:
    """What the proof is worth: with the generators of rank 0 alone in the file, rank 1 goes on otherwise."""
    whole = fixed({"main.py": RANKS.replace("SAVE", ON_EACH)})["main.py"]
    one = whole.replace("set_rng_state(states[dist.get_rank()])", "set_rng_state(states[0])")
    assert one != whole
    straight, _, rest = run(stopped(tmp_path, "one", {"main.py": one}, 0, ranks=2))
    assert lines(rest, SOME, 1) != lines(straight, SOME, 1)
