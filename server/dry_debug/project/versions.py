"""Versions that a project declares for its packages, read from its metadata files without running anything.

A lock file says which version will be there; the other files say which may be. The answer is text: an exact version
(`2.1.0`) where there is one, else the condition as it is written (`>=2.0,<3`).
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from dry_debug.program.package_names import normal

MAX_BYTES = 5_000_000
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_REQUIREMENT = re.compile(
    r"""\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*
        \(?\s*(?P<condition>(?:[=<>!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*)\)?\s*(?:[;#@].*)?$""",
    re.VERBOSE,
)
_EXACT = re.compile(r"={2,3}([\w.+!-]+)$")


def declared(root: str) -> dict[str, str]:
    """The version or the condition of each package that the project in the folder `root` declares, by its normal
    name (lower case, with hyphens). What comes first in this order holds: lock files, pyproject.toml, setup.cfg,
    setup.py, requirements*.txt, environment.yml."""
    found: dict[str, str] = {}
    for name, condition in _everything(root):
        if condition and name not in found:
            found[name] = condition
    return found


def place_of(folder: str, package: str, version: str) -> tuple[str, int, int, int, str] | None:
    """Where a file in `folder`, other than a lock file, sets `package` to `version` (as `declared` answers it): its
    path, the line (zero-based), the column and the length in code points, and the text of the line."""
    numbers = re.search(r"\d[\w.]*", version)
    if numbers is None:
        return None
    parts = re.split("[-_.]", package)
    pattern = re.compile(
        rf"(?<![\w.-]){'[-_.]'.join(map(re.escape, parts))}(?![\w-]).*?{re.escape(numbers[0])}", re.IGNORECASE
    )
    files = ["pyproject.toml", "setup.cfg", "setup.py", *_requirements_files(folder)]
    for name in (*files, "environment.yml", "environment.yaml", "conda.yml", "conda.yaml"):
        path = os.path.join(folder, name)
        for number, line in enumerate(_text(path).splitlines()):
            match = pattern.search(line.partition("#")[0])
            if match is not None:
                return path, number, match.start(), match.end() - match.start(), line
    return None


def named(root: str) -> set[str]:
    """The normal names of all packages that the metadata files in the folder `root` list, with and without versions."""
    return {name for name, _ in _everything(root)}


def _everything(root: str) -> Iterator[tuple[str, str]]:
    for lock in _LOCKS:
        text = _text(os.path.join(root, lock))
        if text:
            yield from _locked(text, lock)
    yield from _pyproject(_toml(_text(os.path.join(root, "pyproject.toml"))))
    yield from _setup_cfg(_text(os.path.join(root, "setup.cfg")))
    yield from _setup_py(_text(os.path.join(root, "setup.py")))
    for name in _requirements_files(root):
        for line in _text(os.path.join(root, name)).splitlines():
            yield from _requirement(line)
    for name in ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml"):
        for line in _text(os.path.join(root, name)).splitlines():
            item = line.strip()
            if item.startswith("- ") and not item.endswith(":"):
                text = item[2:].strip().strip("'\"").rpartition("::")[2]
                text = re.sub(r"^([\w.-]+) *=(?!=) *([\w.+!]+)(=[\w.]+)?$", r"\1==\2", text)  # conda's single `=`
                yield from _requirement(text)


def _requirement(line: str) -> Iterator[tuple[str, str]]:
    match = _REQUIREMENT.match(line.split(" --", 1)[0].rstrip("\\ "))
    if match is not None:
        condition = re.sub(r"\s+", "", match["condition"]).rstrip(",")
        exact = _EXACT.match(condition)
        yield normal(match["name"]), exact.group(1) if exact and "*" not in condition else condition


def _locked(text: str, name: str) -> Iterator[tuple[str, str]]:
    if name == "Pipfile.lock":
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return
        for group in ("default", "develop"):
            rows = data.get(group) if isinstance(data, dict) else None
            for package, row in rows.items() if isinstance(rows, dict) else ():
                version = row.get("version") if isinstance(row, dict) else None
                if isinstance(version, str):
                    yield normal(package), version.removeprefix("==")
        return
    data = _toml(text)
    rows = data.get("package", data.get("packages"))
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("version"), str):
            yield normal(row["name"]), row["version"]


def _pyproject(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    project = _table(data.get("project"))
    lists = [project.get("dependencies"), *_table(project.get("optional-dependencies")).values()]
    lists += _table(data.get("dependency-groups")).values()
    for rows in lists:
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, str):
                yield from _requirement(row)
    poetry = _table(_table(data.get("tool")).get("poetry"))
    tables = [poetry.get("dependencies"), poetry.get("dev-dependencies")]
    tables += [_table(group).get("dependencies") for group in _table(poetry.get("group")).values()]
    for table in tables:
        for name, row in _table(table).items():
            version = row.get("version") if isinstance(row, dict) else row
            if isinstance(version, str) and version != "*":
                plain = re.fullmatch(r"[\d.]+", version) is not None  # poetry: a bare version is meant with a caret
                yield normal(name), f"^{version}" if plain else version.removeprefix("==")


def _setup_cfg(text: str) -> Iterator[tuple[str, str]]:
    if "install_requires" not in text:
        return
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for line in parser.get("options", "install_requires", fallback="").splitlines():
        yield from _requirement(line)


def _setup_py(text: str) -> Iterator[tuple[str, str]]:
    """Literal lists of requirements only: `setup.py` is not run."""
    if "install_requires" not in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    assigned: dict[str, ast.expr] = {}
    for stmt in tree.body:
        if isinstance(stmt, ast.Assign) and isinstance(stmt.targets[0], ast.Name):
            assigned[stmt.targets[0].id] = stmt.value
    for stmt in tree.body:
        call = stmt.value if isinstance(stmt, ast.Expr) else None
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            if keyword.arg == "install_requires":
                value = assigned.get(keyword.value.id) if isinstance(keyword.value, ast.Name) else keyword.value
                for element in value.elts if isinstance(value, ast.List | ast.Tuple) else ():
                    if isinstance(element, ast.Constant) and isinstance(element.value, str):
                        yield from _requirement(element.value)


def _requirements_files(root: str) -> list[str]:
    """`requirements*.txt`, then what lies in a folder `requirements`: paths relative to `root`."""
    found = []
    for folder in ("", "requirements"):
        try:
            names = sorted(os.listdir(os.path.join(root, folder)))
        except OSError:
            continue
        fits = [n for n in names if n.endswith((".txt", ".in")) and (folder or n.startswith("requirements"))]
        found += [os.path.join(folder, name) for name in fits[:12]]
    return found


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # loads `datetime` and `string`; many folders have no such file

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _text(path: str) -> str:
    try:
        if os.path.getsize(path) > MAX_BYTES:
            return ""
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig", "replace")
    except OSError:
        return ""
