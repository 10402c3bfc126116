"""rules/naming.toml keeps its own law: unique names and codes, valid fields, nothing of the source material lost."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dry_debug.lint.manifest_source import rule_classes
from dry_debug_rules.catalogue import EXCUSES, load

ROOT = Path(__file__).resolve().parents[2]
NAMING = ROOT / "rules" / "naming.toml"
KNOWLEDGE = ROOT.parent / "shared" / "knowledge"

SHAPES = {"site", "order", "whole", "comment"}
SEVERITIES = {"critical", "warning", "suggestion"}
FIXES = {"safe", "unsafe", "display", "none"}
STATUSES = {"built", "planned", "withdrawn"}
RULE_KEYS = {
    "name", "code", "family", "summary", "shape", "severity", "fix", "tier", "status", "inventory", "peers",
}  # fmt: skip

# A name is the bad pattern. These first words would make it an instruction, a mood or a check instead.
INSTRUCTIONS = (
    "add", "always", "avoid", "be", "call", "check", "consider", "disable", "do", "dont", "enable", "ensure", "fix",
    "forbid", "keep", "make", "must", "never", "no", "not", "prefer", "remove", "replace", "require", "set", "should",
    "try", "use", "verify",
)  # fmt: skip
# `missing-` only where no noun says which absence it is; nothing has needed it yet.
MISSING_ALLOWED: frozenset[str] = frozenset()

# The peers of peers.md that read source without running it (its section "Coverage at a glance").
STATIC_PEERS = ("TF", "TP", "SO", "CG", "PS", "DS", "CS", "ML", "TL", "MD", "DE", "RE", "TB")

# Built first, and quoted outside this repository: these may not change any more.
FIRST_NINE = {
    "CKPT001": ("incomplete-checkpoint", "checkpoint", "whole", "critical"),
    "CKPT010": ("unmapped-checkpoint-load", "checkpoint", "site", "warning"),
    "SEED001": ("partial-seeding", "reproducibility", "whole", "warning"),
    "LOOP001": ("uncleared-gradients", "loop", "order", "critical"),
    "LOOP002": ("lingering-eval-mode", "loop", "order", "critical"),
    "MEM001": ("attached-loss-total", "memory", "site", "warning"),
    "LOSS001": ("softmax-before-cross-entropy", "loss", "site", "critical"),
    "AMP001": ("clip-before-unscale", "amp", "order", "critical"),
    "VLLM001": ("default-max-tokens", "vllm", "site", "warning"),
}

Entry = dict[str, Any]
BOOK: dict[str, Any] = tomllib.loads(NAMING.read_text(encoding="utf-8"))
RULES: list[Entry] = BOOK["rule"]
FAMILIES: dict[str, dict[str, str]] = BOOK["families"]
LEFT_OUT: list[Entry] = BOOK["left_out"]


def repeated(values: Iterator[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def name_faults(name: str) -> list[str]:
    """What of the naming law a name breaks; empty for a lawful name."""
    faults = []
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        faults.append("not kebab-case")
    first = name.split("-")[0]
    if first in INSTRUCTIONS:
        faults.append(f"{first}- is an instruction")
    if first == "missing" and name not in MISSING_ALLOWED:
        faults.append("missing- where a noun could say it")
    return faults


def summary_faults(summary: str) -> list[str]:
    faults = []
    if not summary or summary != summary.strip() or "\n" in summary:
        faults.append("not one plain line")
    if len(summary) > 120:
        faults.append(f"{len(summary)} characters")
    if summary.endswith("."):
        faults.append("ends with a full stop")
    return faults


@pytest.mark.parametrize("name", ["avoid-eval", "use-adamw", "missing-step", "Two_Words", "no-seed", "step--twice"])
def test_an_unlawful_name_is_recognised(name: str) -> None:
    assert name_faults(name)


@pytest.mark.parametrize("summary", ["", "Ends with a stop.", "x" * 121, " padded", "two\nlines"])
def test_an_unfit_summary_is_recognised(summary: str) -> None:
    assert summary_faults(summary)


def test_every_entry_has_exactly_the_fields_of_the_header() -> None:
    assert {rule.get("name"): set(rule) ^ RULE_KEYS for rule in RULES if set(rule) != RULE_KEYS} == {}


def test_names_and_codes_are_unique() -> None:
    assert repeated(rule["name"] for rule in RULES) == []
    assert repeated(rule["code"] for rule in RULES) == []


def test_names_follow_the_naming_law() -> None:
    assert {rule["name"]: name_faults(rule["name"]) for rule in RULES if name_faults(rule["name"])} == {}


def test_summaries_are_one_line_without_a_full_stop() -> None:
    assert {rule["name"]: summary_faults(rule["summary"]) for rule in RULES if summary_faults(rule["summary"])} == {}


def test_families_are_words_with_their_own_prefix() -> None:
    prefixes = [family["prefix"] for family in FAMILIES.values()]
    assert all(re.fullmatch(r"[a-z]+", name) for name in FAMILIES)
    assert all(re.fullmatch(r"[A-Z]{2,5}", prefix) for prefix in prefixes)
    assert repeated(iter(prefixes)) == []
    assert set(FAMILIES) == {rule["family"] for rule in RULES}


def test_codes_are_the_prefix_of_the_family_and_three_digits() -> None:
    wrong = [
        rule["code"]
        for rule in RULES
        if not re.fullmatch(FAMILIES[rule["family"]]["prefix"] + r"[0-9]{3}", rule["code"])
    ]
    assert wrong == []


def test_entries_stand_in_the_order_of_their_families_and_codes() -> None:
    order = list(FAMILIES)
    keys = [(order.index(rule["family"]), rule["code"]) for rule in RULES]
    assert keys == sorted(keys)


def test_closed_fields_hold_only_their_values() -> None:
    for rule in RULES:
        assert rule["shape"] in SHAPES, rule["name"]
        assert rule["severity"] in SEVERITIES, rule["name"]
        assert rule["fix"] in FIXES, rule["name"]
        assert rule["status"] in STATUSES, rule["name"]
        assert rule["tier"] in {1, 2, 3}, rule["name"]


def test_the_first_nine_keep_their_names_and_codes() -> None:
    found = {
        rule["code"]: (rule["name"], rule["family"], rule["shape"], rule["severity"])
        for rule in RULES
        if rule["code"] in FIRST_NINE
    }
    assert found == FIRST_NINE
    assert FIRST_NINE.keys() <= {rule["code"] for rule in RULES if rule["status"] == "built"}


def test_every_rule_has_a_source() -> None:
    # "Versions that cannot work together" is asked for beyond the tables: the sources stand in the rule's own table.
    bare = [r for r in RULES if not r["inventory"] and not r["peers"] and r["name"] != "incompatible-versions"]
    # The excuses are built on the catalogue itself, which part A of the inventory lists.
    assert [rule["name"] for rule in bare if rule["shape"] != "comment"] == []
    assert {rule["name"] for rule in bare} == set(EXCUSES)
    assert all(id_ in load() for excuse in EXCUSES.values() for ids in excuse.answers.values() for id_ in ids)


def test_no_source_is_claimed_twice() -> None:
    entries = RULES + LEFT_OUT
    assert repeated(source for entry in entries for source in entry["inventory"]) == []
    assert repeated(row for entry in entries for row in entry["peers"]) == []


def test_what_is_left_out_says_why() -> None:
    for entry in LEFT_OUT:
        assert set(entry) == {"inventory", "peers", "why"}
        assert entry["inventory"] or entry["peers"]
        assert len(entry["why"]) > 20


def test_every_rule_class_agrees_with_its_entry() -> None:
    entries = {rule["name"]: rule for rule in RULES}
    for cls in rule_classes():
        entry = entries[cls.name]
        assert cls.__module__ == f"dry_debug_rules.{entry['family']}.{cls.name.replace('-', '_')}"
        assert cls.code == entry["code"], cls.name
        assert cls.shape == entry["shape"], cls.name
        assert cls.severity == entry["severity"], cls.name
        assert cls.fix_kind == entry["fix"], cls.name
        assert entry["status"] == "built", cls.name


def test_every_rule_class_quotes_entries_of_the_catalogue() -> None:
    for cls in rule_classes():
        assert set(cls.quotes) <= load().keys(), cls.name


def table_rows(path: Path) -> Iterator[list[str]]:
    """The cells of every numbered table row; `\\|` inside a cell does not end it."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| \d+ \| ", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def inventory_tiers() -> dict[str, int]:
    """Rule id -> tier, from part D of the inventory (there the id stands in backticks)."""
    return {row[1].strip("`"): int(row[-1]) for row in table_rows(KNOWLEDGE / "inventory.md") if row[1].startswith("`")}


