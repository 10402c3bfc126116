"""DEP006: something private of torch is used for which a public name exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.guarded import asked_before, caught
from dry_debug.program.imported_files import imported_files
from dry_debug.program.knowledge import canonical
from dry_debug.program.links import Link
from dry_debug.program.mentions import chains
from dry_debug.program.scopes import last_name
from dry_debug.program.version_range import parse
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


class _Public(NamedTuple):
    """The public name of something private, and the version of torch since which there is one."""

    name: str
    since: tuple[int, int]


_SCHEDULER = "torch.optim.lr_scheduler._LRScheduler"
_TABLE = {
    _SCHEDULER: _Public("torch.optim.lr_scheduler.LRScheduler", (2, 0)),
    "torch.utils.data._utils.collate.default_collate": _Public("torch.utils.data.default_collate", (1, 11)),
    "torch.utils.data._utils.collate.default_convert": _Public("torch.utils.data.default_convert", (1, 11)),
    "torch._dynamo.reset": _Public("torch.compiler.reset", (2, 1)),
    "torch._dynamo.disable": _Public("torch.compiler.disable", (2, 1)),
    "torch._dynamo.allow_in_graph": _Public("torch.compiler.allow_in_graph", (2, 1)),
    "torch._dynamo.list_backends": _Public("torch.compiler.list_backends", (2, 1)),
    "torch._dynamo.assume_constant_result": _Public("torch.compiler.assume_constant_result", (2, 1)),
    "torch._vmap_internals.vmap": _Public("torch.vmap", (2, 0)),
}


class PrivateTorchApi(SiteRule):
    name = "private-torch-api"
    code = "DEP006"
    severity = "warning"
    fix_kind = "safe"
    triggers = (("_LRScheduler", "data._utils", "_dynamo", "_vmap_internals"), ("torch",))
    why = "What begins with an underscore may change or go with any version of torch, without a word in its notes."
    instead = "Use the public name, which has been there for years."
    quotes = ("DRY-FOC-5",)
    looks_at = "private names of torch that have a public counterpart"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (node for node, _, _ in _sites(program))

    def check(self, program: Program) -> Iterator[Report]:
        version = program.version("torch")
        allowed = parse(version) if version is not None else None
        compared = _compared(program)
        told: set[str] = set()
        for node, stmt, private in sorted(_sites(program), key=lambda site: site[1].lineno):
            public = _TABLE[private]
            checks = private == _SCHEDULER and any(node is expr for _, expr in compared)
            if allowed is not None and not allowed.all_from(public.since):
                program.why(node, f"torch {version} may be older than the public name ({_shown(public)})")
            elif allowed is None and not checks and public.since >= (2, 0):
                program.why(
                    node, f"no version of torch is known: it may be older than the public name ({_shown(public)})"
                )
            elif caught(program, stmt, ("ImportError", "AttributeError", "ModuleNotFoundError")):
                program.why(node, "the error is caught: something else is done where it is gone")
            elif asked_before(program, stmt):
                program.why(node, "the code asks for the version, or for what there is, before it comes here")
            elif private in told and not checks:
                program.why(node, "another use of it in this file is reported")
            else:
                told.add(private)
                yield _report(node, stmt, private, checks, version, program)


def _report(node: ast.AST, stmt: ast.stmt, private: str, checks: bool, version: str | None, program: Program) -> Report:
    public = _TABLE[private]
    sure: Confidence = "high" if version is not None else "medium"
    short = private[private.index("._") + 1 :]
    fix = _fix(node, stmt, private, program)
    return Report(
        at=node,
        headline=f"no scheduler of torch is a `{short}` since 2.0: the test is false for all of them"
        if checks
        else f"`{short}` is private; `{public.name}` is public",
        confidence=sure if checks else "high",
        severity="warning" if checks else "suggestion",
        why="torch's own schedulers derive from `LRScheduler`, and `_LRScheduler` is a class below it that is left for "
        "old subclasses."
        if checks
        else None,
        evidence=[Step(program, stmt, f"`{public.name}` is there since torch {_shown(public)}")],
        links=lambda: [
            Link("resolution", "high", f"it is `{private}` by its import"),
            *([] if version or not checks else [Link("path", "medium", "no version of torch is known: 2.0 or later")]),
        ],
        fix=(lambda: fix) if fix is not None else None,
        fix_title=_title(private) if fix is not None else "",
    )


def _shown(public: _Public) -> str:
    return f"{public.since[0]}.{public.since[1]}"


def _title(private: str) -> str:
    return f"Use `{_TABLE[private].name}`"


# -- where -------------------------------------------------------------------------------------------------------------


def _sites(program: Program) -> Iterator[tuple[ast.AST, ast.stmt, str]]:
    """Each place that imports or names something of the table."""
    starts: dict[str, set[str]] = {}
    for one in program.imported:
        if one.top != "torch":
            continue
        if one.name in _TABLE:
            yield one.alias, one.stmt, one.name
        bound = one.name if one.alias.asname or isinstance(one.stmt, ast.ImportFrom) else "torch"
        rests = {name[len(bound) + 1 :] for name in _TABLE if name.startswith(f"{bound}.")}
        if rests:
            starts.setdefault(one.bound, set()).update(rests)
    for mention in chains(program, starts):
        private = _private(mention.node, mention.scope, program)
        if private is not None:
            yield mention.node, mention.stmt, private
    for call, expr in _compared(program):
        stmt = program.statement(call)
        if isinstance(expr, ast.Name) and stmt is not None:
            yield expr, stmt, _SCHEDULER


def _compared(program: Program) -> list[tuple[ast.Call, ast.expr]]:
    """Where `isinstance` or `issubclass` asks for `_LRScheduler` alone, and no scheduler below it is at hand."""
    found: list[tuple[ast.Call, ast.expr]] = []
    for call in program.index.calls:
        expr = call.args[1] if len(call.args) == 2 and last_name(call.func) in ("isinstance", "issubclass") else None
        if expr is not None and _private(expr, program.scope(call), program) == _SCHEDULER:
            found.append((call, expr))
    return [] if found and any(_has_scheduler(one) for one in _around(program)) else found


def _around(program: Program) -> Iterator[Program]:
    """The file, those that it imports, and those that import it."""
    yield program
    yield from imported_files(program)
    yield from program.host.importers(program.document.path, _SCHEDULER.rpartition(".")[2])


def _has_scheduler(program: Program) -> bool:
    """Whether the file has a class below `_LRScheduler`."""
    if _SCHEDULER.rpartition(".")[2] not in program.document.source:
        return False
    for cls in program.index.classes:
        bases = cls.node.bases if isinstance(cls.node, ast.ClassDef) else []
        if any(_private(base, cls.parent or cls, program) == _SCHEDULER for base in bases):
            return True
    return False


def _private(expr: ast.expr, scope: Scope, program: Program) -> str | None:
    """The name of the table that an expression stands for. (The model takes old and new names for one.)"""
    name = program.names.qualified(expr, scope) if isinstance(expr, ast.Name | ast.Attribute) else None
    if name is None or not name.startswith("torch."):
        return None
    if isinstance(expr, ast.Name):
        written = {one.name for one in program.imported if one.bound == expr.id}
        return next((p for p in _TABLE if written == {p} and canonical(p) == name), None)
    word = last_name(expr)
    return next((p for p in _TABLE if p.rpartition(".")[2] == word and canonical(p) == name), None)


# -- fixes -------------------------------------------------------------------------------------------------------------


def _fix(node: ast.AST, stmt: ast.stmt, private: str, program: Program) -> Fix | None:
    public = _TABLE[private].name
    module, _, name = public.rpartition(".")
    if isinstance(node, ast.alias):
        if not isinstance(stmt, ast.ImportFrom) or node.name != private.rpartition(".")[2]:
            return None
        bound = node.asname or node.name
        text = name if name == bound else f"{name} as {bound}"  # the rest of the file goes on
        if module == stmt.module:
            return Fix(_title(private), "safe", (TextEdit(program.span(node), text),))
        if len(stmt.names) != 1:
            return None
        return Fix(_title(private), "safe", (TextEdit(program.span(stmt), f"from {module} import {text}"),))
    span = program.span(node)
    if isinstance(node, ast.Attribute) and private.startswith(f"{module}."):
        start = span.end - len(private) + len(module) + 1
        if program.text(node).endswith(private[len(module) + 1 :]):
            return Fix(_title(private), "safe", (TextEdit(Span(start, span.end), name),))
    if isinstance(node, ast.Attribute) and program.text(node) == private:
        return Fix(_title(private), "safe", (TextEdit(span, public),))
    return None
