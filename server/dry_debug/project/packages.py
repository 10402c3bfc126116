"""What a project says about the packages that it needs, wherever it says so, and which modules it has itself.

Read generously: who looks for what is missing must find every place where it may be named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property

from dry_debug.program.distributions import BRINGS, KNOWN_TO_BRING, OFTEN_BROUGHT, brought, distributions
from dry_debug.program.package_names import normal
from dry_debug.project.versions import named

_SKIPPED = frozenset(("node_modules", "site-packages", "venv", "env", "__pycache__", "wandb", "outputs", "data"))
_MOST_ENTRIES = 30_000
_MOST_BYTES = 400_000
_MOST_TEXTS = 200
_A_LIST = 3
_MODULE = re.compile(r"(\w+)(?:\.[\w-]+)*\.(?:py|pyx|pyi|so|pyd|cpp|cu|c|proto|ipynb)$")
# Files in which the names of packages stand among other words: what installs, builds or explains the project.
_TELLS = re.compile(
    r"(?:README|INSTALL|SETUP|GETTING|USAGE|CONTRIBUTING).*|Dockerfile.*|.*\.(?:dockerfile|sh|bash|ya?ml|def|cfg|toml)|"
    r"Makefile|setup\.py|Pipfile|.*(?:require|constraint|depend|packages|install).*\.(?:txt|in|md|lock|rst)|"
    r".*env.*\.(?:txt|yml)",
    re.IGNORECASE,
)
_LIST = re.compile(r".*require.*\.(?:txt|in)|setup\.py|pyproject\.toml|environment.*\.ya?ml", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")


class Packages:
    """One project: the folder `root` and what lies below it."""

    def __init__(self, root: str) -> None:
        self.root = root

    @property
    def lists_them(self) -> bool:
        """Whether the project lists the packages that it needs: one or two are no list."""
        return len(self._declared) >= _A_LIST

    def has(self, top: str) -> bool:
        """Whether the module `top` is named by the project, comes with what it names, or may be its own.

        The places that cost least are looked at first.
        """
        names = distributions(top)
        if any(name in self._declared for name in names) or top in brought(self._declared):
            return True
        if top in OFTEN_BROUGHT and not self._declared <= KNOWN_TO_BRING:
            return True  # nobody knows what the others bring along
        if any(name in self._words for name in names) or top.lower() in self._words:
            return True
        return top in self._modules or top in brought(self._words & BRINGS.keys())

    @cached_property
    def _listing(self) -> list[tuple[str, str]]:
        """(folder, name) of the files below the root, and of folders, whose names end with a separator."""
        found: list[tuple[str, str]] = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
            found.extend((folder, f"{name}{os.sep}") for name in folders)
            found.extend((folder, name) for name in sorted(files))
            if len(found) > _MOST_ENTRIES:
                break
        return found

    @cached_property
    def _modules(self) -> frozenset[str]:
        found: set[str] = set()
        for _, name in self._listing:
            if name.endswith(os.sep):
                found.add(name[: -len(os.sep)])
            elif (match := _MODULE.match(name)) is not None:
                found.add(match[1])
        found.add(os.path.basename(self.root).replace("-", "_"))
        return frozenset(found)

    @cached_property
    def _declared(self) -> frozenset[str]:
        return frozenset(named(self.root))

    @cached_property
    def _words(self) -> frozenset[str]:
        found: set[str] = set()
        for text in self._texts():
            for word in _WORD.findall(text):
                found.add(normal(word.rstrip(".-")))
                if "." in word or "/" in word:
                    found.update(normal(part) for part in word.split(".") if part)
        return frozenset(found)

    def _texts(self) -> Iterator[str]:
        count = 0
        # Lists before other texts, those near the root first.
        ordered = sorted(self._listing, key=lambda e: (_LIST.fullmatch(e[1]) is None, e[0].count(os.sep), e))
        for folder, name in ordered:
            if _TELLS.fullmatch(name) is not None:
                count += 1
                if count > _MOST_TEXTS:
                    return
                yield _text(os.path.join(folder, name))


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
