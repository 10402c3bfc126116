"""The names of packages (distributions), as package indexes compare them."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[-_.]+")


def normal(name: str) -> str:
    """The normalised name: lower case, every run of `-`, `_` and `.` a single `-`.

    Source: PyPA specification "Names and normalization".
    """
    return _SEPARATORS.sub("-", name).lower()
