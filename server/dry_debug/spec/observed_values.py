"""Raw values of the code as the values of fields: "adamw_torch" is AdamW, `torch.bfloat16` is bf16."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dry_debug.records import replace
from dry_debug.spec.models import named
from dry_debug.spec.thing import Cadence

if TYPE_CHECKING:
    from dry_debug.spec.observed import Observed

_NUMERIC = frozenset(
    "learning_rate batch_size epochs max_steps warmup_steps warmup_ratio weight_decay gradient_accumulation_steps "
    "max_grad_norm max_length "
    "lora_r lora_alpha lora_dropout seed temperature top_p max_tokens tensor_parallel_size".split()
)


def converted(one: Observed) -> Observed:
    """The observation with a value that can be compared; unknown where the raw value says nothing."""
    if not one.known:
        return one
    value = _value(one)
    if value is None:
        return replace_known(one)
    if one.field == "logging" and isinstance(value, str):
        return replace(one, value=value, unit="tool")
    if one.field == "logging" and isinstance(value, Cadence):
        return replace(one, value=value, unit="every")
    return replace(one, value=value)


def replace_known(one: Observed) -> Observed:
    """The observation, not known."""
    return replace(one, known=False)


def _value(one: Observed) -> Any:
    value, field = one.value, one.field
    if field in _NUMERIC:
        if isinstance(value, str):
            value = _number(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if field == "max_steps" and value <= 0:
            return None
        return value
    if field == "target_modules":
        if isinstance(value, str):
            return (
                frozenset((value.replace("_", "-"),))
                if value in ("all-linear", "all_linear")
                else frozenset(value.replace(",", " ").split())
            )
        return frozenset(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else None
    if field in ("eval_cadence", "save_cadence"):
        return _cadence(value, one)
    if field == "logging":
        return _cadence(value, one) if isinstance(value, int | float) and not isinstance(value, bool) else _tool(value)
    if not isinstance(value, str):
        return _flag(field, value)
    if field == "model":
        return named(value, exact=True) if value.strip() else None
    if field == "optimizer":
        return optimizer(value)
    if field == "scheduler":
        return scheduler(value)
    if field == "precision":
        return precision(value)
    return value if value.strip() else None


def _flag(field: str, value: Any) -> Any:
    if field == "precision" and isinstance(value, int) and not isinstance(value, bool):
        return {16: "fp16", 32: "fp32", 64: "fp64"}.get(value)
    return None


def _number(text: str) -> float | int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() and re.fullmatch(r"\s*-?\d+\s*", text) else number


def _cadence(value: Any, one: Observed) -> Cadence | None:
    if isinstance(value, Cadence):
        return value
    if isinstance(value, str):
        if value in ("epoch", "no", "end"):
            return Cadence({"epoch": "epoch", "no": "never"}.get(value, value))
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    if isinstance(value, float) and value < 1 and one.field == "eval_cadence":
        return Cadence("epoch", value)  # a share of an epoch, as Lightning and the Trainer take it
    if isinstance(value, float) and not value.is_integer():
        return None
    return Cadence(one.unit if one.unit in ("epoch", "step") else "step", int(value))


def _tool(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else "none"
    if not isinstance(value, str):
        return None
    low = value.lower()
    return next(
        (t for t in ("wandb", "tensorboard", "mlflow", "comet", "neptune", "clearml", "trackio", "none") if t in low),
        None,
    )


def optimizer(name: str) -> str | None:
    """The optimizer behind a class name or an option's value."""
    low = name.rpartition(".")[2].lower().replace("-", "_")
    eight = "8bit" in low or "8_bit" in low
    if "adamw" in low or low == "adam_w":
        return "adamw_8bit" if eight or ("paged" in low and "32" not in low) else "adamw"
    for known in (
        "adafactor",
        "adagrad",
        "adadelta",
        "adamax",
        "nadam",
        "radam",
        "adam",
        "sgd",
        "rmsprop",
        "lion",
        "lamb",
        "sophia",
        "muon",
        "lbfgs",
        "novograd",
        "lars",
        "adabelief",
        "prodigy",
        "shampoo",
    ):
        if known in low:
            return f"{known}_8bit" if eight else known
    return low if re.fullmatch(r"[a-z_]{3,24}", low) else None


_SCHEDULERS = (
    ("cosine_with_restarts", ("restarts",)),
    (
        "constant_with_warmup",
        ("constant_with_warmup", "constantschedulewithwarmup", "constant_schedule_with_warmup", "warmuplr"),
    ),
    ("cosine", ("cosine",)),
    ("onecycle", ("onecycle", "one_cycle")),
    ("plateau", ("plateau",)),
    ("polynomial", ("polynomial", "poly")),
    ("inverse_sqrt", ("inverse_sqrt", "noam")),
    ("exponential", ("exponential",)),
    ("step", ("steplr", "multistep")),
    ("linear", ("linear", "warmupdecaylr")),
    ("constant", ("constant",)),
    ("wsd", ("wsd", "warmup_stable_decay")),
)


def scheduler(name: str) -> str | None:
    """The scheduler behind a class or function name, or an option's value."""
    low = name.rpartition(".")[2].lower()
    if low in ("step", "none", "constant"):
        return "constant" if low == "none" else low
    return next((known for known, words in _SCHEDULERS if any(w in low for w in words)), None)


def precision(name: str) -> str | None:
    """The precision behind a dtype or an option's value."""
    low = name.rpartition(".")[2].lower()
    if "bf16" in low or "bfloat16" in low:
        return "bf16"
    if low in ("half", "float16", "fp16", "16", "16-mixed", "16-true") or "fp16" in low or "float16" in low:
        return "fp16"
    if low in ("float32", "fp32", "float", "32", "32-true", "no"):
        return "fp32"
    if "fp8" in low or "float8" in low:
        return "fp8"
    return "tf32" if "tf32" in low else None
