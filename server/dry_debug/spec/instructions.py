"""Instructions -> what they ask for. Parsing only; no language model.

Prose, lists, tables, settings in YAML, JSON, TOML and command lines, chat. Sentences about the past, about others,
conditions, questions and results ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from dry_debug.spec.choices import Choice, choices
from dry_debug.spec.context import asked_part, asks_nothing
from dry_debug.spec.instruction import FIELDS, Instruction, Source
from dry_debug.spec.numbers import NUMBER, number
from dry_debug.spec.quantities import Quantity, quantities, role_near
from dry_debug.spec.structure import Sentence, sentences
from dry_debug.spec.things import Thing, things
from dry_debug.spec.vocabulary import NUMERIC, ROLE

__all__ = ["Instruction", "Source", "merged", "parse", "read"]


MOST = 500  # sentences of one source that are read


def parse(text: str, path: str) -> list[Instruction]:
    """What the explicit instructions `text` ask for, by line; a later line about the same wins over an earlier one."""
    return list(read(Source(path, text)))


@lru_cache(maxsize=64)
def read(source: Source) -> tuple[Instruction, ...]:
    """What a source asks for, by line."""
    found: list[Instruction] = []
    lora = bool(re.search(r"\b(?:q?lora|peft|adapter|low[ -]rank)", source.text, re.IGNORECASE))
    before: list[str] = []
    for sentence in islice(sentences(source), MOST):
        found.extend(_of_sentence(sentence, source, lora, before))
    if _GENERATES.search(source.text) and not _TRAINS.search(source.text):  # "128 tokens max" are those of the answer
        found = [
            i.at(field="max_tokens")
            if i.field == "max_length"
            and i.kind != "range"
            and not re.search(r"context|ctx|len|window|truncat|seq|prompt|input", i.text, re.IGNORECASE)
            else i
            for i in found
        ]
    return merged([found])


_GENERATES = re.compile(
    r"\b(?:generat\w+|sampl\w+|temperature|answers?|responses?|decod\w+|completions?|inference|top[ _-]?p)\b",
    re.IGNORECASE,
)
_TRAINS = re.compile(r"\b(?:train\w*|fine-?tun\w*|finetun\w*|epochs?|learning rate|lr|lora)\b", re.IGNORECASE)


def merged(groups: Iterable[Iterable[Instruction]]) -> tuple[Instruction, ...]:
    """What counts: of one thing the last line of the first group that speaks of it. In the order of the fields."""
    kept: dict[tuple[str, ...], Instruction] = {}
    for group in groups:
        own: dict[tuple[str, ...], Instruction] = {}
        for one in group:
            own[one.key] = one
            if one.field == "framework":
                own = _without_contradicted(own, one)
        for key, one in own.items():
            if key not in kept and not (one.field == "warmup_steps" and _has(kept, own, "warmup_ratio", one)):
                kept.setdefault(key, one)
    return tuple(sorted(kept.values(), key=lambda i: (FIELDS.index(i.field), i.line)))


def _has(
    kept: dict[tuple[str, ...], Instruction], own: dict[tuple[str, ...], Instruction], field: str, one: Instruction
) -> bool:
    """Whether the other way to say the same is said later, or nearer."""
    other = (field, one.role, one.unit)
    return other in kept or (other in own and own[other].line > one.line)


def _without_contradicted(
    own: dict[tuple[str, ...], Instruction], last: Instruction
) -> dict[tuple[str, ...], Instruction]:
    return {
        k: v
        for k, v in own.items()
        if v is last or v.field != "framework" or v.kind == last.kind or not set(v.values) & set(last.values)
    }


def _of_sentence(sentence: Sentence, source: Source, lora: bool, before: list[str]) -> Iterator[Instruction]:
    if sentence.lead and asks_nothing(sentence.lead):
        return
    text = sentence.text
    if sentence.quoted:
        before[:] = [*before[-2:], text]
        return
    if sentence.pair:
        text = _as_setting(text)
    about = _role_of(f"{sentence.heading} / {sentence.lead}")
    near_lora = lora or bool(re.search(r"\blora\b|adapter|peft", f"{sentence.heading} {sentence.lead} {text}", re.I))
    found: list[Quantity | Choice | Thing] = []
    settings = sentence.pair
    numbers = quantities(text, sentence.question, lora=near_lora, settings=settings)
    if not numbers and not settings:
        numbers = _elliptic(text, sentence.question, before)
    found.extend(numbers)
    if settings:
        found.extend(_switch(text))
    taken = [(n.start, n.end) for n in numbers]
    found.extend(choices(text, sentence.question, settings=settings))
    found.extend(
        t
        for t in things(text, sentence.question, settings=settings)
        if t.field != "hardware" or not any(t.start < e and s < t.end for s, e in taken)
    )
    if len(text) < 300:
        before[:] = [*before[-2:], text]
    for one in found:
        role = getattr(one, "role", "") or (
            about
            if one.field in ("batch_size", "learning_rate", "model", "epochs", "max_steps", "precision", "max_length")
            else ""
        )
        if about == "eval" and one.field not in ("batch_size",):
            role = getattr(one, "role", "")
        if sentence.pair and one.field == "logging" and isinstance(one, Choice):
            pass
        yield Instruction(
            one.field,
            one.values,
            one.kind,
            sentence.line_at(one.start),
            sentence.original,
            source.path,
            one.written,
            role,
            one.unit,
            source.explicit,
        )


def _role_of(around: str) -> str:
    """Who the section or list is about."""
    found = ""
    for name, pattern in ROLE:
        if name in ("tokenizer", "head", "inference", "embedding", "backbone", "reference"):
            continue
        hits = [m.end() for m in pattern.finditer(around)]
        if hits and not re.search(
            r"train\w* (?:and|&|/) eval|train/eval|model (?:and|&)|checkpoint", around, re.IGNORECASE
        ):
            found = name
    return found


_SWITCHES = {
    "bf16": ("precision", "bf16"),
    "fp16": ("precision", "fp16"),
    "tf32": ("precision", "tf32"),
    "fp32": ("precision", "fp32"),
    "use lora": ("method", "lora"),
    "lora": ("method", "lora"),
    "use peft": ("method", "lora"),
    "qlora": ("method", "qlora"),
    "use wandb": ("logging", "wandb"),
    "wandb": ("logging", "wandb"),
}


def _as_setting(text: str) -> str:
    """A setting ("training per_device_train_batch_size: 8") in words that the extractors know."""
    key, colon, value = text.partition(":")
    if not colon:
        return text
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).replace("_", " ").replace("-", " ")
    if re.search(r"\blora r\b|\br\b$", words) and re.search(r"lora|peft|\br$", words):
        words = "lora rank"
    if re.search(r"\b(?:batch size|learning rate|lr|epochs|seed)\b", words, re.I):
        words = re.sub(
            r"^(?:training|train|trainer|optim(?:izer)?|hyperparameters|hparams|config|args|data|model|sampling|"
            r"params|run|experiment)\s+(?=\w)",
            "",
            words,
            flags=re.I,
        )
    if value.strip().lower() in ("true", "yes", "on", "false", "no", "off"):
        return f"{words}: {value.strip().lower()}"
    return f"{words}: {value.strip()}"


def _switch(text: str) -> Iterator[Choice]:
    """What a setting switches off: "bf16: false"."""
    key, _, value = text.partition(":")
    known = _SWITCHES.get(key.strip().lower())
    if known is not None and value.strip().lower() in ("false", "no", "off"):
        yield Choice(known[0], (known[1],), "not", known[1], 0, len(text), "tool" if known[0] == "logging" else "")


_ELLIPSIS = re.compile(
    rf"\b(?:please )?(?:(?:go|come|move|bump|drop|back) (?:it )?(?:back )?(?:down |up )?to|use|set (?:it|this|that)? "
    rf"?(?:to)?|make (?:it|that|this)|go (?:with|for|to|back to)|"
    rf"(?:change|switch|drop|lower|raise|bump|reduce|increase) (?:it|that|this)?\s*(?:down |up )?to|"
    rf"(?:it|this|that) (?:should|must|needs to) be|(?:should|must) be|let'?s (?:use|do|go with|try|make it|keep)|we "
    rf"(?:want|need)|i want|scratch that|no[,:]|actually|correction:?|sorry,?|try|->|→)[\s,]*(?:use |make it |it'?s |"
    rf"do |go with )?"
    rf"(?P<low>{NUMBER})(?=\s*(?:$|[,.;)!]|now\b|instead|this time|here|please|for|everywhere|from now|\(|rather))",
    re.IGNORECASE,
)


def _elliptic(text: str, question: bool, before: list[str]) -> list[Quantity]:
    """A number alone is for the field that was spoken of last: "we used lr 1e-3 last week, use 2e-4 now"."""
    match = _ELLIPSIS.search(asked_part(text, question))
    value = number(match["low"]) if match else None
    if match is None or value is None:
        return []
    for number_of_part, part in enumerate((text[: match.start()], *reversed(before))):
        last: tuple[int, str] | None = None
        for field, words in NUMERIC:
            for hit in re.finditer(rf"(?<![\w-])(?:{words})(?![a-z])", part, re.IGNORECASE):
                if last is None or hit.start() > last[0]:
                    last = (hit.start(), field)
        if last is not None:
            return [
                Quantity(
                    last[1],
                    (value,),
                    "one",
                    match["low"],
                    match.start("low"),
                    match.end("low"),
                    role_near(part, last[0], len(part)),
                )
            ]
        if part.strip() and number_of_part:
            break
    return []
