"""Versions that a project declares for its packages, read from its metadata files without running anything.

A lock file says which version will be there; the other files say which may be. The answer is text: an exact version
(`2.1.0`) where there is one, else the condition as it is written (`>=2.0,<3`), or the address that a package comes from
(`@ git+https://...`). What holds only for some Pythons and platforms, for an extra or for the project's own developers
counts after what holds for everybody, and only where it is not contradicted.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from dry_debug.program.package_names import normal

MAX_BYTES = 5_000_000
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_REQUIREMENT = re.compile(
    r"""\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*
        \(?\s*(?P<condition>(?:[=<>!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*)\)?\s*
        (?:;(?P<marker>[^#]*)(?:\#.*)?|@(?P<place>[^;]*).*|\#.*)?$""",
    re.VERBOSE,
)
_EXACT = re.compile(r"={2,3}([\w.+!-]+)$")
_TAG = re.compile(r"(?:@v?|[-/]v?)(\d+(?:\.\d+)+)(?=[^/\d.]*(?:\.(?:zip|tar\.gz|whl|git)\b[^/]*)?(?:#.*)?$)")


# `pip install torch==2.1.1`, the lines that a backslash continues included.
_INSTALLS = re.compile(r"\b(?P<tool>pip3?|conda|mamba) +install +(?P<words>(?:[^\n`\\]|\\\r?\n)+)")


# What is needed to work on the project, not to run it.
_DEVELOPERS = re.compile(r"(?:^|[^a-z])(?:dev|develop|development|tests?|testing|docs?|lint|ci|build|style|typing)\b")
_UNKNOWN = "?"  # no marker at all: nobody knows whether it holds


class Stated(NamedTuple):
    """One statement of a project on the version of a package. `condition` may be empty; `marker` as it is written."""

    name: str
    condition: str
    marker: str = ""
    level: int = 0  # 0: for everybody; 1: for an extra, or one of several files; 2: for those who work on the project


class Declarations(Mapping[str, str]):
    """The version or the condition of each package that a project declares, by its normal name (lower case, with
    hyphens). Packages on which nothing is certain are not in it."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._stated: dict[str, list[Stated]] = {}
        self._known: dict[str, str | None] = {}
        for one in (*_everything(root), *_told(root)):
            if one.condition:
                self._stated.setdefault(one.name, []).append(one)

    def __getitem__(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = self._resolved(self._stated.get(name, []))
        found = self._known[name]
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._stated if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _resolved(self, stated: list[Stated]) -> str | None:
        """The first that holds for everybody; else what all that may hold agree on, those of the lowest level first."""
        maybe: dict[int, set[str]] = {}
        for one in stated:
            holds = self._holds(one.marker)
            if holds and one.level == 0:
                return one.condition
            if holds is not False:
                maybe.setdefault(one.level, set()).add(one.condition)
        agreed = maybe[min(maybe)] if maybe else set[str]()
        return agreed.pop() if len(agreed) == 1 else None

    def _holds(self, marker: str) -> bool | None:
        if not marker or marker == _UNKNOWN:
            return None if marker else True
        from dry_debug.project.markers import holds

        return holds(marker, self._pythons)

    @cached_property
    def _pythons(self) -> tuple[str, ...]:
        from dry_debug.project.markers import admitted

        data = _toml(_text(os.path.join(self._root, "pyproject.toml")))
        poetry = _table(_table(_table(data.get("tool")).get("poetry")).get("dependencies"))
        for said in (_table(data.get("project")).get("requires-python"), poetry.get("python")):
            if isinstance(said, str):
                return admitted(said)
        return admitted(_text(os.path.join(self._root, ".python-version")).strip())


def declared(root: str) -> Declarations:
    """What the project in the folder `root` declares. What comes first in this order holds: lock files,
    pyproject.toml, setup.cfg, setup.py, requirements.txt, environment.yml; then extras, other requirements files and
    what a README has installed, then what only developers need."""
    return Declarations(root)


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
    return {one.name for one in _everything(root)}


def _everything(root: str) -> Iterator[Stated]:
    for lock in _LOCKS:
        text = _text(os.path.join(root, lock))
        if text:
            yield from _locked(text, lock)
    yield from _pyproject(_toml(_text(os.path.join(root, "pyproject.toml"))))
    yield from _setup_cfg(_text(os.path.join(root, "setup.cfg")))
    yield from _setup_py(_text(os.path.join(root, "setup.py")))
    for name in _requirements_files(root):
        level = _level_of_file(name)
        for line in _joined(_text(os.path.join(root, name))):
            yield from _requirement(line, level)
    for name in ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml"):
        for line in _text(os.path.join(root, name)).splitlines():
            item = line.strip()
            if item.startswith("- ") and not item.endswith(":"):
                text = item[2:].strip().strip("'\"").rpartition("::")[2]
                yield from _of_conda(text)


def _of_conda(text: str, level: int = 0) -> Iterator[Stated]:
    """A package as conda spells it: with a single `=`, and PyTorch under its own name."""
    text = re.sub(r"^([\w.-]+) *=(?!=) *([\w.+!]+)(=[\w.]+)?$", r"\1==\2", text)
    for one in _requirement(text, level):
        yield one._replace(name="torch") if one.name == "pytorch" else one


def _told(root: str) -> Iterator[Stated]:
    """Versions in the commands with which a README has the project's packages installed."""
    for name in ("README.md", "README.rst", "INSTALL.md"):
        for match in _INSTALLS.finditer(_text(os.path.join(root, name))):
            read = _requirement if "pip" in match["tool"] else _of_conda
            for word in match["words"].split():
                if "=" in word and not word.startswith("-"):
                    yield from read(word.strip("\"'`,;"), 1)


def _requirement(line: str, level: int = 0) -> Iterator[Stated]:
    match = _REQUIREMENT.match(line.split(" --", 1)[0].rstrip("\\ "))
    if match is not None:
        condition = re.sub(r"\s+", "", match["condition"]).rstrip(",")
        exact = _EXACT.match(condition)
        version = exact.group(1) if exact and "*" not in condition else condition
        if match["place"] and not condition:
            version = _from_place(match["place"].strip())
        yield Stated(normal(match["name"]), version, (match["marker"] or "").strip(), level)


def _from_place(place: str) -> str:
    """The version of what comes from an address: that of its tag, else the address behind an `@`."""
    tag = _TAG.search(place)
    return tag[1] if tag is not None else f"@ {place.partition(' ')[0]}"


def _joined(text: str) -> Iterator[str]:
    """Lines, with those that a backslash continues put together."""
    return iter(re.sub(r"\\[ \t]*\r?\n", " ", text).splitlines())


def _level_of_file(name: str) -> int:
    """`requirements.txt` speaks for everybody; one of several such files does only where they agree."""
    if os.path.splitext(name)[0] == "requirements":
        return 0
    return _level_of(name)


def _level_of(group: str) -> int:
    """The level of an extra, of a dependency group, of a requirements file."""
    return 2 if _DEVELOPERS.search(group.lower().replace("_", "-")) else 1


def _locked(text: str, name: str) -> Iterator[Stated]:
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
                    yield Stated(normal(package), version.removeprefix("=="))
        return
    data = _toml(text)
    rows = data.get("package", data.get("packages"))
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = [row for row in found if isinstance(row.get("name"), str) and isinstance(row.get("version"), str)]
    times = Counter(normal(row["name"]) for row in found)
    for row in found:
        # Only where a package is locked at several versions do their conditions tell which.
        marker = _marker_of(row) or _UNKNOWN if times[normal(row["name"])] > 1 else ""
        yield Stated(normal(row["name"]), row["version"], marker)


def _marker_of(row: dict[str, Any]) -> str:
    """The condition under which a row of a lock file holds, or nothing."""
    several = row.get("resolution-markers")  # uv: one of them
    if isinstance(several, list) and several and all(isinstance(one, str) for one in several):
        return " or ".join(f"({one})" for one in several)
    one = row.get("markers", row.get("marker"))
    return one if isinstance(one, str) else ""


def _pyproject(data: dict[str, Any]) -> Iterator[Stated]:
    project = _table(data.get("project"))
    lists: list[tuple[int, object]] = [(0, project.get("dependencies"))]
    for groups in (project.get("optional-dependencies"), data.get("dependency-groups")):
        lists += [(_level_of(name), rows) for name, rows in _table(groups).items()]
    for level, rows in lists:
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, str):
                yield from _requirement(row, level)
    poetry = _table(_table(data.get("tool")).get("poetry"))
    tables: list[tuple[int, object]] = [(0, poetry.get("dependencies")), (2, poetry.get("dev-dependencies"))]
    tables += [(_level_of(n), _table(group).get("dependencies")) for n, group in _table(poetry.get("group")).items()]
    for level, table in tables:
        for name, entry in _table(table).items():
            for row in entry if isinstance(entry, list) else [entry]:  # one for each platform or Python
                yield from _poetry_row(name, row, level)


def _poetry_row(name: str, row: object, level: int) -> Iterator[Stated]:
    version = row.get("version") if isinstance(row, dict) else row
    if not isinstance(version, str) or version == "*":
        return
    marker = ""
    if isinstance(row, dict):
        conditional = any(isinstance(row.get(key), str) for key in ("python", "platform"))
        written = row.get("markers")
        marker = written if isinstance(written, str) and not conditional else _UNKNOWN if conditional else ""
        level = max(level, 1) if row.get("optional") is True else level
    plain = re.fullmatch(r"[\d.]+", version) is not None  # poetry: a bare version is meant with a caret
    yield Stated(normal(name), f"^{version}" if plain else version.removeprefix("=="), marker, level)


def _setup_cfg(text: str) -> Iterator[Stated]:
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


def _setup_py(text: str) -> Iterator[Stated]:
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
    """`requirements*.txt`, `runner-requirements.txt`, then what lies in a folder `requirements`, those first that speak
    for everybody: paths relative to `root`."""
    found = []
    for folder in ("", "requirements"):
        try:
            names = sorted(os.listdir(os.path.join(root, folder)))
        except OSError:
            continue
        fits = [n for n in names if n.endswith((".txt", ".in")) and (folder or "requirements" in n)]
        found += [os.path.join(folder, name) for name in fits[:12]]
    return sorted(found, key=lambda name: (_level_of_file(name), name.endswith(".in")))  # `.txt` is made from `.in`


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _toml(text: str) -> dict[str, Any]:
    if not text:
        return {}
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
