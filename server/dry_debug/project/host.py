"""The host over a project's files: resolves imports to modules on disk, without importing anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dry_debug.program.host import Declaration, Evaluation
from dry_debug.program.package_names import normal
from dry_debug.program.program import Program
from dry_debug.program.reach import Reach
from dry_debug.project.environment import MAX_FILES, Environment, find
from dry_debug.project.importers import Importers
from dry_debug.project.modules import Module, Modules
from dry_debug.project.search_path import added_folders

if TYPE_CHECKING:
    from dry_debug.program.config_tree import Entry
    from dry_debug.project.packages import Packages
    from dry_debug.spec.instruction import Source
    from dry_debug.text.document import Document

MAX_BYTES = 2_000_000  # a module larger than this is data, not code
MAX_MODULES = 1_000  # that one analysis looks into; what further imports bring is not known

MAX_FOLDERS = 12  # between a file and its project's root, that a path may be relative to

# Where explicit instructions stand, beside the file or in a folder above it.
INSTRUCTIONS = ("INSTRUCTIONS.md", "TASK.md", "SPEC.md", os.path.join(".dry-debug", "instructions.md"))
# Where some may stand under a heading that announces them.
READMES = ("README.md", "readme.md", "Readme.md")
MAX_TEXT = 100_000  # bytes of a file of instructions that are read


# Files that old projects have beside their scripts to put other folders on the search path.
_INIT_PATHS = ("_init_paths", "_init_path", "init_paths", "init_path")


class ProjectHost:
    """Answers from the files below `root`; `overlay` holds the text of files that are open in an editor.

    `environment` is the path of the one whose packages are meant, or of the interpreter in it, which is not run.
    Paths are compared as absolute, normalised paths. Nothing outside `root` is read, except beside the importer when
    that lies outside.
    """

    def __init__(self, root: str, overlay: Mapping[str, str] | None = None, environment: str | None = None) -> None:
        self._named_environment = environment
        self.root = os.path.abspath(root)
        self._overlay = {os.path.abspath(path): text for path, text in (overlay or {}).items()}
        self._programs: dict[str, Program | None] = {}
        self._modules = Modules()
        self._used: dict[str, Module] = {}  # in this analysis: its programs are made from them
        self._edges: dict[str, set[str]] = {}
        self._found: dict[str, str | None] = {}
        self._exists: dict[str, bool] = {}
        self._added: dict[str, list[str]] = {}  # to the search path, by importer
        self._configs: dict[str, tuple[object, Entry | None]] = {}
        self._instructions: dict[str, Source | None] = {}  # by path
        self.evaluation = Evaluation()
        self.reach = Reach()
        self._versions: set[str] = set()  # packages that were asked for on no file's account
        self._declarations: dict[str, Mapping[str, str]] = {}  # by folder
        self._installed = 0  # files of packages that this analysis has looked into
        self._keys: dict[str, str] = {}  # of answers, by path: many files ask for the same module
        self._importers = Importers(self.root, self._stamp, self._bytes)
        self._importers.refresh(self._overlay)

    def refresh(self, overlay: Mapping[str, str] | None = None) -> None:
        """Forget the answers; the trees of files that did not change are kept."""
        if overlay is not None:
            self._overlay = {os.path.abspath(path): text for path, text in overlay.items()}
        self._programs.clear()
        self._used.clear()
        self._installed = 0
        self.reach = Reach()
        self._found.clear()
        self._exists.clear()
        self._added.clear()
        self._edges.clear()
        self._instructions.clear()
        self._keys.clear()
        self._versions.clear()
        self._declarations.clear()
        self._importers.refresh(self._overlay)
        self.__dict__.pop("_environment", None)
        self.__dict__.pop("_packages", None)

    def finish(self) -> None:
        """The analysis is over, and nobody holds its programs any more: take them apart, keep the trees."""
        for path, program in self._programs.items():
            if program is None:
                continue
            module = self._used.get(path)
            if module is not None and module.tree is program.tree:
                module.index = program.__dict__.pop("index", None)
            program.release()
        self._programs.clear()
        self._used.clear()
        self._installed = 0
        self.reach.fresh.clear()
        self._modules.trim()

    def begin(self) -> None:
        self.evaluation.start()
        self.reach.fresh.clear()
        self._programs.clear()
        self._used.clear()
        self._installed = 0

    def program_of(self, document: Document) -> Program | None:
        path = os.path.abspath(document.path)
        if path not in self._programs and not self._modules.holds(path, document.source):
            return None
        known = self._program(path)
        return known if known is not None and known.document.source == document.source else None

    def keeps(self, program: Program) -> bool:
        module = self._used.get(program.document.path)
        return module is not None and module.tree is program.tree

    def adopt(self, program: Program) -> None:
        self._programs[os.path.abspath(program.document.path)] = program

    # -- Host ----------------------------------------------------------------------------------------------------------

    def module(self, name: str, importer: str, level: int = 0) -> Program | None:
        importer = os.path.abspath(importer)
        path = self._resolve(name, importer, level)
        self._edges.setdefault(importer, set()).add(f"module:{level}:{name}:{importer}")
        return self._program(path) if path is not None else None

    def importers(self, path: str, word: str) -> list[Program]:
        path = os.path.abspath(path)
        self._edges.setdefault(path, set()).add(f"importers:{word}:{path}")
        if self._is_installed(os.path.dirname(path)):
            return []
        found = (self._program(other) for other in self._importers.of(path, word))
        return [program for program in found if program is not None]

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

    def instructions(self, importer: str, named: str | None) -> list[Source]:
        importer = os.path.abspath(importer)
        self._edges.setdefault(importer, set()).add(f"spec:{named or ''}:{importer}")
        return self._sources(importer, named)

    def _sources(self, importer: str, named: str | None) -> list[Source]:
        """The files of instructions, the nearest first, then the nearest README."""
        if named is not None:
            found = [self._source(named, explicit=True)]
        else:
            found = [self._source(path, explicit=True) for path in self._above(importer, INSTRUCTIONS)]
        found += [self._source(path, explicit=False) for path in self._above(importer, READMES)[:1]]
        return [source for source in found if source is not None]

    def _source(self, path: str, *, explicit: bool) -> Source | None:
        if path not in self._instructions:
            from dry_debug.spec.instruction import Source

            data = self._bytes(path) if self._is_file(path) else None
            text = data[:MAX_TEXT].decode("utf-8-sig", "replace") if data is not None else None
            self._instructions[path] = (
                Source(path, text, explicit, sections=not explicit) if text is not None and text.strip() else None
            )
        return self._instructions[path]

    def _above(self, importer: str, names: tuple[str, ...]) -> list[str]:
        """The files of these names beside `importer` and in the folders above it in the project."""
        found: list[str] = []
        folder = os.path.dirname(importer)
        while True:
            found.extend(path for name in names if self._is_file(path := os.path.join(folder, name)))
            if folder == self.root or not self._inside(folder) or os.path.dirname(folder) == folder:
                return found
            folder = os.path.dirname(folder)

    def version(self, package: str, importer: str = "") -> str | None:
        return self._version(package, self._asked_version(package, importer))

    def _asked_version(self, package: str, importer: str) -> str:
        """The folder whose declarations answer for `importer`; the question is on the account of that file."""
        folder = os.path.dirname(os.path.abspath(importer)) if importer else self.root
        if importer:
            self._edges.setdefault(os.path.abspath(importer), set()).add(f"version:{package}:{folder}")
        else:
            self._versions.add(package)
        return folder

    def _version(self, package: str, folder: str) -> str | None:
        """What a folder below the root declares is for its own files; else what is installed speaks before what is
        declared: it is what runs."""
        name = normal(package)
        while folder != self.root and folder.startswith(self.root.rstrip(os.sep) + os.sep):
            near = self._declared(folder).get(name)
            if near is not None:
                return near
            folder = os.path.dirname(folder)
        installed = self._environment.version(package) if self._environment is not None else None
        return installed or self._declared(self.root).get(name)

    def declaration(self, package: str, importer: str) -> Declaration | None:
        folder = self._asked_version(package, importer)
        if not self._inside(folder):
            folder = self.root
        while folder != self.root and self._declared(folder).get(normal(package)) is None:
            folder = os.path.dirname(folder)
        version = self._declared(folder).get(normal(package))
        if version is None or self._version(package, folder) != version:
            return None
        from dry_debug.project.versions import place_of

        found = place_of(folder, normal(package), version)
        return Declaration(*found) if found is not None else None

    def lacks_package(self, top: str, importer: str) -> bool:
        self._edges.setdefault(os.path.abspath(importer), set()).add(f"package:{top}")
        return self._lacks(top)

    def _lacks(self, top: str) -> bool:
        from dry_debug.program.distributions import distributions

        if self._environment is not None and self._environment.has(top, distributions(top)):
            return False
        return self._packages.lists_them and not self._packages.has(top)

    @cached_property
    def _packages(self) -> Packages:
        from dry_debug.project.packages import Packages

        return Packages(self.root)

    @cached_property
    def _environment(self) -> Environment | None:
        return find(self.root, self._named_environment)

    def _declared(self, folder: str) -> Mapping[str, str]:
        from dry_debug.project.versions import declared

        known = self._declarations.get(folder)
        if known is None:
            known = self._declarations[folder] = declared(folder)
        return known

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
                if question.startswith("importers:"):
                    queue.extend(self._importers.of(*_asked_importers(question)))
                    continue
                target = self._target(question)
                if target is not None and question.startswith("module:"):
                    queue.append(target)
        return frozenset(questions) | {f"version:{package}:{self.root}" for package in self._versions}

    def answer_key(self, question: str) -> str:
        """What the answer to `question` depends on: changes when the answer may change."""
        if question.startswith("version:"):
            package, _, folder = question.removeprefix("version:").partition(":")
            return f"={self._version(package, folder)}"
        if question.startswith("package:"):
            return f"={self._lacks(question.removeprefix('package:'))}"
        if question.startswith("spec:"):
            named, _, importer = question.removeprefix("spec:").rpartition(":")
            texts = repr(self._sources(importer, named or None)).encode("utf-8", "surrogatepass")
            return f"spec:{_digest(texts)}"
        if question.startswith("importers:"):
            files = self._importers.of(*_asked_importers(question))
            return "importers:" + _digest(repr([self._key(path) for path in files]).encode("utf-8", "surrogatepass"))
        path = self._target(question)
        return self._key(path) if path is not None else "none"

    def _key(self, path: str) -> str:
        """Of the content of a file."""
        key = self._keys.get(path)
        if key is None:
            data = self._bytes(path)
            key = f"{path}:{_digest(data)}" if data is not None else "none"
            self._keys[path] = key
        return key

    def rests_on(self, question: str, path: str) -> bool:
        """Whether the answer to `question` comes, or would come, from the file at `path`."""
        if question.startswith("spec:"):
            named, _, importer = question.removeprefix("spec:").rpartition(":")
            sources = self._sources(importer, named or None)
            return any(source.path == path for source in sources) or path.endswith((*INSTRUCTIONS, *READMES))
        if question.startswith("importers:"):
            return self._importers.has_named(*_asked_importers(question), path)
        return self.answer_key(question).startswith(f"{path}:")

    def lines_beyond(self, path: str) -> int:
        """How many lines those files have that the analysis of the file at `path` looked into besides it."""
        return sum(len(module.document.lines) for other, module in self._used.items() if other != path)

    def statistics(self) -> str:
        """For the benchmark: what is held."""
        return self._modules.statistics()

    # -- files ---------------------------------------------------------------------------------------------------------

    def _target(self, question: str) -> str | None:
        kind, _, rest = question.partition(":")
        if kind == "module":
            level, _, rest = rest.partition(":")
            name, _, importer = rest.partition(":")
            return self._resolve(name, importer, int(level))
        if kind in ("spec", "package", "importers", "version"):
            return None  # no one file
        path, _, importer = rest.rpartition(":")
        return self._config_file(path, importer)

    def _inside(self, path: str) -> bool:
        inside = path == self.root or path.startswith(self.root.rstrip(os.sep) + os.sep)
        return inside or self._is_installed(path)

    def _resolve(self, name: str, importer: str, level: int) -> str | None:
        folder = os.path.dirname(importer)
        key = f"{level}:{name}:{folder}"
        if key not in self._found:
            self._found[key] = self._search(name, folder, level, "")
        found = self._found[key]
        if found is None and level == 0 and not self._beside_paths(importer):
            return None
        if found is not None and found != importer:
            return found
        own = f"{key}:{importer}"  # not the importer itself, and through what it puts on the search path
        if own not in self._found:
            self._found[own] = self._search(name, folder, level, importer)
        return self._found[own]

    def _search(self, name: str, folder: str, level: int, importer: str) -> str | None:
        """The file of a module, but not `importer`; its additions to the search path count where it is given."""
        parts = name.split(".") if name else []
        if any(not part.isidentifier() for part in parts) or (not parts and not level):
            return None
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._in_folder(folder, parts, folder, importer) if self._inside(folder) or level == 1 else None
        if not self._is_installed(folder):
            for candidate in self._places(parts, folder, importer):
                found = self._in_folder(candidate, parts, folder, importer)
                if found is not None:
                    return found
        if self._environment is not None:
            for candidate in self._environment.places(parts[0]):
                found = self._in_folder(candidate, parts, candidate, importer)
                if found is not None:
                    return found
        return None

    def _is_installed(self, folder: str) -> bool:
        return self._environment is not None and self._environment.holds(folder + os.sep)

    def _places(self, parts: list[str], folder: str, importer: str) -> list[str]:
        """Where Python and its runners look: beside the script, what it adds, the folders above it up to the root.

        A package that imports itself by its name is meant as a whole, not its module of the same name.
        """
        above: list[str] = []
        current = folder
        while True:
            above.append(current)
            if current == self.root or not self._inside(current) or os.path.dirname(current) == current:
                break
            current = os.path.dirname(current)
        if self.root not in above:
            above.append(self.root)
        sources = [os.path.join(place, "src") for place in above]
        if parts[0] == os.path.basename(folder) and self._is_file(os.path.join(folder, "__init__.py")):
            above.append(above.pop(0))
        return [above[0], *(self._beside_paths(importer) if importer else ()), *above[1:], *sources]

    def _beside_paths(self, importer: str) -> list[str]:
        """The folders that the importer puts on the search path, or an `_init_paths` file that it imports."""
        known = self._added.get(importer)
        if known is None:
            folder = os.path.dirname(importer)
            known = []
            text = self._text(importer)
            if "sys.path" in text:
                known = added_folders(text, importer, (self.root,))
            for helper in _INIT_PATHS:
                beside = os.path.join(folder, f"{helper}.py")
                if f"import {helper}" in text and beside != importer and self._is_file(beside):
                    known = [*known, *added_folders(self._text(beside), beside, (self.root,))]
            known = self._added[importer] = [path for path in known if self._inside(path)]
        return known

    def _text(self, path: str) -> str:
        data = self._bytes(path)
        return data.decode("utf-8", "replace") if data is not None else ""

    def _in_folder(self, base: str, parts: list[str], folder: str, importer: str) -> str | None:
        """The module below `base`: a package before a module of its name, as in Python."""
        if not self._inside(base) and base != folder:
            return None
        stem = os.path.join(base, *parts)
        candidates = [os.path.join(stem, "__init__.py"), *([f"{stem}.py"] if parts else [])]
        return next((path for path in candidates if path != importer and self._is_file(path)), None)

    def _is_file(self, path: str) -> bool:
        known = self._exists.get(path)
        if known is None:
            known = self._exists[path] = path in self._overlay or os.path.isfile(path)
        return known

    def _bytes(self, path: str) -> bytes | None:
        if path in self._overlay:
            return self._overlay[path].encode("utf-8", "surrogatepass")
        try:
            at = os.stat(path)
            if at.st_size > MAX_BYTES or not stat.S_ISREG(at.st_mode):
                return None  # a pipe makes whoever opens it wait, and /dev/zero never ends
            with open(path, "rb") as file:
                return file.read()
        except OSError:
            return None

    def _program(self, path: str) -> Program | None:
        if path in self._programs:
            return self._programs[path]
        program: Program | None = None
        installed = self._is_installed(os.path.dirname(path))
        self._installed += installed
        if len(self._programs) < MAX_MODULES and (not installed or self._installed <= MAX_FILES):
            stamp = self._stamp(path)
            module = self._modules.get(path, stamp) or self._modules.add(path, stamp, self._bytes(path))
            self._used[path] = module
            if module.tree is not None:
                program = Program(module.document, module.tree, self, module.index)
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


def _asked_importers(question: str) -> tuple[str, str]:
    """The path and the word of a question for importers."""
    word, _, path = question.removeprefix("importers:").partition(":")
    return path, word


def _digest(data: bytes) -> str:
    from hashlib import blake2b  # loads OpenSSL: two milliseconds, and a single run does not ask for it

    return blake2b(data, digest_size=12).hexdigest()
