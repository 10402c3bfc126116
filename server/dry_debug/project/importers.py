"""Which files of a project import a given one: found by the words of their import statements, the nearest first.

Only what may import it: whether an import leads there is for the host to resolve, which parses the few that are left.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from dry_debug.project.files import DEFAULT_EXCLUDES

MAX_FILES = 1_500  # that one question looks into, the nearest first
MAX_FOLDERS = 300
MAX_BYTES = 400_000  # a larger file is data, or was generated
MOST = 12  # files that one answer names
_ROUNDS = 3  # of files that hand on what they import

_IMPORT = re.compile(
    rb"^(?:\xef\xbb\xbf)?[ \t\f]*"  # a byte order mark, or a form feed, before the first
    rb"(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))",
    re.MULTILINE,
)
_WORD = re.compile(rb"\w+")

Stamp = Callable[[str], object]
Read = Callable[[str], bytes | None]


class Importers:
    """The reverse of the imports below `root`. Folders are listed and files read when a question comes to them.

    `overlay` has the text of open files by path; `stamp` says which state of a file it is, `read` gives its bytes.
    """

    def __init__(self, root: str, stamp: Stamp, read: Read) -> None:
        self._root = root
        self._stamp = stamp
        self._read = read
        self._words: dict[str, tuple[object, frozenset[bytes]]] = {}  # kept for as long as a file is as it was
        self._ever: dict[tuple[str, str], set[str]] = {}
        self._overlay: dict[str, list[str]] = {}  # by folder
        self._listed: dict[str, tuple[list[str], list[str]]] = {}
        self._fresh: dict[str, frozenset[bytes]] = {}
        self._answers: dict[tuple[str, str], list[str]] = {}

    def refresh(self, overlay: Mapping[str, str]) -> None:
        """Files may have changed since the last question; `overlay` is what is open now."""
        self._overlay.clear()
        for path in overlay:
            self._overlay.setdefault(os.path.dirname(path), []).append(path)
        self._listed.clear()
        self._fresh.clear()
        self._answers.clear()

    def of(self, path: str, word: str) -> list[str]:
        """The files that may import the one at `path`, directly or from a file that hands it on (a package, or a
        module that imports `word` itself), and that have `word` in their text; at most MOST."""
        key = path, word
        if key not in self._answers:
            self._answers[key] = self._find(path, word)
            self._ever.setdefault(key, set()).update(self._answers[key])
        return self._answers[key]

    def has_named(self, path: str, word: str, other: str) -> bool:
        """Whether the file `other` is in the answer, or was in an earlier one."""
        return other in self.of(path, word) or other in self._ever[path, word]

    def _find(self, path: str, word: str) -> list[str]:
        found: list[str] = []
        seen = {path}
        targets = [path]
        text = word.encode("utf-8", "surrogatepass")
        for _ in range(_ROUNDS):
            stems = {_stem(target) for target in targets} - {b""}
            targets = []
            for other in self._near(path) if stems else ():
                if other in seen or not stems & self._imported(other):
                    continue
                seen.add(other)
                if os.path.basename(other) == "__init__.py":
                    targets.append(other)
                    continue
                if text in (self._read(other) or b""):
                    found.append(other)
                if text in self._imported(other):  # `from new_home import Net`, for those who import it from here
                    targets.append(other)
                if len(found) == MOST:
                    return found
        return found

    def _imported(self, path: str) -> frozenset[bytes]:
        known = self._fresh.get(path)
        if known is None:
            stamp = self._stamp(path)
            kept = self._words.get(path)
            if kept is None or stamp is None or kept[0] != stamp:
                kept = self._words[path] = stamp, words_of_imports(self._read(path) or b"")
            known = self._fresh[path] = kept[1]
        return known

    def _near(self, path: str) -> Iterator[str]:
        """The Python files of the project: those beside `path` and below, then beside and below each folder above."""
        count = 0
        seen: set[str] = set()
        current = os.path.dirname(path)
        while True:
            queue = deque([current])
            while queue:
                folder = queue.popleft()
                if folder in seen:
                    continue
                seen.add(folder)
                files, below = self._list(folder)
                for file in files:
                    count += 1
                    if count > MAX_FILES:
                        return
                    yield file
                if len(seen) > MAX_FOLDERS or not self._inside(current):
                    return
                queue.extend(below)
            if current == self._root:
                return
            current = os.path.dirname(current)

    def _inside(self, folder: str) -> bool:
        return folder == self._root or folder.startswith(self._root.rstrip(os.sep) + os.sep)

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        """The Python files in a folder, and the folders in it that hold code of the project."""
        known = self._listed.get(folder)
        if known is None:
            files, below = set(self._overlay.get(folder, ())), set[str]()
            start = folder.rstrip(os.sep) + os.sep
            below.update(start + other[len(start) :].partition(os.sep)[0] for other in self._overlay
                         if other.startswith(start))  # fmt: skip
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            below.add(entry.path)
                        elif entry.name.endswith(".py") and entry.stat(follow_symlinks=False).st_size <= MAX_BYTES:
                            files.add(entry.path)
            except OSError:
                pass
            below = {f for f in below if os.path.basename(f) not in DEFAULT_EXCLUDES}
            known = self._listed[folder] = sorted(f for f in files if f.endswith(".py")), sorted(below)
        return known


def words_of_imports(data: bytes) -> frozenset[bytes]:
    """The last names of the modules that a text imports, and all names that it imports from them."""
    found: set[bytes] = set()
    for module, names, plain in _IMPORT.findall(data):
        if module:
            found.add(module.rpartition(b".")[2])
        found.update(_WORD.findall(names or plain))
    return frozenset(found)


def _stem(path: str) -> bytes:
    """The name that an import of this file ends in: that of its folder, for a package."""
    name = os.path.basename(path)
    stem = os.path.basename(os.path.dirname(path)) if name == "__init__.py" else name.removesuffix(".py")
    return stem.encode("utf-8", "surrogatepass")
