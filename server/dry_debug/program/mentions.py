"""Where a file names what comes from libraries: its imports, and the attribute chains that end in certain words.

Found by text first: a statement is looked into only if one of the words stands on its lines.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


_ANNOTATIONS = frozenset(("annotation", "returns"))


class Imported(NamedTuple):
    """One name of an import of a library: `name` is dotted and whole (`transformers.AdamW`), `top` its first part."""

    name: str
    alias: ast.alias
    stmt: ast.Import | ast.ImportFrom
    top: str

    @property
    def bound(self) -> str:
        """The variable that the import binds."""
        return self.alias.asname or self.alias.name.partition(".")[0]


class Mention(NamedTuple):
    """An expression that names something, in its statement and scope."""

    node: ast.Attribute | ast.Name
    stmt: ast.stmt
    scope: Scope


def imports(program: Program) -> list[Imported]:
    """What the file imports by absolute names, in any scope, in no promised order. A star import brings nothing."""
    found = []
    for stmt in program.index.imports:
        if isinstance(stmt, ast.Import):
            found += [Imported(alias.name, alias, stmt, alias.name.partition(".")[0]) for alias in stmt.names]
        elif not stmt.level and stmt.module:
            top = stmt.module.partition(".")[0]
            found += [Imported(f"{stmt.module}.{a.name}", a, stmt, top) for a in stmt.names if a.name != "*"]
    return found


def chains(program: Program, starts: Mapping[str, Collection[str]]) -> Iterator[Mention]:
    """The attributes written as a variable of `starts` with one of its rests (`np` with `float`: `np.float`)."""
    lines: set[int] = set()
    document, source = program.document, program.document.source
    words: set[str] = set()
    for root, rests in starts.items():
        for match in _chain(root, tuple(sorted(rests, key=lambda rest: (-len(rest), rest)))).finditer(source):
            before = source[match.start() - 1 : match.start()]
            if not (before.isalnum() or before in ("_", ".")) or not before:
                lines.add(document.lines.line_of(match.start()) + 1)
                words.add(match[1].rpartition(".")[2])
    for node, stmt, scope in _found(program, sorted(lines), ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr in words:
            yield Mention(node, stmt, scope)


@lru_cache(maxsize=256)
def _chain(root: str, rests: tuple[str, ...]) -> re.Pattern[str]:
    """It begins with the plain letters of the variable, which makes it fast to look for; the longest rest first."""
    return re.compile(rf"{re.escape(root)}\.({'|'.join(map(re.escape, rests))})(?!\w)")


def names(program: Program, words: Collection[str]) -> Iterator[Mention]:
    """The reads of variables with one of these names, each with where it stands."""
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")
    document = program.document  # its lines are counted only where there is a match
    lines = {document.lines.line_of(match.start()) + 1 for match in pattern.finditer(document.source)}
    for node, stmt, scope in _found(program, sorted(lines), ast.Name):
        if isinstance(node, ast.Name) and node.id in words and isinstance(node.ctx, ast.Load):
            yield Mention(node, stmt, scope)


def _found(program: Program, lines: list[int], kind: type[ast.AST]) -> Iterator[tuple[ast.AST, ast.stmt, Scope]]:
    """The nodes of a kind in the statements on these lines (one-based, sorted): not in those that they hold."""
    index = program.index
    # Annotations that are not evaluated are text.
    left_out = _ANNOTATIONS if "from __future__ import annotations" in program.document.source else frozenset[str]()
    for stmt in list(index.parent) if lines else ():
        if not isinstance(stmt, ast.stmt) or stmt not in index.scope_of:
            continue
        at = bisect_left(lines, _first_line(stmt))
        if at == len(lines) or lines[at] > (stmt.end_lineno or stmt.lineno):
            continue
        stack: list[tuple[ast.AST, Scope]] = [(part, index.scope_of[stmt]) for part in _own(stmt, left_out)]
        while stack:
            node, scope = stack.pop()
            scope = index.scopes.get(node, scope)  # a lambda, a comprehension
            if isinstance(node, kind):
                yield node, stmt, scope
            if left_out and isinstance(node, ast.arg):
                continue
            stack.extend((child, scope) for child in ast.iter_child_nodes(node))


def _first_line(stmt: ast.stmt) -> int:
    decorators = getattr(stmt, "decorator_list", None)
    return min(stmt.lineno, *(d.lineno for d in decorators)) if decorators else stmt.lineno


def _own(stmt: ast.stmt, left_out: frozenset[str]) -> Iterator[ast.AST]:
    """The expressions of a statement that stand in none of the statements it holds."""
    for field, value in ast.iter_fields(stmt):
        if field in left_out:
            continue
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, ast.ExceptHandler):
                if item.type is not None:
                    yield item.type
            elif isinstance(item, ast.match_case):
                yield item.pattern
                if item.guard is not None:
                    yield item.guard
            elif isinstance(item, ast.AST) and not isinstance(item, ast.stmt) and field != "type_params":
                yield item
