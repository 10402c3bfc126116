"""Clauses about what went wrong with a value: "a rate above 1e-4 diverges", "8 took 14 GB"."""

from __future__ import annotations

import re

DEVICES = re.compile(r"\b(?:gpus?|cards?|[ahbv]100s?|h200|[34]090s?|t4s?|l4s?|vram|\d+ ?gb|node|cpu)\b", re.IGNORECASE)
# "a rate above 1e-4 diverges", "it trains for 10 epochs, which overfits": values with which it goes wrong
_WRONG = (
    r"(?:overfits|overfitted|diverges|diverged|explodes|exploded|ooms|oomed|oom-?ed|crashes|crashed|fails|"
    r"underfits|collapses|collapsed|"
    r"runs out of (?:gpu )?memory|(?:does not|doesn'?t|won'?t|do not|don'?t) (?:fit|converge)|gives? nans?|blows "
    r"up|goes nan|is unstable|"
    r"(?:turned out|proved|seemed|looked|felt|was found)(?: to be)? (?:way |far |much |a bit |rather )?(?:too \w+|"
    r"worse|slower?|unstable|overkill)|"
    r"(?:is|are|was|were) (?:way |far |much |a bit )?too (?:high|low|many|few|much|big|large|small|long|short|slow))\b"
)
_MEASURED = (
    r"(?:would |will |does )?costs?\b|(?:took|takes|uses|used|needs|needed|requires|"
    r"required)\b[^,;.\d]{0,16}\d[\d.]* ?(?:gb|gib|mb|hours?|h|"
    r"min(?:utes)?|seconds)\b"
    r"(?! ?(?:gpus?|cards?|of vram|vram))"
)
_HAS_FAILED = re.compile(rf"{_WRONG}|{_MEASURED}", re.IGNORECASE)
_FAILED = re.compile(
    rf"(?:\A|(?<=[,;:(]))[^,;:()]{{2,90}}?(?:, ?)?(?:which |that |and )?(?:{_WRONG}|{_MEASURED})(?:[^,;:().]|"
    rf"\.(?=\d))*",
    re.IGNORECASE,
)
_MEANT = re.compile(
    r"\A\W*(?:(?:please|pls|so|then|and|ok(?:ay)?|also)[,:]?\s+)*(?:use|set|make|keep|let'?s|change|lower|raise|"
    r"increase|decrease|reduce|"
    r"bump|switch|take|we want|we need|stop|stay|stick|go (?:with|for|to|down|up|back))\b|"
    r"\b(?:so|until|unless|before|to avoid|otherwise|if|in case|when|once|because|since|as)\b",
    re.IGNORECASE,
)
_FITS = re.compile(r"\bfit\b(?: in(?:to)?| on)?", re.IGNORECASE)


def _without_failed(match: re.Match[str]) -> str:
    """A clause about what failed, blanked; what something does not fit on stays: "it won't fit the 16 GB T4"."""
    clause = match[0]
    if _MEANT.search(clause) or not re.search(r"\d|too |turned out", clause):
        return clause
    fits = _FITS.search(clause)
    kept = clause[fits.end() :] if fits is not None and DEVICES.search(clause, fits.end()) else ""
    return " " * (len(clause) - len(kept)) + kept


def without_failures(text: str) -> str:
    """`text` with such clauses blanked, every other character in its place."""
    return _FAILED.sub(_without_failed, text) if _HAS_FAILED.search(text) else text
