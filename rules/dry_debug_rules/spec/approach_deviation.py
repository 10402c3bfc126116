"""SPEC004: the method, optimizer, framework or data is not what was asked for."""

from __future__ import annotations

from dry_debug_rules.spec._deviation import TRIGGERS, DeviationRule


class ApproachDeviation(DeviationRule):
    name = "approach-deviation"
    code = "SPEC004"
    severity = "critical"
    fix_kind = "unsafe"
    depends_on_names = True
    triggers = TRIGGERS
    fields = frozenset("method optimizer framework dataset".split())
    why = (
        "It is another experiment than the one that was asked for: its cost, its memory and its result are not "
        "comparable."
    )
    instead = "Do it the way that was asked for, or say in a comment why not."
    quotes = ("DRY-RF-4", "DRY-DEV-2", "DRY-FOC-4")
    looks_at = "methods, optimizers, frameworks and datasets that the code uses"
