"""Where a file names what comes from libraries: its imports, and the attribute chains that end in certain words.

Found by text first: a statement is looked into only if one of the words stands on its lines.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


@dataclass(frozen=True, slots=True)
class Imported:
    """One name of an import of a library: `name` is dotted and whole (`transformers.AdamW`)."""

    name: str
    alias: ast.alias
    stmt: ast.Import | ast.ImportFrom

    @property
    def bound(self) -> str:
        """The variable that the import binds."""
        return self.alias.asname or self.alias.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Mention:
    """An expression that names something, in its statement and scope."""

    node: ast.Attribute | ast.Name
    stmt: ast.stmt
    scope: Scope


def imports(program: Program) -> list[Imported]:
    """What the file imports by absolute names, in any scope, in no promised order. A star import brings nothing."""
    found = []
    index = program.index
    for scope in (index.module, *index.functions, *index.classes):
        for bindings in scope.bindings.values():
            for binding in bindings:
                if binding.kind not in ("import", "from") or binding.module is None or binding.module[1]:
                    continue
                if isinstance(binding.node, ast.alias) and isinstance(binding.stmt, ast.Import | ast.ImportFrom):
                    # `import a.b` binds `a`, and loads `a.b`.
                    whole = binding.node.name if binding.kind == "import" else binding.module[0]
                    found.append(Imported(whole, binding.node, binding.stmt))
    return found


def attributes(program: Program, words: Collection[str], roots: Collection[str]) -> Iterator[Mention]:
    """The attributes with one of these names in chains that begin with one of `roots` (`np.float`: `float`, `np`)."""
    first, last = ("|".join(map(re.escape, sorted(these))) for these in (roots, words))
    pattern = re.compile(rf"\b(?:{first})(?:\s*\.\s*\w+)*?\s*\.\s*(?:{last})\b")
    for node, stmt, scope in _found(program, pattern, ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr in words:
            yield Mention(node, stmt, scope)


def names(program: Program, words: Collection[str]) -> Iterator[Mention]:
    """The reads of variables with one of these names, each with where it stands."""
    for node, stmt, scope in _found(program, re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b"), ast.Name):
        if isinstance(node, ast.Name) and node.id in words and isinstance(node.ctx, ast.Load):
            yield Mention(node, stmt, scope)


def _found(
    program: Program, pattern: re.Pattern[str], kind: type[ast.AST]
) -> Iterator[tuple[ast.AST, ast.stmt, Scope]]:
    """The nodes of a kind in the statements on whose lines the pattern matches: not in those that they hold."""
    index, document_lines = program.index, program.document.lines
    lines = sorted({document_lines.line_of(match.start()) + 1 for match in pattern.finditer(program.document.source)})
    if not lines:
        return
    for stmt in list(index.parent):
        if not isinstance(stmt, ast.stmt) or stmt not in index.scope_of:
            continue
        at = bisect_left(lines, _first_line(stmt))
        if at == len(lines) or lines[at] > (stmt.end_lineno or stmt.lineno):
            continue
        stack: list[tuple[ast.AST, Scope]] = [(part, index.scope_of[stmt]) for part in _own(stmt)]
        while stack:
            node, scope = stack.pop()
            scope = index.scopes.get(node, scope)  # a lambda, a comprehension
            if isinstance(node, kind):
                yield node, stmt, scope
            stack.extend((child, scope) for child in ast.iter_child_nodes(node))


def _first_line(stmt: ast.stmt) -> int:
    decorators = getattr(stmt, "decorator_list", None)
    return min(stmt.lineno, *(d.lineno for d in decorators)) if decorators else stmt.lineno


def _own(stmt: ast.stmt) -> Iterator[ast.AST]:
    """The expressions of a statement that stand in none of the statements it holds."""
    for field, value in ast.iter_fields(stmt):
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
