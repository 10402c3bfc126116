"""What a list of modules, or of their parameters, has been given since it was made: `+=`, `append`, `extend`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import is_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_ADDS = frozenset(("append", "extend"))
_HANDS_ON = frozenset(("list", "tuple", "set", "iter", "filter", "chain", "from_iterable", "dict"))
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp
MAX_VARIABLES = 12  # that one list is put together from
Part = tuple[ast.expr, ast.stmt]  # an expression, and the statement in which it stands


def parts(program: Program, expr: ast.expr, at: ast.stmt | None) -> list[Part]:
    """What the list `expr` of statement `at` was put together from, in all branches: what its variables were made of
    and have been given since, and the lists whose elements a loop or a comprehension goes through. In source order."""
    found: dict[ast.expr, ast.stmt] = {}
    queue = [(expr, at)] if at is not None else []
    seen: set[tuple[str, ast.stmt]] = set()
    while queue and len(seen) < MAX_VARIABLES:
        part, place = queue.pop(0)
        for piece, element in _pieces(part):
            if not isinstance(piece, ast.Name):
                found[piece] = place
            elif (piece.id, place) not in seen:
                seen.add((piece.id, place))
                for made, where in _of_variable(program, piece.id, place, element):
                    found[made] = where
                    queue.append((made, where))
    return sorted(found.items(), key=lambda row: (row[1].lineno, row[0].col_offset))


def _pieces(expr: ast.expr) -> Iterator[tuple[ast.expr, bool]]:
    """(a variable of which a list is made, whether it need be an element of one: `m` of `m.parameters()`); the
    iterables of comprehensions."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node, False
        elif isinstance(node, ast.BinOp):
            stack += [node.left, node.right]
        elif isinstance(node, ast.IfExp):
            stack += [node.body, node.orelse]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            stack += node.elts
        elif isinstance(node, ast.Dict):
            stack += node.values
        elif isinstance(node, ast.Starred):
            stack.append(node.value)
        elif isinstance(node, _COMPREHENSIONS):
            for generator in node.generators:
                yield generator.iter, False
                stack.append(generator.iter)
        elif isinstance(node, ast.Call) and last_name(node.func) in _HANDS_ON:
            stack += [*node.args, *(k.value for k in node.keywords)]
        elif isinstance(node, ast.Call):
            holder = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(holder, ast.Name):
                yield holder, True


def _of_variable(program: Program, name: str, at: ast.stmt, element: bool) -> Iterator[Part]:
    """What a variable is made of as it reaches `at`, and what was added; of an `element`, the list that it is from."""
    home = program.names.lookup(name, program.scope(at))
    if home is None or home[0].kind == "class":
        return
    scope, bindings = home
    reach = reaching(program.index, bindings, at if scope is program.scope(at) else None)
    for binding in reach:
        stmt = binding.stmt
        if stmt is None or stmt is at or binding.path:
            continue
        if binding.kind == "for" and isinstance(stmt, ast.For):
            yield stmt.iter, stmt
        elif element:
            continue
        elif binding.kind == "aug" and isinstance(stmt, ast.AugAssign) and isinstance(stmt.target, ast.Name):
            yield stmt.value, stmt
            yield ast.copy_location(ast.Name(name, ast.Load()), stmt.target), stmt
        elif binding.kind == "assign" and binding.value is not None:
            yield binding.value, stmt
    if element or _ADDS.isdisjoint(scope.receivers.get(name, ())):
        return
    for call in scope.calls:
        func, where = call.func, program.statement(call)
        if not isinstance(func, ast.Attribute) or func.attr not in _ADDS or not is_name(func.value, name):
            continue
        if where is None or len(call.args) != 1 or (where.lineno > at.lineno and scope is program.scope(at)):
            continue
        if not set(reaching(program.index, bindings, where)).isdisjoint(reach):
            yield call.args[0], where
