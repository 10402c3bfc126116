"""Loads wording.json: which words speak for which area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Weights:
    """`areas` (the empty one: a question is due), and for each feature of a text one weight for each of them."""

    areas: tuple[str, ...]
    words: Mapping[str, list[int]]


@cache
def weights() -> Weights:
    """The table, read once. tests/triage/wording.py makes it."""
    import json

    data = json.loads((resources.files(str(__package__)) / "wording.json").read_text(encoding="utf-8"))
    return Weights(tuple(data["areas"]), data["words"])
