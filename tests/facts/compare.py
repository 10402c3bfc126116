"""How far `dry-debug facts` tells the truth about public programs.

    python tests/facts/compare.py [--root /work/foreign] [--show] [NAME ...]

Each file in `expected/` says what one public script is: written by reading the script, before the tool ran on it. It
names the repository, the revision and the path, and holds no line of its code. The script is read from
ROOT/<owner>+<name>/<path>, and the tool runs in that repository's folder; what is not there is skipped.
`"project": true` marks a file of a program that is spread over several modules, `"style"` says in words what it is.

Every item counts once, and every stated field of it once. *Right*: the tool says what the file says. *Wrong*: it says
something else, or says something that is not so. *Missing*: it does not say it. Where the file lists several answers
for a field that holds one, each of them is right; an item marked `"optional"` may be left out. An item that stands in
another file has that file's path as its `"file"`, relative to the repository's folder, as the tool prints it; one of
a notebook has the number of its cell as its `"cell"`, and a line within that.

Exit status 1 if less than 95 % of what the tool asserts is right, or more than 10 % is missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
Item = dict[str, Any]

EXPECTED = Path(__file__).parent / "expected"
LEAST_RIGHT, MOST_MISSING = 0.95, 0.10

# What tells one item from another (beside the file that it stands in), and the fields that are judged on their own.
KEYS: dict[str, tuple[str, ...]] = {
    "components": ("kind", "name", "line"),
    "loops": ("line",),
    "accumulation": ("line",),
    "steps": ("kind", "line"),
    "modes": ("kind", "line"),
    "saves": ("line",),
    "loads": ("line",),
    "randomness": ("kind", "rng", "line"),
    "wrappers": ("kind", "line"),
    "hyperparameters": ("name", "line"),
    "models": ("id", "line"),
}
FIELDS: dict[str, tuple[str, ...]] = {
    "components": ("role", "covers", "drives", "reads", "cadence", "parameter"),
    "loops": ("kind", "end_line"),
    "accumulation": ("steps",),
    "steps": ("object", "via"),
    "modes": ("object", "end_line"),
    "saves": ("keys", "components", "path", "rank_guarded", "via"),
    "loads": ("keys", "components", "path", "map_location", "strict", "via"),
    "randomness": ("via",),
    "wrappers": ("object",),
    "hyperparameters": ("value", "origin"),
}
SETS = frozenset(("covers", "drives", "reads", "keys", "components"))


class Tally:
    """Right, wrong and missing for each kind of fact, with a line for each that is not right."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.notes: list[str] = []

    def add(self, kind: str, verdict: str, note: str = "") -> None:
        self.counts.setdefault(kind, Counter())[verdict] += 1
        if verdict != "right":
            self.notes.append(f"{verdict:7} {kind}: {note}")

    def merge(self, other: Tally, name: str) -> None:
        for kind, counts in other.counts.items():
            self.counts.setdefault(kind, Counter()).update(counts)
        self.notes.extend(f"{name}: {note}" for note in other.notes)

    def total(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        return total

    def good(self) -> bool:
        total = self.total()
        said = total["right"] + total["wrong"]
        known = total["right"] + total["missing"]
        return total["right"] >= LEAST_RIGHT * said and total["missing"] <= MOST_MISSING * known


def compare(expected: Facts, actual: Facts) -> Tally:
    """What of `actual` (the tool's answer) is so, by `expected` (what a reader wrote down)."""
    tally = Tally()
    _field(tally, "is_training_script", "", expected["is_training_script"], actual["is_training_script"])
    _set(tally, "frameworks", "", expected["frameworks"], actual["frameworks"])
    for kind in KEYS:
        if kind != "wrappers":
            _items(tally, kind, expected[kind], actual[kind])
    theirs, ours = expected["distributed"], actual["distributed"]
    _field(tally, "distributed.backend", "", theirs["backend"], ours["backend"])
    _items(tally, "wrappers", theirs["wrappers"], ours["wrappers"])
    _set(tally, "rank_guards", "", theirs["rank_guards"], ours["rank_guards"])
    return tally


def _items(tally: Tally, kind: str, expected: list[Item], actual: list[Item]) -> None:
    left = list(actual)
    # What has to be there takes its match before what may be there.
    for item in sorted(expected, key=lambda row: bool(row.get("optional"))):
        match = next((row for row in left if _same(kind, item, row)), None)
        where = _where(kind, item)
        if match is None:
            if not item.get("optional"):
                tally.add(kind, "missing", where)
            continue
        left.remove(match)
        if item.get("optional"):
            continue
        tally.add(kind, "right")
        for field in FIELDS.get(kind, ()):
            if field not in item:
                continue
            judge = _set if field in SETS else _field
            judge(tally, f"{kind}.{field}", where, item[field], match.get(field))
    for row in left:
        tally.add(kind, "wrong", f"not so: {_where(kind, row)}")


def _where(kind: str, item: Item) -> str:
    words = [str(item.get(key)) for key in KEYS[kind]]
    if item.get("cell") is not None:
        words.append(f"in cell {item['cell']}")
    return " ".join([*words, f"in {item['file']}"] if item.get("file") else words)


def _same(kind: str, expected: Item, actual: Item) -> bool:
    """Whether two items are one; without a `file` an item stands in the script itself. In a notebook, `cell` counts."""
    if actual.get("cell") not in _alternatives(expected.get("cell")):
        return False
    return actual.get("file") in _alternatives(expected.get("file")) and all(
        any(_spelled(key, one) == _spelled(key, actual.get(key)) for one in _alternatives(expected[key]))
        for key in KEYS[kind]
    )


def _spelled(key: str, value: object) -> object:
    """Hyperparameters are written under their own name; the tool gives the canonical one where there is one."""
    if key == "name" and isinstance(value, str):
        from dry_debug.program.hyper_fields import canonical_field

        return canonical_field(value)
    return value


def _alternatives(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _field(tally: Tally, kind: str, where: str, expected: object, actual: object) -> None:
    if kind == "hyperparameters.value":
        right = (expected == actual and type(expected) is type(actual)) or _equal_numbers(expected, actual)
    else:
        right = any(_quoted(actual) == _quoted(one) for one in _alternatives(expected))
    if right:
        if actual is not None or kind == "hyperparameters.value":
            tally.add(kind, "right")
    else:
        tally.add(kind, "missing" if actual is None else "wrong", f"{where}: {expected!r}, not {actual!r}")


def _quoted(value: object) -> object:
    """Code that the tool quotes as written is the same with the other quotation marks."""
    return value.replace('"', "'") if isinstance(value, str) else value


def _equal_numbers(expected: object, actual: object) -> bool:
    numbers = (int, float)
    if isinstance(expected, bool) or isinstance(actual, bool):
        return False
    return isinstance(expected, numbers) and isinstance(actual, numbers) and expected == actual


def _set(tally: Tally, kind: str, where: str, expected: list[Any], actual: list[Any] | None) -> None:
    """Each member on its own; a member that is a list is one thing under several names."""
    left = list(actual or [])
    for one in expected:
        found = next((a for a in left if a in _alternatives(one)), None)
        if found is None:
            tally.add(kind, "missing", f"{where} {one!r}")
        else:
            left.remove(found)
            tally.add(kind, "right")
    for extra in left:
        tally.add(kind, "wrong", f"not so: {where} {extra!r}")


def run(path: str, folder: Path) -> Facts:
    """What `dry-debug facts` says of the file `path` to somebody who works in `folder`."""
    command = [sys.executable, "-m", "dry_debug", "facts", path, "--format", "json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=folder)
    answer: Facts = json.loads(done.stdout)
    return answer


@dataclass(frozen=True)
class Case:
    """What one file of expectations says; `folder` is where the repository lies, `path` is relative to it."""

    name: str
    repository: str
    path: str
    folder: Path
    project: bool
    facts: Facts


def cases(root: Path, names: list[str]) -> Iterator[Case]:
    """The expectations whose script is under `root`."""
    for file in sorted(EXPECTED.glob("*.json")):
        if names and not any(name in file.name for name in names):
            continue
        case = json.loads(file.read_text(encoding="utf-8"))
        folder = root.absolute() / case["repository"].replace("/", "+", 1)
        if (folder / case["path"]).is_file():
            yield Case(file.stem, case["repository"], case["path"], folder, case.get("project", False), case["facts"])


def table(tally: Tally) -> str:
    rows = [f"{'':28}{'right':>7}{'wrong':>7}{'missing':>9}"]
    for kind, counts in [*sorted(tally.counts.items()), ("total", tally.total())]:
        rows.append(f"{kind:28}{counts['right']:7}{counts['wrong']:7}{counts['missing']:9}")
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare the facts of public scripts with what a reader wrote down.")
    parser.add_argument("--root", type=Path, default=Path("/work/foreign"))
    parser.add_argument("--show", action="store_true", help="print each fact that is wrong or missing")
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args(arguments)
    tally, done = Tally(), list[tuple[Case, Counter[str]]]()
    for case in cases(chosen.root, chosen.names):
        one = compare(case.facts, run(case.path, case.folder))
        tally.merge(one, case.name)
        done.append((case, one.total()))
    if not done:
        print(f"none of the scripts is under {chosen.root}: nothing compared")
        return 0
    if chosen.show:
        print("\n".join(tally.notes))
        print("\n".join(f"{case.name}: {rates(total)}" for case, total in done))
    print(table(tally))
    projects = {case.repository for case, _ in done if case.project}
    parts = sum(case.project for case, _ in done)
    print(f"{len(done) - parts} scripts, and {parts} files of {len(projects)} projects: {rates(tally.total())}")
    return 0 if tally.good() else 1


def rates(total: Counter[str]) -> str:
    """What share is right of what is asserted, and missing of what is known."""
    said, known = total["right"] + total["wrong"], total["right"] + total["missing"]
    right = f"{total['right'] / said:.1%} right of {said} asserted" if said else "nothing asserted"
    missing = f"{total['missing'] / known:.1%} missing of {known} known" if known else "nothing known"
    return f"{right}, {missing}"


if __name__ == "__main__":
    sys.exit(main())
