"""How many real reports are routed to the area that their label names. Prints right, wrong and asked per area.

Run it from the repository root: `python tests/triage/measure.py [-v]`; -v also prints every report that is not right.
Each set was labelled before the table saw it; the head of reports.toml has the first runs.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Literal

from dry_debug.triage.routing import route

Verdict = Literal["right", "wrong", "asked"]
GROUPS = (
    "report",
    "held_out",
    "fresh",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty_first",
)
VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "asked")


def reports(group: str) -> list[dict[str, str]]:
    """The reports of one of GROUPS: url, text, area (the label; empty: a question is due), why."""
    text = (Path(__file__).parent / "reports.toml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = tomllib.loads(text)[group]
    return found


def verdict(report: dict[str, str]) -> tuple[Verdict, str]:
    """What became of a report, and the area that led (or the question).

    right: the labelled area leads, or a question where one is due; asked: a question although the text says enough;
    wrong: another area, a guess on an ambiguous text, or neither area nor question.
    """
    routing = route(report["text"])
    if not routing.stops:
        if routing.question is None:
            return "wrong", "nothing"
        return ("asked" if report["area"] else "right"), routing.question
    led = routing.stops[0].area
    return ("right" if led == report["area"] else "wrong"), f"{led} {','.join(routing.symptoms)}"


def measure(group: str, verbose: bool) -> None:
    """Prints the table of one set, before it the reports that are not right if asked to."""
    counts: dict[str, Counter[Verdict]] = {}
    for report in reports(group):
        result, led = verdict(report)
        counts.setdefault(report["area"] or "(ambiguous)", Counter())[result] += 1
        if verbose and result != "right":
            print(f"{result}: {report['url']}\n    label {report['area'] or '(ambiguous)'}; {led}")
            print(f"    {report['text']!r}")
    print(f"{group:36}" + "".join(f"{name:>7}" for name in VERDICTS))
    for area, counter in sorted(counts.items()):
        print(f"  {area:34}" + "".join(f"{counter[name]:7}" for name in VERDICTS))
    total = sum(counts.values(), Counter())
    share = 100 * total["right"] / total.total()
    name = f"  all {total.total()}"
    print(f"{name:36}" + "".join(f"{total[name]:7}" for name in VERDICTS) + f"   {share:.1f} % right\n")


if __name__ == "__main__":
    for group in GROUPS:
        measure(group, "-v" in sys.argv[1:])
