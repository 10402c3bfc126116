"""What the wording of a text leans to: a linear model over its words, pairs of words and concepts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from dry_debug_rules.catalogue.wording import weights

from dry_debug.records import dataclass

_WORD = re.compile(r"[a-z_]+(?:'t)?|\d+")
_STEM = 7  # letters of a word that count: what stands behind them is mostly its ending
_MOST = 6_000  # code points; of a longer text the two ends are read
SCALE = 100  # the numbers of the table are whole: rarities and natural logarithms times this


@dataclass(frozen=True, slots=True)
class Leaning:
    """How likely each area is by the wording alone (empty name: a question is due); the shares add up to 1."""

    shares: Mapping[str, float]

    @property
    def area(self) -> str:
        """The likeliest."""
        return max(self.shares, key=lambda area: self.shares[area])

    @property
    def share(self) -> float:
        """How likely that one is."""
        return self.shares[self.area]


def features(text: str, concepts: Iterable[str]) -> frozenset[str]:
    """The beginnings of the words of `text`, of each two that follow each other, and the concepts found in it."""
    if len(text) > _MOST:
        text = f"{text[: _MOST // 2]} {text[-_MOST // 2 :]}"
    stems = [word[:_STEM] for word in _WORD.findall(text.lower())]
    pairs = (f"{one} {two}" for one, two in pairwise(stems))
    return frozenset(stems).union(pairs, (f":{concept}" for concept in concepts))


def leaning(text: str, concepts: Iterable[str]) -> Leaning:
    """What the wording of `text` leans to. A rare word counts for more; a long text is no surer than a short one."""
    table = weights()
    rows = [row for feature in features(text, concepts) if (row := table.words.get(feature))]
    length = math.sqrt(sum(row[0] * row[0] for row in rows)) or 1.0
    sums = [float(weight) for weight in table.base]
    for row in rows:
        rarity = row[0] / length
        sums = [total + rarity * weight for total, weight in zip(sums, row[1:], strict=True)]
    return Leaning(dict(zip(table.areas, shares([total / SCALE for total in sums]), strict=True)))


def shares(sums: list[float]) -> list[float]:
    """The sums as parts of 1, each e times as large for 1 more."""
    most = max(sums)
    parts = [math.exp(value - most) for value in sums]
    total = sum(parts)
    return [part / total for part in parts]
