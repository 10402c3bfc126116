"""Which rules can have something to say about a text: by the words that it holds, before anything is parsed.

A rule names groups of words; of each group the text must hold one, anywhere. Most rules fail at a word that is not
there, and to know that a text has to be read to its end: so the identifiers in it, each once, are read instead.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from dry_debug.lint.manifest import RuleInfo
from dry_debug.text.document import Document

Group = tuple[str, ...]

_IDENTIFIER = re.compile(r"[A-Za-z0-9_]+")


def triggered(info: RuleInfo, source: str) -> bool:
    """Whether the rule can have something to say about this text."""
    return all(any(word in source for word in group) for group in info.triggers)


def awake(rules: tuple[RuleInfo, ...], document: Document) -> frozenset[str]:
    """The names of those of `rules` that can have something to say about this text."""
    plan = _plan(rules)
    if plan is None:
        return _one_by_one(rules, document.source)
    source, identifiers = document.source, document.identifiers
    together = f" {' '.join(identifiers)} "
    known: dict[str, bool] = {}
    found: list[str] = []
    nodes = [plan]
    for node in nodes:
        found += node.names
        for group, below in node.groups:
            for word in group:
                text = word.text
                holds = known.get(text)
                if holds is None:
                    holds = word.part in identifiers if word.exact else word.part in together
                    if holds and not word.plain:
                        holds = text in source
                    known[text] = holds
                if holds:
                    nodes.append(below)
                    break
    return frozenset(found)


class _Word(NamedTuple):
    """A word of a trigger, and the longest identifier in it.

    `exact`: the identifier ends on both sides within the word. Else `part` has a space where it ends. `plain`: the word
    is the identifier.
    """

    text: str
    part: str
    exact: bool
    plain: bool


class _Node(NamedTuple):
    """Where some groups are known to occur: the rules that want no more, and which further group leads where."""

    names: tuple[str, ...]
    groups: tuple[tuple[tuple[_Word, ...], _Node], ...]


def _word(text: str) -> _Word:
    longest = max(_IDENTIFIER.finditer(text), key=lambda match: len(match.group()), default=None)
    if longest is None:
        return _Word(text, "", False, not text)
    part, open_left, open_right = longest.group(), longest.start() == 0, longest.end() == len(text)
    if not open_left and not open_right:
        return _Word(text, part, True, False)
    spaced = " " * (not open_left) + part + " " * (not open_right)
    return _Word(text, spaced, False, part == text)


def _one_by_one(rules: tuple[RuleInfo, ...], source: str) -> frozenset[str]:
    held: dict[Group, bool] = {}
    found = []
    for info in rules:
        for group in info.triggers if info.shape != "comment" else ():
            if group not in held:
                held[group] = any(word in source for word in group)
            if not held[group]:
                break
        else:
            found += [info.name] if info.shape != "comment" else []
    return frozenset(found)


# By the identity of the rules, which are kept for that: to hash them takes longer.
_plans: dict[int, tuple[tuple[RuleInfo, ...], _Node | None]] = {}


def _plan(rules: tuple[RuleInfo, ...]) -> _Node | None:
    """How to ask for these rules; None when it is asked for the first time: for one file it is not worth making."""
    known = _plans.get(id(rules))
    if known is None:
        if len(_plans) >= 16:
            _plans.clear()
        _plans[id(rules)] = (rules, None)
        return None
    plan = known[1]
    if plan is None:
        plan = _grown([(info.name, frozenset(info.triggers)) for info in rules if info.shape != "comment"])
        _plans[id(rules)] = (rules, plan)
    return plan


def _grown(wanted: Sequence[tuple[str, frozenset[Group]]]) -> _Node:
    """What most rules want is asked first, and once."""
    names = tuple(name for name, groups in wanted if not groups)
    rest = [(name, groups) for name, groups in wanted if groups]
    branches = []
    while rest:
        count = Counter(group for _, groups in rest for group in groups)
        first = max(count, key=lambda group: (count[group], group))
        below = _grown([(name, groups - {first}) for name, groups in rest if first in groups])
        branches.append((tuple(_word(text) for text in first), below))
        rest = [(name, groups) for name, groups in rest if first not in groups]
    return _Node(names, tuple(branches))
