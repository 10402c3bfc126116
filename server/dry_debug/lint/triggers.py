"""Which rules can have something to say about a text: by the words that it holds, before anything is parsed.

A rule names groups of words; of each group the text must hold one, anywhere. Most rules fail at a word that is not
there, and to know that a text has to be read to its end: so the identifiers in it, each once, are read instead.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dry_debug.lint.manifest import RuleInfo

Group = tuple[str, ...]

_IDENTIFIER = re.compile(r"[A-Za-z0-9_]+")
_LETTERS = bytes(c if _IDENTIFIER.match(chr(c)) and c < 128 else 32 for c in range(256))


@functools.cache
def _part(word: str) -> str:
    """The longest identifier in `word`, with a space where it ends inside of `word`; empty if there is none."""
    longest = max(_IDENTIFIER.finditer(word), key=lambda match: len(match.group()), default=None)
    if longest is None:
        return ""
    return " " * (longest.start() > 0) + longest.group() + " " * (longest.end() < len(word))


def triggered(info: RuleInfo, source: str) -> bool:
    """Whether the rule can have something to say about this text."""
    return all(any(word in source for word in group) for group in info.triggers)


def awake(rules: Sequence[RuleInfo], source: str) -> frozenset[str]:
    """The names of those of `rules` that can have something to say about this text."""
    words = _identifiers(source)
    known: dict[str, bool] = {}
    found: list[str] = []
    nodes = [_plan(tuple((rule.name, rule.triggers) for rule in rules))]
    for node in nodes:
        found += node.names
        for group, below in node.groups:
            for word in group:
                holds = known.get(word)
                if holds is None:
                    part = _part(word)
                    holds = known[word] = part in words and (part == word or word in source)
                if holds:
                    nodes.append(below)
                    break
    return frozenset(found)


def _identifiers(source: str) -> str:
    """All runs of ASCII letters, digits and `_` in the text, each once, a space around each."""
    data = source.encode("utf-8", "surrogatepass").translate(_LETTERS)
    return f" {' '.join(set(data.decode('ascii').split()))} "


@dataclass(frozen=True, slots=True)
class _Node:
    """Where some groups are known to occur: the rules that want no more, and which further group leads where."""

    names: tuple[str, ...]
    groups: tuple[tuple[Group, _Node], ...]


@functools.lru_cache(maxsize=64)
def _plan(rules: tuple[tuple[str, tuple[Group, ...]], ...]) -> _Node:
    return _grown([(name, frozenset(groups)) for name, groups in rules])


def _grown(wanted: Sequence[tuple[str, frozenset[Group]]]) -> _Node:
    """What most rules want is asked first, and once."""
    names = tuple(name for name, groups in wanted if not groups)
    rest = [(name, groups) for name, groups in wanted if groups]
    branches = []
    while rest:
        count = Counter(group for _, groups in rest for group in groups)
        first = max(count, key=lambda group: (count[group], group))
        branches.append((first, _grown([(name, groups - {first}) for name, groups in rest if first in groups])))
        rest = [(name, groups) for name, groups in rest if first not in groups]
    return _Node(names, tuple(branches))
