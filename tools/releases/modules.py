"""Finds what a dotted name stands for in a release: through imports, star imports, stubs and lazy modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from releases.archives import Release

_DEPTH = 40


class Found(NamedTuple):
    """Where a name leads to. `node` is a class, a function, another statement that binds it, or None for a module."""

    module: str
    name: str
    node: ast.stmt | None


class Modules:
    """The modules of one release, parsed when they are asked for."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._files = _by_module(release.paths())
        self._packages = {name[:at] for name in self._files for at, c in enumerate(name) if c == "."}
        self._answers: dict[str, list[Found]] = {}
        self._texts: dict[str, str] = {}
        self._parsed: dict[str, list[ast.Module]] = {}
        self._tables: dict[str, _Table] = {}

    def holds(self, module: str) -> bool:
        """Whether there is a module of that name."""
        return module in self._files or module in self._packages

    def find(self, dotted: str) -> list[Found]:
        """Everything that the dotted name may stand for; empty where the release has no such name."""
        if dotted not in self._answers:
            self._answers[dotted] = self._find(dotted, set())
        return self._answers[dotted]

    def in_module(self, module: str, name: str, seen: set[str] | None = None) -> list[Found]:
        """What a name of a module stands for, followed to where it is defined; `seen` is what was asked on the way."""
        key = f"{module}:{name}"
        seen = set() if seen is None else seen
        if key in seen:
            return []
        seen.add(key)
        table = self._table(module)
        found = [Found(module, name, node) for node in table.defined.get(name, ())]
        for source, original in table.imported.get(name, ()):
            if self.holds(source) or self.holds(source.partition(".")[0]):
                found += self._find(f"{source}.{original}" if original else source, seen)
            else:
                found.append(Found(source, original or name, None))  # it comes from another package
        for source in table.stars if not found else ():
            found += self.in_module(source, name, seen) if self._may_bind(source, name) else []
        if not found and name in table.lazy:
            found += self._find(f"{table.lazy[name]}.{name}", seen) or [Found(module, name, None)]
        if not found and self.holds(f"{module}.{name}"):
            found.append(Found(f"{module}.{name}", "", None))
        return found

    def _find(self, dotted: str, seen: set[str]) -> list[Found]:
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            if not self.holds(module):
                continue
            rest = parts[length:]
            if not rest:
                above, _, last = module.rpartition(".")
                bound = self.in_module(above, last, seen) if above and last in self._table(above).defined else []
                return bound or [Found(module, "", None)]
            found = self.in_module(module, rest[0], seen)
            for attribute in rest[1:]:
                found = [inner for one in found for inner in self._attribute(one, attribute, seen)]
            return found
        return []

    def _attribute(self, found: Found, name: str, seen: set[str]) -> list[Found]:
        if found.node is None:
            return self.in_module(found.module, name, seen) if self.holds(found.module) else [found]
        if isinstance(found.node, ast.ClassDef):
            return [Found(c.module, name, m) for c in self.line(found) for m in _members(c.node) if _named(m, name)][:1]
        return []

    def line(self, found: Found) -> list[Found]:
        """The class and those that it is made from, the nearest first; one of another package has no node."""
        line: list[Found] = []
        todo = [found]
        while todo and len(line) < _DEPTH:
            one = todo.pop(0)
            if one in line:
                continue
            line.append(one)
            if isinstance(one.node, ast.ClassDef):
                for base in one.node.bases:
                    dotted = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
                    todo += self.seen_from(one.module, dotted) or [Found("", dotted, None)]
        return line

    def seen_from(self, module: str, dotted: str) -> list[Found]:
        """What a name stands for in the text of a module."""
        first, _, rest = dotted.partition(".")
        found = self.in_module(module, first)
        for attribute in rest.split(".") if rest else ():
            found = [inner for one in found for inner in self._attribute(one, attribute, set())]
        return found

    def _may_bind(self, module: str, name: str) -> bool:
        """Whether the text of a module holds the name or a star import: others need not be parsed."""
        texts = [self._text(path) for path in self._files.get(module, ())]
        return any(name in text or "import *" in text for text in texts)

    def _text(self, path: str) -> str:
        if path not in self._texts:
            self._texts[path] = self._release.read(path)
        return self._texts[path]

    def _trees(self, module: str) -> list[ast.Module]:
        if module not in self._parsed:
            trees = []
            for path in self._files.get(module, ()):
                try:
                    trees.append(ast.parse(self._text(path)))
                except SyntaxError:
                    continue
            self._parsed[module] = trees
        return self._parsed[module]

    def _table(self, module: str) -> _Table:
        if module not in self._tables:
            package = any(path.endswith(("/__init__.py", "/__init__.pyi")) for path in self._files.get(module, ()))
            table = self._tables[module] = _Table(module, package)
            for tree in self._trees(module):
                for stmt in _statements(tree.body):
                    table.add(stmt)
        return self._tables[module]


