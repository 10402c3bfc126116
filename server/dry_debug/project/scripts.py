"""The Python files of a workspace, and among them the scripts that are worth a check because of a symptom.

Bounded: a workspace may be a whole home directory, and somebody waits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from dry_debug.project.config import Configs
from dry_debug.project.files import walk

_MOST_FILES = 4_000  # that are met, in the order of the folders
_MOST_READ = 8_000_000  # bytes of all of them
_LARGEST = 400_000  # bytes of one: nobody writes a larger one by hand
_MOST_SCRIPTS = 12

_STARTS = re.compile(rb"^if __name__ ?==|\.backward\(|\btrainer\.(?:train|fit)\(|^llm = ", re.MULTILINE)
_TEST = re.compile(r"[\\/](?:tests?|testing)[\\/]|[\\/](?:test_[^\\/]*|[^\\/]*_test|conftest)\.py$")


def python_files(folders: Iterable[str], configs: Configs) -> list[str]:
    """The Python files below `folders` (absolute), without those that are excluded or git-ignored."""
    every = (path for folder in folders if os.path.isdir(folder) for path in walk(folder, configs))
    return [path for path in islice(every, _MOST_FILES) if path.endswith(".py")]


def scripts(files: Sequence[str], wanted: Callable[[str], bool]) -> list[str]:
    """Those of `files` whose text is `wanted`, at most 12: what trains or is started before modules, tests last."""
    ranked: list[tuple[bool, bool, int, str]] = []
    read = 0
    for path in files:
        data = _content(path)
        read += len(data)
        if read > _MOST_READ:
            break
        if data and wanted(data.decode("utf-8", "replace")):
            tests, starts = _TEST.search(path) is not None, _STARTS.search(data) is not None
            ranked.append((tests, not starts, path.count(os.sep), path))
    return [row[-1] for row in sorted(ranked)[:_MOST_SCRIPTS]]


def _content(path: str) -> bytes:
    """The bytes of a file; none of one that is too large or cannot be read."""
    try:
        if os.path.getsize(path) > _LARGEST:
            return b""
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except OSError:
        return b""
