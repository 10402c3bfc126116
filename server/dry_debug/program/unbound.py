"""Names that are used where nothing binds them: Python raises `NameError` there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from dry_debug.program.mentions import Mention, names
from dry_debug.program.walks import FunctionNode
from dry_debug.program.walks import nodes as walk

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

# What may bind names that no statement binds.
_TRICKS = re.compile(
    r"\bexec\(|\bexecfile\(|\b(?:globals|locals|vars|dir)\(\)|builtin|\bpylab\b|%run\b|%load|run_line_magic|run_cell|"
    r"\binject\b|sys\.modules\[__name__\]|interact\("
)
_LAZY = re.compile(r"from\s+__future__\s+import\b[^\n]*\bannotations\b")


def may_bind_unseen(program: Program) -> bool:
    """Whether names of the file may be bound by what cannot be read: star imports, `exec`, cells that are no Python."""
    if any(scope.imports_star for scope in (program.index.module, *program.index.functions)):
        return True
    document = program.document
    if _TRICKS.search(document.source):
        return True
    if not document.is_notebook:
        return False
    from dry_debug.text.notebook import blank_magics

    for cell in document.cells:
        read = document.source[cell.start : cell.end]
        if _TRICKS.search(cell.text) or (not read.strip() and "import" in blank_magics(cell.text) + cell.text):
            return True
    return False


def asks_if_loaded(program: Program, name: str) -> bool:
    """Whether the file asks if a module of that name has been loaded (`"wandb" in sys.modules`): it may do without.

    For the whole file: the test may stand in a caller, return early or be kept in a variable.
    """
    source = program.document.source
    asked = rf"""["']{re.escape(name)}["']\s+(?:not\s+)?in\s+sys\.modules\b"""
    got = rf"""\bsys\.modules(?:\.get\(|\[)\s*["']{re.escape(name)}["']"""
    return "sys.modules" in source and re.search(f"{asked}|{got}", source) is not None


def called(program: Program, known: Collection[str]) -> set[str]:
    """The names of `known` that are called, whose attributes are, or that classes are based on: asked of the index."""
    index = program.index
    found = {root for scope in index.scopes.values() for r in scope.receivers if (root := r.partition(".")[0]) in known}
    for call in index.calls:
        func = call.func
        if isinstance(func, ast.Name) and func.id in known:
            found.add(func.id)
    for cls in index.classes:
        for base in getattr(cls.node, "bases", ()):
            root_of = base
            while isinstance(root_of, ast.Attribute):
                root_of = root_of.value
            if isinstance(root_of, ast.Name) and root_of.id in known:
                found.add(root_of.id)
    return found


def annotated(program: Program, known: Collection[str]) -> Iterator[tuple[str, Scope]]:
    """The names of `known` in the annotations of functions, each with the scope that Python looks for it from.

    None where the file asks for annotations that are not evaluated.
    """
    bound = program.index.module.bindings
    words = {name for name in program.document.identifiers.intersection(known) if name not in bound}
    if not words or ("__future__" in program.document.identifiers and _LAZY.search(program.document.source)):
        return
    for function in program.index.functions:
        node = function.node
        if not isinstance(node, FunctionNode):
            continue
        for expr in (node.returns, *[a.annotation for a in function.parameters()]):
            if expr is None:
                continue
            while isinstance(expr, ast.Attribute):  # `torch.Tensor`: most are a name or this
                expr = expr.value
            if isinstance(expr, ast.Name):
                if expr.id in words:
                    yield expr.id, function.parent or function
                continue
            for inner in walk(expr):
                if isinstance(inner, ast.Name) and inner.id in words:
                    yield inner.id, function.parent or function


def loose(program: Program, known: Collection[str], types: Collection[str] = ()) -> set[str]:
    """The names of `known` that are called, or whose attributes are, in a scope for which nothing binds them.

    Of `types` those that stand in the annotation of a function, too.
    """
    index = program.index
    lookup, bound = program.names.lookup, index.module.bindings
    known = {name for name in program.document.identifiers.intersection(known) if name not in bound}
    found: set[str] = set()
    if not known:
        return found
    for scope in index.scopes.values():
        for receiver in scope.receivers:
            root = receiver.partition(".")[0]
            if root in known and lookup(root, scope) is None:
                found.add(root)
    for name in known:
        for call in program.calls_by_last_name(name):
            if isinstance(call.func, ast.Name) and lookup(name, index.scope_of[call]) is None:
                found.add(name)
    for cls in index.classes:
        for base in getattr(cls.node, "bases", ()):
            while isinstance(base, ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name) and base.id in known and lookup(base.id, cls.parent or cls) is None:
                found.add(base.id)
    found.update(name for name, scope in annotated(program, types) if lookup(name, scope) is None)
    return found


def unbound(program: Program, wanted: Collection[str]) -> dict[str, list[Mention]]:
    """Where each of these names is read and nothing binds it, in the order of the file."""
    found: dict[str, list[Mention]] = {}
    for mention in names(program, wanted):
        assert isinstance(mention.node, ast.Name)
        if program.names.lookup(mention.node.id, mention.scope) is None:
            found.setdefault(mention.node.id, []).append(mention)
    for mentions in found.values():
        mentions.sort(key=lambda m: (m.node.lineno, m.node.col_offset))
    return found
