"""The catalogue quotes the source material word for word, says where it stands, and finds the entry that fits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from dry_debug.records import replace
from dry_debug_rules.catalogue import Entry, choose, digest, load, quote

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
ENTRIES = list(load().values())

DOCUMENTS = (
    "using-pytorch-engineering",
    "tensor-operations-and-memory",
    "debugging-techniques",
    "checkpointing-and-reproducibility",
    "dry-debugging",
)
PREFIXES = ("RT", "MEM", "DBG", "CKPT", "DRY")
KINDS = {
    "checklist", "consequence", "counts", "deviation", "edge_case", "example", "focus", "framework_check", "gap",
    "pitfall", "pressure", "principle", "procedure", "rationalization", "red_flag", "report", "resistance", "routing",
    "script", "seed_source", "severity", "state_component", "topic",
}  # fmt: skip
PRESSURES = {"time", "sunk_cost", "authority", "exhaustion", "user_suggestion", "none"}

# Cells of one entry are one passage: no further apart in the document than this many code points.
PASSAGE = 1500


def is_intact(entry: Entry) -> bool:
    return entry.sha256 == digest(entry.cells)


def misplaced(entry: Entry, seed: str) -> list[str]:
    """The cells that do not stand in the seed text where the entry says; empty when all do."""
    if seed[entry.offset : entry.offset + len(entry.cells[0])] != entry.cells[0]:
        return [entry.cells[0]]
    end = entry.offset + len(entry.cells[0])
    for cell in entry.cells[1:]:
        found = seed.find(cell, end, end + PASSAGE + len(cell))
        if found < 0:
            return [cell]
        end = found + len(cell)
    return []


def with_other_cells(entry: Entry, index: int, cell: str) -> Entry:
    cells = list(entry.cells)
    cells[index] = cell
    return replace(entry, cells=tuple(cells))


def seed_text(number: int) -> str:
    (path,) = SEEDS.glob(f"{number:03}_*.txt")
    return path.read_bytes().decode("utf-8")


needs_seeds = pytest.mark.skipif(not SEEDS.is_dir(), reason="the source material is not beside this checkout")

# One character swapped, dropped, added, or only its case changed.
CHANGES: dict[str, Callable[[str], str]] = {
    "swapped": lambda text: ("x" if text[0] != "x" else "y") + text[1:],
    "dropped": lambda text: text[:-1],
    "added": lambda text: text + "!",
    "case": lambda text: text.swapcase(),
}


def test_ids_are_unique_and_carry_the_prefix_of_their_document() -> None:
    text = (resources.files("dry_debug_rules.catalogue") / "entries.json").read_text(encoding="utf-8")
    written = re.findall(r'^  "id": "(.+)",$', text, flags=re.MULTILINE)
    assert [id_ for id_, count in Counter(written).items() if count > 1] == []
    assert len(written) == len(ENTRIES)
    assert all(entry.id.startswith(PREFIXES[entry.seed] + "-") for entry in ENTRIES)


def test_fields_hold_only_their_values() -> None:
    for entry in ENTRIES:
        assert entry.kind in KINDS, entry.id
        assert entry.pressure in PRESSURES, entry.id
        assert entry.document == DOCUMENTS[entry.seed], entry.id
        assert entry.cells, entry.id
        assert all(cell and cell == cell.strip() and "\n" not in cell for cell in entry.cells), entry.id
        assert all(echo == echo.lower().strip() for echo in entry.echoes), entry.id
        assert len(set(entry.echoes)) == len(entry.echoes), entry.id


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_quote_has_the_hash_that_was_recorded(entry: Entry) -> None:
    assert is_intact(entry)


@needs_seeds
@pytest.mark.parametrize("number", range(5))
def test_the_cells_stand_in_the_seed_where_the_entry_says(number: int) -> None:
    seed = seed_text(number)
    entries = [entry for entry in ENTRIES if entry.seed == number]
    assert entries
    assert {entry.id: misplaced(entry, seed) for entry in entries if misplaced(entry, seed)} == {}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_one_changed_character_breaks_the_hash(entry: Entry, name: str) -> None:
    for index, cell in enumerate(entry.cells):
        assert not is_intact(with_other_cells(entry, index, CHANGES[name](cell)))


# Not "dropped": a shorter cell still stands there, and only the hash can tell.
@needs_seeds
@pytest.mark.parametrize("name", ["swapped", "added", "case"])
@pytest.mark.parametrize("id_", ["CKPT-RAT-1", "MEM-RF-3", "DBG-RAT-5", "DRY-RF-1", "RT-RAT-1"])
def test_one_changed_character_is_not_in_the_seed_any_more(id_: str, name: str) -> None:
    entry = load()[id_]
    seed = seed_text(entry.seed)
    for index, cell in enumerate(entry.cells):
        assert misplaced(with_other_cells(entry, index, CHANGES[name](cell)), seed)


@needs_seeds
def test_a_wrong_offset_is_noticed() -> None:
    entry = load()["CKPT-RAT-1"]
    seed = seed_text(entry.seed)
    assert misplaced(replace(entry, offset=entry.offset + 1), seed)


@pytest.mark.parametrize(
    ("id_", "check"),
    [
        ("CKPT-STATE-2", "E-03"),
        ("CKPT-STATE-7", "E-03"),
        ("CKPT-CRIT-1", "E-03"),
        ("CKPT-SEED-0", "E-04"),
        ("CKPT-SEED-8", "E-04"),
        ("CKPT-SEED-7", "E-05"),
        ("MEM-EC-3", "E-06"),
    ],
)
def test_a_claim_that_is_wrong_is_never_shown_without_its_correction(id_: str, check: str) -> None:
    entry = load()[id_]
    assert entry.correction is not None
    assert entry.correction.check == check
    assert f"({check})" in quote(entry)
    assert entry.correction.text in quote(entry)


def test_corrections_are_our_own_words_and_name_their_check() -> None:
    for entry in ENTRIES:
        if entry.correction is not None:
            assert re.fullmatch(r"E-\d\d", entry.correction.check), entry.id
            assert not entry.correction.text.endswith("."), entry.id
            assert all(cell not in entry.correction.text for cell in entry.cells), entry.id


@pytest.mark.parametrize(
    ("comment", "leads"),
    [
        ("# Just one run for the rebuttal", "CKPT-RAT-4"),
        ("# TODO: clean this up", "CKPT-RAT-1"),
        ("# quick   fix,\n# FOR\n# NOW", "CKPT-RAT-1"),
        ("# weights alone: saves disk space", "CKPT-RAT-2"),
        ("# this is overkill", "CKPT-RAT-3"),
        ("", "CKPT-RAT-6"),
        ("# knowledge distillation", "CKPT-RAT-6"),
        ("# diskette, tododo, forenow", "CKPT-RAT-6"),
    ],
)
def test_the_words_of_a_comment_choose_which_entry_leads(comment: str, leads: str) -> None:
    ids = ["CKPT-RAT-6", "CKPT-RAT-3", "CKPT-RAT-2", "CKPT-RAT-1"]
    if "one run" in comment:
        ids = ["CKPT-SEED-1", "CKPT-RAT-4"]
    assert choose(ids, comment)[0].id == leads


def test_without_an_echo_the_given_order_stays() -> None:
    ids = ["CKPT-RAT-6", "CKPT-COMP-1", "CKPT-NEVER", "CKPT-RAT-1"]
    assert [entry.id for entry in choose(ids, "# save the model")] == ids
    assert [entry.id for entry in choose(ids, "# for now")] == [ids[3], *ids[:3]]


def test_a_curly_apostrophe_in_a_comment_is_an_apostrophe() -> None:
    ids = ["RT-RAT-1", "RT-RAT-2"]
    assert choose(ids, "# tried gamma=0.9, didn\N{RIGHT SINGLE QUOTATION MARK}t help")[0].id == "RT-RAT-2"


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError, match="CKPT-RAT-99"):
        choose(["CKPT-RAT-1", "CKPT-RAT-99"], "")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_quote_is_one_line_with_its_source(entry: Entry) -> None:
    line = quote(entry)
    assert "\n" not in line
    assert f"({entry.document}, {entry.id})" in line
    assert '\\"' not in line
    assert line.count("`") % 2 == 0
    assert not re.search(r"(?<!\\)<", re.sub(r"`[^`]*`", "", line)), "a bare < opens an HTML tag"


def test_a_quote_begins_with_the_passage_itself() -> None:
    assert quote(load()["CKPT-RAT-1"]) == (
        '"Just checkpoint quickly, will optimize later" — Complete checkpoint takes 5 min to write, incomplete takes '
        '10 hours to debug. "Later" never comes, incomplete checkpoint ships. '
        "(checkpointing-and-reproducibility, CKPT-RAT-1)"
    )


def test_the_catalogue_cannot_be_changed_by_its_readers() -> None:
    with pytest.raises(TypeError):
        load()["CKPT-RAT-1"] = ENTRIES[0]  # type: ignore[index]


def test_the_notice_names_every_source_and_its_licence() -> None:
    notice = (resources.files("dry_debug_rules.catalogue") / "NOTICE").read_text(encoding="utf-8")
    for expected in (*DOCUMENTS, "tachyon-beep/skillpacks", "CC BY-SA 4.0", "ankitmaloo/notebooks"):
        assert expected in notice
