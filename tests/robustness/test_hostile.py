"""Hostile texts: a finding or a problem, in bounded time, and never the end of the process."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.text.decode import decode
from dry_debug.text.document import Document

from tests.robustness.hostile import TEXTS, TRAINING

_SECONDS = 25.0  # a bound against hanging, with room for a busy machine; what is slow is the benchmarks' business
_EVERYTHING = Settings(preview=True, min_confidence="low")


def _look(text: str, answer: Connection) -> None:
    began = time.perf_counter()
    result = analyse(Document.from_text(text, "main.py"), settings=_EVERYTHING)
    rules = [finding.rule for finding in result.with_fixes()]
    crashes = [problem.message for problem in result.problems if "failed" in problem.message]
    answer.send((time.perf_counter() - began, rules, [p.message for p in result.problems], crashes))


def _outcome(text: str) -> tuple[float, list[str], list[str], list[str]]:
    """(seconds, rules that found something, problems, those that are crashes), from a process of its own: what
    overflows the C stack must not take the test run with it."""
    ours, theirs = multiprocessing.get_context("fork").Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_look, args=(text, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(_SECONDS), f"no answer after {_SECONDS} s"
        found: tuple[float, list[str], list[str], list[str]] = ours.recv()
    finally:
        process.kill()
        process.join()
    return found


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_hostile_text_gives_a_finding_or_a_problem(name: str, place: str) -> None:
    text = TEXTS[name] + TRAINING if place == "before" else TRAINING + TEXTS[name]
    _, rules, problems, crashes = _outcome(text)
    assert rules or problems
    assert crashes == []


def test_the_training_script_itself_has_findings_of_several_rules() -> None:
    _, rules, problems, _ = _outcome(TRAINING)
    assert len(set(rules)) >= 3 and problems == []


@pytest.mark.parametrize(
    "megabytes", [1, pytest.param(10, marks=pytest.mark.slow)], ids=["one megabyte", "ten megabytes"]
)
def test_a_file_of_megabytes_is_analysed_in_bounded_time(megabytes: int) -> None:
    text = TRAINING + "x = [\n" + "    (1, 2.5, 'abc'),\n" * (megabytes * 48_000) + "]\n"
    _, rules, problems, crashes = _outcome(text)
    assert (rules or problems) and crashes == []


def test_null_bytes_are_a_finding_on_their_line() -> None:
    result = analyse(decode(b"import torch\nx = 1\x00\n", "main.py"), settings=_EVERYTHING)
    assert [finding.rule for finding in result.findings] == ["syntax-error"] or result.problems
