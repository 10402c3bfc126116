"""SPEC005: the code needs other hardware than the instructions state."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report
from dry_debug.records import replace

from dry_debug_rules.spec._deviation import TRIGGERS, DeviationRule
from dry_debug_rules.spec._pointing import short, source_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.compare import Item


class HardwareDeviation(DeviationRule):
    name = "hardware-deviation"
    code = "SPEC005"
    severity = "warning"
    fix_kind = "none"
    depends_on_names = True
    triggers = TRIGGERS
    fields = frozenset(("hardware",))
    why = "On the stated machine the run does not start, waits for devices that are not there, or leaves some idle."
    instead = "Write it for the hardware that is stated, or say in a comment why not."
    quotes = ("DRY-RF-3", "DRY-DEV-2")
    looks_at = "devices that the code counts on"

    def _report(self, item: Item, node: ast.AST, program: Program) -> Report:
        from dry_debug.spec.shown import asked_text, got_text

        asked, got = item.instruction, item.got
        assert asked is not None and got is not None
        report = super()._report(item, node, program)
        stated = f"{source_name(asked.path, program)} line {asked.line} says {short(asked_text(asked), 30)}"
        least = "at least " if got.unit == "index" else ""
        one = getattr(asked.values[0], "count", None) == 1
        return replace(
            report,
            headline=short(f"the code is for {least}{short(got_text(got), 42)}, but {stated}", 100),
            severity="suggestion" if item.is_note else None,
            # The same is told of distributed code for one GPU.
            cause=f"several-devices@{program.document.path}" if one else "",
            fix=None,
            fix_title="",
        )
