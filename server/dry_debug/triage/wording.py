"""What the wording of a text leans to: weights of words and pairs of words, learned from labelled reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from dry_debug_rules.catalogue.wording import weights

_WORD = re.compile(r"[a-z_]+(?:'t)?|\d+")
_STEM = 7  # letters of a word that count: what stands behind them is mostly its ending
_MOST = 6_000  # code points; of a longer text the two ends are read
SCALE = 100  # the weights are whole numbers: natural logarithms times this


@dataclass(frozen=True, slots=True)
class Leaning:
    """The area (empty: a question is due) that most of the words speak for, and by how much before the next.

    `lead` is in natural logarithms of odds, as if the words were independent; they are not, so it says too much.
    """

    area: str
    lead: float


def features(text: str) -> frozenset[str]:
    """The beginnings of the words of `text` and of each two that follow each other."""
    if len(text) > _MOST:
        text = f"{text[: _MOST // 2]} {text[-_MOST // 2 :]}"
    stems = [word[:_STEM] for word in _WORD.findall(text.lower())]
    return frozenset(stems) | {f"{one} {two}" for one, two in pairwise(stems)}


def leaning(text: str) -> Leaning:
    """What the wording of `text` leans to."""
    table = weights()
    sums = [0] * len(table.areas)
    for feature in features(text):
        for index, weight in enumerate(table.words.get(feature, ())):
            sums[index] += weight
    first, second = sorted(range(len(sums)), key=lambda index: -sums[index])[:2]
    return Leaning(table.areas[first], (sums[first] - sums[second]) / SCALE)
