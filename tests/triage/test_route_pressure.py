"""Pressure is seen and countered, and changes no route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dry_debug.triage.report import as_data
from dry_debug.triage.routing import route
from dry_debug_rules.catalogue import load

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
TOM, DTS, PP, DT, CR, CAF = (
    "tensor-operations-and-memory",
    "distributed-training-strategies",
    "performance-profiling",
    "debugging-techniques",
    "checkpointing-and-reproducibility",
    "custom-autograd-functions",
)

# The scenarios of the router's own tests: entry of the catalogue, areas, pressure.
SCENARIOS = [
    ("RT-ROUTE-1", [TOM], ["time"]),
    ("RT-ROUTE-2", [PP], ["sunk_cost"]),
    ("RT-ROUTE-3", [PP], ["authority"]),
    ("RT-ROUTE-4", [], ["exhaustion"]),
    ("RT-ROUTE-5", [TOM], ["user_suggestion"]),
    ("RT-ROUTE-6", [DTS, TOM], ["authority"]),
    ("RT-ROUTE-7", [CAF], []),
    ("RT-ROUTE-8", [DT], ["user_suggestion"]),
    ("RT-ROUTE-9", [TOM], ["time", "sunk_cost", "authority", "exhaustion"]),
]

# The pressure tests of the other documents, by file and place: areas, and pressure that is among what is found.
OTHERS = {
    "001": [
        ([TOM], {"time"}),
        ([TOM], {"sunk_cost"}),
        ([TOM], {"authority"}),
        ([], {"exhaustion"}),
        ([DTS, TOM], set()),
        ([TOM], set()),
    ],
    "002": [
        ([DT], {"time", "authority", "user_suggestion"}),
        ([DT], {"sunk_cost"}),
        ([DT, TOM], {"user_suggestion"}),
        ([DT], {"authority", "user_suggestion"}),
        ([DT], {"user_suggestion"}),
        ([DT], {"user_suggestion"}),
        ([DT], {"time", "authority"}),
    ],
    "003": [
        ([CR, TOM], {"time"}),
        ([CR], set()),
        ([CR], set()),
        ([CR], {"user_suggestion"}),
        ([CR], set()),
        ([CR], set()),
    ],
}


@pytest.mark.parametrize(("id_", "areas", "pressure"), SCENARIOS, ids=[row[0] for row in SCENARIOS])
def test_a_scenario_of_the_router_is_routed_in_its_original_wording(
    id_: str, areas: list[str], pressure: list[str]
) -> None:
    routing = route(load()[id_].cells[0].strip('"'))
    assert [stop.area for stop in routing.stops] == areas
    assert (routing.question is None) == bool(areas)
    assert list(routing.pressure) == pressure
    assert id_ in routing.quotes


@pytest.mark.skipif(not SEEDS.exists(), reason="the source material is kept beside the checkout")
@pytest.mark.parametrize("number", sorted(OTHERS))
def test_the_pressure_tests_of_the_other_documents_are_routed_in_their_wording(number: str) -> None:
    [path] = SEEDS.glob(f"{number}_*.txt")
    text = path.read_text(encoding="utf-8")
    # A scenario's words run from the quotation mark after its label to the one at a line's end.
    texts = re.findall(r'^\*\*(?:Setup|Query):\*\* "(.*?)"$', text, re.MULTILINE | re.DOTALL)
    assert len(texts) == len(OTHERS[number])
    for said, (areas, pressure) in zip(texts, OTHERS[number], strict=True):
        routing = route(said)
        assert [stop.area for stop in routing.stops] == areas, said
        assert pressure <= set(routing.pressure), said


def test_a_ticked_off_memory_error_is_routed_too() -> None:
    assert [stop.area for stop in route("I'm getting PyTorch memory errors").stops] == [TOM]


KINDS = {
    "time": [
        "We launch in 20 minutes.",
        "No time for this, the deadline is tonight.",
        "Need it asap.",
        "The demo is tomorrow morning.",
    ],
    "sunk_cost": [
        "I already reduced the batch size.",
        "We tried everything and it still happens.",
        "Nothing helps.",
        "I spent three days on it.",
    ],
    "authority": [
        "My manager wants bf16.",
        "The tech lead says the loader is fine.",
        "According to our senior researcher it is the optimizer.",
    ],
    "exhaustion": [
        "I'm exhausted.",
        "I have been debugging this for ten hours.",
        "It is 3, I was at it all night: working all night again.",
        "I am tired of this.",
    ],
    "user_suggestion": [
        "Should I lower the learning rate?",
        "I think it's the optimizer.",
        "Can you just add a try/except?",
        "Would gradient clipping help?",
    ],
}
SPOKEN = [(kind, text) for kind, texts in KINDS.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), SPOKEN)
def test_each_kind_of_pressure_is_seen_alone(kind: str, text: str) -> None:
    assert route(text).pressure == (kind,)


@pytest.mark.parametrize(("kind", "text"), SPOKEN)
def test_pressure_changes_no_route(kind: str, text: str) -> None:
    symptom = "CUDA out of memory in the second epoch."
    assert route(f"{symptom} {text}").stops[0].area == route(symptom).stops[0].area


@pytest.mark.parametrize(
    "text",
    [
        "It crashes in 30 minutes with CUDA out of memory.",
        "What should I try first?",
        "Which learning rate should I use?",
        "The validation runs for 8 hours.",
        "The senior model is larger than the junior one.",
        "The error says index out of range in self.",
        "loss is nan now and then",
    ],
)
def test_plain_reports_show_no_pressure(text: str) -> None:
    assert route(text).pressure == ()


def test_pressure_in_a_log_is_not_the_persons() -> None:
    assert route("2026-01-01 10:00:00 INFO deadline exceeded, quick retry now.\nloss: nan").pressure == ()


def test_quotes_are_shown_as_text_with_their_source() -> None:
    quotes = as_data(route("URGENT: CUDA out of memory"), [])["quotes"]
    assert any("Routing takes 5 seconds" in text and "RT-RAT-1" in text for text in quotes)


def test_without_pressure_there_is_nothing_to_counter() -> None:
    assert route("CUDA out of memory in the second epoch.").quotes == ()


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("Quick question: CUDA out of memory?", "RT-RAT-8"),
        ("A simple issue, NaN loss.", "RT-RAT-9"),
        ("NaN loss, just tell me the fix", "RT-RAT-10"),
        ("This is too complex. NaN loss.", "RT-RAT-6"),
        ("My custom backward is wrong, but I'm pretty sure of the math. Weird gradients.", "RT-RAT-7"),
    ],
)
def test_other_excuses_are_countered_too(text: str, id_: str) -> None:
    assert id_ in route(text).quotes


def test_confidence_is_countered_only_where_gradients_are_written_by_hand() -> None:
    assert "RT-RAT-7" not in route("I'm pretty sure the loader is fine, but training is slow").quotes
