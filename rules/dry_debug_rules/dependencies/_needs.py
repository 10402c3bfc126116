"""Loads needs.json, which is made from needs.toml: which versions of packages need which versions of others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from dry_debug.program.version_range import Version, following, number

from dry_debug_rules.dependencies._tables import table


class Need(NamedTuple):
    """`package`, from `since` on and below `until`, needs `other` in a version that `condition` allows."""

    package: str
    since: Version
    until: Version
    other: str
    condition: str
    source: str
    breaks: str


@cache
def by_package() -> dict[str, tuple[Need, ...]]:
    """The needs of each package, by its normal name."""
    found: dict[str, list[Need]] = {}
    for need in _all():
        found.setdefault(need.package, []).append(need)
    return {package: tuple(needs) for package, needs in found.items()}


def _all() -> Iterator[Need]:
    data = table("needs")
    for row in data["needs"]:
        since, until = number(row["from"]), number(row["below"])
        yield Need(row["package"], since, until, row["other"], row["condition"], row["source"], row["breaks"])
    for group in data["table"]:
        for first, second, *end in group["pairs"]:
            since, other = number(first), number(second)
            until = number(end[0]) if end else following(since)
            condition = f">={second},<{'.'.join(map(str, following(other)))}"
            yield Need(group["package"], since, until, group["other"], condition, group["source"], group["breaks"])
