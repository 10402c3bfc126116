"""Hydra's configurations: a file with a defaults list, composed from the files of the groups that it names.

As Hydra 1.1 and later compose: in the order of the list; a file itself comes where `_self_` stands, else last. What
only a command line or a plugin can say (overrides, `hydra/...`, interpolated choices) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.config_tree import Entry, merged

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_FILES = 64
MAX_DEPTH = 8


def compose(program: Program, folder: str, name: str) -> Entry | None:
    """The configuration `name` of `folder` (relative to the program's file); None if there is no such file."""
    path = program.document.path.replace("\\", "/").rpartition("/")[0]
    base = folder if folder.startswith("/") else f"{path}/{folder}" if path else folder
    return _Composer(program, base).file(name, "", 0)


class _Composer:
    def __init__(self, program: Program, folder: str) -> None:
        self.program = program
        self.folder = folder
        self.left = MAX_FILES

    def file(self, name: str, group: str, depth: int, package: str | None = None) -> Entry | None:
        """What the file `name` of `group` says with everything in its defaults list, as seen from the root."""
        if self.left <= 0 or depth > MAX_DEPTH:
            return None
        self.left -= 1
        whole = f"{self.folder}/{group}/{name}" if group else f"{self.folder}/{name}"
        stem = whole if whole.endswith((".yaml", ".yml")) else f"{whole}.yaml"
        entry = self.program.host.config(stem, self.program.document.path)
        if entry is None or entry.children is None:
            return None
        place = package if package is not None else _place(entry.package, group)
        parts: list[Entry] = []
        seen_self = False
        defaults = entry.children.get("defaults")
        own = Entry(entry.line, entry.file, children={k: v for k, v in entry.children.items() if k != "defaults"})
        for item in (defaults.items or []) if defaults is not None else []:
            if item.value == "_self_":
                seen_self = True
                parts.append(_nested(own, place))
                continue
            for inner_group, choice, inner_package in _choices(item):
                target = inner_group[1:] if inner_group.startswith("/") else f"{group}/{inner_group}".strip("/")
                if not inner_group:
                    target = group
                    if choice.startswith("/"):
                        target, choice = "", choice[1:]
                if inner_package is not None and place and not inner_package.startswith("_global_"):
                    inner_package = f"{place}.{inner_package}".strip(".")
                elif not inner_group and inner_package is None:
                    inner_package = place  # a file beside this one
                found = self.file(choice, target, depth + 1, inner_package)
                if found is not None:
                    parts.append(found)
        if not seen_self:
            parts.append(_nested(own, place))
        result = parts[0]
        for part in parts[1:]:
            result = merged(result, part)
        return result


def _choices(item: Entry) -> Iterator[tuple[str, str, str | None]]:
    """(group, file, package) of one item of a defaults list."""
    if isinstance(item.value, str):
        name, _, package = item.value.partition("@")
        yield "", name, package or None
    for key, choice in (item.children or {}).items():
        words = key.split()
        if "override" in words[:-1] or not words:
            continue
        group, _, package = words[-1].partition("@")
        package = package.rpartition(":")[2]
        if group.startswith(("hydra/", "/hydra/")) or group == "hydra":
            continue
        for one in choice.items if choice.items is not None else [choice]:
            if isinstance(one.value, str) and "${" not in one.value:
                yield group, one.value, package or None


def _place(package: str | None, group: str) -> str:
    """Where the values of a file go: what its head says, else its group."""
    if package is None or package == "_group_":
        return group.replace("/", ".")
    return "" if package == "_global_" else package


def _nested(entry: Entry, place: str) -> Entry:
    place = "" if place.startswith("_global_") else place
    for key in reversed([p for p in place.split(".") if p]):
        entry = Entry(entry.line, entry.file, children={key: entry})
    return entry


_REFERENCE = re.compile(r"\$\{([\w.]+)\}\Z")


def resolved(root: Entry, entry: Entry, depth: int = 0) -> tuple[bool, object]:
    """(whether it is known, the value) of a leaf whose text may name another one: `${optim.lr}`."""
    value = entry.plain()
    if not isinstance(value, str) or "${" not in value:
        return True, value
    match = _REFERENCE.match(value)
    target = root.at(tuple(match[1].split("."))) if match is not None and depth < MAX_DEPTH else None
    return resolved(root, target, depth + 1) if target is not None and target.children is None else (False, None)
