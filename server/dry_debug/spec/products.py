"""Batch sizes as products: "256 (8 GPUs x 32)", "4 per GPU x 8 accumulation = 32"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from dry_debug.spec.context import asked_part
from dry_debug.spec.quantity import Quantity

_GPUS = (
    r"(?:[a-z]+ )?(?:gpus?|cards?|devices?|workers?|ranks?|processes|nodes?)\b|[ahblv]\d{2,3}s?\b(?:[ -]\d+ ?gb)?|"
    r"(?:rtx )?[1-5]0[5-9]0s?\b|[at]\d{1,4}s?\b"
)
_ACCUMULATED = (
    r"(?:steps? of )?(?:grad(?:ient)?s?[ -])?acc(?:um(?:ulat(?:ion|ed|ing|e))?)?\b\.?(?:[ -]?(?:steps?|batches))?|"
    r"ga\b|micro-?(?:batches|steps)\b"
)
_EACH = (
    r"(?:samples? |examples? |sequences? |images? )?(?:(?:per|/|a|on each|on every|each) ?-?(?:device|gpu|card|rank)\b|"
    r"each\b)|micro(?:[ -]?batch(?:[ -]size)?)?\b(?!e)|(?:per[ -](?:device|gpu|card) )(?:batch(?:[ -]size)?)\b|"
    r"(?:samples|examples|sequences|images|pairs)\b"
)


def _factor(index: int) -> str:
    return (
        rf"(?:(?P<accB{index}>(?:accum\w*|ga|acc)[ :=]+)|"
        rf"(?P<eachB{index}>(?:bsz?|batch(?:[ -]size)?|per[ -]device|micro)[ :=]+))?"
        rf"(?P<n{index}>\d{{1,5}})(?![\d.%])\s*"
        rf"(?:\(?(?:(?P<each{index}>{_EACH})|(?P<gpus{index}>{_GPUS})|(?P<acc{index}>{_ACCUMULATED}))\)?)?"
    )


_SIGN = r"\s*(?:[x×*·]|\btimes\b)\s*"
_PRODUCT = re.compile(
    rf"(?<![\w.×*])(?:(?P<before>\d{{1,6}})\s*(?:[(=]|\bas\b|, ?i\.e\.,?|,? that(?:'s| is)|:)\s*)?"
    rf"{_factor(1)}{_SIGN}{_factor(2)}(?:{_SIGN}{_factor(3)})?"
    r"(?:\)?\s*(?:=+>?|->|→|i\.e\.|, ?so|makes|gives|for)\s*(?:an? )?(?P<after>\d{1,6})(?![\d.]))?",
    re.IGNORECASE,
)
_OF_BATCHES = re.compile(r"\bbatch|\bbsz?\b|\bper[ -](?:gpu|device|card)\b|accum|\bglobal\b|\beff(?:ective)?\b", re.I)
_NO_BATCH = re.compile(r"\s*(?:px|pixels?|crops?|images?\b|patch\w*|tokens|resolution|input)", re.I)


def products(text: str, question: bool, numbers: list[Quantity]) -> list[Quantity]:
    """The `numbers` of a sentence with what a product in it says: the parts that have a name, and the whole."""
    if not re.search(r"\d\W{0,2}\s*(?:\w++[ -]?){0,4}\)?\s*(?:[x×*·]|\btimes\b)", text):
        return numbers
    asked = asked_part(text, question)
    for match in _PRODUCT.finditer(asked):
        found = list(_parts(match, asked))
        if found:
            kept = [
                n
                for n in numbers
                if n.field not in ("batch_size", "gradient_accumulation_steps")
                or n.role
                or n.end <= match.start()
                or n.start >= match.end()
            ]
            fields = {(f.field, f.unit) for f in found}
            kept = [n for n in kept if n.role or (n.field, n.unit) not in fields]
            whole = next((f for f in found if f.unit == "effective"), None)
            kept = [
                n
                for n in kept
                if whole is None or n.field != "batch_size" or n.role or n.unit or n.values != whole.values
            ]
            return [*kept, *found]
    return numbers


def _parts(match: re.Match[str], text: str) -> Iterator[Quantity]:
    if not _OF_BATCHES.search(text) or _NO_BATCH.match(text, match.end()):
        return
    named: dict[str, tuple[int, tuple[int, int]]] = {}
    bare: list[tuple[int, tuple[int, int]]] = []
    values: list[int] = []
    for index in ("1", "2", "3"):
        raw = match[f"n{index}"]
        if raw is None:
            continue
        value = int(raw)
        values.append(value)
        what = next((k for k in ("gpus", "acc", "each") if match[f"{k}{index}"] is not None), "")
        what = what or ("acc" if match[f"accB{index}"] else "")
        if not what and match[f"eachB{index}"] and len(values) > 1:
            what = "each"
        if what and what not in named:
            named[what] = (value, match.span(f"n{index}"))
        elif what:
            return
        else:
            bare.append((value, match.span(f"n{index}")))
    total = match["before"] or match["after"]
    whole = math.prod(values)
    if not 0 < whole < 1_000_000:
        return
    if total is not None and int(total) != whole:
        return
    if not named.keys() & {"gpus", "acc"}:
        return  # which is which stays open
    if len(bare) == 1 and named and "each" not in named:
        named["each"] = bare.pop()
    if "each" in named:
        value, span = named["each"]
        yield Quantity("batch_size", (value,), "one", str(value), *span, "", "per_device")
    if "acc" in named:
        value, span = named["acc"]
        yield Quantity("gradient_accumulation_steps", (value,), "one", str(value), *span)
    if total is not None:
        group = "before" if match["before"] else "after"
        yield Quantity("batch_size", (whole,), "one", total, *match.span(group), "", "effective")
    elif bare:
        span = (match.start("n1"), match.end("n3") if match["n3"] else match.end("n2"))
        yield Quantity("batch_size", (whole,), "one", str(whole), *span, "", "effective")
