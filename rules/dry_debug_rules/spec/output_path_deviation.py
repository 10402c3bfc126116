"""SPEC003: results are not written to the path that the instructions name."""

from __future__ import annotations

from dry_debug_rules.spec._deviation import TRIGGERS, DeviationRule


class OutputPathDeviation(DeviationRule):
    name = "output-path-deviation"
    code = "SPEC003"
    severity = "critical"
    fix_kind = "unsafe"
    depends_on_names = True
    triggers = TRIGGERS
    fields = frozenset("output_dir".split())
    why = "Whoever asked looks in the named folder, finds nothing there or an older run, and goes on with that."
    instead = "Write to the path that was asked for."
    quotes = ("DRY-DEV-2",)
    looks_at = "folders that the code writes to"
