"""Loads wording.json: which words speak for which area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from dry_debug.records import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """The model of tests/triage/wording.py.

    `areas` (the empty one: a question is due), `base` with one weight for each of them, and `words`: for each feature
    of a text how rare it is and then one weight for each area.
    """

    areas: tuple[str, ...]
    base: Sequence[int]
    words: Mapping[str, Sequence[int]]


@cache
def weights() -> Weights:
    """The table, read once. tests/triage/wording.py makes it."""
    import json

    data = json.loads((resources.files(str(__package__)) / "wording.json").read_text(encoding="utf-8"))
    return Weights(tuple(data["areas"]), data["base"], data["words"])
