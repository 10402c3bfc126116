"""Fenced blocks of settings: YAML, JSON, TOML, command lines, plain lines."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from dry_debug.program.scopes import last_name

_KEY = re.compile(r"(\s*)(?:-\s+)?[\"']?([A-Za-z_][\w .\-/]*?)[\"']?\s*[:=]\s*(.*?)\s*,?\s*\Z")
_FLAG = re.compile(r"(?<!\S)--?([A-Za-z][\w.-]*)(?:(?:=|\s+)(?!--?[A-Za-z])(\"[^\"]*\"|'[^']*'|\S+))?")


def settings_in(lines: Sequence[str], language: str) -> Iterator[tuple[int, str]]:
    """(index of the line, "path to the key: value") of each setting; lines of other kinds as they are."""
    text = "\n".join(lines)
    if text.lstrip().startswith(("{", "[")):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if data is not None:
            yield from _json(lines, data)
            return
    if re.search(r"(?<!\S)--[a-z]", text) and language not in ("yaml", "json", "toml", "yml", "markdown"):
        yield from _flags(lines)
        return
    path: list[tuple[int, str]] = []
    section = ""
    items: tuple[int, str, list[str]] | None = None
    for index, line in enumerate(lines):
        stripped = re.sub(r"\s+#.*\Z", "", line).rstrip()
        if not stripped.strip() or stripped.lstrip().startswith(("#", "//")):
            continue
        header = re.fullmatch(r"\s*\[+([\w.\- ]+)\]+\s*", stripped)
        if header:
            section, path = header[1].replace(".", " "), []
            continue
        item = re.fullmatch(r"\s*-\s+[\"']?([\w./-]+)[\"']?", stripped)
        if item and path:
            if items is None:
                items = (index, " ".join(k for _, k in path), [])
            items[2].append(item[1])
            continue
        if items is not None:
            yield items[0], f"{items[1]}: {', '.join(items[2])}"
            items = None
        match = _KEY.match(re.sub(r"[{}]", " ", stripped) if "{" in stripped or "}" in stripped else stripped)
        if match is None:
            if stripped.strip() not in ("{", "}", "},", "---"):
                yield index, stripped.strip()
            continue
        indent = len(match[1].expandtabs(4))
        path = [p for p in path if p[0] < indent]
        value = match[3].strip("\"'")
        if not value:
            path.append((indent, match[2]))
            continue
        yield index, " ".join(filter(None, (section, *(k for _, k in path), match[2]))) + f": {value}"
    if items is not None:
        yield items[0], f"{items[1]}: {', '.join(items[2])}"


_SETTINGS = re.compile(r"(?:\w*(?:Arguments|Args|Config|Params|Trainer)|LLM|Engine|Adam\w*|SGD)\Z")


def arguments_in(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(index of the line, "name: value") of each argument of a call that holds settings: `TrainingArguments(lr=1e-4)`.

    Nothing where the lines are not Python."""
    text = textwrap.dedent("\n".join(lines))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not _SETTINGS.search(last_name(node.func)):
            continue
        for keyword in node.keywords:
            plain = isinstance(keyword.value, ast.Constant | ast.List | ast.UnaryOp)
            value = ast.get_source_segment(text, keyword.value) if plain and keyword.arg else None
            if value is not None and "\n" not in value and len(value) < 200:
                shown = {"True": "true", "False": "false"}.get(value, re.sub(r"[\"'\[\]]", "", value))
                yield keyword.value.lineno - 1, f"{keyword.arg}: {shown}"


def _flags(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            continue
        served = re.search(r"\bvllm serve ([\w./-]+)", line)
        if served:
            yield index, f"model: {served[1]}"
        for match in _FLAG.finditer(line):
            name = match[1].replace("-", "_")
            yield index, f"{name}: {(match[2] or 'true').strip(chr(34) + chr(39))}"


def _json(lines: Sequence[str], data: Any) -> Iterator[tuple[int, str]]:
    at = 0
    stack: list[tuple[tuple[str, ...], Any]] = [((), data)]
    flat: list[tuple[tuple[str, ...], Any]] = []
    while stack and len(flat) < 2_000:
        path, value = stack.pop()
        if isinstance(value, dict) and len(path) < 12:
            stack.extend(((*path, str(k)), v) for k, v in reversed(value.items()))
        elif isinstance(value, list) and any(isinstance(v, dict | list) for v in value):
            stack.extend((path, v) for v in reversed(value))
        else:
            flat.append((path, value))
    for path, value in flat:
        if not path:
            continue
        for index in range(at, len(lines)):
            if f'"{path[-1]}"' in lines[index]:
                at = index
                break
        shown = ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)
        if isinstance(value, bool):
            shown = shown.lower()
        yield at, f"{' '.join(path)}: {shown}"
