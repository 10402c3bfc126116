"""Loads removed.json and deprecated.json: what libraries have taken away, or will, and since which version."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

from dry_debug.program.knowledge import canonical
from dry_debug.program.version_range import Version, number

from dry_debug_rules.dependencies._tables import table

Table = Literal["removed", "deprecated"]
Kind = Literal["name", "argument", "method"]


class Removal(NamedTuple):
    """One thing that is gone or deprecated. `whole` is the dotted name of it, of the callable or base that has it."""

    kind: Kind
    package: str
    version: str
    since: Version
    back: Version | None
    gone: Version | None  # of what is deprecated: the first version without it
    source: str
    whole: str
    word: str  # what stands in the text: the last part of a name, an argument, a method
    same: str | None  # means the same: a dotted name, an argument ("": none is needed)
    instead: str  # what to use, in words
    long: bool  # gone for so long that it counts where no version is known
    called: bool = False  # gone as a function only: the name means something else now
    error: str = ""  # what is raised, where it is not what Python raises for the kind


class Library(NamedTuple):
    """The removals of one library: names and arguments by the whole name of the thing or the callable."""

    names: dict[str, Removal]
    renamed: list[
        Removal
    ]  # names that the model takes for what they are called now: told apart by how they are written
    arguments: dict[str, dict[str, Removal]]
    keywords: set[str]  # of any of these
    methods: list[Removal]


@cache
def by_top(name: Table) -> dict[str, Library]:
    """The rows of the table by the name under which a library is imported (`lightning` for both of its packages)."""
    found: dict[str, Library] = {}
    for row in table(name)[name]:
        for removal in _of(row):
            library = found.setdefault(removal.whole.partition(".")[0], Library({}, [], {}, set(), []))
            if removal.kind == "name" and removal.whole.rpartition(".")[2] != removal.word:
                library.renamed.append(removal)
            elif removal.kind == "name":
                library.names[removal.whole] = removal
            elif removal.kind == "argument":
                library.arguments.setdefault(removal.whole, {})[removal.word] = removal
                library.keywords.add(removal.word)
            else:
                library.methods.append(removal)
    return found


@cache
def words(name: Table) -> dict[str, frozenset[str]]:
    """By the name under which a library is imported: one of these stands in every text that uses one of its rows."""
    found: dict[str, set[str]] = {}
    for row in table(name)[name]:
        names = [one.removesuffix("()") for one in row.get("names", ())]
        for whole, held in (
            *((one, (one.rpartition(".")[2],)) for one in names),
            *((whole, row["arguments"]) for whole in row.get("callables", ())),
            (row.get("base", ""), row.get("methods", ())),
        ):
            found.setdefault(canonical(whole).partition(".")[0], set()).update(held)
    return {top: frozenset(held) for top, held in found.items() if held}


def _of(row: dict[str, Any]) -> Iterator[Removal]:
    for whole, instead in row.get("names", {}).items():
        name = whole.removesuffix("()")
        yield _removal("name", row, name, name.rpartition(".")[2], instead, called=name != whole)
    for whole in row.get("callables", ()):
        for word, instead in row["arguments"].items():
            yield _removal("argument", row, whole, word, instead)
    for word, instead in row.get("methods", {}).items():
        yield _removal("method", row, row["base"], word, instead)


def _removal(kind: Kind, row: dict[str, Any], whole: str, word: str, instead: str, called: bool = False) -> Removal:
    same = instead[1:].strip() if instead.startswith("=") else None
    words = instead if same is None else f"`{_shown(same)}`" if same else "nothing: it can be left out"
    back, gone = (number(row[key]) if key in row else None for key in ("back", "gone"))
    return Removal(
        kind,
        row["package"],
        row["version"],
        number(row["version"]),
        back,
        gone,
        row["source"],
        canonical(whole),
        word,
        same,
        words,
        row.get("long", False),
        called,
        row.get("error", ""),
    )


def _shown(name: str) -> str:
    return f"np.{name[6:]}" if name.startswith("numpy.") else name
