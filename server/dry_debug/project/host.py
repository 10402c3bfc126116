"""The host over a project's files: resolves imports to modules on disk, without importing anything."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dry_debug.program.host import Evaluation
from dry_debug.program.program import Program, parse
from dry_debug.text.decode import decode
from dry_debug.text.document import Document

if TYPE_CHECKING:
    from dry_debug.program.config_tree import Entry
    from dry_debug.spec.instructions import Instruction

MAX_BYTES = 2_000_000  # a module larger than this is data, not code
MAX_MODULES = 400  # programs kept in memory
MAX_TEXT = 600_000  # code points of modules that are kept between two analyses: their trees take 150 times as much

MAX_FOLDERS = 12  # between a file and its project's root, that a path may be relative to

# Where explicit instructions stand, beside the file or in a folder above it.
INSTRUCTIONS = ("INSTRUCTIONS.md", "TASK.md", "SPEC.md", os.path.join(".dry-debug", "instructions.md"))


class ProjectHost:
    """Answers from the files below `root`; `overlay` holds the text of files that are open in an editor.

    Paths are compared as absolute, normalised paths. Nothing outside `root` is read, except beside the importer when
    that lies outside.
    """

    def __init__(self, root: str, overlay: Mapping[str, str] | None = None) -> None:
        self.root = os.path.abspath(root)
        self._overlay = {os.path.abspath(path): text for path, text in (overlay or {}).items()}
        self._programs: dict[str, Program | None] = {}
        self._trees: dict[str, tuple[object, Document, ast.Module | None]] = {}
        self._edges: dict[str, set[str]] = {}
        self._found: dict[str, str | None] = {}
        self._exists: dict[str, bool] = {}
        self._configs: dict[str, tuple[object, Entry | None]] = {}
        self._instructions: dict[str, list[Instruction]] = {}
        self.evaluation = Evaluation()
        self._keys: dict[str, str] = {}  # of answers, by path: many files ask for the same module

    def refresh(self, overlay: Mapping[str, str] | None = None) -> None:
        """Forget the answers; the trees of files that did not change are kept."""
        if overlay is not None:
            self._overlay = {os.path.abspath(path): text for path, text in overlay.items()}
        self._programs.clear()
        self._found.clear()
        self._exists.clear()
        self._edges.clear()
        self._instructions.clear()
        self._keys.clear()

    def trim(self, most: int = MAX_TEXT) -> bool:
        """Forget every module once more than `most` code points of source are held; whether that was so.

        Called between two analyses, never within one: what an analysis rests on must not be forgotten under it.
        """
        if sum(len(document.source) for _, document, _ in self._trees.values()) <= most:
            return False
        self._trees.clear()
        self.refresh()
        return True

    def program_of(self, document: Document) -> Program | None:
        known = self._programs.get(os.path.abspath(document.path))
        return known if known is not None and known.document.source == document.source else None

    # -- Host ----------------------------------------------------------------------------------------------------------

    def module(self, name: str, importer: str, level: int = 0) -> Program | None:
        importer = os.path.abspath(importer)
        path = self._resolve(name, importer, level)
        self._edges.setdefault(importer, set()).add(f"module:{level}:{name}:{importer}")
        return self._program(path) if path is not None else None

    def config(self, path: str, importer: str) -> Entry | None:
        importer = os.path.abspath(importer)
        self._edges.setdefault(importer, set()).add(f"config:{path}:{importer}")
        full = self._config_file(path, importer)
        if full is None:
            return None
        stamp = self._stamp(full)
        known = self._configs.get(full)
        if known is None or known[0] != stamp or stamp is None:
            from dry_debug.project.config_files import read_config

            known = self._configs[full] = (stamp, read_config(full, self._bytes(full)))
        return known[1]

    def _config_file(self, path: str, importer: str) -> str | None:
        """The file that `path` means to a program that is started beside `importer` or in a folder above it."""
        from dry_debug.project.config_files import kind_of

        if kind_of(path) is None or "\0" in path:
            return None
        folder = os.path.dirname(importer)
        for _ in range(MAX_FOLDERS):
            full = os.path.normpath(os.path.join(folder, path))
            if (self._inside(full) or os.path.dirname(full) == os.path.dirname(importer)) and self._is_file(full):
                return full
            if folder == self.root or not self._inside(folder) or os.path.dirname(folder) == folder:
                break
            folder = os.path.dirname(folder)
        full = os.path.normpath(os.path.join(self.root, path))
        return full if self._inside(full) and self._is_file(full) else None

    def instructions(self, importer: str, named: str | None) -> list[Instruction]:
        importer = os.path.abspath(importer)
        self._edges.setdefault(importer, set()).add(f"spec:{named or ''}:{importer}")
        path = self._instructions_for(importer, named)
        if path is None:
            return []
        if path not in self._instructions:
            from dry_debug.spec.instructions import parse as parse_instructions

            data = self._bytes(path)
            text = data.decode("utf-8", "replace") if data is not None else ""
            self._instructions[path] = parse_instructions(text, path)
        return self._instructions[path]

    def _instructions_for(self, importer: str, named: str | None) -> str | None:
        if named is not None:
            return named if self._is_file(named) else None
        folder = os.path.dirname(importer)
        while True:
            for name in INSTRUCTIONS:
                path = os.path.join(folder, name)
                if self._is_file(path):
                    return path
            if folder == self.root or not self._inside(folder) or os.path.dirname(folder) == folder:
                return None
            folder = os.path.dirname(folder)

    def version(self, package: str) -> str | None:
        return None

    def asked_for(self, path: str) -> frozenset[str]:
        """Every question that the analysis of `path` rests on, those of the modules that it reached included."""
        seen: set[str] = set()
        questions: set[str] = set()
        queue = [os.path.abspath(path)]
        while queue:
            current = queue.pop()
            if current in seen:
                continue
            seen.add(current)
            for question in self._edges.get(current, ()):
                questions.add(question)
                target = self._target(question)
                if target is not None and question.startswith("module:"):
                    queue.append(target)
        return frozenset(questions)

    def answer_key(self, question: str) -> str:
        """What the answer to `question` depends on: changes when the answer may change."""
        path = self._target(question)
        if path is None:
            return "none"
        key = self._keys.get(path)
        if key is None:
            data = self._bytes(path)
            key = f"{path}:{hashlib.blake2b(data, digest_size=12).hexdigest()}" if data is not None else "none"
            self._keys[path] = key
        return key

    # -- files ---------------------------------------------------------------------------------------------------------

    def _target(self, question: str) -> str | None:
        kind, _, rest = question.partition(":")
        if kind == "module":
            level, _, rest = rest.partition(":")
            name, _, importer = rest.partition(":")
            return self._resolve(name, importer, int(level))
        if kind == "spec":
            named, _, importer = rest.rpartition(":")
            return self._instructions_for(importer, named or None)
        path, _, importer = rest.rpartition(":")
        return self._config_file(path, importer)

    def _inside(self, path: str) -> bool:
        return path == self.root or path.startswith(self.root.rstrip(os.sep) + os.sep)

    def _resolve(self, name: str, importer: str, level: int) -> str | None:
        folder = os.path.dirname(importer)
        key = f"{level}:{name}:{folder}"
        if key not in self._found:
            self._found[key] = self._search(name, folder, level)
        found = self._found[key]
        return None if found == importer else found

    def _search(self, name: str, folder: str, level: int) -> str | None:
        parts = name.split(".") if name else []
        if any(not part.isidentifier() for part in parts) or (not parts and not level):
            return None
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._in_folder(folder, parts)
        # As Python and its runners search: beside the script, then the folders above it up to the project's root.
        seen: list[str] = []
        current = folder
        while True:
            seen.append(current)
            if current == self.root or not self._inside(current) or os.path.dirname(current) == current:
                break
            current = os.path.dirname(current)
        if self.root not in seen:
            seen.append(self.root)
        seen.append(os.path.join(self.root, "src"))
        for candidate in seen:
            found = self._in_folder(candidate, parts)
            if found is not None:
                return found
        return None

    def _in_folder(self, folder: str, parts: list[str]) -> str | None:
        base = os.path.join(folder, *parts)
        for path in ((f"{base}.py",) if parts else ()) + (os.path.join(base, "__init__.py"),):
            if self._is_file(path):
                return path
        return None

    def _is_file(self, path: str) -> bool:
        known = self._exists.get(path)
        if known is None:
            known = self._exists[path] = path in self._overlay or os.path.isfile(path)
        return known

    def _bytes(self, path: str) -> bytes | None:
        if path in self._overlay:
            return self._overlay[path].encode("utf-8", "surrogatepass")
        try:
            if os.path.getsize(path) > MAX_BYTES:
                return None
            with open(path, "rb") as file:
                return file.read()
        except OSError:
            return None

    def _program(self, path: str) -> Program | None:
        if path in self._programs:
            return self._programs[path]
        if len(self._programs) >= MAX_MODULES:
            self._programs.pop(next(iter(self._programs)))  # what holds it keeps it; who asks again gets it anew
        self._programs[path] = None  # modules that import each other
        document, tree = self._parsed(path)
        program = Program(document, tree, self) if tree is not None else None
        self._programs[path] = program
        return program

    def _stamp(self, path: str) -> object:
        if path in self._overlay:
            return self._overlay[path]
        try:
            stat = os.stat(path)
            return (stat.st_mtime_ns, stat.st_size)
        except OSError:
            return None

    def _parsed(self, path: str) -> tuple[Document, ast.Module | None]:
        stamp = self._stamp(path)
        known = self._trees.get(path)
        if known is not None and known[0] == stamp and stamp is not None:
            return known[1], known[2]
        data = self._bytes(path)
        document = decode(data or b"", path)
        parsed = parse(document)
        tree = parsed if isinstance(parsed, ast.Module) and data is not None else None
        self._trees[path] = (stamp, document, tree)
        return document, tree
