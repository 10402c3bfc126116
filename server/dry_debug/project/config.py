"""Settings out of files: `[tool.dry-debug]` in pyproject.toml, or dry-debug.toml beside it, which then wins.

For a file that is checked, the nearest folder upwards that has one of the two decides; `extend` names another such file
(relative to the one that names it) whose values come first. Lists of `extend-select` and tables grow along `extend`,
everything else is replaced.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dry_debug.lint.settings import PATHS, Settings, converted, kebab_case
from dry_debug.project.installed import folders_of
from dry_debug.records import dataclass, field, fields, replace
from dry_debug.text.document import Problem

FILE_NAMES = ("dry-debug.toml", "pyproject.toml")
_GROWING = ("extend_select", "severity", "per_file_ignores")


@dataclass(frozen=True)
class Config:
    """The settings of one project. `root` is the folder that patterns are relative to, `origin` says for every field
    that is not at its default where it was set (`pyproject.toml:12` or a flag)."""

    root: str
    settings: Settings = field(default_factory=Settings)
    file: str | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def over(self, values: Mapping[str, Any], origin: Mapping[str, str]) -> "Config":
        """This config with `values` (by field name) in place of its own; `extend_select` and tables grow."""
        merged = _merge({name: getattr(self.settings, name) for name in _GROWING}, values)
        merged = {name: value for name, value in merged.items() if name in values}
        return replace(self, settings=replace(self.settings, **merged), origin={**self.origin, **origin})


class Configs:
    """Finds the config of each file; every config file is read once."""

    def __init__(
        self,
        *,
        file: str | None = None,
        isolated: bool = False,
        overrides: Mapping[str, Any] | None = None,
        origin: Mapping[str, str] | None = None,
        given: Iterable[str] = (),
    ) -> None:
        """`file` is used for everything instead of looking for one; `isolated` looks for none; `overrides` (values by
        field name, from flags) win over every file; `given` are the files and folders that were named to be checked."""
        self.given = tuple(os.path.abspath(path) for path in given)
        self._overrides, self._origin = overrides or {}, origin or {}
        self._by_folder: dict[str, Config] = {}
        self._fixed: Config | None = None
        if file is not None:
            # As in ruff, patterns of a config that is named are relative to where the tool is run.
            self._fixed = self._final(replace(load(os.path.abspath(file)), root=os.getcwd()))
        elif isolated:
            self._fixed = self._final(Config(os.getcwd()))

    def of_folder(self, folder: str) -> Config:
        """The config for files in `folder` (an absolute path, which need not exist)."""
        if self._fixed is not None:
            return self._fixed
        known = self._by_folder.get(folder)
        if known is None:
            parent = os.path.dirname(folder)
            found = _config_in(folder)
            if found is not None:
                known = self._final(load(found))
            elif parent == folder:
                known = self._final(Config(os.getcwd()))
            else:
                known = self.of_folder(parent)
            self._by_folder[folder] = known
        return known

    def of_file(self, path: str) -> Config:
        """The config for the file `path` (absolute; a bare name, such as `-`, stands in the current folder)."""
        return self.of_folder(os.path.dirname(path) or os.getcwd())

    def problems(self) -> list[Problem]:
        """What was wrong in the config files read so far, each once."""
        configs: Iterable[Config] = [self._fixed] if self._fixed is not None else self._by_folder.values()
        return list(dict.fromkeys(problem for config in configs for problem in config.problems))

    def _final(self, config: Config) -> Config:
        return config.over(self._overrides, self._origin)


def _config_in(folder: str) -> str | None:
    for name in FILE_NAMES:
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                if name == "dry-debug.toml" or _has_section(file.read()):
                    return path
        except OSError:
            continue
    return None


def _has_section(data: bytes) -> bool:
    if b"dry-debug" not in data:
        return False
    return re.search(rb"^\s*\[+\s*tool\s*\.\s*[\"']?dry-debug\b", data, re.MULTILINE) is not None


def load(path: str) -> Config:
    """The config in the file `path` and those that it extends. Never raises: what is wrong is in `problems`, and the
    default is used for it."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for file in reversed(_chain(path, problems)):
        own = _values(file, origin, problems)
        values = _merge(values, own)
    return Config(os.path.dirname(path), Settings(**values), path, origin, tuple(problems))


@dataclass(frozen=True)
class _File:
    path: str
    text: str
    table: Mapping[str, Any]

    def line_of(self, key: str) -> int | None:
        """One-based line where `key` is set, found by text: tomllib keeps no places."""
        start = 0
        if os.path.basename(self.path) == "pyproject.toml":
            section = re.search(r"^\s*\[+\s*tool\s*\.\s*[\"']?dry-debug\b", self.text, re.MULTILINE)
            start = section.start() if section else 0
        name = re.escape(key)
        pattern = rf"^[ \t]*(?:[\"']?{name}[\"']?[ \t]*[.=]|\[[^\]\n]*\b{name}[\"']?[ \t]*\])"
        match = re.compile(pattern, re.MULTILINE).search(self.text, start)
        return self.text.count("\n", 0, match.start()) + 1 if match else None


