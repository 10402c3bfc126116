"""Searching many patterns in one text, most of them without compiling them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

# People also say what they do not have.
_NEGATED = re.compile(
    r"(?:\b(?:no|not|never|without|nor|no longer|instead of|rather than)|"
    r"\b(?:do|does|did|is|are|was|were|have|has)n.t)"
    r"(?: (?:get|getting|got|see|seeing|seen|have|having|run|any|a|an|the|more|of|because|due|to|really|about)){0,4} $"
)
# Who says how few seconds or minutes something hangs speaks of a delay: it goes on.
_DELAY = re.compile(
    r"\b(?:(?:is|are|gets?|got) stuck|stuck|hangs?|hanged|hung|freezes|froze|stalls?|stalled|blocks?|blocked)"
    r"(?: (?:for|about|around|some|roughly|approximately|nearly|almost|more than|over|at least|up to|like)){1,3}"
    r" ~?(\d[\d.\-]* ?(?:s|secs?|seconds?)|[1-5](?: ?- ?[2-9])? ?(?:mins?|minutes?)"
    r"|(?:a few|several|some) seconds|a minute|a while|some time|a moment)\b"
)
_SPECIAL = frozenset(r".^$*+?{}[]()|\\")


def found(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the regular expressions occurs in `text`, which is in lower case."""
    return any(needle(pattern) in text and compiled(pattern).search(text) for pattern in patterns)


def said(patterns: Iterable[str], prose: str) -> bool:
    """Whether one of them occurs in `prose` (lower case, single spaces) and is not denied by the words before it."""
    for pattern in patterns:
        if needle(pattern) in prose:
            for match in compiled(pattern).finditer(prose):
                if not _NEGATED.search(prose[max(0, match.start() - 60) : match.start()]):
                    return True
    return False


def without_delays(prose: str) -> str:
    """`prose` (lower case, single spaces) with what hangs only for a while called a delay."""
    return _DELAY.sub(r"delays for \1", prose) if _DELAY.search(prose) else prose


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled when it is first needed: most never are."""
    return re.compile(pattern)


@cache
def needle(pattern: str) -> str:
    """A text that occurs in everything that `pattern` matches; empty if none is seen at a glance.

    It is the longest run of plain characters outside groups: str.find is many times faster than a search.
    """
    best = run = ""
    depth = index = 0
    while index < len(pattern):
        char = pattern[index]
        width, plain = 1, char not in _SPECIAL
        if char == "\\" and index + 1 < len(pattern):
            char, width = pattern[index + 1], 2
            plain = not char.isalnum()
        elif char == "[":
            width = pattern.index("]", index + 2) + 1 - index
        elif char == "{":
            width = pattern.index("}", index) + 1 - index
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "|" and depth == 0:
            return ""
        after = pattern[index + width : index + width + 1]
        if plain and depth == 0 and after not in ("?", "*", "{"):
            run += char
        else:
            run = ""
        if after == "+":
            best, run = max(best, run, key=len), ""
        index += width
        best = max(best, run, key=len)
    return best
