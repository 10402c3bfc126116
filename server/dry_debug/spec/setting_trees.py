"""Settings with the keys that lead to them: of configuration files, of files that the code names, of Python configs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.program.scopes import dotted
from dry_debug.records import dataclass
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.hyper_config import Configured
    from dry_debug.program.program import Program

_FILE = re.compile(r"[\w./-]*\w\.(?:ya?ml|json|toml)\Z")
_PYTHON = re.compile(r"[\w./-]*\w\.py\Z")
_MOST_FILES = 6
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and the keys that lead to it; `use` is where the program that is looked at gets it."""

    keys: tuple[str, ...]
    value: Any
    traced: Traced
    use: ast.AST


def settings_of(program: Program) -> Iterator[Setting]:
    """All settings of a program that stand under keys."""
    first = next(iter(program.tree.body), program.tree)
    read: set[str] = set()
    for row in _configured(program):
        read.add(row.file)
        yield _of_file(program, row.keys or (row.name,), row.value, row.file, row.line, first)
    yield from _named_files(program, read)
    yield from _flags(program)
    for node in _dicts(program):
        yield from _of_dict(program, node, (), program.index.stmt_of.get(node), 0, node)


def _configured(program: Program) -> Iterator[Configured]:
    """What the files say that the program loads, with the mappings that stand in lists."""
    from dry_debug.program.hyper_config import roots, settings_of

    if not program.training.hyper.configured:
        return
    seen: set[tuple[str, int, tuple[str, ...]]] = set()
    for root in roots(program):
        for row in settings_of(root, deep=True):
            if (row.file, row.line, row.keys) not in seen:
                seen.add((row.file, row.line, row.keys))
                yield row


def _of_file(program: Program, keys: tuple[str, ...], value: Any, file: str, line: int, use: ast.AST) -> Setting:
    return Setting(keys, value, Traced(value is not None, value, program, use, file, line, True), use)


def _named_files(program: Program, read: set[str]) -> Iterator[Setting]:
    """The files that stand in the code by their name, `deepspeed="ds_config.json"`, `do_cli(config="qlora.yml")`."""
    from dry_debug.program.hyper_config import settings_of as settings_in

    source = program.document.source
    if not any(end in source for end in (".yml", ".yaml", ".json", ".toml", "fromfile")):
        return
    looked: set[str] = set()
    for text, node in _names_of_files(program):
        if text in looked or len(looked) >= _MOST_FILES:
            continue
        if _FILE.match(text):
            looked.add(text)
            entry = program.host.config(text, program.document.path)
            rows = list(settings_in(entry, deep=True)) if entry is not None else []
            for row in rows:
                if row.file not in read:
                    yield _of_file(program, row.keys, row.value, row.file, row.line, node)
            read.update({row.file for row in rows})
        elif _PYTHON.match(text) and "fromfile" in source:
            looked.add(text)
            module = re.sub(r"^(?:\./)+", "", text)[:-3].replace("/", ".")
            other = program.host.module(module, program.document.path)
            if other is not None and other is not program:
                yield from _of_module(other, node)


_WRITES = re.compile(r"\.dump\(|[\"'][wax]b?t?[\"']|write|\.save|to_json")


def _names_of_files(program: Program) -> Iterator[tuple[str, ast.expr]]:
    """(text, where it stands) of the files that statements name; not what they write, `json.dump(..., open("a", "w"))`,
    and no docstrings."""
    for stmt in ast.walk(program.tree):
        if not isinstance(stmt, ast.stmt) or (isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant)):
            continue
        parts = [part for part in ast.iter_child_nodes(stmt) if not isinstance(part, ast.stmt)]
        named = [
            (node.value, node)
            for part in parts
            for node in ast.walk(part)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and 4 < len(node.value) < 120
            and (_FILE.match(node.value) or _PYTHON.match(node.value))
        ]
        if named and not any(_WRITES.search(ast.unparse(part)) for part in parts):
            yield from named


