"""Checks `removed.toml` against the releases themselves, without importing them.

    python tools/check_removed.py CACHE [--download] [--git PACKAGE=REPOSITORY ...] [--only WORD ...]

CACHE is a folder of wheels outside the repository; with `--download` the missing ones are fetched into it by pip, and
the package index says which releases there are. `--git` names a clone whose tags are the releases of a package: nothing
is downloaded for what it has. Prints one line for each thing of each row; the exit status is 1 where a row is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from releases.archives import Archive, Both, Tags, Wheels, version_of
from releases.modules import Modules
from releases.signatures import Taken, has_hook, has_name, names, takes
from releases.verdicts import History, Question, Verdict, judge

TABLE = Path(__file__).resolve().parents[1] / "rules" / "dry_debug_rules" / "dependencies" / "removed.toml"
# Compiled packages whose wheels are too big to fetch for this.
TOO_BIG = ("torch", "vllm", "sglang")
# The name that the table uses for a library, and where its sources stand.
ALSO = {"lightning": ("pytorch_lightning", "lightning.pytorch")}


class Thing(NamedTuple):
    """One thing that a row takes away: a name, an argument of a callable, or a hook of a base class."""

    package: str
    since: str
    back: str | None
    shown: str
    question: Question
    checked: str | None  # how the row was checked, where its releases cannot show it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, help="a folder of wheels, outside the repository")
    parser.add_argument("--download", action="store_true", help="fetch missing wheels with pip")
    parser.add_argument("--git", action="append", default=[], metavar="PACKAGE=REPOSITORY")
    parser.add_argument("--only", action="append", default=[], help="things whose line holds this word")
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    clones = dict(pair.split("=", 1) for pair in options.git)
    histories: dict[str, History] = {}
    counts: dict[str, int] = {}
    wrong = False
    for thing in things(tomllib.loads(options.table.read_text("utf-8"))["removed"]):
        if options.only and not any(word in f"{thing.package} {thing.shown}" for word in options.only):
            continue
        if thing.package not in histories:
            histories[thing.package] = History(_archive(thing.package, options.cache, options.download, clones))
        verdict = verdict_on(thing, histories[thing.package])
        counts[verdict.word] = counts.get(verdict.word, 0) + 1
        wrong |= verdict.wrong
        print(_line(thing, verdict), flush=True)
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())))
    return 1 if wrong else 0


def things(rows: list[dict[str, Any]]) -> Iterator[Thing]:
    """Everything that the rows of the table take away."""
    for row in rows:
        head, checked = (row["package"], row["version"], row.get("back")), row.get("checked")
        for whole in row.get("names", {}):
            if whole.endswith("()"):  # gone as a function only: the name stays
                continue
            yield Thing(*head, whole, _about(whole, has_name), checked)
        for whole in row.get("callables", ()):
            for word in row["arguments"]:
                decides = row.get("decides")
                question = _about(decides, names, word) if decides else _about(whole, takes, word)
                yield Thing(*head, f"{whole}({word}=)", question, checked)
        for word in row.get("methods", {}):
            yield Thing(*head, f"{row['base']}.{word}", _about(row["base"], has_hook, word), checked)


def verdict_on(thing: Thing, history: History) -> Verdict:
    """What the releases say of it."""
    since, back = version_of(_dotted(thing.since)), version_of(_dotted(thing.back)) if thing.back else None
    assert since is not None
    verdict = judge(history, since, back, thing.question)
    if thing.checked is not None and verdict.word in ("unclear", "late", "never", "not looked at"):
        return Verdict("by hand", verdict.last, verdict.first, thing.checked)
    return verdict


def _about(whole: str, ask: Any, *more: str) -> Question:
    def question(modules: Modules) -> Taken:
        top, _, rest = whole.partition(".")
        wholes = [f"{other}.{rest}" for other in ALSO.get(top, (top,))]
        found = next((name for name in wholes if modules.find(name)), wholes[0])
        taken: Taken = ask(modules, found, *more)
        return taken

    return question


def _archive(package: str, cache: Path, download: bool, clones: dict[str, str]) -> Archive:
    wheels = Wheels(package, cache, download and package not in TOO_BIG)
    return Both(Tags(Path(clones[package])), wheels) if package in clones else wheels


def _dotted(version: str) -> str:
    return version if "." in version else f"{version}.0"


def _line(thing: Thing, verdict: Verdict) -> str:
    said = f"{thing.package} {thing.since}"
    found = f"last {verdict.last or '?'}, first without {verdict.first or '?'}"
    note = f"  ({verdict.note})" if verdict.note else ""
    return f"{verdict.word:13} {thing.shown:70} table: {said:24} {found}{note}"


if __name__ == "__main__":
    sys.exit(main())
