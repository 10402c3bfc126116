"""SPEC002: a hyperparameter is not the value that the instructions give."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.spec.compare import Item, compare
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
    quotes = ("DRY-RF-2", "DRY-DEV-2")

    def check(self, program: Program) -> Iterator[Report]:
        instructions = program.instructions
        if not instructions:
            return
        for item in compare(instructions, program):
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
            severity="suggestion" if reason else None,
            why=f"The comment gives a reason: {reason.rstrip('.')}." if reason else None,
            fix=lambda: self._fix(item, title, program),
            fix_title=title,
        )

    def _fix(self, item: Item, title: str, program: Program) -> Fix | None:
        if item.instruction.is_range or item.instruction.others or not isinstance(item.node, ast.Constant):
            return None  # several values are right: the choice is the user's
        return Fix(title, "unsafe", (TextEdit(program.span(item.node), item.instruction.literal),))