def _chain(path: str, problems: list[Problem]) -> list[_File]:
    """The file and what it extends, nearest first."""
    chain: list[_File] = []
    while True:
        file = _read(path, problems)
        if file is None:
            return chain
        chain.append(file)
        base = file.table.get("extend")
        if base is None:
            return chain
        if not isinstance(base, str):
            problems.append(Problem(f"`extend` should be a path, not {base!r}", file.path, file.line_of("extend")))
            return chain
        path = os.path.normpath(os.path.join(os.path.dirname(file.path), os.path.expanduser(base)))
        if any(known.path == path for known in chain):
            problems.append(Problem(f"`extend` comes back to {path}", file.path, file.line_of("extend")))
            return chain


def _read(path: str, problems: list[Problem]) -> _File | None:
    import tomllib

    try:
        with open(path, "rb") as source:
            text = source.read().decode("utf-8-sig")
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except OSError as error:
        problems.append(Problem(f"cannot read the config file: {error.strerror or error}", path))
        return None
    except UnicodeDecodeError as error:
        problems.append(Problem(f"the config file is not UTF-8 (byte {error.start}); the defaults are used", path))
        return None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        match = re.search(r"at line (\d+)", str(error))
        line = int(match.group(1)) if match else None
        problems.append(Problem(f"not valid TOML: {error}; the defaults are used", path, line))
        return None
    if os.path.basename(path) == "pyproject.toml":
        data = data.get("tool", {})
        data = data.get("dry-debug", {}) if isinstance(data, dict) else {}
    if not isinstance(data, dict):
        problems.append(Problem("`tool.dry-debug` should be a table; the defaults are used", path))
        data = {}
    return _File(path, text, data)


def _values(file: _File, origin: dict[str, str], problems: list[Problem]) -> dict[str, Any]:
    known = {kebab_case(item.name): item.name for item in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in file.table.items():
        if key == "extend":
            continue
        line = file.line_of(key)
        name = known.get(key)
        if name is None:
            problems.append(Problem(f"unknown setting `{key}`{did_you_mean(key, known)}", file.path, line))
            continue
        try:
            values[name] = converted(name, value)
        except ValueError as error:
            message = f"`{key}` should be {error}, not {_shown(value)}; the default is used"
            problems.append(Problem(message, file.path, line))
            continue
        for selector in _selectors(name, values[name]):
            if not _is_selector(selector):
                hint = did_you_mean(selector, rule_names())
                problems.append(Problem(f"`{key}` names the unknown rule `{selector}`{hint}", file.path, line))
        if name in PATHS:
            values[name] = os.path.join(os.path.dirname(file.path), os.path.expanduser(values[name]))
        if name == "environment" and not folders_of(values[name]):
            message = f"`{key}`: there are no installed packages in {_shown(value)}"
            problems.append(Problem(message, file.path, line))
        origin[name] = f"{file.path}:{line}" if line else file.path
    return values


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = {**base, **over}
    for name in _GROWING:
        if name in base and name in over:
            grown = base[name]
            result[name] = {**grown, **over[name]} if isinstance(grown, dict) else (*grown, *over[name])
    return result


def _shown(value: object) -> str:
    return repr(value)[:60]


def rule_names() -> list[str]:
    """Everything a single rule may be called: names and codes."""
    from dry_debug.lint import manifest
    from dry_debug.lint.finding import SYNTAX_ERROR, UNUSED_SUPPRESSION

    own = [*SYNTAX_ERROR, *UNUSED_SUPPRESSION]
    return own + [text for info in manifest.rules() for text in (info.name, info.code)]


def _selectors(name: str, value: Any) -> Iterable[str]:
    if name in ("select", "extend_select", "ignore"):
        return tuple(value)
    if name == "severity":
        return tuple(value)
    if name == "per_file_ignores":
        return tuple(selector for group in value.values() for selector in group)
    return ()


def _is_selector(selector: str) -> bool:
    from dry_debug.lint import manifest

    return selector in rule_names() or any(manifest.matches(info, selector) for info in manifest.rules())


def unknown_selectors(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field name, selector) for every selector in `values` (by field name) that means no rule."""
    return [
        (name, selector)
        for name, value in values.items()
        for selector in _selectors(name, value)
        if not _is_selector(selector)
    ]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` for the nearest of `known`, or nothing."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
