"""Which versions the answer of `host.version` allows: an exact one (`2.1.0`), or a condition (`>=2.0,<3`, `^1.4`)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

Version = tuple[int, ...]

_PART = re.compile(
    r"(===?|~=|!=|<=|>=|<|>|\^|~|=|)v?(\d+(?:\.\d+)*)(\.\*)?((?:[-_.]?(?:a|b|c|rc|alpha|beta|dev|pre)\d*)*)"
    r"(?:[-_.]?post\d*)?"  # the same release, packed once more
)
_WIDTH = 4
_EARLY = -1  # the last number of a version that comes before the final one: 2.0.0rc1


class Range(NamedTuple):
    """The allowed versions: from `low` on, which is one of them, and below `high`, which is not (None: no end).

    `exact` is set where only one version is allowed; `high` is then the next one.
    """

    low: Version | None
    high: Version | None
    exact: bool = False

    def all_from(self, version: Version) -> bool:
        """Whether no version before `version` is allowed."""
        return self.low is not None and self.low >= _wide(version)

    def excludes(self, other: Range) -> bool:
        """Whether no version is allowed by both."""
        return any(
            one.high is not None and two.low is not None and one.high <= two.low
            for one, two in ((self, other), (other, self))
        )

    def all_before(self, version: Version) -> bool:
        """Whether only versions before `version` are allowed."""
        return self.high is not None and self.high <= _wide(version)


def number(text: str) -> Version:
    """`2.0` as (2, 0)."""
    return tuple(int(part) for part in text.split("."))


@lru_cache(maxsize=512)
def parse(text: str) -> Range | None:
    """The range that a version or condition means; None if it says nothing that is understood."""
    text = re.sub(r"\s+", "", text)
    if "|" in text or not text:
        return None
    low: Version | None = None
    high: Version | None = None
    exact = False
    for condition in text.split(","):
        match = _PART.fullmatch(condition.partition("+")[0])
        if match is None:
            return None
        sign, plain, star, early = match[1], number(match[2]), bool(match[3]), bool(match[4])
        version = _wide(plain, early)
        if sign == "!=":
            continue
        if sign in ("<", "<="):
            end = version if sign == "<" else following(version)
            high = end if high is None else min(high, end)
            continue
        low = version if low is None else max(low, version)
        end_of = _end(sign, plain, star)
        if end_of is None and sign in ("", "=", "==", "==="):
            exact, end_of = True, following(version)
        if end_of is not None:
            high = end_of if high is None else min(high, end_of)
    if low is None and high is None:
        return None
    return Range(low, high, exact)


def _end(sign: str, plain: Version, star: bool) -> Version | None:
    """Where the versions end that a sign allows, if it is one that gives an end by itself."""
    if star and sign in ("", "=", "==", "==="):
        return _raised(plain)
    if sign == "~=" and len(plain) > 1:
        return _raised(plain[:-1])
    if sign == "~":
        return _raised(plain[:2])
    if sign == "^":
        first = next((at for at, part in enumerate(plain) if part), len(plain) - 1)
        return _raised(plain[: first + 1])
    return None


def _raised(plain: Version) -> Version:
    return _wide(following(plain))


def following(version: Version) -> Version:
    """One more in the last place that is written: 2.4 after 2.3, 2.3.2 after 2.3.1."""
    return (*version[:-1], version[-1] + 1)


def _wide(version: Version, early: bool = False) -> Version:
    """Padded with zeros to one length; one number more tells what comes before the final version."""
    padded = (*version[:_WIDTH], *([0] * (_WIDTH - len(version))))
    return (*padded, _EARLY if early else 0)
