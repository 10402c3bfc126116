"""The weights of words: made from the labelled texts, heard only where the table has nothing firm to say."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from dry_debug.triage.routing import route
from dry_debug.triage.wording import features, leaning

sys.path.insert(0, str(Path(__file__).parent))

from measure import GROUPS, reports
from wording import LABELS, labelled, learned


def test_features_are_beginnings_of_words_their_pairs_and_concepts() -> None:
    assert features("Checkpoints, loaded", ["load"]) == {"checkpo", "loaded", "checkpo loaded", ":load"}
    assert features("", ()) == frozenset()


def test_a_word_of_one_area_speaks_for_it() -> None:
    texts = [
        ("the gradient of my kernel", "custom-autograd-functions"),
        ("a kernel of my own", "custom-autograd-functions"),
    ]
    model = learned([*texts, ("slow epochs", "performance-profiling"), ("slow loader", "performance-profiling")])
    assert max(zip(model.weights["kernel"], LABELS, strict=True))[1] == "custom-autograd-functions"
    assert "loader" not in model.weights, "what stands in one text says nothing"


def test_what_stands_in_more_texts_is_less_rare() -> None:
    texts = [("kernel loader", "custom-autograd-functions"), ("loader", ""), ("loader kernel", ""), ("other", "")]
    rarity = learned(texts).rarity
    assert rarity["kernel"] > rarity["loader"] > 0


def test_every_label_has_texts() -> None:
    assert {area for _, area in labelled()} == set(LABELS)


def test_the_shares_are_parts_of_one() -> None:
    lean = leaning("slow loader", ["slow", "loader"])
    assert sum(lean.shares.values()) == pytest.approx(1) and set(lean.shares) == set(LABELS)
    assert lean.area == "performance-profiling" and lean.share == lean.shares[lean.area]


def test_a_text_without_words_leans_clearly_nowhere() -> None:
    assert leaning("", ()).share < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "IndexError: index out of range in self",  # what the table knows is not outvoted
        "Training is slow, I would switch on mixed precision with fp16 and a GradScaler",  # nor an order of areas
    ],
)
def test_the_wording_does_not_outvote_the_table(text: str) -> None:
    assert route(text).stops[0].area in ("debugging-techniques", "performance-profiling")


def test_without_a_thing_that_is_named_the_wording_decides_nothing() -> None:
    assert route("I tried it with your settings for a long while and it never became what I had hoped for").stops == ()


def test_where_no_row_is_found_the_wording_decides() -> None:
    text = "The block is defined once and put six times into the list, so all six are one and the same. Was this meant?"
    assert route(text).stops[0].area == "module-design-patterns"


@pytest.mark.parametrize("text", [text for text, area in labelled() if not area and text.strip()])
def test_a_text_that_says_too_little_gets_a_question(text: str) -> None:
    assert route(text).stops == () and route(text).question


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("GPU-Util is very low, too much time goes into the loader and the GPU waits for it", "performance-profiling"),
        ("the data loader hangs and nothing goes on", "debugging-techniques"),
    ],
)
def test_a_gpu_that_waits_for_its_data_does_not_hang(text: str, area: str) -> None:
    assert route(text).stops[0].area == area


def test_the_wording_outvotes_a_row_that_is_likely_only() -> None:
    text = (
        "At first the GPU is busy. With more steps the torch.load of the samples takes longer and longer "
        "until GPU util is 0."
    )
    routing = route(text)
    assert [stop.area for stop in routing.stops] == ["performance-profiling", "checkpointing-and-reproducibility"]
    assert "C-58" in routing.symptoms, "what the row says stays"


def test_an_exception_that_nobody_knows_is_weighed_only_with_words_around_it() -> None:
    alone = "ValueError: the tokens of the prompt"
    assert route(alone).stops[0].area == route("ValueError: nothing that is known").stops[0].area


def test_no_thread_of_the_weights_is_a_report() -> None:
    """What is measured must not be what was learned from these."""
    threads = tomllib.loads((Path(__file__).parent / "threads.toml").read_text(encoding="utf-8"))["thread"]
    urls = [row["url"] for row in threads]
    assert len(urls) == len(set(urls)) and not set(urls) & {row["url"] for group in GROUPS for row in reports(group)}
