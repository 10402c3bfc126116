"""Whether autograd records at a place: by the blocks around it, the decorators of its function, and its callers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program import knowledge as know
from dry_debug.program import lightning
from dry_debug.program.scopes import Scope, last_name
from dry_debug.program.walks import FunctionNode, WithNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program

GradMode = Literal["on", "off", "unknown"]


def grad_mode(program: Program, node: ast.AST) -> GradMode:
    """Whether autograd records at `node` (a call or statement): by the blocks, decorators and callers around it."""
    stmt = program.statement(node)
    if stmt is None:
        return "unknown"
    for block in (stmt, *program.index.ancestors(stmt)):
        if isinstance(block, WithNode) and block is not stmt:
            mode = with_mode(program, block)
            if mode is not None:
                return mode
        if isinstance(block, FunctionNode) and block is not stmt:
            return _function_mode(program, program.index.scopes[block])
    return "on"


def own_grad_mode(program: Program, node: ast.AST) -> GradMode | None:
    """What the blocks and the decorators of the function of `node` say; None where that is left to its callers."""
    stmt = program.statement(node)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, WithNode):
            mode = with_mode(program, block)
            if mode is not None:
                return mode
        if isinstance(block, FunctionNode):
            function = program.index.scopes[block]
            return "off" if lightning.evaluates(function) else _decorated_mode(program, function)
    return None


def no_grad_around(program: Program, node: ast.AST) -> ast.AST | None:
    """The `with` or the decorator of this function that switches autograd off at `node`; a caller's is not seen."""
    stmt = program.statement(node)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, WithNode) and with_mode(program, block) == "off":
            return block.items[0].context_expr
        if isinstance(block, FunctionNode):
            function = program.index.scopes[block]
            if decorated_no_grad(program, function):
                return function.decorators[0]
            off = [c for c in program.call_sites(function) if grad_mode(program, c) == "off"]
            return off[0] if off else None
    return None


def with_mode(program: Program, block: ast.With | ast.AsyncWith) -> GradMode | None:
    """What a `with` says; None where it is about something else."""
    scope = program.scope(block)
    for item in reversed(block.items):
        expr = item.context_expr
        if not isinstance(expr, ast.Call):
            continue
        name = program.names.qualified(expr.func, scope)
        if name in know.NO_GRAD or last_name(expr.func) in ("no_grad", "inference_mode"):
            return "off"  # a wrapper of the project that is called so does so
        if name == "torch.enable_grad":
            return "on"
        if name == "torch.set_grad_enabled":
            value = expr.args[0] if expr.args else None
            if isinstance(value, ast.Constant):
                return "on" if value.value else "off"
            return "unknown"
    return None


def _function_mode(program: Program, function: Scope) -> GradMode:
    known = program._grad.get(function)
    if known is not None:
        return known
    program._grad[function] = "on"  # recursion
    mode: GradMode = "on"
    decorated = _decorated_mode(program, function)
    if decorated is not None:
        mode = decorated
    elif lightning.evaluates(function):
        mode = "off"
    else:
        modes = {grad_mode(program, call) for call in program.call_sites(function)}
        if modes == {"off"}:
            mode = "off"
        elif "off" in modes or "unknown" in modes:
            mode = "unknown"
    program._grad[function] = mode
    return mode


def decorated_no_grad(program: Program, function: Scope) -> bool:
    """Whether a decorator switches autograd off for the whole function."""
    return _decorated_mode(program, function) == "off"


def _decorated_mode(program: Program, function: Scope) -> GradMode | None:
    if not function.decorators:
        return None
    if function not in program._decorated:
        from dry_debug.program.decorated_modes import mode_of

        program._decorated[function] = None  # a decorator that is decorated with itself
        modes = {mode_of(program, decorator, function) for decorator in function.decorators}
        program._decorated[function] = "off" if "off" in modes else "unknown" if "unknown" in modes else None
    return program._decorated[function]
