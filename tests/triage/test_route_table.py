"""The routing table says what the inventory says, in the vocabulary of the other data, with patterns that stay fast."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from dry_debug_rules.catalogue import load
from dry_debug_rules.catalogue.routes import AREAS, PHASES, table

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT.parent / "shared" / "knowledge" / "inventory.md"
RULES = {row["name"] for row in tomllib.loads((ROOT / "rules" / "naming.toml").read_text(encoding="utf-8"))["rule"]}
ROUTES = table().routes
PRESSURES = ("time", "sunk_cost", "authority", "exhaustion", "user_suggestion")

# Part C of the inventory: 80 rows with gaps in their numbers.
SYMPTOMS = [
    f"C-{number:02d}"
    for first, last in ((1, 6), (10, 36), (40, 46), (50, 65), (70, 77), (80, 85), (90, 99))
    for number in range(first, last + 1)
]


def all_patterns() -> list[str]:
    known = table()
    patterns = [pattern for route in ROUTES for pattern in (*route.patterns, *route.words, *route.errors)]
    patterns += [pattern for marker in known.markers.values() for pattern in (*marker.patterns, *marker.unless)]
    patterns += [
        pattern
        for question in known.questions
        for pattern in (*question.patterns, *question.due, *question.before, *question.instead)
    ]
    return patterns + [pattern for item in (*known.pressures, *known.excuses) for pattern in item.words]


def test_every_symptom_of_the_inventory_has_its_row() -> None:
    ids = [route.id for route in ROUTES] + [question.id for question in table().questions]
    assert len(SYMPTOMS) == 80
    assert set(SYMPTOMS) == {id_ for id_ in ids if id_.startswith("C-")}
    assert len(ids) == len(set(ids))


@pytest.mark.skipif(not INVENTORY.exists(), reason="the inventory is kept beside the checkout")
def test_the_rows_are_those_of_the_inventory_itself() -> None:
    text = INVENTORY.read_text(encoding="utf-8")
    part = text[text.index("### C.1") : text.index("### C.2")]
    assert re.findall(r"^\| (C-\d\d) \|", part, re.MULTILINE) == SYMPTOMS


def test_every_sequence_of_the_inventory_has_its_row() -> None:
    assert [item.id for item in table().sequences] == [f"S-{number:02d}" for number in range(1, 14)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_a_row_is_complete_and_uses_known_names(route) -> None:
    known = table()
    ids = {row.id for row in ROUTES}
    assert route.step.area in AREAS
    assert route.phase in PHASES
    assert route.step.because and not route.step.because.endswith(".")
    assert route.step.first and all(check and not check.endswith(".") for check in route.step.first)
    assert route.step.rules or route.id == "X-09"
    assert set(route.step.rules) <= RULES
    assert len(set(route.step.rules)) == len(route.step.rules)
    assert set(route.covers) <= ids - {route.id}
    assert set(route.then) <= set(AREAS) - {route.step.area}
    assert not route.requires or route.requires in known.markers
    assert route.patterns or route.words or route.signs or route.frames or route.errors or route.id == "X-09"
    for context in route.contexts:
        assert context.marker in known.markers
        assert context.lead or context.take in AREAS or set(context.then) <= set(AREAS)
        assert not context.lead or known.markers[context.marker].step is not None


def test_markers_questions_and_sequences_use_known_names() -> None:
    known = table()
    ids = {route.id for route in ROUTES} | {question.id for question in known.questions}
    for marker in known.markers.values():
        if marker.step is not None:
            assert marker.step.area in AREAS and set(marker.step.rules) <= RULES
    assert [question.id for question in known.questions if not (question.patterns or question.due)] == ["C-99"]
    assert all(set(question.apart) <= set(AREAS) and len(question.apart) != 1 for question in known.questions)
    assert set(known.tells) == set(AREAS)
    assert all(question.text.count("?") == 1 or "." in question.text for question in known.questions)
    for sequence in known.sequences:
        assert set(sequence.routes) <= ids
        assert set(sequence.areas) | set(sequence.then) | set(sequence.not_first) <= set(AREAS)


def test_counters_are_catalogue_entries_of_the_same_pressure() -> None:
    known = table()
    entries = load()
    assert tuple(item.kind for item in known.pressures) == PRESSURES
    for number, item in enumerate(known.pressures, 1):
        assert entries[f"RT-PRESS-{number}"].pressure == item.kind
        assert item.quotes and all(entries[id_].pressure == item.kind for id_ in item.quotes)
    for excuse in known.excuses:
        assert all(entries[id_].kind == "rationalization" for id_ in excuse.quotes)
        assert set(excuse.areas) <= set(AREAS)
    for case in known.cases:
        assert entries[case.quote].kind == "routing"
        assert case.lead in ("", *AREAS) and set(case.pressure) <= set(PRESSURES)
        assert {"none", *case.pressure} >= {entries[case.quote].pressure}
    assert {case.quote for case in known.cases} == {f"RT-ROUTE-{number}" for number in range(1, 10)}


@pytest.mark.parametrize("pattern", all_patterns())
def test_a_pattern_is_in_lower_case_and_bounded(pattern: str) -> None:
    re.compile(pattern)
    plain = re.sub(r"\\[A-Z]", "", pattern)
    assert plain == plain.lower(), "texts are searched in lower case"
    assert not re.search(r"(?<!\\)\.[*+]|\{\d+,\}", pattern), "gaps are bounded"
    assert not re.search(r"[+*}]\)[+*{]", pattern.replace("(?: \\w+){", "")), "no repeated repetition"
