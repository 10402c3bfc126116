"""Configuration files -> entries with lines: YAML, JSON, TOML and INI. Constructs nothing but plain data.

Bounded: by the size of the file, the number of its values and their depth. An alias of YAML is the entry that it names,
not a copy, so that a file of nested aliases stays as small as it is. What cannot be read is None.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from dry_debug.program.config_tree import Entry, Scalar

MAX_BYTES = 512_000  # a larger file is data
MAX_SLOW_BYTES = 64_000  # of YAML, where PyYAML lacks its fast parser
MAX_NODES = 20_000
MAX_DEPTH = 50

_SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".ini": "ini", ".cfg": "ini",
             ".conf": "ini"}  # fmt: skip


def kind_of(path: str) -> str | None:
    """The format that the name of a file says: yaml, json, toml, ini; None for everything else."""
    return _SUFFIXES.get(os.path.splitext(path)[1].lower())


def read_config(path: str, data: bytes | None) -> Entry | None:
    """The entries of the file `path`, whose content is `data`; None if it is malformed, too large or another format."""
    kind = kind_of(path)
    if data is None or kind is None or len(data) > MAX_BYTES:
        return None
    try:
        text = data.decode("utf-8-sig")
        return _READERS[kind](text, path)
    except (ValueError, RecursionError, TypeError, _Unreadable):
        return None


class _Unreadable(Exception):
    """The file is not what its name says, or is larger than what is read."""


class _Builder:
    """Puts entries together from what a parser meets, with its own stack."""

    def __init__(self, file: str, merges: bool = False) -> None:
        self.file = file
        self.merges = merges  # `<<` is a key of its own
        self.root: Entry | None = None
        self._open: list[tuple[Entry, tuple[str, int] | None]] = []  # and the key that waits for its value
        self._merges: list[tuple[Entry, Entry]] = []
        self._nodes = 0

    @property
    def depth(self) -> int:
        return len(self._open)

    @property
    def wants_key(self) -> bool:
        return bool(self._open) and self._open[-1][0].children is not None and self._open[-1][1] is None

    def key(self, name: str, line: int) -> None:
        self._open[-1] = (self._open[-1][0], (name, line))

    def place(self, line: int) -> int:
        """The line of a value that begins at `line`: that of its key, if it has one."""
        pending = self._open[-1][1] if self._open else None
        return pending[1] if pending is not None else line

    def add(self, entry: Entry) -> None:
        """Put a value where the parser is."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _Unreadable
        if not self._open:
            if self.root is None:
                self.root = entry
            return
        holder, pending = self._open[-1]
        if holder.items is not None:
            holder.items.append(entry)
        elif holder.children is not None and pending is not None:
            if self.merges and pending[0] == "<<":
                self._merges.append((holder, entry))
            else:
                holder.children[pending[0]] = entry
            self._open[-1] = (holder, None)

    def alias(self, entry: Entry, line: int) -> None:
        """Put there what has been said elsewhere: a value under its own line, a collection as it is."""
        self.add(Entry(self.place(line), self.file, entry.value) if entry.is_leaf else entry)

    def open(self, entry: Entry) -> None:
        self.add(entry)
        if len(self._open) >= MAX_DEPTH:
            raise _Unreadable
        self._open.append((entry, None))

    def close(self) -> None:
        self._open.pop()

    def finish(self) -> Entry | None:
        """The whole, with YAML's merge keys resolved: what a mapping says itself goes before what it merges."""
        for holder, source in self._merges:
            for other in source.items if source.items is not None else [source]:
                for key, entry in (other.children or {}).items():
                    if holder.children is not None and other is not holder:
                        holder.children.setdefault(key, entry)
        return self.root


# -- YAML ------------------------------------------------------------------------------------------------------------

# As OmegaConf reads a number: PyYAML on its own takes `1e-4` for text, which nobody means who writes it.
_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?\Z")


