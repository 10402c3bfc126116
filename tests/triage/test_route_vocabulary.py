"""What people say is read as concepts that stand together in a sentence, denied or not."""

from __future__ import annotations

import re

import pytest
from dry_debug.triage.routing import route
from dry_debug.triage.vocabulary import Said
from dry_debug_rules.catalogue.routes import table

CONCEPTS = {**table().subjects, **table().predicates}
WORD = re.compile(r"[a-z_][a-z0-9_]*\*?|\d+(?:\.\d+)?|%")
SIGNS = [sign for row in table().routes for sign in row.signs]


def test_signs_and_topics_use_known_concepts_and_none_is_left_over() -> None:
    used = {id_.lstrip("!") for sign in SIGNS for id_ in sign.split()}
    used |= {topic for row in table().routes for topic in (*row.topics, *row.subject)}
    assert used == set(CONCEPTS)
    assert not set(table().subjects) & set(table().predicates)


@pytest.mark.parametrize("id_", CONCEPTS)
def test_a_phrase_is_written_as_the_reader_cuts_it(id_: str) -> None:
    phrases = CONCEPTS[id_]
    assert len(phrases) == len(set(phrases))
    for phrase in phrases:
        plain = phrase.replace("*", "")
        assert plain == plain.lower()
        assert all(WORD.fullmatch(word) for word in phrase.split(" "))
        assert Said(plain).count([id_]) == 1, phrase


@pytest.mark.parametrize(
    ("text", "sign", "expected"),
    [
        ("memory is never released", "memory !release", True),
        ("the memory isn't given back at all", "memory !release", True),
        ("the memory isn\N{RIGHT SINGLE QUOTATION MARK}t given back at all", "memory !release", True),
        ("memory is released", "memory !release", False),
        ("it does not help, memory is released", "memory !release", False),
        ("memory does not grow", "memory grow", False),
        ("there is no memory left", "memory !left", True),  # a denied subject is still what it is about
        ("memory grows", "memory grow", True),
        ("the memory. it grows", "memory grow", False),
        ("re-registered layers", "module registered", True),
        ("val_loss is stuck", "loss flat", True),
    ],
)
def test_a_sign_is_its_concepts_in_one_sentence(text: str, sign: str, expected: bool) -> None:
    assert Said(text).any_of([sign], 0) is expected


def test_a_sign_may_reach_over_sentences_that_follow_each_other() -> None:
    said = Said("i look at the memory. it grows.")
    assert not said.any_of(["memory grow"], 0) and said.any_of(["memory grow"], 1)
    far = Said("i look at the memory. then comes a sentence. it grows.")
    assert not far.any_of(["memory grow"], 1)


def test_a_text_without_full_stops_is_not_one_sentence() -> None:
    assert not Said("memory " + "word " * 500 + "grows").any_of(["memory grow"], 1)


def test_words_of_two_subjects_alike_are_a_question() -> None:
    assert route("Something about memory in gigabytes, and a checkpoint that I load").stops == ()
    assert route("Something about memory in gigabytes").stops


def test_one_word_of_a_subject_is_a_question() -> None:
    assert route("Something about memory").stops == ()


@pytest.mark.parametrize(
    ("text", "sign", "expected"),
    [
        ("gradient is zero", "gradient zero", True),
        ("gradient checkpointing is on and step 0 fails", "gradient zero", False),
        ("gradient checkpointing is on and the gradient is none", "gradient zero", True),
        ("slow tokenizer in training", "epoch slowly", False),
        ("slow training", "epoch slowly", True),
    ],
)
def test_what_a_longer_phrase_means_is_not_what_its_words_mean(text: str, sign: str, expected: bool) -> None:
    assert Said(text).any_of([sign], 0) is expected


def test_what_is_said_to_be_absent_is_no_subject() -> None:
    assert Said("it trains without memory leaks").affirmed(["memory"]) == 0
    assert Said("there is not enough memory").affirmed(["memory"]) == 1


@pytest.mark.parametrize(
    ("text", "sign", "expected"),
    [
        ("without ignite it converges more slowly", "converge slowly", True),
        ("it does not free the gpu when i train many models", "model !learn", False),
        ("results look odd (see image)", "result wrong", True),
        ("it looks odd (two screenshots)", "result wrong", False),
        ("something is wrong (image)", "result wrong", False),
    ],
)
def test_a_denial_ends_and_a_shown_picture_is_no_result(text: str, sign: str, expected: bool) -> None:
    assert Said(text).any_of([sign], 0) is expected


def test_what_is_only_denied_says_nothing() -> None:
    assert not Said("nothing is slow").says_something
    assert Said("it is slow").says_something and Said("it is slow, nothing leaks").says_something
    assert Said("hello").says_something


def test_gradients_that_are_switched_off_are_no_symptom() -> None:
    assert not Said("i evaluate without gradients").any_of(["none_at_all"], 0)
    assert Said("the encoder gets no gradient").any_of(["none_at_all"], 0)
