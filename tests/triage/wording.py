"""Makes the weights of words (rules/dry_debug_rules/catalogue/wording.json) from the labelled texts of this folder.

Logistic regression over words, pairs of words and concepts that stand in at least two texts, by stochastic gradient
descent in a fixed order. The texts it is made from are no measurement of it: what the router does with a text that it
has not seen is what the first runs in reports.toml say. `python tests/triage/wording.py` prints what the wording alone
makes of each set of reports when it is learned from all other texts (the concepts and the phrasings have seen them all,
so without the phrasings it is the lower bound); some minutes.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dry_debug.triage.matching import without_delays
from dry_debug.triage.pasted import read
from dry_debug.triage.vocabulary import Said
from dry_debug.triage.wording import SCALE, features, shares
from dry_debug_rules.catalogue.routes import AREAS

HERE = Path(__file__).resolve().parent
LABELS = (*AREAS, "")
_RARE = 2  # features in fewer texts say nothing
_ROUNDS, _RATE, _SLOWER = 10, 4.0, 0.3  # over all texts; size of a step, and by how much each round makes it smaller
_BASE = 0.02  # the part of a step that the base of an area takes
_SURE = 0.01  # a text whose label is as sure as that teaches nothing more
_STRIDE, _SHIFT = 7919, 104729  # primes: the order of the texts, another one in each round


@dataclass(frozen=True, slots=True)
class Model:
    """`rarity` and one weight for each of LABELS by feature; `base`: the weights of a text without features."""

    rarity: dict[str, float]
    weights: dict[str, list[float]]
    base: list[float]


def labelled() -> list[tuple[str, str]]:
    """All texts with the area that their label names (empty: ambiguous)."""
    reports = tomllib.loads((HERE / "reports.toml").read_text(encoding="utf-8"))
    found = [(row["text"], row["area"]) for group in reports.values() for row in group]
    complaints = tomllib.loads((HERE / "complaints.toml").read_text(encoding="utf-8"))["case"]
    found += [(row["text"], row["area"]) for row in complaints]
    messages = tomllib.loads((HERE / "messages.toml").read_text(encoding="utf-8"))
    found += [(text, row["area"]) for row in messages["row"] for text in row["messages"]]
    phrasings = tomllib.loads((HERE / "phrasings.toml").read_text(encoding="utf-8"))
    found += [(text, row["area"]) for row in phrasings["group"] for text in row["texts"]]
    ambiguous = tomllib.loads((HERE / "ambiguous.toml").read_text(encoding="utf-8"))["case"]
    found += [(row["text"], row["areas"][0] if row["areas"] else "") for row in ambiguous]
    threads = tomllib.loads((HERE / "threads.toml").read_text(encoding="utf-8"))["thread"]
    return found + [(row["text"], row["area"]) for row in threads]


def left_out(phrasings: bool) -> dict[str, tuple[int, int]]:
    """By set of reports: how many of them the model of all other texts calls what their label says, and how many."""
    sets = tomllib.loads((HERE / "reports.toml").read_text(encoding="utf-8"))
    said = tomllib.loads((HERE / "phrasings.toml").read_text(encoding="utf-8"))["group"]
    without = {(text, row["area"]) for row in said for text in row["texts"] if not phrasings}
    result = {}
    for name, group in sets.items():
        asked = [(row["text"], row["area"]) for row in group]
        model = learned(row for row in labelled() if row not in asked and row not in without)
        result[name] = (sum(LABELS.index(area) == likeliest(model, text) for text, area in asked), len(asked))
    return result


def likeliest(model: Model, text: str) -> int:
    """The index of the label that the model finds likeliest for the text."""
    sums = list(model.base)
    for name, value in _scaled(of_text(text), model.rarity):
        sums = [total + value * weight for total, weight in zip(sums, model.weights[name], strict=True)]
    return sums.index(max(sums))


def of_text(text: str) -> Sequence[str]:
    """The features of a text as the router sees them, in a fixed order."""
    return sorted(features(text, Said(without_delays(read(text).prose.lower())).concepts))


def learned(texts: Iterable[tuple[str, str]]) -> Model:
    """The model of the texts with their labels."""
    rows = [(of_text(text), LABELS.index(area)) for text, area in texts]
    counts = Counter(feature for found, _ in rows for feature in found)
    rarity = {name: math.log(len(rows) / count) for name, count in sorted(counts.items()) if count >= _RARE}
    model = Model(rarity, {name: [0.0] * len(LABELS) for name in rarity}, [0.0] * len(LABELS))
    examples = [(_scaled(found, rarity), label) for found, label in rows]
    for step in range(_ROUNDS):
        rate = _RATE / (1 + step * _SLOWER)
        for index in range(len(examples)):
            known, label = examples[(index * _STRIDE + step * _SHIFT) % len(examples)]
            _teach(model, known, label, rate)
    return model


def _scaled(found: Iterable[str], rarity: dict[str, float]) -> list[tuple[str, float]]:
    """The known features, each with its rarity, as a vector of length 1."""
    known = [(name, rarity[name]) for name in found if name in rarity]
    length = math.sqrt(sum(value * value for _, value in known)) or 1.0
    return [(name, value / length) for name, value in known]


def _teach(model: Model, known: Sequence[tuple[str, float]], label: int, rate: float) -> None:
    sums = list(model.base)
    for name, value in known:
        sums = [total + value * weight for total, weight in zip(sums, model.weights[name], strict=True)]
    wrong = [-share for share in shares(sums)]
    wrong[label] += 1
    if wrong[label] < _SURE:
        return
    step = [rate * value for value in wrong]
    for name, value in known:
        model.weights[name] = [
            weight + value * change for weight, change in zip(model.weights[name], step, strict=True)
        ]
    model.base[:] = [weight + _BASE * change for weight, change in zip(model.base, step, strict=True)]


def render() -> str:
    """The file, one feature a line: its rarity, then its weights."""
    model = learned(labelled())
    rows = ((name, [_whole(model.rarity[name]), *map(_whole, weights)]) for name, weights in model.weights.items())
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in rows)
    base = json.dumps([_whole(value) for value in model.base], separators=(",", ":"))
    return f'{{"areas":{json.dumps(LABELS)},"base":{base},"words":{{\n{lines}\n}}}}\n'


def _whole(value: float) -> int:
    return round(SCALE * value)


def _print_left_out() -> None:
    for phrasings in (False, True):
        found = left_out(phrasings)
        for name, (right, of) in found.items():
            print(f"{name:14}{right:4} of {of}")
        right, of = (sum(column) for column in zip(*found.values(), strict=True))
        print(f"{right} of {of}, {100 * right / of:.1f} % ({'with' if phrasings else 'without'} the phrasings)\n")


if __name__ == "__main__":
    _print_left_out()
