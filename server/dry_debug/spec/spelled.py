"""What people write in words or as links, in the notation that the readers know: "two e minus five" as 2e-5."""

from __future__ import annotations

import re

from dry_debug.spec.numbers import WORDS, number

_DIGIT = "|".join(w for w, v in WORDS.items() if v in range(1, 10) and " " not in w)
_POWER = re.compile(
    rf"\b(?:(?P<mantissa>\d(?:\.\d+)?|{_DIGIT})\s*(?:times |x |× )?)?(?:ten|10|(?<=\d)e|(?<=[a-z\d] )e)"
    rf"(?: to the| to)?(?: power(?: of)?)? ?(?:minus|negative) (?P<power>\d|{_DIGIT})(?:th|rd)?\b",
    re.IGNORECASE,
)
_POINT = re.compile(  # dictated: "zero point zero one"
    rf"\b(?:(?P<whole>zero|oh|o|nought|null|{_DIGIT}) )?point (?P<digits>(?:zero|oh|o|nought|{_DIGIT})"
    rf"(?: (?:zero|oh|o|nought|{_DIGIT}))*)\b",
    re.IGNORECASE,
)
_MILLIONS = re.compile(
    rf"(?<![\w.])(?P<n>\d+(?:\.\d+)?|half a|an?|{_DIGIT}|ten|twelve|fifteen|twenty|"
    rf"thirty|forty|fifty|sixty|a hundred)[ -]?(?P<unit>thousand|million|mio\.?|(?<=\d)M|(?<=\d )M)(?= |[.,;)]|\Z)"
    rf"(?=(?: (?:training|env|environment|time|gradient|optimi[sz]er|update))?[ -]?(?:steps|timesteps|updates|"
    rf"iterations|frames|interactions)|\W*\Z)",
)
_CORRECTED = re.compile(r"\b(?:no wait|wait no|sorry|make that|i mean|scratch that|or rather|correction)\b")
_WORDS = re.compile(
    r"\b(?:"
    + "|".join(w for w in sorted(WORDS, key=len, reverse=True) if " " not in w and w not in ("single", "one"))
    + r")\b",
    re.IGNORECASE,
)
_TIMES_AHEAD = re.compile(r"(?<![\w.)])(?<![\w)] )[x×](?=\d{1,3}\b(?!\d))")  # "(x4 accumulation)"
_HUB = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<data>datasets/)?(?P<id>[\w.-]+/[\w-]+(?:\.[\w-]+)*)"
    r"(?:/(?:tree|blob|resolve|viewer)\S*|/(?=[\s,.;)]|\Z))?",
    re.IGNORECASE,
)
_PRECISION = r"(?:bf16|bfloat16|fp16|float16|fp32|float32|tf32)"
# "bf16 if the card supports it, otherwise fp16": either is right
_ELSE = re.compile(
    rf"\b(?P<first>{_PRECISION})\b,? (?:if|when|where|wherever) (?:[\w'-]+ ){{0,7}}?(?:supports?|supported|available|"
    rf"possible|can|works?|has|have|allows?|handles?)(?: \w+){{0,3}}?,? (?:otherwise|else|or|or else|and|if not,?)"
    rf"(?: use| fall back to| take)? (?P<second>{_PRECISION})(?: otherwise| else| if not)?\b",
    re.IGNORECASE,
)


_REPLACE = re.compile(
    r"\b(?P<word>[Rr]eplac(?:e|ing)|[Ss]ubstitut(?:e|ing))\b (?P<old>[^,;.()]{2,40}?) (?:by|with) (?=\S)", re.IGNORECASE
)


def spelled(text: str) -> str:
    """The sentence with such words in digits and links as ids; as long as before, but for "replace a by b" and the
    letters of a GAN's parts."""
    low = text.lower()
    digits = any(c.isdigit() for c in text)
    if "minus" in low or "negative" in low:
        text = _POWER.sub(_as_digits, text)
    if "million" in low or "mio" in low or "M" in text or "thousand" in low:
        text = _MILLIONS.sub(_as_count, text)
    if not digits and _CORRECTED.search(low):
        text = _WORDS.sub(
            lambda m: f"{number(m[0]):g}".rjust(len(m[0])), text
        )  # dictated: "thirty-two no wait sixteen"
    if "point " in low:
        text = _POINT.sub(_as_decimal, text)
    if "x" in low or "×" in low:
        text = _TIMES_AHEAD.sub(" ", text)
    if "hf.co/" in low or "huggingface.co/" in low:
        text = _HUB.sub(_as_id, text)
    if "replac" in low or "substitut" in low:
        text = _REPLACE.sub(r"instead of \g<old>, use ", text)
    if "(g)" in low and "(d)" in low:
        text = text.replace("(G)", "(generator)").replace("(D)", "(discriminator)")
    if "16" in low or "32" in low:
        text = _ELSE.sub(lambda m: f"{m['first']} or {m['second']}".ljust(len(m[0]))[: len(m[0])], text)
    return text


def _as_digits(match: re.Match[str]) -> str:
    mantissa = number(match["mantissa"]) if match["mantissa"] else 1
    power = number(match["power"])
    shown = f"{mantissa:g}e-{power:g}" if mantissa is not None and power is not None else ""
    return shown.ljust(len(match[0])) if shown and len(shown) <= len(match[0]) else match[0]


def _as_count(match: re.Match[str]) -> str:
    said = match["n"].lower()
    times = {"half a": 0.5, "a": 1, "an": 1}.get(said) or number(said)
    ends = not re.search(r"\w", match.string[match.end() :])
    if times is None or (ends and _STEPS_BEFORE.search(match.string[: match.start()]) is None):
        return match[0]  # a number of something else
    return f"{times * (1e3 if match['unit'] == 'thousand' else 1e6):.0f}".rjust(len(match[0]))


_STEPS_BEFORE = re.compile(
    r"(?:steps|timesteps|updates|iterations|frames|interactions)\W{0,4}(?:of |to |is |are )?\Z", re.IGNORECASE
)


def _as_decimal(match: re.Match[str]) -> str:
    digits = "".join(f"{number(w) or 0:g}" for w in match["digits"].lower().split())
    whole = f"{number(match['whole']) or 0:g}" if match["whole"] else "0"
    return f"{whole}.{digits}".rjust(len(match[0]))


def _as_id(match: re.Match[str]) -> str:
    shown = f"dataset {match['id']}" if match["data"] else match["id"]
    return shown.ljust(len(match[0])) if len(shown) <= len(match[0]) else match[0]
