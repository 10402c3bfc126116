"""On which line each key of a TOML text stands. The text is known to be well formed (`tomllib` has read it)."""

from __future__ import annotations

import re

Keys = tuple[str | int, ...]

_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*""")
# What a value is made of, as far as it has to be told where it ends.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|[\[\]{},=]|\n|[^\s\"'#\[\]{},=]+|[^\S\n]+",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Keys, int]:
    """One-based lines by the keys that lead there; the index of an element of an array of tables is one of them.

    Keys of inline tables have the line of the key in front of the whole, unless they stand right in it.
    """
    lines: dict[Keys, int] = {}
    tables: dict[Keys, int] = {}  # arrays of tables: how many there are so far
    prefix: Keys = ()
    at, line = 0, 1
    while at < len(text):
        char = text[at]
        if char == "\n":
            line += 1
            at += 1
        elif char in " \t\r":
            at += 1
        elif char == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif char == "[":
            several = text.startswith("[[", at)
            keys, at = _key(text, at + (2 if several else 1))
            prefix = _table(keys, several, tables)
            lines.setdefault(prefix, line)
            at += 2 if several else 1
        else:
            keys, end = _key(text, at)
            if end == at:
                return lines  # never in a text that is well formed
            whole: Keys = (*prefix, *keys)
            for count in range(len(prefix) + 1, len(whole) + 1):
                lines.setdefault(whole[:count], line)
            at, line = _value(text, end + 1, line, whole, lines)
    return lines


def _table(keys: Keys, several: bool, tables: dict[Keys, int]) -> Keys:
    """Where the keys under a header stand: `[a.b]` inside `[[a]]` belongs to the last element of `a`."""
    path: Keys = ()
    for number, key in enumerate(keys, 1):
        path = (*path, key)
        if path in tables and not (several and number == len(keys)):
            path = (*path, tables[path])
    if several:
        tables[path] = tables.get(path, -1) + 1
        path = (*path, tables[path])
    return path


def _key(text: str, at: int) -> tuple[Keys, int]:
    """The parts of a dotted key, and the offset behind it."""
    parts: list[str] = []
    while True:
        match = _PART.match(text, at)
        if match is None:
            return tuple(parts), at
        quoted, literal, bare = match.groups()
        if quoted is not None:
            import tomllib

            parts.append(next(iter(tomllib.loads(f'"{quoted}" = 0'))))
        else:
            parts.append(literal if literal is not None else bare)
        at = match.end()
        if at >= len(text) or text[at] != ".":
            return tuple(parts), at
        at += 1


def _value(text: str, at: int, line: int, keys: Keys, lines: dict[Keys, int]) -> tuple[int, int]:
    """(offset of the line end behind a value, the line there); the items of its outermost array get their lines."""
    depth = item = 0
    fresh = True  # an item of the outermost array begins with the next token
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return len(text), line
        token = match.group()
        if token == "\n":
            if depth == 0:
                return at, line
        elif token in "[{":
            if depth == 1 and fresh:
                lines.setdefault((*keys, item), line)
                fresh = False
            depth += 1
        elif token in "]}":
            depth -= 1
        elif token == ",":
            if depth == 1:
                item, fresh = item + 1, True
        elif depth == 1 and fresh and not token.isspace() and not token.startswith("#"):
            lines.setdefault((*keys, item), line)
            fresh = False
        line += token.count("\n")
        at = match.end()
    return at, line
