"""What functions and classes in other files of the project set for a program that calls them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.records import replace
from dry_debug.spec.observed import Observed, seen

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_MOST = 8  # files that are looked into


def in_modules(program: Program, known: set[str]) -> Iterator[Observed]:
    """`optimizer = build_optimizer(model, args)`: what is set in the functions that are called, for fields that are not
    `known` here. Each stands at its call, and remembers where it is decided."""
    if not program.imports_project:
        return
    called: dict[str, tuple[Program, list[tuple[Scope, ast.Call]]]] = {}
    for call in program.index.calls:
        value = program.value(call.func, call)
        owner = value.program
        if value.kind not in ("function", "class") or value.scope is None or owner is None or owner is program:
            continue
        path = owner.document.path
        if path in called or len(called) < _MOST:
            called.setdefault(path, (owner, []))[1].append((value.scope, call))
    for owner, uses in called.values():
        yield from _of_file(program, owner, uses, known)


def _of_file(
    program: Program, owner: Program, uses: list[tuple[Scope, ast.Call]], known: set[str]
) -> Iterator[Observed]:
    from dry_debug.spec.observed_calls import in_calls
    from dry_debug.spec.observed_choices import models_of
    from dry_debug.spec.observed_flow import in_flow

    for one in (*in_calls(owner), *models_of(owner), *in_flow(owner)):
        if one.implied or one.field in known:
            continue
        line = getattr(one.use, "lineno", 0)
        for scope, call in uses:
            if getattr(scope.node, "lineno", 0) <= line <= getattr(scope.node, "end_lineno", 0):
                here = one if one.known else _handed(program, one, scope, call)
                if here is not None:
                    yield replace(here, use=call)
                break


def _handed(program: Program, one: Observed, scope: Scope, call: ast.Call) -> Observed | None:
    """A value that the called function takes from what it is handed: `args.lr` of `build_optimizer(model, args)`."""
    expr = one.use
    if not isinstance(expr, ast.Attribute) or not isinstance(expr.value, ast.Name):
        return None
    if not isinstance(scope.node, ast.FunctionDef):
        return None
    names = [a.arg for a in (*scope.node.args.posonlyargs, *scope.node.args.args)]
    if expr.value.id not in names:
        return None
    place = names.index(expr.value.id)
    given = next((k.value for k in call.keywords if k.arg == expr.value.id), None)
    if given is None and place < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
        given = call.args[place]
    if given is None:
        return None
    asked = ast.copy_location(ast.Attribute(value=given, attr=expr.attr, ctx=ast.Load()), call)
    if one.field == "model":
        from dry_debug.spec.models import named
        from dry_debug.spec.trace import trace

        traced = trace(program, asked, call)
        if not traced.known or not isinstance(traced.value, str):
            return None
        return replace(one, value=named(traced.value, exact=True), traced=traced, known=True)
    found = seen(program, one.field, asked, call, one.role, one.unit)
    return found if found.known else None
