"""The parsed files of a project that others import: what follows from a file's own text alone, the latest ones kept.

What the model makes of a module in one analysis, its Program, depends on other files and on what was asked; it lives
as long as the analysis. The text, the tree and the index of scopes do not; they are the costly part and are shared by
all analyses that come to the module.
"""

from __future__ import annotations

import ast
from collections import OrderedDict
from typing import TYPE_CHECKING

from dry_debug.program.parsing import parse
from dry_debug.program.scope_index import ScopeIndex
from dry_debug.text.decode import decode

if TYPE_CHECKING:
    from dry_debug.text.document import Document

# Code points of source whose trees are kept between two analyses; a tree with its index takes 30 to 60 times as much.
MAX_TEXT = 2_500_000


class Module:
    """One parsed file. `tree` is None where it cannot be read or parsed; `stamp` says which state of the file it is."""

    __slots__ = ("document", "index", "stamp", "tree")

    def __init__(self, stamp: object, document: Document, tree: ast.Module | None) -> None:
        self.stamp = stamp
        self.document = document
        self.tree = tree
        self.index: ScopeIndex | None = None

    def release(self) -> None:
        """Take the index apart: its scopes hold each other, and only the cycle collector would find them."""
        if self.index is not None:
            self.index.release()
            self.index = None
        self.tree = None


class Modules:
    """The modules by path, the one asked for last at the end."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Module] = OrderedDict()
        self._size = 0
        self.parsed = 0  # code points so far, for the benchmark

    def get(self, path: str, stamp: object) -> Module | None:
        """The module if it is known and the file is as it was."""
        known = self._known.get(path)
        if known is None or stamp is None or known.stamp != stamp:
            return None
        self._known.move_to_end(path)
        return known

    def holds(self, path: str, source: str) -> bool:
        """Whether the module that is known at `path` has this very text."""
        known = self._known.get(path)
        return known is not None and known.document.source == source

    def add(self, path: str, stamp: object, data: bytes | None) -> Module:
        """The module of a file's bytes (None: it cannot be read)."""
        document = decode(data or b"", path)
        parsed = parse(document) if data is not None else None
        module = Module(stamp, document, parsed if isinstance(parsed, ast.Module) else None)
        self.parsed += len(document.source)
        old = self._known.pop(path, None)
        if old is not None:
            self._size -= len(old.document.source)
        self._known[path] = module
        self._size += len(document.source)
        return module

    def trim(self, most: int = MAX_TEXT) -> int:
        """Forget those that were asked for the longest time ago until at most `most` code points are held; how many
        went. Only between two analyses: what an analysis rests on must not be forgotten under it."""
        count = 0
        while self._size > most and self._known:
            _, module = self._known.popitem(last=False)
            self._size -= len(module.document.source)
            module.release()
            count += 1
        return count

    def statistics(self) -> str:
        """For the benchmark: what is held, and how much was parsed to get there."""
        return f"{len(self._known)} modules, {self._size:,} code points held, {self.parsed:,} parsed"