def peer_rows() -> dict[int, str]:
    """Row number -> its peers cell."""
    return {int(row[0]): row[2] for row in table_rows(KNOWLEDGE / "peers.md")}


needs_knowledge = pytest.mark.skipif(not KNOWLEDGE.is_dir(), reason="the source material is not beside this checkout")


@needs_knowledge
def test_every_inventory_rule_of_tier_one_and_two_is_taken_or_left_out_with_a_reason() -> None:
    tiers = inventory_tiers()
    assert len(tiers) == 289
    named = {source for entry in RULES + LEFT_OUT for source in entry["inventory"]}
    assert named - tiers.keys() == set()
    assert {source for source, tier in tiers.items() if tier <= 2} - named == set()


@needs_knowledge
def test_a_rule_is_in_the_tier_of_its_most_urgent_source() -> None:
    tiers = inventory_tiers()
    for rule in RULES:
        if rule["inventory"]:
            assert rule["tier"] == min(tiers[source] for source in rule["inventory"]), rule["name"]


@needs_knowledge
def test_every_peer_row_with_a_static_peer_is_taken_or_left_out_with_a_reason() -> None:
    rows = peer_rows()
    assert sorted(rows) == list(range(1, 319))
    # A row that only mentions a static peer (an idea, a part of it) counts too: the larger set, 130 rows against 124.
    key = re.compile(r"(?<![A-Za-z])(" + "|".join(STATIC_PEERS) + r")(?![A-Za-z])")
    static = {number for number, peers in rows.items() if key.search(peers)}
    assert len(static) >= 124
    named = {row for entry in RULES + LEFT_OUT for row in entry["peers"]}
    assert named - rows.keys() == set()
    assert static - named == set()
