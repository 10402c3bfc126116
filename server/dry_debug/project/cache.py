"""Results of earlier runs, so that a file that has not changed is not analysed again.

One JSON file for each project root, in the user's own cache folder ($DRY_DEBUG_CACHE_DIR, else the platform's), never
in the project: a checkout from elsewhere cannot bring results with it. It is replaced in one step, so runs at the same
time cannot spoil it; the last one wins. What cannot be read is treated as empty.

A result is used again when the file's time and size are as they were (or else its text is), the settings are, the
tool is (its own files' times and sizes), and every answer that the analysis had from other files is.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dry_debug import __version__
from dry_debug.records import dataclass
from dry_debug.render.record import Record
from dry_debug.text.document import Problem

_FORMAT = 1

AnswerKey = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file's result. `with_fixes` says whether the fixes were computed, `asked` maps each question that was put to
    the host to the key of its answer."""

    mtime_ns: int
    size: int
    digest: str
    settings: str
    asked: Mapping[str, str]
    with_fixes: bool
    records: list[Record]
    problems: list[Problem]

    def serves(self, with_fixes: bool) -> bool:
        """Whether this is all that is needed."""
        return self.with_fixes or not with_fixes or not any(item["shown"]["fixable"] for item in self.records)


class Cache:
    """The results for one project root. Nothing here raises: a cache that does not work only costs time."""

    def __init__(self, root: str) -> None:
        self.path = os.path.join(cache_folder(), _digest(os.fsencode(root))[:32] + ".json")
        self._identity = f"{_FORMAT} {__version__} {sys.version} {_tool_state()}"
        self._changed = False
        self._rows: dict[str, list[Any]] = {}
        try:
            with open(self.path, "rb") as file:
                data = json.loads(file.read())
            if data["identity"] == self._identity:
                rows = data["files"]
                self._rows = rows if isinstance(rows, dict) else {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass

    def get(self, path: str, settings: str, answer_key: AnswerKey) -> Entry | None:
        """The result for the file `path` under `settings` (a key), if it still holds."""
        row = self._rows.get(path)
        if row is None:
            return None
        try:
            entry = _entry(row)
            if entry.settings != settings:
                return None
            stat = os.stat(path)
            if stat.st_size != entry.size:
                return None
            if stat.st_mtime_ns != entry.mtime_ns:
                with open(path, "rb") as file:
                    if _digest(file.read()) != entry.digest:
                        return None
                row[0] = stat.st_mtime_ns
                self._changed = True
            if any(answer_key(question) != answer for question, answer in entry.asked.items()):
                return None
        except (OSError, ValueError, TypeError, KeyError, IndexError):
            return None
        return entry

    def put(self, path: str, entry: Entry) -> None:
        """Keep the result for the file `path`."""
        problems = [[problem.message, problem.path, problem.line] for problem in entry.problems]
        self._rows[path] = [
            entry.mtime_ns,
            entry.size,
            entry.digest,
            entry.settings,
            dict(entry.asked),
            entry.with_fixes,
            entry.records,
            problems,
        ]
        self._changed = True

    def save(self, checked: Iterable[str]) -> None:
        """Write what has changed; results of files that are neither in `checked` nor on disk any more are dropped."""
        if not self._changed:
            return
        present = set(checked)
        rows = {path: row for path, row in self._rows.items() if path in present or os.path.exists(path)}
        temporary = f"{self.path}.{os.getpid()}.tmp"
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(json.dumps({"identity": self._identity, "files": rows}, separators=(",", ":")))
            os.replace(temporary, self.path)
        except OSError:
            return


def _entry(row: list[Any]) -> Entry:
    mtime_ns, size, digest, settings, asked, with_fixes, records, problems = row
    if not isinstance(records, list) or not isinstance(asked, dict):
        raise ValueError("not a result")
    return Entry(mtime_ns, size, digest, settings, asked, with_fixes, records, [Problem(*item) for item in problems])


def digest_of(data: bytes) -> str:
    """The digest of a file's content, as entries keep it."""
    return _digest(data)


def cache_folder() -> str:
    """Where the results are kept, for all projects of this user."""
    chosen = os.environ.get("DRY_DEBUG_CACHE_DIR")
    if chosen:
        return os.path.abspath(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "dry-debug")


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _tool_state() -> str:
    """Names, times and sizes of all files of the tool and its rules: a change of a rule makes every result stale."""
    import dry_debug_rules

    import dry_debug

    hasher = hashlib.blake2b(digest_size=16)
    for package in (dry_debug, dry_debug_rules):
        stack = list(package.__path__)
        while stack:
            folder = stack.pop()
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda item: item.name):
                    if entry.is_dir():
                        if entry.name != "__pycache__":
                            stack.append(entry.path)
                    elif entry.name.endswith((".py", ".json", ".toml")):
                        stat = entry.stat()
                        hasher.update(f"{entry.name} {stat.st_mtime_ns} {stat.st_size}\n".encode())
    return hasher.hexdigest()
