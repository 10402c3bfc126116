"""Which files are checked: Python files and notebooks below the given folders, less what is excluded or git-ignored.

A file or folder that is named itself is always looked at, whatever the patterns say. Symbolic links met on the way are
not followed: what they point to is either met anyway or not part of the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dry_debug.project.config import Configs
from dry_debug.records import dataclass, field
from dry_debug.text.document import Problem

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIXES = (".py", ".ipynb")

# Folders that hold no code of the project itself: version control, environments, caches, build output.
DEFAULT_EXCLUDES = frozenset(
    (
        ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox",
        ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode",
        "__pycache__", "__pypackages__", "_build", "buck-out", "build", "dist", "node_modules", "site-packages", "venv",
    )
)  # fmt: skip


@dataclass(frozen=True)
class _Patterns:
    """Gitignore-style patterns relative to `folder`."""

    folder: str
    spec: GitIgnoreSpec

    def says(self, path: str, is_folder: bool) -> bool | None:
        """True: ignored, False: taken back in by a negated pattern, None: nothing is said."""
        relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        if relative.startswith("../") or relative == ".":
            return None
        return self.spec.check_file(relative + "/" if is_folder else relative).include


@dataclass
class Found:
    """The files to check, absolute and sorted within each named path, each once; and what kept others out."""

    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def discover(paths: Iterable[str], configs: Configs) -> Found:
    """Every file that `paths` (files and folders) stand for. A missing path is a problem that names it."""
    found = Found()
    seen: set[str] = set()
    for path in paths:
        absolute = os.path.abspath(path)
        if os.path.isdir(absolute):
            files: Iterable[str] = _walk(absolute, configs, found.problems)
        elif os.path.exists(absolute):
            files = (absolute,)
        else:
            found.problems.append(Problem("no such file or folder", path))
            continue
        for file in files:
            if file not in seen:
                seen.add(file)
                found.files.append(file)
    return found


def walk(top: str, configs: Configs) -> Iterator[str]:
    """The files that `discover` finds below the folder `top` (absolute), one by one; without folders that cannot be
    read."""
    return _walk(top, configs, [])


def _walk(top: str, configs: Configs, problems: list[Problem]) -> Iterator[str]:
    stack = [(top, _ignores_above(top))]
    while stack:
        folder, ignores = stack.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            problems.append(Problem(f"cannot read the folder: {error.strerror or error}", folder))
            continue
        names = {entry.name for entry in entries}
        if ".gitignore" in names:
            own = _read_patterns(folder, os.path.join(folder, ".gitignore"))
            ignores = (*ignores, *own)
        config = configs.of_folder(folder)
        excludes = _compiled(config.root, config.settings.exclude)
        folders: list[str] = []
        for entry in entries:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                if entry.name not in DEFAULT_EXCLUDES and not _ignored(entry.path, True, ignores, excludes):
                    folders.append(entry.path)
            elif (
                entry.name.endswith(SUFFIXES) and entry.is_file() and not _ignored(entry.path, False, ignores, excludes)
            ):
                yield entry.path
        stack.extend((path, ignores) for path in reversed(folders))


def _ignored(path: str, is_folder: bool, ignores: tuple[_Patterns, ...], excludes: tuple[_Patterns, ...]) -> bool:
    if any(patterns.says(path, is_folder) for patterns in excludes):
        return True
    for patterns in reversed(ignores):  # the deepest .gitignore that says something decides
        said = patterns.says(path, is_folder)
        if said is not None:
            return said
    return False


def _ignores_above(top: str) -> tuple[_Patterns, ...]:
    """Patterns of the .gitignore files between the root of the repository and `top`, outermost first; none where `top`
    is no repository's, and none that would ignore `top` itself: it was asked for."""
    chain: list[_Patterns] = []
    folder = top
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            chain.extend(_read_patterns(folder, os.path.join(folder, ".git", "info", "exclude")))
            break
        parent = os.path.dirname(folder)
        if parent == folder:
            return ()
        folder = parent
        chain.extend(_read_patterns(folder, os.path.join(folder, ".gitignore")))
    return tuple(patterns for patterns in reversed(chain) if not patterns.says(top, True))


def _read_patterns(folder: str, path: str) -> tuple[_Patterns, ...]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return _compiled(folder, tuple(file.read().splitlines()))
    except OSError:
        return ()


_cache: dict[tuple[str, tuple[str, ...]], tuple[_Patterns, ...]] = {}


def _compiled(folder: str, lines: tuple[str, ...]) -> tuple[_Patterns, ...]:
    if not lines:
        return ()
    key = (folder, lines)
    if key not in _cache:
        from pathspec import GitIgnoreSpec  # only where there are patterns

        kept = []
        for line in lines:
            try:
                GitIgnoreSpec.from_lines([line])
            except ValueError:  # git skips a pattern that it cannot read, and so do we
                continue
            kept.append(line)
        _cache[key] = (_Patterns(folder, GitIgnoreSpec.from_lines(kept)),)
    return _cache[key]


def matches_any(root: str, patterns: Iterable[str], path: str) -> bool:
    """Whether gitignore-style `patterns`, relative to `root`, match the file `path` (absolute)."""
    return any(compiled.says(path, False) for compiled in _compiled(root, tuple(patterns)))