def _of_module(other: Program, use: ast.AST) -> Iterator[Setting]:
    """A configuration that is a Python file: its variables, and what stands in their dicts."""
    for stmt in other.tree.body:
        target = stmt.targets[0] if isinstance(stmt, ast.Assign) else None
        if isinstance(stmt, ast.Assign) and isinstance(target, ast.Name) and not target.id.startswith("_"):
            yield from _of_value(other, stmt.value, (target.id,), stmt, 0, use)


def _flags(program: Program) -> Iterator[Setting]:
    """A command line that is put together: `main(["--lr", "1e-4", "--epochs", "3", "--bf16"])`."""
    if '"--' not in program.document.source and "'--" not in program.document.source:
        return
    for node in ast.walk(program.tree):
        if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) > 200:
            continue
        texts = [e.value if isinstance(e, ast.Constant) else None for e in node.elts]
        if sum(isinstance(t, str) and t.startswith("--") for t in texts) < 2:
            continue
        for at, text in enumerate(texts):
            if not isinstance(text, str) or not text.startswith("--"):
                continue
            flag, sign, given = text.partition("=")
            behind = node.elts[at + 1] if at + 1 < len(texts) else None
            value: Any = given if sign else True
            place: ast.expr = node.elts[at]
            if not sign and behind is not None and not str(texts[at + 1] or "").startswith("--"):
                traced = trace(program, behind, program.index.stmt_of.get(node))
                if not traced.known:
                    continue
                value, place = traced.value, behind
            yield Setting(
                (flag.lstrip("-").replace("-", "_"),), _plain(value), Traced(True, value, program, place), place
            )


def _plain(value: Any) -> Any:
    """A number where a text is one."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", value):
        number = float(value)
        return int(number) if re.fullmatch(r"[-+]?\d+", value) else number
    return value


def _dicts(program: Program) -> Iterator[ast.expr]:
    """Dicts of dicts in the code that hold settings: `CONFIG = {"optimizer": {"type": "AdamW", "lr": 1e-3}}`."""
    for assignment in program.index.assignments:
        if isinstance(assignment.value, ast.Dict) and _nested(assignment.value):
            yield assignment.value
    for call in program.index.calls:
        for value in (*call.args, *(k.value for k in call.keywords)):
            if isinstance(value, ast.Dict) and _nested(value):
                yield value


def _nested(node: ast.Dict) -> bool:
    return any(isinstance(v, ast.Dict) for v in node.values) and all(
        isinstance(k, ast.Constant) and isinstance(k.value, str) for k in node.keys
    )


def _of_dict(
    owner: Program, node: ast.expr, keys: tuple[str, ...], at: ast.AST | None, depth: int, use: ast.AST
) -> Iterator[Setting]:
    pairs: list[tuple[Any, ast.expr]] = []
    if isinstance(node, ast.Dict):
        pairs = [(k.value, v) for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)]
    elif isinstance(node, ast.Call):
        pairs = [(k.arg, k.value) for k in node.keywords]
    for key, value in pairs[:64]:
        if isinstance(key, str):
            yield from _of_value(owner, value, (*keys, key), at, depth + 1, use)


def _of_value(
    owner: Program, value: ast.expr, keys: tuple[str, ...], at: ast.AST | None, depth: int, use: ast.AST
) -> Iterator[Setting]:
    if depth > _DEEPEST:
        return
    if isinstance(value, ast.Dict) or (isinstance(value, ast.Call) and dotted(value.func) == "dict"):
        yield from _of_dict(owner, value, keys, at, depth, use)
        return
    if isinstance(value, ast.List | ast.Tuple) and any(isinstance(e, ast.Dict | ast.Call) for e in value.elts):
        for each in value.elts[:8]:
            if isinstance(each, ast.Dict) or (isinstance(each, ast.Call) and dotted(each.func) == "dict"):
                yield from _of_dict(owner, each, keys, at, depth, use)
        return
    traced = trace(owner, value, at)
    if traced.known:
        yield Setting(keys, traced.value, traced, use if owner.document.path != traced.path else value)
