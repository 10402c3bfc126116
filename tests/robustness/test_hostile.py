"""Hostile texts: a finding or a problem, in bounded time, and never the end of the process."""

from __future__ import annotations

import multiprocessing
import resource
import time
from multiprocessing.connection import Connection

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.explain import explain
from dry_debug.lint.settings import Settings
from dry_debug.program.facts import facts
from dry_debug.render.explain import lines
from dry_debug.text.decode import decode
from dry_debug.text.document import Document

from tests.robustness.hostile import LARGE, TEXTS, TRAINING

_SECONDS = 25  # of the processor: a bound against hanging; what is slow is the benchmarks' business
_BUSY = 8  # so many times as long on the clock, where other processes have the machine too
_EVERYTHING = Settings(preview=True, min_confidence="low")


def _look(text: str, answer: Connection, seconds: int) -> None:
    """Check with fixes, facts, and explain of the line of the last finding (by one rule: all of them take as many
    analyses as there are rules). The process ends after so many `seconds` of the processor."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    began = time.perf_counter()
    document = Document.from_text(text, "main.py")
    result = analyse(document, settings=_EVERYTHING)
    rules = [finding.rule for finding in result.with_fixes()]
    crashes = [problem.message for problem in result.problems if "failed" in problem.message]
    if result.program is not None:
        facts(result.program)
    line = document.lines.line_of(result.findings[-1].span.start) + 1 if result.findings else 1
    crashes += [
        row
        for row in lines(explain(document, None, _EVERYTHING, line, "lingering-eval-mode"))
        if "the rule failed" in row
    ]
    answer.send((time.perf_counter() - began, rules, [p.message for p in result.problems], crashes))


def _outcome(text: str, seconds: int = _SECONDS) -> tuple[float, list[str], list[str], list[str]]:
    """(seconds, rules that found something, problems, those that are crashes), from a process of its own: what
    overflows the C stack must not take the test run with it."""
    ours, theirs = multiprocessing.get_context("fork").Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_look, args=(text, theirs, seconds), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(seconds * _BUSY), f"no answer after {seconds * _BUSY} s"
        try:
            found: tuple[float, list[str], list[str], list[str]] = ours.recv()
        except EOFError:
            pytest.fail(f"the process ended: a crash, or {seconds} s of the processor were not enough")
    finally:
        process.kill()
        process.join()
    return found


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("place", [pytest.param("before", marks=pytest.mark.slow), "behind"])
def test_a_hostile_text_gives_a_finding_or_a_problem(name: str, place: str) -> None:
    text = TEXTS[name] + TRAINING if place == "before" else TRAINING + TEXTS[name]
    _, rules, problems, crashes = _outcome(text)
    assert rules or problems
    assert crashes == []


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_hostile_text_gives_a_finding_or_a_problem(name: str) -> None:
    _, rules, problems, crashes = _outcome(TRAINING + LARGE[name], 180)
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
    _, rules, problems, crashes = _outcome(text, megabytes * _SECONDS)
    assert (rules or problems) and crashes == []


def test_null_bytes_are_a_finding_on_their_line() -> None:
    result = analyse(decode(b"import torch\nx = 1\x00\n", "main.py"), settings=_EVERYTHING)
    assert [finding.rule for finding in result.findings] == ["syntax-error"] or result.problems
