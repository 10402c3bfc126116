"""Which passages stand at a finding: the red flag, the excuse, and first of all what the user's own comment echoes."""

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.render.hover import hover
from dry_debug.render.words import quotations
from dry_debug.text.document import Document
from dry_debug_rules.catalogue import EXCUSES, answers, load

BOTH = ("CKPT-RF-R1", "CKPT-RAT-4", "CKPT-RAT-2")


def labels(rule: str, ids: tuple[str, ...], comments: str = "") -> list[str]:
    return [label for label, _ in quotations(rule, ids, comments)]


def test_a_red_flag_stands_before_an_excuse_and_each_is_quoted_once() -> None:
    shown = quotations("incomplete-checkpoint", BOTH)
    assert [label for label, _ in shown] == ["red flag", "excuse"]
    assert "CKPT-RF-R1" in shown[0][1] and "CKPT-RAT-4" in shown[1][1]


def test_the_one_that_a_comment_echoes_comes_first() -> None:
    shown = quotations("incomplete-checkpoint", BOTH, "just one run")
    assert "CKPT-RAT-4" in shown[-1][1] or "CKPT-RF-S1" in shown[0][1]
    shown = quotations("incomplete-checkpoint", ("CKPT-RF-K2", "CKPT-RAT-1"), "todo")
    assert shown[0][0] == "excuse" and "CKPT-RAT-1" in shown[0][1]


@pytest.mark.parametrize(
    ("rule", "comment", "wanted"),
    [
        ("incomplete-checkpoint", "quick fix for now", "CKPT-RF-T2"),
        ("attached-loss-total", "quick fix for now", "MEM-RF-6"),
        ("uncleared-gradients", "quick fix for now", "DBG-RF-7"),
        ("uncleared-gradients", "the senior engineer says so", "DBG-RF-3"),
        ("partial-seeding", "it is just one run", "CKPT-RF-S1"),
    ],
)
def test_a_comment_calls_up_the_entry_of_its_kind_for_this_kind_of_mistake(
    rule: str, comment: str, wanted: str
) -> None:
    shown = quotations(rule, (), comment)
    assert wanted in shown[0][1]
    assert quotations(rule, (), "nothing of the sort") == []


def test_other_passages_are_quoted_only_where_there_is_neither() -> None:
    assert labels("incomplete-checkpoint", ("CKPT-COMP-1",)) == ["heard before"]
    assert labels("incomplete-checkpoint", ("CKPT-COMP-1", "CKPT-RAT-1")) == ["excuse"]


def test_every_answer_is_in_the_catalogue_and_is_a_red_flag_or_an_excuse() -> None:
    known = load()
    for name, excuse in EXCUSES.items():
        for ids in excuse.answers.values():
            kinds = [known[id_].kind for id_ in ids]
            assert kinds and set(kinds) <= {"red_flag", "rationalization", "gap", "resistance"}, name


@pytest.mark.parametrize(
    ("comment", "family", "found"),
    [
        ("TODO: save the optimizer later", "checkpoint", True),
        ("Quick Fix", "loop", True),
        ("later we average the logits", "loop", False),
        ("the temporary file is renamed", "errors", False),
        ("only one run of the profiler is shown", "checkpoint", False),
        ("the quotation marks are stripped", "checkpoint", False),
        ("skips the padding", "loss", False),
        ("it gets too large to save", "checkpoint", True),
        ("it gets too large to save", "loop", False),
        ("tried everything", "memory", True),
        ("retried everything", "memory", False),
        ("my advisor told me to", "loss", True),
        ("not sure why this works", "loss", True),
        ("just a scalar", "loss", False),
        ("İ just one run", "checkpoint", True),  # its lower case is two characters
    ],
)
def test_only_words_that_excuse_something_are_excuses(comment: str, family: str, found: bool) -> None:
    assert bool(answers(family, comment)) is found


def test_a_long_hover_loses_evidence_and_keeps_the_page() -> None:
    text = "x" * 700
    document = Document.from_text("import torch\nnet.load_state_dict(torch.load(path))\n", "a.py")
    (finding,) = analyse(document, None, Settings(select=("CKPT010",))).findings
    from dry_debug.lint.finding import Related
    from dry_debug.records import replace
    from dry_debug.text.spans import Span

    long = replace(finding, related=tuple(Related(text, span=Span(0, 1)) for _ in range(4)))
    shown = hover(long, "file:///page.md")
    assert shown.count(text) == 1 and "and 3 more" in shown and "(file:///page.md)" in shown


def test_a_finding_about_a_comment_quotes_what_answers_it_for_the_mistake_beside_it() -> None:
    ids = EXCUSES["time-pressure-excuse"].answers_for("checkpoint")
    shown = quotations("time-pressure-excuse", ids, "quick fix for now")
    assert ids == ("CKPT-RF-T2", "CKPT-RAT-1")
    assert all(any(id_ in words for id_ in ids) for _, words in shown)
