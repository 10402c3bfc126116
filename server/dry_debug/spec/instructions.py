"""Instructions -> what they ask for, line by line. Parsing only; no language model.

Understood here: numbers for the hyperparameters below, in prose, bullets, tables and `key: value` blocks, with ranges
("between 1e-5 and 5e-5") and alternatives ("16 or 32"). Sentences about the past, about others, and negations are not
instructions about a value.
"""

import re
from dataclasses import dataclass

from dry_debug.spec.numbers import NUMBER, number

# Canonical field -> how people call it. Longer spellings stand first: they win.
_FIELDS: tuple[tuple[str, str], ...] = (
    ("gradient_accumulation_steps", r"(?:gradient[ _-]?)?accumulation(?:[ _-]steps)?|grad[ _-]accum(?:ulation)?"),
    ("max_grad_norm", r"max[ _-]grad[ _-]norm|(?:gradient[ _-])?clip(?:ping)?(?:[ _-](?:norm|value))?"),
    ("warmup_ratio", r"warm-?up[ _-]ratio"),
    ("warmup_steps", r"warm-?up(?:[ _-]steps)?"),
    ("learning_rate", r"(?:initial |base |peak |max )?learning[ _-]rate|\blr\b"),
    ("batch_size", r"(?:train(?:ing)?[ _-])?batch[ _-]?size"),
    ("weight_decay", r"weight[ _-]decay"),
    ("lora_alpha", r"lora[ _-]alpha"),
    ("lora_dropout", r"lora[ _-]dropout"),
    ("lora_r", r"lora[ _-](?:r|rank)"),
    ("max_length", r"(?:max(?:imum)?[ _-])?(?:seq(?:uence)?[ _-](?:len(?:gth)?)|context[ _-]length)|max[ _-]length"),
    ("max_tokens", r"max(?:imum)?[ _-](?:new[ _-])?tokens"),
    ("tensor_parallel_size", r"tensor[ _-]parallel(?:[ _-]size|ism)?"),
    ("max_steps", r"(?:max(?:imum)?|total|training)[ _-]steps"),
    ("epochs", r"(?:num(?:ber)?[ _-](?:of[ _-])?)?(?:train(?:ing)?[ _-])?epochs"),
    ("temperature", r"temperature"),
    ("top_p", r"top[ _-]p"),
    ("seed", r"(?:random[ _-])?seed"),
)
_LINK = (
    r"\s*[`*_\"')]*\s*(?:\||=|:|is|are|of|to|at|should be|must be|will be|set to|\s)*"
    r"\s*[`*_\"'(]*\s*(?:exactly|about)?\s*"
)
# "1e-3 or 10 epochs" are not two learning rates; "and" joins only what "between" announced.
_VALUE = (
    rf"(?P<low>{NUMBER})(?:\s*(?P<join>(?(between)and|(?!))|to|or|/|–|-|\.\.)\s*(?P<high>{NUMBER})"
    r"(?!\s*(?:epochs?|steps?|warm-?up|samples|gpus?)\b))?"
)
_PATTERNS = tuple(
    (field, re.compile(rf"(?<![\w-])(?:{words}){_LINK}(?P<between>between\s+)?{_VALUE}", re.IGNORECASE))
    for field, words in _FIELDS
)
# "3 epochs", "500 training steps": the number comes first.
_COUNTS = (
    (
        "epochs",
        re.compile(rf"(?P<low>{NUMBER})(?:\s*(?P<join>or|to|-)\s*(?P<high>{NUMBER}))?\s+epochs?\b", re.IGNORECASE),
    ),
    ("max_steps", re.compile(rf"(?P<low>{NUMBER})\s+(?:training|optimizer|update)\s+steps\b", re.IGNORECASE)),
    ("warmup_steps", re.compile(rf"(?P<low>{NUMBER})\s+(?:steps of warm-?up|warm-?up steps)\b", re.IGNORECASE)),
)  # fmt: skip
_NOT_ASKED = re.compile(
    r"\b(?:previous(?:ly)?|last (?:run|time|week)|we (?:got|saw|had|used|tried)|used to|was|were|did|the paper|"
    r"baseline|"
    r"they|their|defaults? (?:is|to)|for example|e\.g\.|instead of|not|never|don't|doesn't|without)\b",
    re.IGNORECASE,
)
# Which of several of one kind is meant is not said by the field alone.
_OTHER_ROLE = re.compile(
    r"\b(?:teacher|discriminator|critic|eval(?:uation)?|validation|test|inference)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One asked value: `low` to `high` if `is_range`, else `low` or one of `others`. `line` is one-based."""

    field: str
    low: float | int
    others: tuple[float | int, ...]
    is_range: bool
    line: int
    text: str
    path: str
    written: str  # the first value as the instructions write it

    def allows(self, value: float | int) -> bool:
        """Whether `value` is what was asked for (within the rounding of how numbers are written)."""
        if self.is_range:
            low, high = sorted((self.low, self.others[0]))
            return low * (1 - 1e-9) <= value <= high * (1 + 1e-9)
        return any(abs(value - asked) <= 1e-9 * max(abs(asked), abs(value)) for asked in (self.low, *self.others))

    @property
    def literal(self) -> str:
        """The asked value as Python code, in the notation of the instructions where that is Python."""
        return self.written if re.fullmatch(r"\d+|\d*\.\d+|\d+(?:\.\d+)?[eE][-+]?\d+", self.written) else str(self.low)

    @property
    def asked(self) -> str:
        """The asked value in words."""
        if self.is_range:
            return f"{self.low} to {self.others[0]}"
        return " or ".join(str(v) for v in (self.low, *self.others))


def parse(text: str, path: str) -> list[Instruction]:
    """The instructions in `text`, in order; a later line about the same field wins over an earlier one."""
    found: dict[str, Instruction] = {}
    for at, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(">") or _OTHER_ROLE.search(line):
            continue
        for sentence in re.split(r"(?<=[a-z)])[.;!?]\s", line):
            if _NOT_ASKED.search(sentence):
                continue
            for instruction in _in_sentence(sentence, at, line.strip(), path):
                found[instruction.field] = instruction
    return sorted(found.values(), key=lambda i: i.line)


def _in_sentence(sentence: str, at: int, line: str, path: str) -> list[Instruction]:
    taken: list[tuple[int, int]] = []
    result: list[Instruction] = []
    for field, pattern in (*_PATTERNS, *_COUNTS):
        for match in pattern.finditer(sentence):
            start, end = match.span()
            if any(start < e and s < end for s, e in taken):
                continue
            low = number(match["low"])
            groups = match.groupdict()
            high = number(groups["high"]) if groups.get("high") else None
            if low is None or sentence[end : end + 1] == "%":
                continue
            taken.append((start, end))
            join = groups.get("join") or ""
            is_range = high is not None and (bool(groups.get("between")) or join in ("to", "–", "-", ".."))
            others = (high,) if high is not None else ()
            result.append(Instruction(field, low, others, is_range, at, line, path, match["low"].strip()))
    return result
