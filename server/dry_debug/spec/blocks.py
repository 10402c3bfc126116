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


_SETTINGS = re.compile(
    r"(?:\w*(?:Arguments|Args|Config|Params|Trainer|TrainingArguments)|LLM|Engine|dict|SimpleNamespace|Namespace|"
    r"DataLoader|EasyDict)\Z"
)
_OPTIMIZERS = re.compile(r"(?:\w*Adam\w*|SGD|RMSprop|Adagrad|Adadelta|Adafactor|Lion\w*|LAMB|Muon)\Z")
_SCHEDULERS = re.compile(
    r"(?:CosineAnnealing\w*|OneCycleLR|ReduceLROnPlateau|(?:Multi)?StepLR|ExponentialLR|ConstantLR|LinearLR)\Z"
)
_WARMED_UP = re.compile(r"get_(\w+?)_schedule\w*\Z")
_STATEMENTS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.With)
_STARTS = re.compile(r"\.(?:train|fit|backward|step|generate)\(")


def is_script(lines: Sequence[str]) -> bool:
    """Whether Python is a program that somebody shows, not settings: it defines, loops or starts something."""
    text = textwrap.dedent("\n".join(lines))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _STARTS.search(text) is not None or any(isinstance(s, _STATEMENTS) for s in tree.body)


def arguments_in(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(index of the line, "name: value") of each setting: an argument of `TrainingArguments(lr=1e-4)`, a constant, an
    entry of a dict, the optimizer itself. Nothing where the lines are not Python."""
    text = textwrap.dedent("\n".join(lines))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node, text)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield from _named(key.value, value, text)
    for stmt in tree.body:
        target = stmt.targets[0] if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1 else None
        if isinstance(stmt, ast.Assign) and isinstance(target, ast.Name | ast.Attribute):
            yield from _named(last_name(target), stmt.value, text)


def _of_call(call: ast.Call, text: str) -> Iterator[tuple[int, str]]:
    name = last_name(call.func)
    warmed = _WARMED_UP.match(name)
    if _OPTIMIZERS.match(name):
        yield call.lineno - 1, f"optimizer: {name}"
    elif _SCHEDULERS.match(name) or warmed:
        yield call.lineno - 1, f"lr_scheduler_type: {(warmed[1] if warmed else name).replace('_', ' ')}"
    elif not _SETTINGS.search(name):
        return
    for keyword in call.keywords:
        if keyword.arg and not _SCHEDULERS.match(name):
            yield from _named(keyword.arg, keyword.value, text)


def _named(name: str, value: ast.expr, text: str) -> Iterator[tuple[int, str]]:
    plain = isinstance(value, ast.Constant | ast.List | ast.UnaryOp)
    shown = ast.get_source_segment(text, value) if plain else None
    if shown is not None and "\n" not in shown and len(shown) < 200:
        shown = {"True": "true", "False": "false"}.get(shown, re.sub(r"[\"'\[\]]", "", shown))
        yield value.lineno - 1, f"{name}: {shown}"


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
