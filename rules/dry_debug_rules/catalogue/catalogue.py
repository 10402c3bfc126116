"""Loads the catalogue, chooses the entry that fits a finding and writes it as one line of Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType

from dry_debug.records import dataclass


@dataclass(frozen=True, slots=True)
class Correction:
    """What holds instead of a claim that was checked and found wrong, in our own words."""

    check: str  # id of the check that found it: E-01 ...
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage of the source material.

    `cells` are exact substrings of seed file number `seed` (table cells, list items or lines of code), in the order in
    which they stand there; `offset` counts the code points from the start of that file to the first of them. `echoes`
    are words in a user's comment that call this entry up, in lower case.
    """

    id: str
    kind: str
    cells: tuple[str, ...]
    code: bool  # the cells are source code and not prose
    document: str
    seed: int
    offset: int
    sha256: str  # of the cells, see `digest`
    pressure: str  # time, sunk_cost, authority, exhaustion, user_suggestion or none
    echoes: tuple[str, ...]
    correction: Correction | None


def digest(cells: Sequence[str]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the cells, joined by line feeds, in UTF-8."""
    import hashlib  # only the tests ask for it, and it costs milliseconds to load

    return hashlib.sha256("\n".join(cells).encode()).hexdigest()[:16]


@cache
def load() -> Mapping[str, Entry]:
    """Every entry by its id, in the order of the source material; read once and read-only."""
    # JSON and not TOML: on 260 entries json takes 0.4 ms and tomllib 10 ms.
    text = (resources.files(__package__) / "entries.json").read_text(encoding="utf-8")
    entries = {}
    for row in json.loads(text):
        row["cells"] = tuple(row["cells"])
        row["echoes"] = tuple(row["echoes"])
        row["correction"] = Correction(**row["correction"]) if row["correction"] else None
        entries[row["id"]] = Entry(**row)
    return MappingProxyType(entries)


def choose(ids: Sequence[str], comments: str) -> list[Entry]:
    """The entries with these ids; those that a word in the comments calls up come first, each part in the given order.

    `comments` is the text of the comments near a finding, comment signs included or not. An echo has to occur in it as
    whole words, in any case. Raises KeyError for an id that is not in the catalogue.
    """
    entries = [load()[id_] for id_ in ids]
    spoken = _normalized(comments)
    return sorted(entries, key=lambda entry: not _echoes_in(entry, spoken))


def echoed(entry: Entry, comments: str) -> bool:
    """Whether a word in the comments calls the entry up."""
    return _echoes_in(entry, _normalized(comments))


def quote(entry: Entry) -> str:
    """The entry as one line of Markdown with its source, and with what holds instead where the claim is wrong."""
    # The further cells of a table row name its test or how to recognise it: nothing for the reader of a finding.
    cells = entry.cells[:2] if entry.kind in {"rationalization", "gap", "resistance"} else entry.cells
    shown = " — ".join(_code_span(cell) if entry.code else _prose(cell) for cell in cells)
    line = f"{shown} ({entry.document}, {entry.id})"
    if entry.correction is not None:
        line += f". Checked: {_prose(entry.correction.text)} ({entry.correction.check})"
    return line


def _normalized(comments: str) -> str:
    """Lower case, straight apostrophes, comment signs and runs of white space as one space."""
    return re.sub(r"[\s#]+", " ", comments.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower())


def _echoes_in(entry: Entry, spoken: str) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(echo)}(?!\w)", spoken) for echo in entry.echoes)


def _prose(cell: str) -> str:
    # One source document escapes the quotation marks inside its table cells; the cell keeps that, the reader does not.
    text = cell.replace('\\"', '"')
    # A bare < would open an HTML tag in the editor's Markdown; inside a code span it is harmless as it is.
    return "".join(part if part.startswith("`") else part.replace("<", "\\<") for part in re.split(r"(`[^`]*`)", text))


def _code_span(cell: str) -> str:
    text = cell.replace('\\"', '"')
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"
