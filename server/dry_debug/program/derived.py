"""What an iteration of a loop computes from a variable, and which backward passes go through it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import FunctionNode, RowNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.walks import Repeated

MAX_PASSES = 8
MAX_STATEMENTS = 400  # of a loop body; in a longer one nothing is said to be computed from anything
_ENDS = know.LEAVES_GRAPH | know.TO_NUMBER | know.NO_GRADIENT | frozenset(("shape", "device", "dtype", "grad"))
_COLLECTS = frozenset(("append", "extend", "appendleft", "add", "insert"))


def read_with_graph(expr: ast.AST) -> Iterator[ast.expr]:
    """The names and attributes (`out`, `self.out`) from which the value of `expr` may have an autograd graph."""
    stack: list[ast.AST] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node
        elif isinstance(node, ast.Attribute):
            if node.attr not in _ENDS:
                if dotted(node) is not None:
                    yield node
                stack.append(node.value)
        elif isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Attribute):
                if func.attr in _ENDS:
                    continue
                stack.append(func.value)
            elif isinstance(func, ast.Name) and func.id in ("float", "int", "len", "str", "range"):
                continue
            stack += node.args
            stack += [k.value for k in node.keywords]
        elif isinstance(node, ast.Compare | ast.Constant | ast.Lambda | ast.JoinedStr):
            continue
        elif isinstance(node, ast.Subscript):
            stack.append(node.value)
        elif isinstance(node, ast.IfExp):
            stack += [node.body, node.orelse]
        else:
            stack.extend(n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr | ast.comprehension))


def reads(expr: ast.AST, paths: Collection[str]) -> bool:
    """Whether the value of `expr` may have a graph from one of the variables `paths`."""
    return any(dotted(node) in paths for node in read_with_graph(expr))


def derived(program: Program, scope: Scope, loop: Repeated, sources: Collection[str]) -> set[str]:
    """The variables of `scope` that hold, graph and all, something that `loop` computes from `sources`; these too."""
    found = set(sources)
    rows = _rows(program, scope, loop)
    if len(rows) > MAX_STATEMENTS:
        return found
    for _ in range(MAX_PASSES):
        before = len(found)
        for read, targets in rows:
            if not found.isdisjoint(read) and not found.issuperset(targets):
                found.update(targets)
        if len(found) == before:
            break
    return found


Row = tuple[frozenset[str], list[str]]  # what an assignment reads, graph and all, and the variables that take it


def _rows(program: Program, scope: Scope, loop: Repeated) -> list[Row]:
    """`_flows`, read once for each loop. None yet while they are read: a function may call itself."""
    key = (scope, loop)
    known = program.flow.rows.get(key)
    if known is None:
        program.flow.rows[key] = []
        known = program.flow.rows[key] = [
            (frozenset(path for node in read_with_graph(value) if (path := dotted(node)) is not None), targets)
            for value, targets in _flows(program, scope, loop)
        ]
    return known


def _flows(program: Program, scope: Scope, loop: Repeated) -> Iterator[tuple[ast.expr, list[str]]]:
    """(value, what takes it) of the assignments and appends of `scope` inside `loop`."""
    inside = program.index.inside
    for stmt in program.flow.assignments(scope):
        if stmt.value is not None and inside(stmt, loop):
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            yield stmt.value, [path for target in targets for path in target_paths(target)]
            if isinstance(stmt.value, ast.Call) and isinstance(targets[0], ast.Tuple):
                yield from _from_one_another(program, stmt.value, targets[0].elts)
    for call in scope.calls:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _COLLECTS and call.args:
            path, stmt_ = dotted(func.value), program.statement(call)
            if path is not None and stmt_ is not None and inside(stmt_, loop):
                yield call.args[-1], [path]


def _from_one_another(
    program: Program, call: ast.Call, targets: list[ast.expr]
) -> Iterator[tuple[ast.expr, list[str]]]:
    """Of `out, loss = forward(x)`: `out` gives `loss`, where the function computes the one from the other."""
    target = program.target(call)
    function, owner = target.scope, target.program
    if target.kind != "function" or function is None or owner is None or len(function.returns) != 1:
        return
    back, node = function.returns[0].value, function.node
    if not isinstance(back, ast.Tuple) or len(back.elts) != len(targets) or len(targets) > MAX_PASSES:
        return
    if not isinstance(node, FunctionNode):
        return
    names = [part.id if isinstance(part, ast.Name) else None for part in back.elts]
    for name, here in zip(names, targets, strict=True):
        if name is not None and dotted(here) is not None:
            inside = derived(owner, function, node, {name}) - {name}
            yield here, [p for other, t in zip(names, targets, strict=True) if other in inside for p in target_paths(t)]


def target_paths(target: ast.expr) -> Iterator[str]:
    """The variables that an assignment to `target` changes: `a, (b, self.c), d[0]` gives a, b, self.c, d."""
    stack = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, RowNode):
            stack.extend(reversed(node.elts))
        elif isinstance(node, ast.Starred | ast.Subscript):
            stack.append(node.value)
        else:
            path = dotted(node)
            if path is not None:
                yield path


def backward_through(program: Program, scope: Scope, loop: Repeated, sources: Collection[str]) -> ast.Call | None:
    """The backward pass of `scope` inside `loop` over something that the loop computes from `sources`."""
    from dry_debug.program.carried import backward_passes

    passes = [
        (call, over)
        for call, over in backward_passes(program, scope, computed=True)
        if (stmt := program.statement(call)) is not None and program.index.inside(stmt, loop)
    ]
    if not passes:
        return None
    found = derived(program, scope, loop, sources)
    return next((call for call, over in passes if reads(over, found)), None)
