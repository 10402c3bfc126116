"""Models that run on made-up numbers: to try their shapes, or to see how long they take."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.events import function_of
from dry_debug.program.reached import reached
from dry_debug.program.scopes import last_name

if TYPE_CHECKING:
    from dry_debug.program.automata import Occurrence
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


def made_up(call: ast.AST, program: Program) -> bool:
    """Whether all that a model is given was written down or drawn at random: a try of its shapes, no prediction."""
    if not isinstance(call, ast.Call):
        return False
    return all(_invented(expr, call, program) for expr in (*call.args, *(k.value for k in call.keywords)))


def measures(loop: ast.stmt, place: Occurrence) -> bool:
    """Whether the loop around an event runs models to see how long that takes: on made-up numbers, and a function on
    the way to the event asks a clock."""
    spots = [(place.event.program, place.event.scope), *((t.program, t.program.scope(t.call)) for t in place.calls)]
    home = next((program for program, _ in spots if loop in program.index.scope_of), None)
    if home is None or not any(_asks_clock(program, scope) for program, scope in spots):
        return False
    placed = [(call, home.statement(call)) for call in home.index.calls]
    runs = [(call, home) for call, stmt in placed if stmt is not None and home.index.inside(stmt, loop)]
    runs += [(call, program) for program, scope in reached(home, loop) for call in scope.calls]
    models = [(call, program) for call, program in runs if program.value(call.func, call).kind == "module"]
    return bool(models) and all(made_up(call, program) for call, program in models)


def _asks_clock(program: Program, scope: Scope) -> bool:
    function = function_of(scope)
    return function is not None and any(program.qualified(call) in know.CLOCKS for call in function.calls)


def _invented(expr: ast.expr, call: ast.Call, program: Program) -> bool:
    queue, seen, scope = [expr], set[str](), program.scope(call)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Constant):
            continue
        made = program.value(node, call).node if isinstance(node, ast.Name | ast.Call) else None
        if isinstance(made, ast.Call) and last_name(made.func) in _INVENTED:
            continue
        if isinstance(node, ast.Name) and len(seen) < 8:
            held: Scope | None = scope
            while held is not None and node.id not in held.bindings:
                held = held.parent
            values = [b.value for b in held.bindings[node.id] if not b.path] if held is not None else []
            if not values or None in values:
                return False
            if node.id not in seen:
                seen.add(node.id)
                queue += [v for v in values if v is not None]
        elif isinstance(node, ast.Call) and last_name(node.func) in _INVENTED:
            continue
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            queue.append(node.func.value)  # `torch.randn(1, 8).to(device)`
        elif isinstance(node, ast.Call) and last_name(node.func) == "Variable" and node.args:
            queue.append(node.args[0])
        elif isinstance(node, ast.BinOp):
            queue += [node.left, node.right]
        else:
            return False
    return True


_INVENTED = frozenset("randn rand randint ones zeros empty full arange linspace tensor Tensor FloatTensor".split())