class _Table:
    """What a module binds at its top level, in all branches, and what its lazy structure promises."""

    def __init__(self, module: str, package: bool) -> None:
        self.module, self.package = module, package
        self.defined: dict[str, list[ast.stmt]] = {}
        self.imported: dict[str, list[tuple[str, str]]] = {}  # name -> (module, name there or "" for the module)
        self.stars: list[str] = []
        self.lazy: dict[str, str] = {}  # name -> the module that a lazy structure takes it from

    def add(self, stmt: ast.stmt) -> None:
        if isinstance(stmt, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self.defined.setdefault(stmt.name, []).append(stmt)
            if stmt.name == "__getattr__":
                for node in ast.walk(stmt):
                    if isinstance(node, ast.Compare):
                        self._promise(self.module, node)
        elif isinstance(stmt, ast.Import):
            for alias in stmt.names:
                name = alias.asname or alias.name.partition(".")[0]
                self.imported.setdefault(name, []).append((alias.name if alias.asname else name, ""))
        elif isinstance(stmt, ast.ImportFrom):
            source = self._absolute(stmt)
            for alias in stmt.names:
                if alias.name == "*":
                    self.stars.append(source)
                else:
                    self.imported.setdefault(alias.asname or alias.name, []).append((source, alias.name))
        else:
            self._assigned(stmt)

    def _assigned(self, stmt: ast.stmt) -> None:
        targets = stmt.targets if isinstance(stmt, ast.Assign) else [getattr(stmt, "target", None)]
        for target in targets:
            for node in ast.walk(target) if isinstance(target, ast.expr) else ():
                if isinstance(node, ast.Name):
                    self.defined.setdefault(node.id, []).append(stmt)
        value = getattr(stmt, "value", None)
        head = ast.unparse(targets[0]) if isinstance(targets[0], ast.expr) else ""
        if isinstance(value, ast.Dict) and any(word in head.lower() for word in ("structure", "submod", "lazy")):
            for key, held in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    self._promise(f"{self.module}.{key.value.lstrip('.')}", held)
        elif "structure" in head and isinstance(targets[0], ast.Subscript) and isinstance(value, ast.expr):
            self._promise(self._under(targets[0]), value)
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            of = value.func.value
            if isinstance(of, ast.Subscript) and "structure" in ast.unparse(of.value) and value.args:
                self._promise(self._under(of), value.args[0])

    def _under(self, subscript: ast.Subscript) -> str:
        key = subscript.slice
        return f"{self.module}.{key.value!s}" if isinstance(key, ast.Constant) else self.module

    def _promise(self, module: str, held: ast.AST) -> None:
        for node in ast.walk(held):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.lazy.setdefault(node.value, module)

    def _absolute(self, stmt: ast.ImportFrom) -> str:
        if not stmt.level:
            return stmt.module or ""
        parts = self.module.split(".")
        kept = parts[: len(parts) - stmt.level + (1 if self.package else 0)]
        return ".".join([*kept, *([stmt.module] if stmt.module else [])])


def _by_module(paths: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        stem = path.rpartition(".")[0]
        found.setdefault(stem.removesuffix("/__init__").replace("/", "."), []).append(path)
    return found


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and of its branches, not those inside functions and classes."""
    todo = list(reversed(body))
    while todo:
        stmt = todo.pop()
        yield stmt
        if isinstance(stmt, ast.If | ast.Try | ast.With | ast.For | ast.While):
            inner = [getattr(stmt, field, []) for field in ("body", "orelse", "finalbody")]
            inner += [handler.body for handler in getattr(stmt, "handlers", [])]
            todo += [one for part in reversed(inner) for one in reversed(part)]


def _members(node: ast.stmt | None) -> list[ast.stmt]:
    return list(_statements(node.body)) if isinstance(node, ast.ClassDef) else []


def _named(stmt: ast.stmt, name: str) -> bool:
    if isinstance(stmt, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return stmt.name == name
    targets = stmt.targets if isinstance(stmt, ast.Assign) else [getattr(stmt, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)
