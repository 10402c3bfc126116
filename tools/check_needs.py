"""Checks `needs.toml` against the metadata (`Requires-Dist`) of the releases, which pip reads without the wheels.

    python tools/check_needs.py [--pip PIP] [--only WORD ...]

PIP is a pip of 26 or later (`--use-feature=fast-deps` with `--dry-run` fetches some KB of each wheel). Of each row the
first and the last release that it covers are asked. `narrower`: the row forbids what the metadata allows, and would
accuse a pair that works; `wider`: it forbids less. The exit status is 1 where a row is narrower.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "server")]  # as a script it is started from anywhere

from dry_debug.program.version_range import following, number, parse  # noqa: E402
from releases.archives import on_the_index, version_of  # noqa: E402

TABLE = ROOT / "rules" / "dry_debug_rules" / "dependencies" / "needs.toml"


class Row(NamedTuple):
    """`package` from `since` on and below `until` needs `other` in a version that `condition` allows."""

    package: str
    since: tuple[int, ...]
    until: tuple[int, ...]
    other: str
    condition: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pip", default="pip")
    parser.add_argument("--only", action="append", default=[], help="rows whose packages hold this word")
    options = parser.parse_args()
    counts: dict[str, int] = {}
    for row in rows(tomllib.loads(TABLE.read_text("utf-8"))):
        if options.only and not any(word in f"{row.package} {row.other}" for word in options.only):
            continue
        for name in _ends(row):
            required = _required(options.pip, row.package, name, row.other)
            word = compare(row.condition, required)
            counts[word] = counts.get(word, 0) + 1
            said = f"{row.package} {name}: {row.other}"
            print(f"{word:16} {said:45} table: {row.condition:20} metadata: {required}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())))
    return 1 if counts.get("narrower") else 0


def rows(data: dict[str, Any]) -> Iterator[Row]:
    """The rows of the table, its pairs among them."""
    for row in data["needs"]:
        yield Row(row["package"], number(row["from"]), number(row["below"]), row["other"], row["condition"])
    for group in data["table"]:
        for first, second, *end in group["pairs"]:
            until = number(end[0]) if end else following(number(first))
            condition = f">={second},<{'.'.join(map(str, following(number(second))))}"
            yield Row(group["package"], number(first), until, group["other"], condition)


def compare(condition: str, required: str | None) -> str:
    """What the row's condition is beside the one of the metadata (None: none could be read; "": it has none)."""
    if required is None:
        return "not looked at"
    ours, theirs = parse(condition), parse(required)
    if ours is None or theirs is None:
        return "no requirement"
    low = ours.low is None or (theirs.low is not None and ours.low <= theirs.low)
    high = ours.high is None or (theirs.high is not None and ours.high >= theirs.high)
    if not (low and high):
        return "narrower"
    return "same" if (ours.low, ours.high) == (theirs.low, theirs.high) else "wider"


def _ends(row: Row) -> list[str]:
    """The first and the last final release that the row covers, as the index names them."""
    named = {version: name for name in on_the_index(row.package) if (version := version_of(name)) is not None}
    held = sorted(v for v in named if row.since <= v < row.until)
    return [named[version] for version in dict.fromkeys((held[0], held[-1]))] if held else []


def _required(pip: str, package: str, version: str, other: str) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        command = [pip, "install", "-q", "--dry-run", "--no-deps", "--ignore-installed", "--use-feature=fast-deps"]
        for python in ("311", "38"):
            where = ["--only-binary", ":all:", "--python-version", python, "--target", folder, "--report", "-"]
            done = subprocess.run(
                [*command, *where, f"{package}=={version}"], check=False, capture_output=True, text=True
            )
            if done.returncode == 0:
                break
        else:
            return None
    lines = json.loads(done.stdout)["install"][0]["metadata"].get("requires_dist", [])
    return specifier(lines, other)


def specifier(lines: list[str], other: str) -> str:
    """The condition on `other` among the lines of `Requires-Dist`; those for an extra do not count."""
    for line in lines:
        head, _, marker = line.partition(";")
        match = re.fullmatch(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^)]*)\)?\s*", head)
        if match and re.sub(r"[-_.]+", "-", match[1]).lower() == other and "extra" not in marker:
            return match[2].strip()
    return ""


if __name__ == "__main__":
    sys.exit(main())
