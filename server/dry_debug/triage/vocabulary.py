"""What people say of a symptom: the concepts of the table (memory, grows, ...) found in prose, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from dry_debug_rules.catalogue.routes import table

_TOKEN = re.compile(r"[a-z_][a-z0-9_]*(?:'t\b)?|\d+(?:[.,]\d+)*|%|[,:]|[.!?;]+(?=\s|$)")
# Where a picture stood; it is no image that a model made.
_SHOWN = re.compile(
    r"\((?:see |the |two |my |in )*(?:images?|screenshots?|pictures?|photos?|figures?)(?: \w+)?\)|"
    r"\bsee (?:the )?(?:image|picture)"
)
_NEGATORS = frozenset(
    "no not never nor neither cannot without hardly barely nothing none nobody unable stopped stops dont doesnt "
    "didnt struggles struggle struggling struggled difficult hard isnt arent wasnt wont cant havent hasnt refuses "
    "fails failed fail failing instead rather".split()
)
_WITHOUT = frozenset("no without nor neither".split())  # what stands right behind one of them is not there at all
_REACH = 7  # tokens after a negation that it still denies
_SHORT = frozenset("without instead rather".split())  # they deny what stands right behind them
_RIGHT_BEHIND = 3  # tokens
_LONGEST = 60  # tokens that are one sentence where nobody wrote a full stop
_TURNS = frozenset(", : but however although though while yet when if because after before until unless".split())
# A negation does not reach over them.
_STEM = 2  # the shortest stem, in letters


class _Phrase(NamedTuple):
    concept: str  # empty: something else, which hides shorter phrases inside it
    rest: tuple[str, ...]  # the words behind the first one; one that ends in * is a stem


class Said:
    """Which concepts of the table stand in which sentence of a text, and whether they are denied there."""

    def __init__(self, prose: str) -> None:
        """`prose` in lower case."""
        self._found: dict[str, set[int]] = {}  # numbers of sentences
        self._absent: set[str] = set()
        self.words = 0  # how many words and numbers the text has
        for number, sentence in enumerate(_sentences(prose)):
            self.words += sum(word not in _TURNS for word in sentence)
            self._read(number, sentence)

    def any_of(self, signs: Iterable[str], apart: int) -> bool:
        """Whether one of the signs is in the text: all its concepts (ids with blanks between; `!id` is denied) in one
        sentence, or in so many sentences more that follow it."""
        return any(self._together(sign.split(), apart) for sign in signs)

    def _together(self, ids: Sequence[str], apart: int) -> bool:
        places: list[set[int]] = [self._found.get(id_, set()) for id_ in ids]
        if not all(places):
            return False
        starts = {number - back for numbers in places for number in numbers for back in range(apart + 1)}
        return any(
            all(any(start + step in numbers for step in range(apart + 1)) for numbers in places) for start in starts
        )

    def count(self, ids: Iterable[str]) -> int:
        """How many of the concepts are in the text, denied or not."""
        return sum(id_ in self._found or f"!{id_}" in self._found for id_ in ids)

    def affirmed(self, ids: Iterable[str]) -> int:
        """How many of the concepts are in the text, and nowhere said to be absent ("no memory leaks")."""
        return sum(id_ in self._found and id_ not in self._absent for id_ in ids)

    @property
    def concepts(self) -> Iterable[str]:
        """All concepts that were found; `!id` for one that is denied."""
        return self._found.keys()

    @property
    def says_something(self) -> bool:
        """Whether not all that was found is denied ("no NaN, nothing slow")."""
        return not self._found or any(not concept.startswith("!") for concept in self._found)

    def _read(self, number: int, words: Sequence[str]) -> None:
        denied = absent = -_REACH
        aside, until = 0, 0  # how many words the last aside has, and the index behind it
        for index, word in enumerate(words):
            phrases = [item for item in _starting_with(word) if _follows(item.rest, words, index + 1)]
            asides = [len(item.rest) + 1 for item in phrases if not item.concept]
            if asides:
                aside, until = max(asides), index + max(asides)
            for phrase in phrases:
                if phrase.concept and (index >= until or len(phrase.rest) + 1 >= aside):
                    self._note(phrase.concept, number, index - denied < _REACH)
                    if index - absent < _RIGHT_BEHIND:
                        self._absent.add(phrase.concept)
            if word in _NEGATORS or word.endswith("n't"):
                denied = index - (_REACH - _RIGHT_BEHIND) * (word in _SHORT)
                absent = index if word in _WITHOUT else absent
            elif word in _TURNS:
                denied = -_REACH

    def _note(self, concept: str, number: int, denied: bool) -> None:
        if denied:
            self._found.setdefault(f"!{concept}", set()).add(number)
        if not denied or concept in table().subjects:
            self._found.setdefault(concept, set()).add(number)


def _sentences(prose: str) -> Iterable[Sequence[str]]:
    words: list[str] = []
    for word in _TOKEN.findall(_SHOWN.sub(" ", prose).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        if word[0] in ".!?;" or len(words) == _LONGEST:
            if words:
                yield words
            words = []
        if word[0] not in ".!?;":
            words.append(word)
    if words:
        yield words


def _starting_with(word: str) -> Iterable[_Phrase]:
    whole, stems = _lexicon()
    yield from whole.get(word, ())
    for length in range(_STEM, len(word) + 1):
        yield from stems.get(word[:length], ())


def _follows(rest: tuple[str, ...], words: Sequence[str], index: int) -> bool:
    if len(words) - index < len(rest):
        return False
    return all(
        word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted
        for wanted, word in zip(rest, words[index:], strict=False)
    )


@cache
def _lexicon() -> tuple[Mapping[str, tuple[_Phrase, ...]], Mapping[str, tuple[_Phrase, ...]]]:
    """Phrases by their first word, and by its stem."""
    whole: dict[str, tuple[_Phrase, ...]] = {}
    stems: dict[str, tuple[_Phrase, ...]] = {}
    for id_, phrases in {**table().subjects, **table().predicates, "": table().asides}.items():
        for text in phrases:
            first, *rest = text.split()
            target, key = (stems, first[:-1]) if first.endswith("*") else (whole, first)
            target[key] = (*target.get(key, ()), _Phrase(id_, tuple(rest)))
    return whole, stems
