"""Data and models that the instructions call by the name that the code has for them, and by no word that is known.

"Start the no_robots sft", "grade the answers in pairs.tsv": what the code loads is named, so it was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.spec.context import asked_part, asks_nothing, without_negations
from dry_debug.spec.instruction import Instruction, Source
from dry_debug.spec.models import Model
from dry_debug.spec.structure import sentences

if TYPE_CHECKING:
    from dry_debug.spec.observed import Observed

# Names that are words of every instruction.
_COMMON = frozenset(
    "data dataset datasets train training test tests valid validation eval text texts json csv parquet input inputs "
    "output outputs model models corpus prompts questions answers images labels files file main default base large "
    "small local custom sample samples".split()
)


def named_in(sources: list[Source], asked: list[Instruction], observed: list[Observed]) -> Iterator[Instruction]:
    """An instruction for each dataset of the code that a source names where nothing else is asked of datasets."""
    for field in ("dataset", "model"):
        if any(i.field == field for i in asked):
            continue
        values = [o.value for o in observed if o.field == field and o.known and o.role in ("", "eval")]
        for value in dict.fromkeys(values):
            pattern = _pattern(str(value.id or value.written) if isinstance(value, Model) else str(value))
            found = next(_mentions(sources, pattern, field, value), None) if pattern is not None else None
            if found is not None:
                yield found
                break


def _pattern(name: str) -> re.Pattern[str] | None:
    """`HuggingFaceH4/no_robots` as people write it: "no-robots", "no robots"; a file by its whole name."""
    last = name.partition(":")[0].rstrip("/").replace("\\", "/").rpartition("/")[2]
    if re.search(r"\.\w{2,7}\Z", last):
        return re.compile(rf"(?<![\w.-]){re.escape(last)}(?![\w-])", re.IGNORECASE)
    words = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower())
    if len("".join(words)) < 5 or "".join(words) in _COMMON or all(w in _COMMON for w in words) or len(words) > 8:
        return None
    owner = re.escape(name.partition("/")[0]) if name.count("/") == 1 else "(?!)"
    return re.compile(rf"(?:(?<![\w/-]){owner}/|(?<![\w/-]))" + r"[\s_.-]?".join(words) + r"(?![\w-])", re.IGNORECASE)


def _mentions(sources: list[Source], pattern: re.Pattern[str], field: str, value: object) -> Iterator[Instruction]:
    for source in sources:
        for sentence in sentences(source):
            if sentence.quoted or (sentence.lead and asks_nothing(sentence.lead)):
                continue
            text = sentence.text if sentence.pair else without_negations(asked_part(sentence.text, sentence.question))
            hit = pattern.search(text)
            if hit is not None:
                yield Instruction(
                    field, (value,), "one", sentence.line_at(hit.start()), sentence.original, source.path, hit[0],
                    explicit=source.explicit,
                )  # fmt: skip
