"""Where the files of a release come from: a wheel in a folder, or a tag of a git repository."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Protocol

Version = tuple[int, ...]

_FINAL = re.compile(r"v?(\d+(?:\.\d+)+)(?:\.post\d+)?")
_SOURCES = (".py", ".pyi")


def version_of(text: str) -> Version | None:
    """`v0.12.1` as (0, 12, 1); None for a pre-release and for what is no version."""
    match = _FINAL.fullmatch(text)
    return tuple(int(part) for part in match[1].split(".")) if match else None


@lru_cache(maxsize=64)
def on_the_index(package: str) -> list[str]:
    """The versions that the package index has."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--ignore-requires-python", package]
    text = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    match = re.search(r"Available versions: (.*)", text)
    return match[1].split(", ") if match else []


class Release(Protocol):
    """The sources of one release: paths as they are below `site-packages`, with `/`."""

    def paths(self) -> frozenset[str]:
        """Every path of a Python file or stub."""

    def read(self, path: str) -> str:
        """The text of one of them."""


class Archive(Protocol):
    """The releases of one package."""

    def versions(self) -> dict[Version, str]:
        """The final releases, each with its name in this archive."""

    def release(self, name: str) -> Release | None:
        """One of them; None where it cannot be had."""


class Wheel:
    """A wheel file."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)

    def paths(self) -> frozenset[str]:
        return frozenset(name for name in self._zip.namelist() if name.endswith(_SOURCES))

    def read(self, path: str) -> str:
        return self._zip.read(path).decode("utf-8", "replace")


class Wheels:
    """The wheels of one package in a folder; what is missing is downloaded into it with pip, where that is allowed."""

    def __init__(self, package: str, folder: Path, download: bool, python: str | None = None) -> None:
        self._package, self._folder, self._download, self._python = package, folder, download, python

    def versions(self) -> dict[Version, str]:
        named = on_the_index(self._package) if self._download else [p.name.split("-")[1] for p in self._files()]
        return {version: name for name in named if (version := version_of(name)) is not None}

    def release(self, name: str) -> Wheel | None:
        path = self._file(name)
        if path is None and self._download:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            where = ["--python-version", self._python] if self._python else []
            subprocess.run(
                [*command, *where, "-d", str(self._folder), f"{self._package}=={name}"],
                check=False,
                capture_output=True,
            )
            path = self._file(name)
        return Wheel(path) if path is not None else None

    def _files(self) -> list[Path]:
        stem = self._package.replace("-", "_").lower()
        return sorted(p for p in self._folder.glob("*.whl") if p.name.split("-")[0].lower() == stem)

    def _file(self, name: str) -> Path | None:
        return next((path for path in self._files() if path.name.split("-")[1] == name), None)


class Tag:
    """What a tag of a git repository holds, below `src/` or `lib/` where the sources lie there."""

    def __init__(self, repository: Path, name: str) -> None:
        self._repository, self._name = repository, name
        listed = _git(repository, "ls-tree", "-r", "--name-only", name).splitlines()
        self._real = {_below(path): path for path in reversed(listed) if path.endswith(_SOURCES)}

    def paths(self) -> frozenset[str]:
        return frozenset(self._real)

    def read(self, path: str) -> str:
        return _git(self._repository, "show", f"{self._name}:{self._real[path]}")


class Tags:
    """The tagged releases of a git repository (a bare one, or the folder of a checkout)."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository

    def versions(self) -> dict[Version, str]:
        named = _git(self._repository, "tag").split()
        return {version: name for name in named if (version := version_of(name)) is not None}

    def release(self, name: str) -> Tag:
        return Tag(self._repository, name)


class Both:
    """Two archives of one package; the first one's release is taken where both have it."""

    def __init__(self, first: Archive, second: Archive) -> None:
        self._first, self._second = first, second

    def versions(self) -> dict[Version, str]:
        return self._second.versions() | self._first.versions()

    def release(self, name: str) -> Release | None:
        archive = self._first if name in self._first.versions().values() else self._second
        return archive.release(name)


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", errors="replace").stdout


def _below(path: str) -> str:
    return re.sub(r"^(src|lib)/", "", path)
