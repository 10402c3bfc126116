"""Which imports jedi resolves that the host does not, and the other way round.

    pip install jedi
    python benchmarks/against_jedi.py --environment DIR PROJECT...

Every import of the projects that does not lead into the standard library or a package that the model knows by its
tables is asked of both, each module once a project (a relative one once a file). For jedi the packages of the
environment are on its search path, and this process is its interpreter: it starts none. For the comparison the host
looks into all packages, not only into those that depend on PyTorch.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(_ROOT, "server"), os.path.join(_ROOT, "rules")]

from dry_debug.project.environment import KNOWN, Environment  # noqa: E402
from dry_debug.project.host import ProjectHost  # noqa: E402
from dry_debug.project.installed import folders_of  # noqa: E402

Import = tuple[str, str, int]  # path of the importer, module, leading dots


class AllPackages(Environment):
    """Looks into every package that is installed."""

    def places(self, top: str) -> list[str]:
        return [] if top in KNOWN else [*self.folders, *self._editable]


def imports(project: str) -> Iterator[Import]:
    """Each module that the files of a project import, once."""
    seen: set[tuple[str, str, int]] = set()
    for parent, folders, names in os.walk(project):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.endswith(".py"):
                continue
            path = os.path.join(parent, name)
            for module, level in _imported(path):
                key = (path if level else "", module, level)
                if key not in seen and (level or module.partition(".")[0] not in KNOWN):
                    seen.add(key)
                    yield path, module, level


def _imported(path: str) -> Iterator[tuple[str, int]]:
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.level


def by_jedi(jedi: Any, project: Any, path: str, module: str, level: int) -> str | None:
    """The file that jedi says the module is."""
    code = f"from {'.' * level}{module} import x" if level else f"import {module}"
    column = len(f"from {'.' * level}{module}") if level else len(code)
    try:
        script = jedi.Script(code, path=path, project=project, environment=jedi.InterpreterEnvironment())
        found = script.infer(1, column)
    except Exception:
        return None
    paths = (str(name.module_path) for name in found if name.module_path is not None)
    return next((path for path in paths if f"{os.sep}jedi{os.sep}third_party" not in path), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--environment", required=True, metavar="DIR", help="a virtual environment")
    options = parser.parse_args()
    import jedi

    warnings.simplefilter("ignore")
    packages = folders_of(options.environment)
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for folder in options.projects:
        root = os.path.abspath(folder)
        host = ProjectHost(root)
        host.__dict__["_environment"] = AllPackages(packages)
        project = jedi.Project(root, sys_path=packages, load_unsafe_extensions=False)
        for path, module, level in imports(root):
            began = time.perf_counter()
            ours = host._resolve(module, path, level)
            between = time.perf_counter()
            theirs = by_jedi(jedi, project, path, module, level)
            seconds["host"] += between - began
            seconds["jedi"] += time.perf_counter() - between
            kind = _kind(path, ours, theirs)
            counts[kind] += 1
            if kind not in ("neither", "the same file"):
                print(f"{kind}: {'.' * level}{module} in {path}: {ours} / {theirs}")
    print(", ".join(f"{kind} {count:,}" for kind, count in counts.most_common()))
    print(f"seconds: host {seconds['host']:.1f}, jedi {seconds['jedi']:.1f}")
    return 0


def _kind(importer: str, ours: str | None, theirs: str | None) -> str:
    if theirs == importer and ours is None:
        return "jedi: the importing file itself"
    if ours is None or theirs is None:
        return "neither" if ours is theirs else "host only" if theirs is None else "jedi only"
    return "the same file" if os.path.realpath(ours) == os.path.realpath(theirs) else "different files"


if __name__ == "__main__":
    sys.exit(main())
