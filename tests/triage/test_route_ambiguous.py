"""A text that fits several areas gets the one question that tells them apart; several symptoms give a sequence."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from dry_debug.triage.routing import route
from dry_debug_rules.catalogue.routes import table

CASES = tomllib.loads((Path(__file__).parent / "ambiguous.toml").read_text(encoding="utf-8"))["case"]
AMBIGUOUS = [case for case in CASES if not case["areas"]]
SEVERAL = [case for case in CASES if case["areas"]]
QUESTIONS = {row.text: row for row in table().questions}


@pytest.mark.parametrize("case", AMBIGUOUS, ids=lambda case: case["text"][:50])
def test_what_fits_several_areas_is_asked_and_not_guessed(case: dict) -> None:
    routing = route(case["text"])
    assert routing.stops == () and routing.symptoms == ()
    assert routing.question in QUESTIONS, routing.question


@pytest.mark.parametrize("case", SEVERAL, ids=lambda case: case["text"][:50])
def test_several_symptoms_give_their_areas_in_order(case: dict) -> None:
    stops = route(case["text"]).stops
    found = iter([stop.area for stop in stops] + [area for stop in stops for area in stop.then])
    assert stops[0].area == case["areas"][0] and all(area in found for area in case["areas"])


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("my script crashes at random, there is no message", "Q-stops"),
        ("the process was killed in the night", "Q-stops"),
        ("it hangs, no error is shown", "Q-hangs"),
        ("some memory problem again", "Q-memory"),
        ("since the upgrade the model is worse", "Q-changed"),
        ("training fails", "Q-error"),
        ("my curve is odd", "Q-loss"),
        ("which one would you recommend?", "Q-choice"),
    ],
)
def test_the_question_is_that_of_the_complaint(text: str, id_: str) -> None:
    routing = route(text)
    assert routing.question is not None and QUESTIONS[routing.question].id == id_


@pytest.mark.parametrize("text", ["it stands still without an error", "no exception, it only ends", "it never crashes"])
def test_nobody_is_asked_for_an_error_that_is_not_there(text: str) -> None:
    routing = route(text)
    assert "traceback, or the last lines" not in (routing.question or "")


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("some memory problem: CUDA out of memory in step 3", "tensor-operations-and-memory"),
        ("it crashes at random with a device-side assert triggered", "debugging-techniques"),
        (
            "since the upgrade: TypeError: got an unexpected keyword argument 'tokenizer'",
            "dry-debugging",
        ),
        ("it hangs in all_reduce with four GPUs", "distributed-training-strategies"),
        ("since I resumed the loss is worse than before", "checkpointing-and-reproducibility"),
    ],
)
def test_one_thing_more_and_nothing_is_asked(text: str, area: str) -> None:
    assert [stop.area for stop in route(text).stops][:1] == [area]


def test_correctness_comes_before_speed_where_both_are_said() -> None:
    text = "The loss is stuck at 2.3, and each epoch takes two hours."
    assert [stop.area for stop in route(text).stops] == ["debugging-techniques", "performance-profiling"]


def test_without_words_of_a_complaint_the_question_names_what_the_wording_leans_to() -> None:
    question = route("help with layers and gradients").question or ""
    assert question not in QUESTIONS
    assert sum(text in question for text in table().tells.values()) == 2
    assert table().tells["debugging-techniques"] in question
