"""Defaults of parameters that are the settings of a run: of command line functions and of Lightning modules."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

# Libraries that make a command line of a function's parameters.
_COMMAND_LINES = frozenset((
    "fire.Fire", "jsonargparse.CLI", "jsonargparse.cli.CLI", "jsonargparse.auto_cli", "jsonargparse.auto_parser",
    "typer.run", "tyro.cli", "defopt.run", "clize.run", "plac.call", "argh.dispatch_command", "simple_parsing.parse",
))  # fmt: skip


def command_line_functions(program: Program) -> list[Scope]:
    """The functions of this file whose parameters are the options of its command line."""
    found: list[Scope] = []
    for name, call in program.qualified_calls():
        if name in _COMMAND_LINES and call.args:
            value = program.value(call.args[0], call)
            if value.kind == "function" and value.scope is not None and value.program is program:
                found.append(value.scope)
    return found


# Methods and functions that give what a configuration file holds.
_LOADERS = frozenset("load safe_load full_load loads to_container to_object".split())


def configured_functions(program: Program) -> list[Scope]:
    """Functions of this file that are called with what a configuration file holds: `main(**load(path))`."""
    found: list[Scope] = []
    for call in program.index.calls:
        if call.args or len(call.keywords) != 1 or call.keywords[0].arg is not None:
            continue
        if _is_loaded(program, call.keywords[0].value, call):
            function = program.target(call)
            scope = function.scope
            if function.kind == "function" and scope is not None and function.program is program and scope not in found:
                found.append(scope)
    return found


def _is_loaded(program: Program, expr: ast.expr, at: ast.Call) -> bool:
    if isinstance(expr, ast.Name):
        home = program.names.lookup(expr.id, program.scope(at))
        one = home[1][0] if home is not None and len(home[1]) == 1 else None
        if one is None or one.kind != "assign" or one.path or one.value is None:
            return False
        expr = one.value
    return isinstance(expr, ast.Call) and (dotted(expr.func) or "").rpartition(".")[2] in _LOADERS


def keeps_its_parameters(function: Scope) -> bool:
    """Whether an `__init__` calls `self.save_hyperparameters()`: its parameters are the hyperparameters."""
    return "save_hyperparameters" in function.receivers.get(function.self_name or "", ())


def is_dataclass(scope: Scope | None) -> bool:
    """Whether a scope is that of a dataclass."""
    if scope is None or scope.kind != "class":
        return False
    return any((dotted(d.func if isinstance(d, ast.Call) else d) or "").endswith("dataclass") for d in scope.decorators)


def defaults(function: Scope) -> list[tuple[ast.arg, ast.expr]]:
    """The parameters of a function that have a default, with it."""
    node = function.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    parameters = [*node.args.posonlyargs, *node.args.args]
    named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    pairs = list(zip(parameters[len(parameters) - len(node.args.defaults) :], node.args.defaults, strict=True))
    return [*pairs, *((parameter, default) for parameter, default in named if default is not None)]