def _yaml(text: str, path: str) -> Entry | None:
    import yaml  # type: ignore[import-untyped]

    loader: Any = getattr(yaml, "CSafeLoader", None)
    if loader is None:
        loader = yaml.SafeLoader
        if len(text) > MAX_SLOW_BYTES:
            raise _Unreadable
    resolver = yaml.resolver.Resolver()
    builder = _Builder(path, merges=True)
    anchors: dict[str, Entry] = {}
    documents = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Unreadable  # `safe_load` takes one
            elif isinstance(event, yaml.ScalarEvent):
                if builder.wants_key:
                    builder.key(event.value, line)
                    continue
                entry = Entry(builder.place(line), path, _yaml_scalar(event, resolver))
                if event.anchor:
                    anchors[event.anchor] = entry
                builder.add(entry)
            elif isinstance(event, yaml.AliasEvent):
                if builder.wants_key or event.anchor not in anchors:
                    raise _Unreadable
                builder.alias(anchors[event.anchor], line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if builder.wants_key:
                    raise _Unreadable  # a collection as a key
                entry = Entry(builder.place(line), path)
                if isinstance(event, yaml.MappingStartEvent):
                    entry.children = {}
                else:
                    entry.items = []
                if event.anchor:
                    anchors[event.anchor] = entry
                builder.open(entry)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                builder.close()
    except yaml.YAMLError as error:
        raise _Unreadable from error
    root = builder.finish()
    if root is not None:
        package = _PACKAGE.search(text[:2_000])
        root.package = package[1] if package else None
    return root


# Hydra: where a file of a group puts its values.
_PACKAGE = re.compile(r"^#\s*@package[ \t]+(\S+)", re.MULTILINE)


def _yaml_scalar(event: Any, resolver: Any) -> Scalar:
    """The value of a scalar by YAML's core types; text for every other tag. Nothing is constructed."""
    text: str = event.value
    if event.tag is not None and event.tag != "!":
        kind = event.tag.rpartition(":")[2]
    elif not event.implicit[0]:
        return text  # in quotation marks
    else:
        import yaml

        kind = resolver.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("yes", "true", "on")
    number = text.replace("_", "")
    if kind == "int":
        return _yaml_int(number)
    if kind in ("float", "str") and _FLOAT.match(text) and re.search(r"\d", text) and (
        kind == "float" or "e" in text.lower()
    ):  # fmt: skip
        return float(number)
    if kind == "float" and text.lower().lstrip("+-") in (".inf", ".nan"):
        return float(text.lower().replace(".", ""))
    return text


def _yaml_int(text: str) -> Scalar:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    try:
        if digits.startswith(("0x", "0b")):
            return sign * int(digits, 0)
        if len(digits) > 1 and digits.startswith("0"):
            return sign * int(digits, 8)
        return sign * int(digits)
    except ValueError:
        return text  # base 60


# -- JSON ------------------------------------------------------------------------------------------------------------

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def _json(text: str, path: str) -> Entry | None:
    import json

    json.loads(text)  # so that what follows is known to be well formed
    builder = _Builder(path)
    line, at = 1, 0
    for match in _JSON_TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        token = match.group()
        if token in ",:":
            continue
        if token == "{":
            builder.open(Entry(builder.place(line), path, children={}))
        elif token == "[":
            builder.open(Entry(builder.place(line), path, items=[]))
        elif token in "}]":
            builder.close()
        else:
            value = json.loads(token)
            if builder.wants_key:
                builder.key(value, line)
            else:
                builder.add(Entry(builder.place(line), path, value))
    return builder.finish()


# -- TOML ------------------------------------------------------------------------------------------------------------


_TOML_KEYS = re.compile(r"""[\w"'. \t-]+""")


def _toml(text: str, path: str) -> Entry | None:
    import tomllib

    from dry_debug.project.toml_lines import lines_of

    if any(run.count(".") > MAX_DEPTH for run in _TOML_KEYS.findall(text)):
        raise _Unreadable  # `tomllib` takes the square of a dotted key's length, in time and in memory
    values = tomllib.loads(text)
    lines = lines_of(text)
    builder = _Builder(path)
    # (what to do, value, the keys that lead there); collections are closed by a marker of their own.
    stack: list[tuple[str, Any, tuple[str | int, ...]]] = [("value", values, ())]
    while stack:
        what, value, keys = stack.pop()
        if what == "close":
            builder.close()
            continue
        line = _known_line(lines, keys)
        if what == "item" and isinstance(keys[-1], str):
            builder.key(keys[-1], line)
        if isinstance(value, dict):
            builder.open(Entry(line, path, children={}))
            stack.append(("close", None, ()))
            stack.extend(("item", inner, (*keys, key)) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            builder.open(Entry(line, path, items=[]))
            stack.append(("close", None, ()))
            stack.extend(("item", inner, (*keys, at)) for at, inner in reversed(list(enumerate(value))))
        else:
            known = isinstance(value, bool | int | float | str)
            builder.add(Entry(line, path, value if known else str(value)))
    return builder.finish()


def _known_line(lines: dict[tuple[str | int, ...], int], keys: tuple[str | int, ...]) -> int:
    """The line of a value, or of the innermost thing around it whose line is known."""
    for end in range(len(keys), -1, -1):
        if keys[:end] in lines:
            return lines[keys[:end]]
    return 1


# -- INI -------------------------------------------------------------------------------------------------------------

_INI_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
_INI_SEPARATOR = re.compile(r"[:=]")
_MAX_INI_LINE = 2_000  # the patterns of `configparser` take the square of a line's length


def _ini(text: str, path: str) -> Entry | None:
    import configparser

    if max(map(len, text.split("\n"))) > _MAX_INI_LINE:
        raise _Unreadable
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise _Unreadable from error
    lines = dict(_ini_lines(text))
    root = Entry(1, path, children={})
    for section in parser.sections():
        inside = Entry(lines.get((section, ""), 1), path, children={})
        for key, value in parser.items(section):
            line = lines.get((section, key)) or lines.get(("DEFAULT", key), inside.line)
            assert inside.children is not None
            inside.children[key] = Entry(line, path, _ini_scalar(value))
        assert root.children is not None
        root.children[section] = inside
    return root


def _ini_lines(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        match = _INI_SECTION.match(line)
        if match:
            section = match["name"]
            yield (section, ""), number
            continue
        if line[:1].isspace() or line[:1] in ("#", ";", ""):
            continue  # an indented line goes on with the value above
        yield (section, _INI_SEPARATOR.split(line, maxsplit=1)[0].strip().lower()), number


def _ini_scalar(text: str | None) -> Scalar:
    """What `getint`, `getfloat` and `getboolean` give where they can."""
    if text is None:
        return None
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text) if len(text) < 30 else text
    if _FLOAT.match(text) and re.search(r"\d", text):
        return float(text)
    if text.lower() in ("true", "false", "yes", "no", "on", "off"):
        return text.lower() in ("true", "yes", "on")
    return text


_READERS = {"yaml": _yaml, "json": _json, "toml": _toml, "ini": _ini}
