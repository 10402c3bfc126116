"""Compares what a row of a table says with what the releases hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from releases.archives import Archive, Version
from releases.modules import Modules
from releases.signatures import Taken

Word = Literal["right", "gone", "early", "late", "never", "returns", "unclear", "by hand", "not looked at"]
Question = Callable[[Modules], Taken]


class Verdict(NamedTuple):
    """`last` is the last version that was found to have it, `first` the first one after it that has not.

    `gone`: it is not in the releases from `version` on that can be had; whether it was there before is not known.
    """

    word: Word
    last: str
    first: str
    note: str

    @property
    def wrong(self) -> bool:
        """Whether the row has to be corrected."""
        return self.word in ("early", "late", "never", "returns")


class History:
    """The releases of one package, each opened once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._names = archive.versions()
        self.versions = sorted(self._names)
        self._opened: dict[Version, Modules | None] = {}

    def name(self, version: Version) -> str:
        return ".".join(map(str, version))

    def modules(self, version: Version) -> Modules | None:
        if version not in self._opened:
            release = self._archive.release(self._names[version])
            self._opened[version] = Modules(release) if release is not None else None
        return self._opened[version]


def judge(history: History, since: Version, back: Version | None, question: Question) -> Verdict:
    """Asks the last release before `since`, the first ones from it on, the newest and some between them."""
    since = _trimmed(since)
    before = [v for v in history.versions if _trimmed(v) < since]
    after = [v for v in history.versions if _trimmed(v) >= since and (back is None or _trimmed(v) < _trimmed(back))]
    if not after:
        return Verdict("not looked at", "", "", "no release from it on can be had")
    answers = {v: _ask(history, v, question) for v in [*before[-1:], *_spread(after)]}
    shown = next((f"{history.name(v)}: {a.because}" for v, a in answers.items() if a.answer == "unclear"), "")
    later = [v for v in answers if v in after and answers[v].answer == "yes"]
    if later:
        last = max(later)
        if last == after[-1]:
            return Verdict("never", history.name(last), "", answers[last].because)
        last, first = _last_with(history, after, question)
        return Verdict("early", history.name(last), history.name(first), answers[later[0]].because)
    if not before:
        return Verdict("unclear" if shown else "gone", "", history.name(after[0]), shown)
    if answers[before[-1]].answer == "no":
        return _late(history, before, question, answers[before[-1]])
    if shown:
        return Verdict("unclear", history.name(before[-1]), history.name(after[0]), shown)
    if back is not None:
        again = next((v for v in history.versions if _trimmed(v) >= _trimmed(back)), None)
        if again is not None and _ask(history, again, question).answer == "no":
            note = f"{history.name(again)} has it no more either"
            return Verdict("returns", history.name(before[-1]), history.name(after[0]), note)
    return Verdict("right", history.name(before[-1]), history.name(after[0]), "")


def _late(history: History, before: list[Version], question: Question, why: Taken) -> Verdict:
    """It was gone before: halves the releases between one that has it and one that has not."""
    steps = [len(before) - (1 << power) for power in range(len(before).bit_length())]  # growing: few are opened
    places = [*(place for place in steps if place > 0), 0]
    low = next((place for place in places if _ask(history, before[place], question).answer == "yes"), None)
    if low is None:
        return Verdict("unclear", "", "", f"no release before it was found to have it ({why.because})")
    high = places[places.index(low) - 1]
    while high - low > 1:
        middle = (low + high) // 2
        if _ask(history, before[middle], question).answer == "yes":
            low = middle
        else:
            high = middle
    return Verdict("late", history.name(before[low]), history.name(before[high]), why.because)


def _last_with(history: History, after: list[Version], question: Question) -> tuple[Version, Version]:
    """The last release that has it and the next one; the newest is known to have it not."""
    for place in range(len(after) - 2, -1, -1):
        if _ask(history, after[place], question).answer == "yes":
            return after[place], after[place + 1]
    return after[0], after[1]


def _ask(history: History, version: Version, question: Question) -> Taken:
    modules = history.modules(version)
    if modules is None:
        return Taken("unclear", "this release cannot be had")
    return question(modules)


def _spread(versions: list[Version], first: int = 4, between: int = 2) -> list[Version]:
    """The first ones (what a release breaks by mistake is back in the next), the last, and some between them."""
    last = len(versions) - 1
    places = {*range(min(first, last + 1)), last, *(last * k // (between + 1) for k in range(1, between + 1))}
    return [versions[place] for place in sorted(places)]


def _trimmed(version: Version) -> Version:
    end = len(version)
    while end > 1 and version[end - 1] == 0:
        end -= 1
    return version[:end]
