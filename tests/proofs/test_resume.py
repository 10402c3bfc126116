"""A run that the fix lets go on is the run that was never stopped, bit by bit; the unfixed program's is another one."""

import functools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.programs import CASES, Case
from tests.proofs.runs import ALL, SOME, lines, run, stopped

pytestmark = pytest.mark.slow


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
