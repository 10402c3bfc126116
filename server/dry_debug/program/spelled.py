"""Variables that only spell what is to be made: `if optimizer == "adam"`, whatever they are called."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.walks import is_text

if TYPE_CHECKING:
    from dry_debug.program.scopes import Scope


def spells_choice(scope: Scope, name: str) -> bool:
    """Whether a parameter of a function is compared with texts there."""
    if scope.kind != "function" or not any(a.arg == name for a in scope.parameters()):
        return False
    return name in scope.compared_with_texts or any(name in inner.compared_with_texts for inner in scope.below())


def of_texts(node: ast.expr) -> bool:
    """Whether an expression is a literal text, or a row of nothing else: what a choice is compared with."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and all(map(of_texts, node.elts))
    return is_text(node)
