"""Instructions x training program -> what matches, what departs, what cannot be told."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dry_debug.spec.instructions import Instruction

if TYPE_CHECKING:
    from dry_debug.program.hyper import Hyperparameter
    from dry_debug.program.program import Program

Verdict = Literal["match", "deviation", "not_implemented", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one instruction. `got` is the value in the code that decides (None: there is none)."""

    verdict: Verdict
    instruction: Instruction
    got: Hyperparameter | None
    node: ast.AST | None  # the expression that holds the value


def compare(instructions: list[Instruction], program: Program) -> list[Item]:
    """One item an instruction. What a configuration file or another file says is a match or cannot be told: the place
    that decides is not in this file.

    A field that the code sets to several different values cannot be told, unless one of them is what was asked.
    """
    by_field: dict[str, list[Hyperparameter]] = {}
    for hyper in program.training.hyper.all:
        by_field.setdefault(hyper.name, []).append(hyper)
    return [_judge(instruction, by_field.get(instruction.field, []), program) for instruction in instructions]


def _judge(instruction: Instruction, values: list[Hyperparameter], program: Program) -> Item:
    item = _here(instruction, values)
    if item.verdict == "match":
        return item
    elsewhere = _elsewhere(instruction.field, program)
    if any(instruction.allows(number) for number in elsewhere):
        return Item("match", instruction, None, None)
    if elsewhere:  # nobody can see here which of the places decides
        return Item("cannot_tell", instruction, values[0] if values else None, None)
    return item


def _elsewhere(field: str, program: Program) -> list[float]:
    """The numbers that other files of the project, and the configuration files that it loads, give for a field."""
    hyper = program.training.hyper
    values = [
        *(row.found.value for row in hyper.elsewhere if row.found.name == field),
        *(row.value for row in hyper.configured if row.name == field),
    ]
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]


def _here(instruction: Instruction, values: list[Hyperparameter]) -> Item:
    numbers = [h for h in values if isinstance(h.value, int | float) and not isinstance(h.value, bool)]
    if not values:
        return Item("not_implemented", instruction, None, None)
    if not numbers:
        return Item("cannot_tell", instruction, values[0], None)
    for hyper in numbers:
        if instruction.allows(hyper.value):
            return Item("match", instruction, hyper, value_node(hyper))
    if len({h.value for h in numbers}) > 1:
        return Item("cannot_tell", instruction, numbers[0], None)
    return Item("deviation", instruction, numbers[0], value_node(numbers[0]))


def value_node(hyper: Hyperparameter) -> ast.AST:
    """The expression that holds the value: the default of an argument, the right side of an assignment."""
    node = hyper.node
    if isinstance(node, ast.Call):
        return next((k.value for k in node.keywords if k.arg == "default"), node)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return node.value
    return node
