"""Things in one sentence: models, datasets, output folders, hardware, cadences, target modules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.spec.cadences import cadences
from dry_debug.spec.context import asked_part, without_replaced
from dry_debug.spec.data_names import datasets
from dry_debug.spec.hardware import machines
from dry_debug.spec.instruction import Kind
from dry_debug.spec.lora_modules import lora_modules
from dry_debug.spec.models import Mention, Model, mentions, named
from dry_debug.spec.output_paths import paths
from dry_debug.spec.thing import REFUSED, Thing
from dry_debug.spec.whose import role_near


def things(sentence: str, question: bool = False, *, settings: bool = False) -> list[Thing]:
    """The things that a sentence asks for, in order."""
    asked = sentence if settings else asked_part(sentence, question)
    text = asked if settings else without_replaced(asked)
    data, places = list(datasets(text)), list(paths(text))
    found = [*data, *places, *_hardware(text), *cadences(text), *lora_modules(text)]
    taken = [(t.start, t.end) for t in (*data, *places)]
    found.extend(_models(text, taken))
    return sorted(found, key=lambda t: t.start)


# -- models ------------------------------------------------------------------------------------------------------------

_MODEL_KEY = re.compile(
    r"^\W*(?:(?P<role>teacher|student|draft|judge|reward|reference|embedding|base|target|hf|llm)[ _-]*)?(?:model|"
    r"checkpoint|backbone|architecture|arch|llm)"
    r"(?:[ _](?:name(?:[ _]or[ _]path)?|id|path|checkpoint))*\s*(?:[:=]|\bis\b)\s*(?P<value>[\w./-]{3,})",
    re.IGNORECASE,
)


def _models(text: str, taken: list[tuple[int, int]]) -> Iterator[Thing]:
    found = [m for m in mentions(text) if not any(m.start < e and s < m.end for s, e in taken)]
    key = _MODEL_KEY.match(text)
    if key and not any(m.start < key.end("value") and key.start("value") < m.end for m in found):
        value = key["value"].rstrip(".,")
        if re.search(r"[\d/-]", value) and not re.fullmatch(r"[\d.]+[bm]?", value, re.I):
            found.insert(0, Mention(named(value, exact=True), key.start("value"), key.start("value") + len(value)))
    at = 0
    while at < len(found):
        one = found[at]
        kind: Kind = "not" if REFUSED.search(text[: one.start]) else "one"
        values: list[Model] = [one.model]
        end = one.end
        while at + 1 < len(found):
            between = text[end : found[at + 1].start]
            if not re.fullmatch(r"\s*(?:,|,?\s*or|/)\s*(?:a |an |the |any |similar )*", between, re.IGNORECASE):
                break
            at += 1
            values.append(found[at].model)
            end = found[at].end
        similar = re.match(
            r"\s*(?:,\s*)?or (?:a )?(?:similar|something (?:similar|like)|equivalent|comparable)",
            text[end:],
            re.IGNORECASE,
        )
        role = role_near(text, one.start, end, "model")
        role = "" if role in ("eval", "head", "backbone", "inference", "tokenizer", "pretrain", "stage2") else role
        if similar and kind == "one":
            values = [
                Model(v.written, instruct=v.instruct, size=None, family=v.family if v.is_vague else "") for v in values
            ]
        if not (kind == "one" and _template_only(text, one)):
            yield Thing("model", tuple(values), kind, one.model.written, one.start, end, role)
        at += 1


def _template_only(text: str, one: Mention) -> bool:
    """Whether no model is asked for: "the Llama-2 chat template", "GPT-2 tokenizer", "BERT-style"."""
    return bool(
        re.match(
            r"(?:'s)?[\s-]*(?:\w+ )?(?:tokeni[sz]er|template|prompt format|style|licen[cs]e|format|paper|like|"
            r"vocab\w*|recipe|architecture docs)\b",
            text[one.end :],
            re.IGNORECASE,
        )
    ) or bool(
        re.search(
            r"\b(?:tokeni[sz]er (?:of|from|for)|like|than|beats?|vs|unlike|outputs? (?:of|from)|generated (?:by|"
            r"with)|(?<!tokens )(?<!answers )"
            r"(?<!responses )(?<!completions )from|(?:push|upload|publish|release|share)\w*\b[^.;]{0,40}\b(?:as|to|"
            r"under))\s+\Z",
            text[: one.start],
            re.IGNORECASE,
        )
        and not re.search(
            r"\b(?:start|initiali[sz]ed?|init|load|begin|distil\w*|fine-?tune|weights|checkpoint)\s+(?:\w+ "
            r"){0,2}from\s+\Z",
            text[: one.start],
            re.IGNORECASE,
        )
    )


# -- datasets ----------------------------------------------------------------------------------------------------------


# -- paths -------------------------------------------------------------------------------------------------------------


# -- hardware ----------------------------------------------------------------------------------------------------------


_NOT_HAD = re.compile(
    r"\b(?:don'?t|do not|won'?t|will not|can'?t|cannot|didn'?t) (?:get|have|use|book|afford)(?: access to)?(?: the| "
    r"an?| any| our)? \Z",
    re.IGNORECASE,
)


def _hardware(text: str) -> Iterator[Thing]:
    for one in machines(text):
        alone = one.hardware.count is None and one.hardware.memory is None and text[: one.start].rstrip().endswith("(")
        if _NOT_HAD.search(text[: one.start]):
            continue  # "we don't get the A100s"
        if alone and text[one.end :].lstrip().startswith(")"):
            continue  # "bf16 (A100)" gives a reason
        yield Thing("hardware", (one.hardware,), "one", text[one.start : one.end].strip(), one.start, one.end)


# -- cadences ----------------------------------------------------------------------------------------------------------


# -- LoRA's modules ----------------------------------------------------------------------------------------------------
