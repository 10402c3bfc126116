"""The modules that adapters go into, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.spec.thing import Thing

_MODULE = (
    r"(?:[qkvo]_proj|(?:gate|up|down)_proj|qkv_proj|query_key_value|c_attn|c_proj|c_fc|query|key|value|"
    r"dense(?:_\w+)?|fc[12]|out_proj|in_proj|wq|wk|wv|wo|w[123]|Wqkv|lm_head|embed_tokens|to_[qkv]|"
    r"to_out(?:\.0)?)"
)


_LISTED = re.compile(rf"(?:\b{_MODULE}\b[\"'\]\s]*(?:,|and|&|/|\+|\s)*[\"'\[\s]*)+", re.IGNORECASE)


_ALL_LINEAR = re.compile(
    r"\ball[ -]linear\b(?: layers| modules)?|\b(?:every|all) (?:the )?linear (?:layers?|modules?)\b|"
    r"\btarget(?:[ _]modules?)?\W{1,3}all\b(?!-)|\btarget[ _]linear\W{1,3}(?:true|yes)\b",
    re.IGNORECASE,
)


_LETTERS = re.compile(
    r"\b(?P<list>(?:[qkvo](?:\s*(?:,|and|/|&|\+|\s)\s*)?){1,4})[ -]*proj(?:ection)?s?\b(?!_)|\b(?P<qv>(?:q(?:uery)?|"
    r"k(?:ey)?|v(?:alue)?)(?:\s*(?:,|and|/|&)\s*(?:q(?:uery)?|k(?:ey)?|v(?:alue)?|o(?:utput)?))+)\b(?= projections?| "
    r"layers| modules| only)|"
    r"(?P<plain>(?<![\w-])[qkvo]\b(?:\s*(?:,|/|and|&|\+)\s*(?:and )?\b[qkvo]\b)+(?![\w-])|(?<![\w-])(?:qkvo?|qv|qk)\b)",
    re.I,
)


_ATTENTION_AND_MLP = re.compile(
    r"\b(?:all |the |both )*att(?:entio)?n\b[^.;]{0,24}?(?:\b(?:and|plus|as well as)|\+|&)\s*(?:the |all )?(?:mlps?"
    r"|ffn|"
    r"feed[ -]?forward)\b"
    r"(?: (?:layers|projections?|blocks|modules))?",
    re.IGNORECASE,
)


_ATTENTION = re.compile(
    r"\b(?:all |the )*attention (?:projections?|layers|modules|matrices|blocks|weights|only|linears?)\b(?: "
    r"only)?(?:\W{1,3}(?P<list>[qkvo](?:\W{1,3}(?:and )?[qkvo])+)\b)?",
    re.IGNORECASE,
)


_MLP = ("gate_proj", "up_proj", "down_proj")


# "the query, value and output projections as well as the MLP"
_SPELLED = re.compile(
    r"\b(?P<list>(?:query|key|value|output)(?:\s*(?:,|and|/|&|\+|,\s*and)\s*(?:the )?(?:query|key|value|output))+)"
    r"[ -](?:projections?|matrices|layers|weights)\b"
    r"(?P<mlp>[^.;]{0,24}?(?:\band|\bplus|\bas well as|\+|&)\s*(?:in(?:to)? )?(?:the |all )?(?:mlps?|ffns?|"
    r"feed[ -]?forward)\b)?",
    re.IGNORECASE,
)


def _letters(match: re.Match[str]) -> str:
    return (match["list"] or match["qv"] or match["plain"] or "").lower()


def lora_modules(text: str) -> Iterator[Thing]:
    # "all-linear" is nobody's word for anything else
    hinted = re.search(
        r"target|lora|adapt|module|proj|layers|all-linear|\bto_[qkv]\b|c_attn|query_key_value", text, re.IGNORECASE
    )
    if not hinted:
        return
    every = _ALL_LINEAR.search(text) or _ATTENTION_AND_MLP.search(text)
    if every:
        yield Thing("target_modules", (frozenset(("all-linear",)),), "one", every[0], every.start(), every.end())
        return
    spelled = _SPELLED.search(text)
    if spelled:
        parts = {w[0] for w in re.findall(r"[a-z]+", spelled["list"].lower()) if w not in ("and", "or")}
        found = {f"{c}_proj" for c in parts} | (set(_MLP) if spelled["mlp"] else set())
        yield Thing("target_modules", (frozenset(found),), "one", spelled[0].strip(), spelled.start(), spelled.end())
        return
    for match in _LISTED.finditer(text):
        names = re.findall(_MODULE, match[0], re.IGNORECASE)
        if len(names) == 1 and not re.search(
            r"_proj|_attn|_key_value|target[ _]modules?", match[0] + text[: match.start()]
        ):
            continue
        yield Thing("target_modules", (frozenset(names),), "one", match[0].strip(" ,"), match.start(), match.end())
        return
    whole = _ATTENTION.search(text)
    if whole:
        letters = set(re.findall(r"\b[qkvo]\b", whole["list"] or "q k v o"))
        names2 = frozenset(f"{c}_proj" for c in letters)
        yield Thing("target_modules", (names2,), "one", whole[0].strip(), whole.start(), whole.end())
        return
    match2 = _LETTERS.search(text)
    if match2:
        letters = {
            w[0].lower()
            for w in re.findall(
                r"[a-z]+", re.sub(r"\b[qkvo]{2,4}\b", lambda m: " ".join(m[0]), _letters(match2)), flags=re.I
            )
            if w.lower() not in ("and",)
        }
        if letters:
            yield Thing(
                "target_modules",
                (frozenset(f"{c}_proj" for c in letters),),
                "one",
                match2[0],
                match2.start(),
                match2.end(),
            )
