"""SPEC002: a hyperparameter is not the value that the instructions give."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.links import Link
from dry_debug.spec.compare import Item, compare, value_node
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class HyperparameterDeviation(WholeRule):
    name = "hyperparameter-deviation"
    code = "SPEC002"
    severity = "critical"
    status = "preview"
    fix_kind = "unsafe"
    depends_on_names = True  # `weight_decay = 0.001` is a hyperparameter by what it is called
    triggers = (("torch", "transformers", "vllm", "sglang", "lightning"),)
    why = "The run answers another question than the one that was asked, and nothing in its output says so."
    instead = "Use the value that was asked for, or say in a comment why not."
    quotes = ("DRY-RF-2", "DRY-DEV-2")
    looks_at = "hyperparameters that the code sets"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (value_node(hyper) for hyper in program.training.hyper.all)

    def check(self, program: Program) -> Iterator[Report]:
        instructions = program.instructions
        if not instructions:
            program.why(None, "there are no instructions for this file (SPEC.md, or the file that `spec` names)")
            return
        items = compare(instructions, program)
        if program.why.listens:
            _tell(items, program)
        for item in items:
            if item.verdict == "deviation" and item.node is not None and item.got is not None:
                yield self._report(item, program)

    def _report(self, item: Item, program: Program) -> Report:
        asked, got, node = item.instruction, item.got, item.node
        assert got is not None and node is not None
        source = asked.path.rpartition("/")[2]
        reason = program.comment_at(node)
        field = asked.field.replace("_", " ")
        title = f"Use the asked value, {asked.literal}"
        return Report(
            at=node,
            headline=f"{field} is {got.value}, but {source} line {asked.line} asks for {asked.asked}",
            confidence="high",
            links=lambda: [
                Link("resolution", "high", f"the code sets it to {got.value} ({got.origin}) and to nothing else")
            ],
            severity="suggestion" if reason else None,
            why=f"The comment gives a reason: {reason.rstrip('.')}." if reason else None,
            fix=lambda: self._fix(item, title, program),
            fix_title=title,
        )

    def _fix(self, item: Item, title: str, program: Program) -> Fix | None:
        if item.instruction.is_range or item.instruction.others or not isinstance(item.node, ast.Constant):
            return None  # several values are right: the choice is the user's
        return Fix(title, "unsafe", (TextEdit(program.span(item.node), item.instruction.literal),))


def _tell(items: list[Item], program: Program) -> None:
    """Tells of each hyperparameter what the instructions say of it."""
    by_field: dict[str, Item] = {item.instruction.field: item for item in items}
    for hyper in program.training.hyper.all:
        item, node = by_field.get(hyper.name), value_node(hyper)
        if item is None:
            program.why(node, f"the instructions do not mention `{hyper.name}`")
            continue
        said = item.instruction
        asked = f"{said.path.rpartition('/')[2]} line {said.line} asks for {said.asked}"
        if item.verdict == "match":
            program.why(node, f"{asked}, and the code sets that")
        elif item.verdict == "cannot_tell":
            program.why(node, f"{asked}; the code sets several values, or one that cannot be read")
        elif item.node is not node:
            program.why(node, f"{asked}, which is judged elsewhere", see=item.node)
