"""What one line of the instructions asks for."""

from __future__ import annotations

import re
from typing import Any, Literal

from dry_debug.records import dataclass, replace

Kind = Literal["one", "range", "least", "most", "about", "not", "any"]

# The fields of the report, in the order in which it tells of them.
FIELDS = (
    "model method framework dataset hardware learning_rate batch_size gradient_accumulation_steps epochs max_steps "
    "optimizer scheduler warmup_steps warmup_ratio weight_decay max_grad_norm max_length precision lora_r lora_alpha "
    "lora_dropout target_modules seed output_dir logging eval_cadence save_cadence temperature top_p max_tokens "
    "tensor_parallel_size"
).split()

_WORDS = {
    "lora_r": "LoRA rank",
    "lora_alpha": "LoRA alpha",
    "lora_dropout": "LoRA dropout",
    "top_p": "top-p",
    "max_grad_norm": "gradient clipping",
    "gradient_accumulation_steps": "gradient accumulation",
    "warmup_steps": "warm-up steps",
    "warmup_ratio": "warm-up ratio",
    "max_length": "maximal length",
    "max_tokens": "maximal new tokens",
    "output_dir": "output dir",
    "eval_cadence": "evaluation",
    "save_cadence": "saving",
}


def in_words(field: str) -> str:
    """How a message calls a canonical field."""
    return _WORDS.get(field, field.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Source:
    """A text that may hold instructions. `first_line` is the one-based line of its first line in the file `path`.

    `sections` says that only what stands under a heading or in a fence that announces instructions counts.
    """

    path: str
    text: str
    explicit: bool = True
    first_line: int = 1
    sections: bool = False

    @property
    def is_readme(self) -> bool:
        return self.path.replace("\\", "/").rpartition("/")[2].lower().startswith("readme")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One asked value: one of `values` ("one"), between the two of them ("range"), at least, at most, about, not.

    Values are numbers, texts, or the objects of `models`, `hardware` and `cadence`; `written` is the first one as the
    instructions write it. `role` is what it is for where it is not the training itself (`eval`, `teacher`, ...), `unit`
    which of several quantities of one name is meant (`effective` batch size, `tool` of logging). `line` is one-based.
    """

    field: str
    values: tuple[Any, ...]
    kind: Kind
    line: int
    text: str
    path: str
    written: str
    role: str = ""
    unit: str = ""
    explicit: bool = True
    agreed: bool = True  # no line before it in the same source says otherwise

    @property
    def key(self) -> tuple[str, ...]:
        """What a later line has to be about to win over this one."""
        if self.field == "framework":
            return (self.field, *sorted(str(v) for v in self.values))
        if self.kind == "not":
            return (self.field, self.role, self.unit, "not", str(self.values))
        return (self.field, self.role, self.unit)

    def allows(self, value: Any) -> bool:
        """Whether a number is what was asked for, within the rounding of how numbers are written."""
        if self.kind == "any":
            return True
        if not _is_number(value):
            return False
        low = self.values[0]
        if self.kind == "range":
            low, high = sorted(self.values[:2])
            return bool(low * (1 - 1e-9) <= value <= high * (1 + 1e-9))
        if self.kind == "least":
            return bool(value >= low * (1 - 1e-9))
        if self.kind == "most":
            return bool(value <= low * (1 + 1e-9))
        if self.kind == "about":
            return bool(abs(value - low) <= 0.2 * abs(low))
        if self.kind == "not":
            return all(not _same(value, v) for v in self.values)
        return any(_same(value, v) or (self._in_thousands and _same(value * 1024, v * 1000)) for v in self.values)

    @property
    def _in_thousands(self) -> bool:
        """Whether it is written as 2k, which is 2048 or 2000."""
        return self.written[-1:] in "kK" and self.written[:1].isdigit()

    @property
    def literal(self) -> str:
        """The asked number as Python code, in the notation of the instructions where that is Python."""
        plain = re.fullmatch(r"\d+|\d*\.\d+|\d+(?:\.\d+)?[eE][-+]?\d+", self.written)
        return self.written if plain and _same(float(self.written), self.values[0]) else str(self.values[0])

    @property
    def single(self) -> bool:
        """Whether one value, and no other, is right."""
        return self.kind in ("one", "about") and len(self.values) == 1

    @property
    def asked(self) -> str:
        """The asked value in words."""
        shown = [shown_value(v) for v in self.values]
        if self.single and re.fullmatch(r"[\d.eE+-]+", self.written) and _is_number(self.values[0]):
            shown = [self.written]
        if self.kind == "range":
            return f"{shown[0]} to {shown[1]}"
        if self.kind == "any":
            return "any value"
        before = {"least": "at least ", "most": "at most ", "about": "about ", "not": "not "}.get(self.kind, "")
        return before + " or ".join(shown)

    def plain(self) -> Any:
        """The asked value as JSON has it: a number or text where one is asked for, else the words."""
        value = self.values[0] if self.single else None
        return value if isinstance(value, int | float | str) else self.asked

    def at(self, **changes: Any) -> Instruction:
        """A copy with some fields changed."""
        return replace(self, **changes)


def shown_value(value: Any) -> str:
    """A value as a message shows it."""
    if isinstance(value, float):
        text = f"{value:g}"
        return text if float(text) == value else str(value)
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(str(v) for v in value)
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: Any, right: Any) -> bool:
    if not (_is_number(left) and _is_number(right)):
        return bool(left == right)
    return bool(abs(left - right) <= 1e-9 * max(abs(left), abs(right)))
