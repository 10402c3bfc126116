"""A thing that a sentence asks for, and how often something is done."""

from __future__ import annotations

import re
from typing import Any

from dry_debug.records import dataclass
from dry_debug.spec.instruction import Kind


@dataclass(frozen=True, slots=True)
class Thing:
    """One of `values` for a field, at `start` to `end` of the sentence."""

    field: str
    values: tuple[Any, ...]
    kind: Kind
    written: str
    start: int
    end: int
    role: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often: every `every` steps or epochs, at the `end`, or `never`."""

    unit: str
    every: int | float | None = 1  # below one: a share of an epoch

    def __str__(self) -> str:
        if self.unit in ("end", "never"):
            return "at the end" if self.unit == "end" else "never"
        if self.every == 1:
            return f"every {self.unit}"
        if isinstance(self.every, float) and 0 < self.every < 1:
            return f"{1 / self.every:g} times an {self.unit}"
        return f"every {self.every} {self.unit}s" if self.every is not None else f"every so many {self.unit}s"


REFUSED = re.compile(
    r"\b(?:no|not|don'?t use|do not use|never use|cannot use|can'?t use|won'?t use|"
    r"will not use|must ?n[o']t use|avoid|without|never)\s+(?:use |a |an |the |any )*\Z",
    re.IGNORECASE,
)
