"""Whether code is prepared for a name, an argument or a module that may not be there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_ANY = frozenset(("Exception", "BaseException"))
# A test that asks for versions, or for what there is.
_ASKS = re.compile(
    r"version|hasattr|getattr|callable\(|inspect|signature|_available|IS_|HAS_|has_|TORCH_|PT_|globals\(|locals\(|"
    r"find_spec|sys\.modules|TYPE_CHECKING",
    re.IGNORECASE,
)
_VERSIONS = re.compile(r"__version__|version\.parse|parse_version|LooseVersion|StrictVersion|\bVersion\(|hasattr\(")


def caught(program: Program, stmt: ast.stmt, errors: Collection[str]) -> bool:
    """Whether one of these exceptions (`ImportError`), raised in `stmt`, is caught in the same function; or `stmt`
    stands in the handler of one, as what is done instead."""
    inner: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        if isinstance(block, ast.ExceptHandler):
            if _names(block) & {*errors, *_ANY}:
                return True
        elif (
            isinstance(block, ast.Try | ast.TryStar)
            and inner in block.body
            and any(_names(handler) & {*errors, *_ANY} for handler in block.handlers)
        ):
            return True
        inner = block
    return False


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
