"""SPEC002: a hyperparameter is not the value that the instructions give."""

from __future__ import annotations

from dry_debug_rules.spec._deviation import TRIGGERS, DeviationRule


class HyperparameterDeviation(DeviationRule):
    name = "hyperparameter-deviation"
    code = "SPEC002"
    severity = "critical"
    fix_kind = "unsafe"
    depends_on_names = True
    triggers = TRIGGERS
    fields = frozenset(
        (
            "learning_rate batch_size epochs max_steps scheduler warmup_steps warmup_ratio weight_decay "
            "gradient_accumulation_steps max_grad_norm max_length precision lora_r lora_alpha lora_dropout "
            "target_modules seed logging eval_cadence save_cadence temperature top_p max_tokens tensor_parallel_size"
        ).split()
    )
    why = "The run answers another question than the one that was asked, and nothing in its output says so."
    instead = "Use the value that was asked for, or say in a comment why not."
    quotes = ("DRY-RF-2", "DRY-DEV-2")
    looks_at = "hyperparameters that the code sets"
