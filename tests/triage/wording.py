"""Makes the weights of words (rules/dry_debug_rules/catalogue/wording.json) from the labelled texts of this folder.

Naive Bayes over the words and pairs of words that stand in at least two texts, smoothed. The texts it is made from are
no measurement of it: what it does with a text that it has not seen is what the first runs in reports.toml say.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from dry_debug.triage.wording import SCALE, features
from dry_debug_rules.catalogue.routes import AREAS

HERE = Path(__file__).resolve().parent
LABELS = (*AREAS, "")
_RARE = 2  # features in fewer texts say nothing
_SMOOTH, _TEXTS = 0.3, 3  # pseudo counts
_DAMPING = 0.7  # words are not independent
_NOTHING = 8  # weights that are all below this are left out


def labelled() -> list[tuple[str, str]]:
    """All texts with the area that their label names (empty: ambiguous)."""
    reports = tomllib.loads((HERE / "reports.toml").read_text(encoding="utf-8"))
    found = [(row["text"], row["area"]) for group in reports.values() for row in group]
    complaints = tomllib.loads((HERE / "complaints.toml").read_text(encoding="utf-8"))["case"]
    found += [(row["text"], row["area"]) for row in complaints]
    messages = tomllib.loads((HERE / "messages.toml").read_text(encoding="utf-8"))
    found += [(text, row["area"]) for row in messages["row"] for text in row["messages"]]
    phrasings = tomllib.loads((HERE / "phrasings.toml").read_text(encoding="utf-8"))
    return found + [(text, row["area"]) for row in phrasings["group"] for text in row["texts"]]


def learned(texts: Iterable[tuple[str, str]]) -> dict[str, list[int]]:
    """The weights of each feature for each of LABELS."""
    sizes: Counter[str] = Counter()
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, area in texts:
        sizes[area] += 1
        for feature in features(text):
            seen[feature][area] += 1
    every = sizes.total()
    found = {}
    for feature in sorted(seen):
        counts = seen[feature]
        total = counts.total()
        if total < _RARE:
            continue
        usual = (total + _SMOOTH * len(LABELS)) / (every + _TEXTS * len(LABELS))
        logs = [math.log((counts[area] + _SMOOTH) / (sizes[area] + _TEXTS) / usual) for area in LABELS]
        row = [round(SCALE * _DAMPING * value) for value in logs]
        if max(map(abs, row)) >= _NOTHING:
            found[feature] = row
    return found


def render() -> str:
    """The file, one feature a line."""
    lines = ",\n".join(
        f"{json.dumps(word)}:{json.dumps(row, separators=(',', ':'))}" for word, row in learned(labelled()).items()
    )
    return f'{{"areas":{json.dumps(LABELS)},"words":{{\n{lines}\n}}}}\n'
