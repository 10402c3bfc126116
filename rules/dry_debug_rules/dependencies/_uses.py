"""Where a file uses what a table of the libraries' names and arguments tells of, and what takes its place."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.lint.finding import Fix
from dry_debug.program.knowledge import canonical
from dry_debug.program.mentions import Imported, chains
from dry_debug.program.version_range import Range, parse
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.lint.finding import Applicability
    from dry_debug.program.program import Program

    from dry_debug_rules.dependencies._removals import Removal, Table


class Site(NamedTuple):
    """A place that uses what a row of the table names."""

    node: ast.AST
    stmt: ast.stmt
    removal: Removal
    how: str  # name, import, argument or method
    text: str  # what the user wrote


def libraries(program: Program, found: Sequence[Imported], table: Table) -> list[str]:
    """The libraries that the file imports of which it holds a word of the table."""
    from dry_debug_rules.dependencies._removals import words

    held, tellings = program.document.identifiers, words(table)
    imported = {one.top for one in found}
    if "pytorch_lightning" in imported:
        imported.add("lightning")  # as `library` says
    return sorted(top for top in imported if top in tellings and not tellings[top].isdisjoint(held))


def library(one: Imported) -> str:
    """Under which name the tables have the library of what is imported."""
    return "lightning" if one.top == "pytorch_lightning" else one.top


def version_of(package: str, found: Sequence[Imported], program: Program) -> str | None:
    """The version or condition of the package of a row, where one is known."""
    if package == "pytorch-lightning" and not any(one.name.startswith("pytorch_lightning") for one in found):
        package = "lightning"
    return program.version(package)


def allowed_by(version: str | None) -> Range | None:
    """The versions that a version or condition allows, where it can be read."""
    return parse(version) if version is not None else None


def places(program: Program, name: Table) -> Iterator[ast.AST]:
    """Every place that uses what the table `name` tells of one of the libraries that the file imports."""
    return (site.node for _, sites, _ in by_library(program, name) for site in sites)


def by_library(program: Program, name: Table) -> Iterator[tuple[str, list[Site], dict[str, str | None]]]:
    """For each library of which the file uses what the table `name` tells: the library, the places in the order of
    the file with an import first in its line, and the version of each package that they speak of, as `version_of`."""
    found = program.imported
    for top in libraries(program, found, name):
        sites = sorted(uses(program, found, top, name), key=lambda s: (s.stmt.lineno, s.how != "import"))
        if sites:
            packages = {site.removal.package for site in sites}
            yield top, sites, {package: version_of(package, found, program) for package in packages}


# -- where -------------------------------------------------------------------------------------------------------------


def uses(program: Program, found: Sequence[Imported], top: str, name: Table) -> Iterator[Site]:
    """Every place that uses what the table `name` tells of the library."""
    from dry_debug_rules.dependencies._removals import by_top, words

    table = by_top(name)[top]
    held = words(name)[top] & program.document.identifiers
    starts: dict[str, set[str]] = {}
    for one in found:
        if library(one) != top:
            continue
        row = _imported(one, table.names)
        if row is not None and not row.called:
            yield Site(one.alias, one.stmt, row, "import", one.alias.name)
        bound = canonical(one.name) if one.alias.asname or isinstance(one.stmt, ast.ImportFrom) else top
        rests = [
            rest for rest, word in _rests(name, top, bound if bound != "pytorch_lightning" else top) if word in held
        ]
        if rests:
            starts.setdefault(one.bound, set()).update(rests)
    for mention in chains(program, starts):
        row = table.names.get(program.names.qualified(mention.node, mention.scope) or "")
        if row is not None and (not row.called or any(call.func is mention.node for call in program.index.calls)):
            yield Site(mention.node, mention.stmt, row, "name", program.short(mention.node))
    for row in table.renamed:
        for call in program.calls_of(row.whole) if row.word in held else ():
            stmt = program.statement(call)
            written = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if written == row.word and stmt is not None:
                yield Site(call.func, stmt, row, "name", program.short(call.func))
    # Most files hold words of names alone, as `float` of `np.float`.
    for whole, rows in table.arguments.items() if not table.keywords.isdisjoint(held) else ():
        for call in program.calls_of(whole) if not held.isdisjoint(rows) else ():
            stmt = program.statement(call)
            text = whole.removesuffix(".from_pretrained").split(".")[-1]
            for keyword in call.keywords:
                row = rows.get(keyword.arg or "")
                if row is not None and stmt is not None:
                    yield Site(keyword, stmt, row, "argument", text)
    if table.methods and any(row.word in held for row in table.methods):
        yield from _methods(program, table.methods)


@lru_cache(maxsize=512)
def _rests(name: Table, top: str, bound: str) -> tuple[tuple[str, str], ...]:
    """For each name of the table below `bound`: what stands behind a variable bound to that, and its last word."""
    from dry_debug_rules.dependencies._removals import by_top

    names = (whole for whole in by_top(name)[top].names if whole.startswith(f"{bound}."))
    return tuple((whole[len(bound) + 1 :], whole.rpartition(".")[2]) for whole in names)


def _imported(found: Imported, by_name: Mapping[str, Removal]) -> Removal | None:
    """The row of what an import brings, or of a module on the way to it."""
    name = found.name
    while name:
        row = by_name.get(canonical(name))
        if row is not None:
            return row
        name = name.rpartition(".")[0]
    return None


def _methods(program: Program, rows: Sequence[Removal]) -> Iterator[Site]:
    for cls in program.index.classes if rows else ():
        node = cls.node
        assert isinstance(node, ast.ClassDef)
        bases = {program.names.qualified(base, cls.parent or cls) for base in node.bases}
        for row in rows:
            if row.whole in bases:
                for binding in cls.bindings.get(row.word, ()):
                    if isinstance(binding.node, ast.FunctionDef):
                        yield Site(binding.node, binding.node, row, "method", row.word)


def shown_at(node: ast.AST, program: Program) -> ast.AST | Span:
    """Where the place is shown: of a function its name alone."""
    if not isinstance(node, ast.FunctionDef):
        return node
    at = program.document.source.index(node.name, program.span(node).start)
    return Span(at, at + len(node.name))


# -- fixes -------------------------------------------------------------------------------------------------------------


def title_of(site: Site) -> str:
    """The title of the fix of a place."""
    same = site.removal.same
    if same == "":
        return f"Leave out `{site.removal.word}`"
    shown = same or ""
    return f"Use `{shown if site.how == 'argument' else _short(shown)}`"


def _short(name: str) -> str:
    return f"np.{name[6:]}" if name.startswith("numpy.") else name


def replacement(site: Site, program: Program) -> Fix | None:
    """The fix of a place, where something that means the same can be put there."""
    if site.removal.same is None:
        return None
    if isinstance(site.node, ast.keyword):
        return _argument(site, site.node, program)
    edit = (
        _import(site, site.node, program)
        if isinstance(site.node, ast.alias)
        else _attribute(site, site.node, program)
        if isinstance(site.node, ast.Attribute)
        else None
    )
    return Fix(title_of(site), "safe", (edit,)) if edit is not None else None


def replacements(sites: Sequence[Site], program: Program) -> Fix | None:
    """One fix of all these places, under the title of the first; None where one of them has none."""
    fixes = [one for site in sites if (one := replacement(site, program)) is not None]
    if len(fixes) < len(sites):
        return None
    kind: Applicability = "unsafe" if any(one.applicability == "unsafe" for one in fixes) else "safe"
    return Fix(title_of(sites[0]), kind, tuple(sorted(edit for one in fixes for edit in one.edits)))


def _attribute(site: Site, node: ast.Attribute, program: Program) -> TextEdit | None:
    same, span = site.removal.same or "", program.span(node)
    if "." not in same:  # a builtin, if the file has not given the name to something else
        scope = program.scope(site.stmt)
        return TextEdit(span, same) if program.names.lookup(same, scope) is None else None
    prefix = site.removal.whole.rpartition(".")[0] + "."
    if not same.startswith(prefix):
        return None
    return TextEdit(Span(span.end - len(node.attr), span.end), same.removeprefix(prefix))


def _import(site: Site, alias: ast.alias, program: Program) -> TextEdit | None:
    """The new name under the old one, so that the rest of the file goes on."""
    same, stmt = site.removal.same or "", site.stmt
    if not isinstance(stmt, ast.ImportFrom) or f"{stmt.module}.{alias.name}" != site.removal.whole or "." not in same:
        return None
    module, _, name = same.rpartition(".")
    bound = alias.asname or alias.name
    text = name if name == bound else f"{name} as {bound}"
    if module == stmt.module:
        return TextEdit(program.span(alias), text)
    if len(stmt.names) != 1:
        return None
    return TextEdit(program.span(stmt), f"from {module} import {text}")


def _argument(site: Site, keyword: ast.keyword, program: Program) -> Fix | None:
    same = site.removal.same or ""
    call = next(c for c in program.index.calls if keyword in c.keywords)
    span = program.span(keyword)
    if same:
        if any(k.arg in (same, None) for k in call.keywords):
            return None
        edit = TextEdit(Span(span.start, span.start + len(site.removal.word)), same)
        return Fix(title_of(site), "safe", (edit,))
    cut = _without(program, call, keyword)
    off = isinstance(keyword.value, ast.Constant) and not keyword.value.value
    return Fix(title_of(site), "safe" if off else "unsafe", (cut,)) if cut is not None else None


def _without(program: Program, call: ast.Call, keyword: ast.keyword) -> TextEdit | None:
    """The call without one of its keywords; None where a comment stands beside it."""
    source, start = program.document.source, program.span(keyword).start
    others = [program.span(node) for node in (*call.args, *call.keywords) if node is not keyword]
    behind = min((one.start for one in others if one.start > start), default=None)
    before = max((one.end for one in others if one.start < start), default=None)
    if behind is not None:
        span = Span(start, behind)
    elif before is not None:
        span = Span(source.index(",", before), program.end_of_arguments(call))
    else:
        span = Span(start, program.end_of_arguments(call))
    return TextEdit(span, "") if "#" not in source[span.start : span.end] else None
