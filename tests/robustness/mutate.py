"""Texts as they are while somebody edits them, and after worse: real programs with something taken out or put in."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text) or ["\n"]


def _deleted(text: str, chance: random.Random, others: Sequence[str]) -> str:
    parts = _tokens(text)
    for _ in range(chance.randint(1, 4)):
        if parts:
            del parts[chance.randrange(len(parts))]
    return "".join(parts)


def _doubled(text: str, chance: random.Random, others: Sequence[str]) -> str:
    parts = _tokens(text)
    at = chance.randrange(len(parts))
    parts[at:at] = parts[at : at + chance.randint(1, 12)]
    return "".join(parts)


def _swapped(text: str, chance: random.Random, others: Sequence[str]) -> str:
    parts = _tokens(text)
    for _ in range(chance.randint(1, 3)):
        a, b = chance.randrange(len(parts)), chance.randrange(len(parts))
        parts[a], parts[b] = parts[b], parts[a]
    return "".join(parts)


def _names_swapped(text: str, chance: random.Random, others: Sequence[str]) -> str:
    """Still Python, most of the time: the program means something else."""
    parts = _tokens(text)
    words = [i for i, p in enumerate(parts) if p.isidentifier()]
    for _ in range(chance.randint(1, 6) if words else 0):
        parts[chance.choice(words)] = parts[chance.choice(words)]
    return "".join(parts)


def _lines_moved(text: str, chance: random.Random, others: Sequence[str]) -> str:
    lines = text.split("\n")
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines.insert(a, lines.pop(b))
    return "\n".join(lines)


def _line_removed(text: str, chance: random.Random, others: Sequence[str]) -> str:
    lines = text.split("\n")
    for _ in range(min(len(lines) - 1, chance.randint(1, 3))):
        del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def _spliced(text: str, chance: random.Random, others: Sequence[str]) -> str:
    """The head of one program and the tail of another."""
    other = chance.choice(others).split("\n")
    lines = text.split("\n")
    return "\n".join([*lines[: chance.randint(0, len(lines))], *other[chance.randint(0, len(other)) :]])


def _indented_otherwise(text: str, chance: random.Random, others: Sequence[str]) -> str:
    lines = text.split("\n")
    for at in range(len(lines)):
        if chance.random() < 0.1:
            lines[at] = chance.choice(("\t", " ", "    ", "")) + lines[at].lstrip(chance.choice((" ", "")))
    return "\n".join(lines)


def _cut(text: str, chance: random.Random, others: Sequence[str]) -> str:
    return text[: chance.randint(0, len(text))]


def _noise(text: str, chance: random.Random, others: Sequence[str]) -> str:
    parts = list(text)
    for _ in range(chance.randint(1, 5)):
        at = chance.randint(0, len(parts))
        parts.insert(at, chance.choice("\0\f\r\v\x1a\u2028\ufeff\ud800é😀\\'\"#()[]{}:;,\n\t"))
    return "".join(parts)


KINDS: dict[str, Callable[[str, random.Random, Sequence[str]], str]] = {
    "tokens deleted": _deleted,
    "tokens doubled": _doubled,
    "tokens swapped": _swapped,
    "names swapped": _names_swapped,
    "a line moved": _lines_moved,
    "lines removed": _line_removed,
    "two programs spliced": _spliced,
    "indented otherwise": _indented_otherwise,
    "cut off": _cut,
    "noise": _noise,
}


def mutated_bytes(data: bytes, chance: random.Random) -> bytes:
    """Random bytes in place of some, or cut off at any byte."""
    changed = bytearray(data[: chance.randint(1, len(data))] if chance.random() < 0.5 else data)
    for _ in range(chance.randint(1, 6)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)
