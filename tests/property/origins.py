"""Syntax trees whose nodes know the place in the sample that they come from, and the way back from new text."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dry_debug.program.walks import is_docstring

# A file of the sample and a one-based line of it.
Place = tuple[str, int]


class Project:
    """The trees of a project's Python files, and the text of its other files."""

    def __init__(self, trees: dict[str, ast.Module], others: dict[str, str]) -> None:
        self.trees = trees
        self.others = others

    @staticmethod
    def parse(files: Mapping[str, str]) -> Project:
        trees = {}
        for name, text in files.items():
            if name.endswith(".py"):
                trees[name] = tree = ast.parse(text)
                for node in ast.walk(tree):
                    if hasattr(node, "lineno"):
                        stamp(node, [(name, node.lineno)])
        return Project(trees, {name: text for name, text in files.items() if not name.endswith(".py")})

    def copy(self) -> Project:
        """A project of its own, to be changed."""
        return copy.deepcopy(self)

    def imported(self) -> set[str]:
        """The files that another file of the project imports."""
        modules = {name[:-3].replace("/", "."): name for name in self.trees}
        used: set[str] = set()
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                names = []
                if isinstance(node, ast.ImportFrom):
                    base = node.module or ""
                    names = [base, *(f"{base}.{a.name}".strip(".") for a in node.names)]
                elif isinstance(node, ast.Import):
                    names = [a.name for a in node.names]
                used |= {modules[n] for n in names if n in modules and modules[n] != name}
        return used

    def render(self) -> tuple[dict[str, str], Map]:
        """The text of every file, and where its nodes come from."""
        texts = dict(self.others)
        nodes: dict[tuple[str, int, int], set[Place]] = {}
        statements: list[tuple[str, int, int, frozenset[Place]]] = []
        for name, tree in self.trees.items():
            texts[name] = text = ast.unparse(tree) + "\n"
            for old, new in _together(tree, ast.parse(text)):
                if not hasattr(new, "lineno"):
                    continue
                places = places_of(old)
                nodes.setdefault((name, new.lineno, new.col_offset), set()).update(places)
                if isinstance(new, ast.stmt):
                    statements.append((name, new.lineno, new.end_lineno or new.lineno, places))
        return texts, Map({key: frozenset(p) for key, p in nodes.items()}, statements)


@dataclass(frozen=True)
class Map:
    """From the new text to places of the sample."""

    nodes: Mapping[tuple[str, int, int], frozenset[Place]]
    statements: Sequence[tuple[str, int, int, frozenset[Place]]]

    def places(self, file: str, line: int, column: int) -> frozenset[Place]:
        """The places that a finding at this position may stand for; none if a transformation made up what is there."""
        known = self.nodes.get((file, line, column))
        if known is not None:
            return known
        around = [s for s in self.statements if s[0] == file and s[1] <= line <= s[2]]
        return max(around, key=lambda s: s[1])[3] if around else frozenset()


def _together(one: ast.AST, other: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """The nodes of two equal trees, pair by pair."""
    for a, b in zip(ast.walk(one), ast.walk(other), strict=True):
        assert type(a) is type(b), (ast.dump(a), ast.dump(b))
        yield a, b


def stamp(node: ast.AST, places: Iterable[Place]) -> None:
    """Say which places of the sample a node stands for."""
    node.places = frozenset(places)  # type: ignore[attr-defined]


def places_of(node: ast.AST) -> frozenset[Place]:
    """The places that a node stands for."""
    known: frozenset[Place] = getattr(node, "places", frozenset())
    return known


def all_places(nodes: Iterable[ast.AST]) -> frozenset[Place]:
    """The places of nodes and of everything in them."""
    return frozenset(place for node in nodes for inner in ast.walk(node) for place in places_of(inner))


def stamp_all(nodes: Iterable[ast.AST], places: Iterable[Place]) -> None:
    """The same places for nodes and everything in them that has none."""
    known = frozenset(places)
    for node in nodes:
        for inner in ast.walk(node):
            if not places_of(inner):
                stamp(inner, known)


def made(text: str, places: Iterable[Place] = ()) -> list[ast.stmt]:
    """New statements, which stand for `places`."""
    body = ast.parse(text).body
    stamp_all(body, places)
    return body


def forget(nodes: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Copies that stand for no place of the sample: a finding in them is a new one."""
    copies = copy.deepcopy(list(nodes))
    for node in copies:
        for inner in ast.walk(node):
            stamp(inner, ())
    return copies


def blocks(tree: ast.AST) -> Iterator[tuple[list[ast.stmt], ast.AST]]:
    """Every list of statements and the node that holds it, classes' bodies included."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            found = getattr(node, name, None)
            if isinstance(found, list) and found and isinstance(found[0], ast.stmt):
                yield found, node


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def header(body: Sequence[ast.stmt]) -> int:
    """How many statements at the head of a module are its docstring and imports."""
    count = 0
    while count < len(body) and (is_import(body[count]) or (count == 0 and is_docstring(body[count]))):
        count += 1
    return count
