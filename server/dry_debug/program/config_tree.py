"""A configuration file as plain data: every value with the line that it stands on. Knows no file format."""

from __future__ import annotations

from collections.abc import Iterator

from dry_debug.records import dataclass

Scalar = bool | int | float | str | None

MOST_LEAVES = 2_000  # of one file that are looked at; anchors can make a small file stand for many more


@dataclass(slots=True, eq=False)
class Entry:
    """A value of a configuration file.

    `value` holds a scalar; `children` a mapping's entries by key, `items` a sequence's entries. `line` is one-based:
    that of the key (of the item, in a sequence). `file` is the path as the host names it. `package` is what the head of
    a file says to Hydra about the place of its values.
    """

    line: int
    file: str
    value: Scalar = None
    children: dict[str, Entry] | None = None
    items: list[Entry] | None = None
    package: str | None = None

    @property
    def is_leaf(self) -> bool:
        return self.children is None and self.items is None

    def plain(self) -> Scalar | list[Scalar]:
        """The value of a leaf, or of a flat sequence of them; None for everything else."""
        if self.items is not None:
            return [item.value for item in self.items] if all(item.is_leaf for item in self.items) else None
        return self.value

    def at(self, keys: tuple[str, ...]) -> Entry | None:
        """The entry that `keys` lead to."""
        entry: Entry | None = self
        for key in keys:
            entry = entry.children.get(key) if entry is not None and entry.children is not None else None
        return entry

    def leaves(self) -> Iterator[tuple[tuple[str, ...], Entry]]:
        """(keys, entry) of every value below, in the order of the file: scalars, and sequences as one.

        Bounded: at most `MOST_LEAVES`, and what contains itself is entered once.
        """
        count = 0
        stack: list[tuple[tuple[str, ...], Entry, frozenset[int]]] = [((), self, frozenset())]
        while stack and count < MOST_LEAVES:
            keys, entry, above = stack.pop()
            count += 1
            if entry.children is None:
                if keys:
                    yield keys, entry
                continue
            if id(entry) in above or len(above) > 50:
                continue
            inside = above | {id(entry)}
            stack.extend((((*keys, key), child, inside)) for key, child in reversed(entry.children.items()))


def merged(below: Entry, above: Entry) -> Entry:
    """`below` with what `above` says instead, key by key. Neither is changed."""
    return _merged(below, above, 0, {})


def _merged(below: Entry, above: Entry, depth: int, done: dict[tuple[int, int], Entry]) -> Entry:
    if below.children is None or above.children is None or depth > 50:
        return above
    key = (id(below), id(above))
    if key not in done:  # what aliases show in many places is merged once
        result = done[key] = Entry(above.line, above.file, children=dict(below.children), package=above.package)
        assert result.children is not None
        for name, entry in above.children.items():
            known = result.children.get(name)
            result.children[name] = entry if known is None else _merged(known, entry, depth + 1, done)
    return done[key]
