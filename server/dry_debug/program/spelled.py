"""Variables that only spell what is to be made: `if optimizer == "adam"`, whatever they are called."""

from __future__ import annotations

import ast
from itertools import islice

from dry_debug.program.scopes import Scope
from dry_debug.program.walks import nodes

MAX_NODES = 4000  # of one function


def spells_choice(scope: Scope, name: str) -> bool:
    """Whether a parameter of a function is compared with texts there."""
    if scope.kind != "function" or not any(a.arg == name for a in scope.parameters()):
        return False
    if scope.compared_with_texts is None:
        scope.compared_with_texts = frozenset(
            node.left.id
            for node in islice(nodes(scope.node), MAX_NODES)
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and any(map(_texts, node.comparators))
        )
    return name in scope.compared_with_texts


def _texts(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and all(map(_texts, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
