"""Which rules can have something to say about a text: by the words that it holds, before anything is parsed.

A rule names groups of words; of each group the text must hold one, anywhere. Most rules fail at a word that is not
there, and to know that a text has to be read to its end: so the identifiers in it, each once, are read instead.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from dry_debug.lint.manifest import RuleInfo
from dry_debug.text.document import Document

Group = tuple[str, ...]

_IDENTIFIER = re.compile(r"[A-Za-z0-9_]+")


def triggered(info: RuleInfo, source: str) -> bool:
    """Whether the rule can have something to say about this text."""
    return all(any(word in source for word in group) for group in info.triggers)


def awake(rules: tuple[RuleInfo, ...], document: Document) -> Sequence[RuleInfo]:
    """Those of `rules`, in their order, that can have something to say about this text; none about comments."""
    plan = _plan(rules)
    return _one_by_one(rules, document.source) if plan is None else plan.awake(document)


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

    rules: tuple[int, ...]
    branches: tuple[_Branch, ...]


class _Branch(NamedTuple):
    """A group of words, and where it leads if one of them stands in the text.

    `bits` are those of all its words, `plain` of those that an identifier makes certain, `marked` has the others.
    """

    bits: int
    plain: int
    marked: tuple[tuple[int, str], ...]
    below: _Node


class _Narrow(NamedTuple):
    """What is left of a node for certain identifiers: the rules that are awake, and the texts that still decide."""

    rules: tuple[int, ...]
    doubtful: tuple[tuple[tuple[str, ...], _Narrow], ...]


class _Known(NamedTuple):
    """What was learnt of the identifiers of earlier texts: files of a project have most of them in common.

    `silent`: those in which no word stands; `speaking`: the others, with the bits of the words.
    """

    silent: set[str]
    speaking: dict[str, int]


_MOST_KNOWN = 60_000
_MOST_NARROWED = 1_000


class _Plan:
    """The rules, sorted by the words that they want."""

    def __init__(self, rules: tuple[RuleInfo, ...]) -> None:
        self.rules = rules
        wanted = [(at, frozenset(info.triggers)) for at, info in enumerate(rules) if info.shape != "comment"]
        texts = sorted({text for _, groups in wanted for group in groups for text in group})
        self.bits = {text: 1 << at for at, text in enumerate(texts)}
        words = [_word(text) for text in texts]
        # What to look for in identifiers, with the bits of the words that it is a part of.
        self.whole: dict[str, int] = {}
        self.parts: dict[str, int] = {}
        for word in words:
            kept = self.whole if word.exact else self.parts
            if word.part:
                kept[word.part] = kept.get(word.part, 0) | self.bits[word.text]
        # No identifier tells of them: they are always looked for.
        self.signs = sum(self.bits[word.text] for word in words if not word.part)
        self.plain = sum(self.bits[word.text] for word in words if word.plain)
        self.root = self._grown(wanted)
        self.known = _Known(set(), {})
        self.narrowed: dict[int, _Narrow] = {}

    def awake(self, document: Document) -> Sequence[RuleInfo]:
        source, identifiers = document.source, document.identifiers
        held = self._held(identifiers)
        narrow = self._narrowed(held)
        found, doubtful = [*narrow.rules], [*narrow.doubtful]
        stands: dict[str, bool] = {}
        for texts, below in doubtful:
            for text in texts:
                holds = stands.get(text)
                if holds is None:
                    holds = stands[text] = text in source
                if holds:
                    found += below.rules
                    doubtful += below.doubtful
                    break
        found.sort()
        return [self.rules[at] for at in found]

    def _held(self, identifiers: frozenset[str]) -> int:
        """The bits of the words that stand in the identifiers, and of those that have to be looked for."""
        known, held = self.known, self.signs
        fresh = []
        for name in identifiers - known.silent:  # few are left; the most of them are known to speak
            bits = known.speaking.get(name)
            if bits is None:
                fresh.append(name)
            else:
                held |= bits
        if fresh:
            if len(known.silent) + len(known.speaking) + len(fresh) > _MOST_KNOWN:
                known = _Known(set(), {})  # a new one: others may be reading in the old one
                if len(fresh) <= _MOST_KNOWN:
                    self.known = known
            for bits in self._learn(fresh, known):
                held |= bits
        return held

    def _narrowed(self, held: int) -> _Narrow:
        """The tree of groups without what no identifier lets hope for, and without what they make certain."""
        known = self.narrowed.get(held)
        if known is None:
            if len(self.narrowed) >= _MOST_NARROWED:
                self.narrowed = {}
            known = self.narrowed[held] = self._narrow(self.root, held)
        return known

    def _narrow(self, node: _Node, held: int) -> _Narrow:
        rules = [*node.rules]
        doubtful: list[tuple[tuple[str, ...], _Narrow]] = []
        for branch in node.branches:
            if held & branch.bits:
                narrow = self._narrow(branch.below, held)
                if held & branch.plain:
                    rules += narrow.rules
                    doubtful += narrow.doubtful
                elif narrow.rules or narrow.doubtful:
                    doubtful.append((tuple(text for bit, text in branch.marked if held & bit), narrow))
        return _Narrow(tuple(rules), tuple(doubtful))

    def _learn(self, fresh: Collection[str], known: _Known) -> Collection[int]:
        """Remembers in which of these identifiers words stand, and says which do."""
        names = frozenset(fresh)
        together = f" {' '.join(names)} "
        speaking = {name: self.whole[name] for name in names & self.whole.keys()}
        find = together.find
        for part, bits in self.parts.items():
            at = find(part)
            while at >= 0:
                start = at + 1 if together[at] == " " else together.rfind(" ", 0, at) + 1
                end = find(" ", start)
                name = together[start:end]
                speaking[name] = speaking.get(name, 0) | bits
                at = find(part, end)
        known.speaking.update(speaking)  # at once: others may be reading in it
        known.silent.update(names.difference(speaking))
        return speaking.values()

    def _grown(self, wanted: Sequence[tuple[int, frozenset[Group]]]) -> _Node:
        """What most rules want is asked first, and once."""
        content = tuple(at for at, groups in wanted if not groups)
        rest = [(at, groups) for at, groups in wanted if groups]
        branches = []
        while rest:
            count = Counter(group for _, groups in rest for group in groups)
            first = max(count, key=lambda group: (count[group], group))
            below = self._grown([(at, groups - {first}) for at, groups in rest if first in groups])
            bits = sum(self.bits[text] for text in first)
            marked = tuple((self.bits[text], text) for text in sorted(first) if not self.bits[text] & self.plain)
            branches.append(_Branch(bits, bits & self.plain, marked, below))
            rest = [(at, groups) for at, groups in rest if first not in groups]
        return _Node(content, tuple(branches))


def _word(text: str) -> _Word:
    longest = max(_IDENTIFIER.finditer(text), key=lambda match: len(match.group()), default=None)
    if longest is None:
        return _Word(text, "", False, False)
    part, open_left, open_right = longest.group(), longest.start() == 0, longest.end() == len(text)
    if not open_left and not open_right:
        return _Word(text, part, True, False)
    spaced = " " * (not open_left) + part + " " * (not open_right)
    return _Word(text, spaced, False, part == text)


def _one_by_one(rules: tuple[RuleInfo, ...], source: str) -> list[RuleInfo]:
    held: dict[Group, bool] = {}
    found = []
    for info in rules:
        if info.shape == "comment":
            continue
        for group in info.triggers:
            if group not in held:
                held[group] = any(word in source for word in group)
            if not held[group]:
                break
        else:
            found.append(info)
    return found


# By the identity of the rules, which are kept for that: to hash them takes longer.
_plans: dict[int, tuple[tuple[RuleInfo, ...], _Plan | None]] = {}


def _plan(rules: tuple[RuleInfo, ...]) -> _Plan | None:
    """How to ask for these rules; None when it is asked for the first time: for one file it is not worth making."""
    known = _plans.get(id(rules))
    if known is None:
        if len(_plans) >= 16:
            _plans.clear()
        _plans[id(rules)] = (rules, None)
        return None
    plan = known[1]
    if plan is None:
        plan = _Plan(rules)
        _plans[id(rules)] = (rules, plan)
    return plan
