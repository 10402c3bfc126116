"""Whether code is prepared for a name, an argument or a module that may not be there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_MAX_FUNCTIONS = 20  # that an exception is followed out of
_ANY = frozenset(("Exception", "BaseException"))
# A test that asks for versions, or for what there is.
_ASKS = re.compile(
    r"version|hasattr|getattr|callable\(|inspect|signature|_available|IS_|HAS_|has_|TORCH_|PT_|globals\(|locals\(|"
    r"find_spec|sys\.modules|TYPE_CHECKING",
    re.IGNORECASE,
)
_VERSIONS = re.compile(r"__version__|version\.parse|parse_version|LooseVersion|StrictVersion|\bVersion\(|hasattr\(")


def caught(program: Program, stmt: ast.stmt, errors: Collection[str]) -> bool:
    """Whether one of these exceptions (`ImportError`), raised in `stmt`, is caught in the same function, or, by its
    name, around every call of it; or `stmt` stands in the handler of one, as what is done instead."""
    queue, seen = [stmt], set[ast.AST]()
    while queue and len(seen) < _MAX_FUNCTIONS:
        at = queue.pop()
        # `except Exception` around a call of `main()` tells that the run has failed; it is prepared for nothing.
        around = _caught_here(program, at, errors if seen else {*errors, *_ANY})
        if around is True:
            continue
        if around is None or around in seen:
            return False
        seen.add(around)
        sites = [program.statement(call) for call in program.call_sites(program.index.scopes[around])]
        if not sites or None in sites:
            return False
        queue.extend(site for site in sites if site is not None)
    return not queue


def _caught_here(
    program: Program, stmt: ast.stmt, errors: Collection[str]
) -> Literal[True] | ast.FunctionDef | ast.AsyncFunctionDef | None:
    """True if it is caught around `stmt`; else the function that it leaves, None at the top level."""
    inner: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return block
        if isinstance(block, ast.ExceptHandler):
            if not _names(block).isdisjoint(errors):
                return True
        elif (
            isinstance(block, ast.Try | ast.TryStar)
            and inner in block.body
            and not all(_names(handler).isdisjoint(errors) for handler in block.handlers)
        ):
            return True
        inner = block
    return None


def asked_before(program: Program, stmt: ast.stmt) -> bool:
    """Whether a test around `stmt`, or its function, asks for a version or for what there is."""
    if _VERSIONS.search(program.text(stmt)) and not hasattr(stmt, "body"):
        return True
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.If | ast.While) and _ASKS.search(program.text(block.test)):
            return True
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return _VERSIONS.search(program.text(block)) is not None
    return False


def _names(handler: ast.ExceptHandler) -> set[str]:
    """The names of the exceptions that a handler catches, all of them for a bare `except`; none if it raises again."""
    if isinstance(handler.body[-1], ast.Raise):
        return set()
    if handler.type is None:
        return set(_ANY)
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts}
