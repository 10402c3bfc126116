"""How often a transformation was possible, and why it was not where it was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tests.property.origins import Project


class Tally:
    """Counts of one transformation over all samples."""

    def __init__(self) -> None:
        self.made = 0
        self.skipped: Counter[str] = Counter()
        self.absent = 0

    def no_place(self) -> None:
        """There is nothing here to change."""
        self.absent += 1

    def skip(self, reason: str) -> None:
        """This place would not keep its meaning, for this reason."""
        self.skipped[reason] += 1

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.skipped.most_common())
        skipped = f"{sum(self.skipped.values())} skipped ({reasons or 'none'})"
        return f"{self.made} made, {skipped}, {self.absent} no place for it"


# The variants of a project that mean the same, each with a label that says where it was changed.
Transformation = Callable[[Project, Tally], Iterator[tuple[str, Project]]]
