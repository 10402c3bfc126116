"""Numbers at the top of a script that are settings by what the script does with them, whatever they are called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.values import Value
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

# What is made of numbers that somebody chose.
_MADE = frozenset(("module", "optimizer", "scheduler", "loader", "sampler"))
_NAMES = ("_batch_size", "_lr", "_learning_rate", "_epochs", "_weight_decay")


def used_as_settings(program: Program, skipped: tuple[str, ...]) -> Iterator[tuple[ast.Assign, str, int | float]]:
    """The assignment, name and value of numbers that the whole script keeps and builds or counts its training with.

    `latent = 128` for `Generator(latent)`, `critic_steps = 5` for `for _ in range(critic_steps)` around a step. What
    begins with one of `skipped` is a counter of the run.
    """
    if not program.events.of_kind("optimizer_step"):
        return
    module = program.index.module
    numbers: dict[str, tuple[ast.Assign, int | float]] = {}
    for name, bindings in module.bindings.items():
        one = bindings[0] if len(bindings) == 1 else None
        if one is None or one.path or not isinstance(one.stmt, ast.Assign) or name.lower().startswith(skipped):
            continue
        value = one.value.value if isinstance(one.value, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = (one.stmt, value)
    if not numbers:
        return
    used = {name for name in numbers if name.lower().endswith(_NAMES)}
    for call in program.index.calls:
        given = {e.id for e in (*call.args, *(k.value for k in call.keywords)) if isinstance(e, ast.Name)}
        given = {name for name in given & numbers.keys() - used if _is_the_modules(program, name, call)}
        if given and (_counts_training(program, call) or _makes(program.value(call))):
            used |= given
    for name in numbers:
        if name in used:
            yield (numbers[name][0], name, numbers[name][1])


def _is_the_modules(program: Program, name: str, call: ast.Call) -> bool:
    home: tuple[Scope, object] | None = program.names.lookup(name, program.scope(call))
    return home is not None and home[0] is program.index.module


def _makes(value: Value) -> bool:
    return value.kind in _MADE and value.confidence != "low"


def _counts_training(program: Program, call: ast.Call) -> bool:
    """`range(n)` of a loop that trains."""
    if not isinstance(call.func, ast.Name) or call.func.id != "range":
        return False
    return any(not isinstance(loop.node, ast.While) and call in nodes(loop.node.iter)
               for loop in program.training.loops.training)  # fmt: skip
