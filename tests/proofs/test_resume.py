"""A run that the fix lets go on is the run that was never stopped, bit by bit; the unfixed program's is another one."""

import functools
import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.pages.proofs import python_with_torch
from tests.proofs.fixed import fixed
from tests.proofs.programs import CASES, Case

WORKER = Path(__file__).with_name("worker.py")
ALL, SOME = 5, 2  # epochs of the whole run, and after which it is stopped
pytestmark = pytest.mark.slow


def run(jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What came of the jobs, each run in a process of its own, one after the other."""
    python = python_with_torch()
    if python is None:
        if os.environ.get("DRY_DEBUG_PROOFS") == "required":
            pytest.fail("proofs are required and PyTorch is not installed")
        pytest.skip("PyTorch is not installed")
    quiet = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, str(WORKER)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env={**os.environ, **quiet},
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(jobs), done.stderr[-2000:]
    return answers


def folder(parent: Path, name: str, files: dict[str, str]) -> str:
    """A new folder with the files."""
    path = parent / name
    path.mkdir()
    for file, text in files.items():
        (path / file).write_text(text, "utf-8")
    return str(path)


def lines(answer: dict[str, Any], first: int = 0) -> list[str]:
    """What a run printed of its epochs from `first` on, and of its end."""
    found = []
    for line in answer["out"].splitlines():
        epoch = re.match(r"[A-Z]+ (\d+) ", line)
        if epoch is None or int(epoch[1]) >= first:
            found.append(line)
    return found


def stopped(parent: Path, name: str, files: dict[str, str], workers: int, **more: Any) -> list[dict[str, Any]]:
    """Jobs: the whole run; in another folder the run until it is stopped, and the rest of it."""
    straight, split = folder(parent, f"{name} straight", files), folder(parent, f"{name} split", files)
    places = [(straight, ALL), (split, SOME), (split, ALL)]
    return [
        {"folder": place, "main": "main.py", "argv": [str(epochs), str(workers)], **more} for place, epochs in places
    ]


@functools.cache
def outcomes(where: Path) -> dict[str, list[dict[str, Any]]]:
    """All cases, fixed and unfixed, in one process that imports PyTorch once."""
    jobs: list[dict[str, Any]] = []
    names: list[str] = []
    for case in CASES:
        for workers in (0, 2):
            names.append(f"{case} {workers}")
            jobs += stopped(where, names[-1], fixed(case.files, case.variant), workers)
        names.append(f"{case} unfixed")
        jobs += stopped(where, names[-1], case.files, 0)
    answers = run(jobs)
    return {name: answers[3 * i : 3 * i + 3] for i, name in enumerate(names)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_resumed_run_is_the_run_that_was_never_stopped(case: Case, workers: int, place: Path) -> None:
    straight, first, rest = outcomes(place)[f"{case} {workers}"]
    assert [a["code"] for a in (straight, first, rest)] == [0, 0, 0], (first["out"], rest["out"])
    begun = min(int(m[1]) for m in re.finditer(r"^LOSS (\d+)", straight["out"], re.MULTILINE))
    assert lines(rest) == lines(straight, begun + SOME)
    assert sum(line.startswith("LOSS") for line in lines(rest)) == ALL - SOME


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fix_changes_nothing_about_a_run_that_is_not_stopped(case: Case, place: Path) -> None:
    assert lines(outcomes(place)[f"{case} 0"][0]) == lines(outcomes(place)[f"{case} unfixed"][0])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_the_fix_the_resumed_run_is_another_one(case: Case, place: Path) -> None:
    straight, first, rest = outcomes(place)[f"{case} unfixed"]
    assert [a["code"] for a in (straight, first, rest)] == [0, 0, 0], (first["out"], rest["out"])
    assert lines(rest)[-1] != lines(straight)[-1] or lines(rest)[-2] != lines(straight)[-2] or (
        sum(line.startswith("LOSS") for line in lines(rest)) != ALL - SOME
    )  # fmt: skip
