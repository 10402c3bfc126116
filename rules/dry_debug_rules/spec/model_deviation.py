"""SPEC001: the code does not use the model that the instructions name."""

from __future__ import annotations

from dry_debug_rules.spec._deviation import TRIGGERS, DeviationRule


class ModelDeviation(DeviationRule):
    name = "model-deviation"
    code = "SPEC001"
    severity = "critical"
    fix_kind = "unsafe"
    depends_on_names = True
    triggers = TRIGGERS
    fields = frozenset("model".split())
    why = "Everything that the run costs goes into a model that nobody asked for."
    instead = "Use the model that was asked for, or say in a comment why not."
    quotes = ("DRY-RF-1", "DRY-FOC-1", "DRY-DEV-2")
    looks_at = "models that the code loads"
