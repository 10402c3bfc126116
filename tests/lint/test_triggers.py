"""Which rules wake for a text: exactly those of whose groups of words the text holds one each."""

from __future__ import annotations

import pytest
from dry_debug import records
from dry_debug.lint import manifest, triggers
from dry_debug.lint.triggers import awake, triggered
from hypothesis import given
from hypothesis import strategies as st

from tests.lint.helpers import document_of

WORDS = [word for info in manifest.rules() for group in info.triggers for word in group]
RULES = tuple(info for info in manifest.rules() if info.shape != "comment")


def rule(*groups: tuple[str, ...]) -> manifest.RuleInfo:
    return records.replace(RULES[0], name="of-the-test", triggers=groups)


@given(st.lists(st.sampled_from(WORDS) | st.text(alphabet="tenso_.(=) \n\té", max_size=4), max_size=60))
def test_awake_are_the_triggered(pieces: list[str]) -> None:
    source = "".join(pieces)
    assert awake(RULES, document_of(source)) == [info for info in RULES if triggered(info, source)]


@given(
    st.lists(st.lists(st.sampled_from(WORDS) | st.sampled_from(["x ", "torch_", "_step "]), max_size=8), max_size=12)
)
def test_what_is_remembered_of_other_texts_changes_nothing(texts: list[list[str]]) -> None:
    rules = (*RULES,)  # of this test alone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triggers, "_MOST_KNOWN", 12)
        patch.setattr(triggers, "_MOST_NARROWED", 2)
        for pieces in texts:
            source = "".join(pieces)
            assert awake(rules, document_of(source)) == [info for info in RULES if triggered(info, source)]


def test_words_in_words_and_marks_around_them() -> None:
    for word, source, holds in (
        ("Scaler", "GradScaler()", True),
        (".step(", "optimizer.step()", True),
        (".step(", "optimizer.steps()", False),
        (".step(", "step(x) or x.step", False),
        ("for ", "for x in y", True),
        ("for ", "before\n", False),
        ("+=", "total += 1", True),
        ("+=", "total = 1", False),
        ("seed", "éseedé", True),
        (".clip(", "\ud800 x.clip(1)", True),
        ("", "", True),
    ):
        rules = (rule((word,)),)
        for _ in range(2):  # the second time with a plan
            assert bool(awake(rules, document_of(source))) is holds, (word, source)


def test_a_group_may_be_shared_and_nested() -> None:
    rules = tuple(
        records.replace(RULES[0], name=name, triggers=groups)
        for name, groups in {
            "always": (),
            "one": (("a",),),
            "either": (("a", "b"),),
            "both": (("a",), ("b",)),
            "twice": (("a",), ("a",)),
        }.items()
    )

    def names(source: str) -> list[str]:
        return [info.name for info in awake(rules, document_of(source))]

    assert names("a") == names("a") == ["always", "one", "either", "twice"]
    assert names("b") == ["always", "either"]
    assert names("a b") == ["always", "one", "either", "both", "twice"]
    assert awake((), document_of("a")) == []
