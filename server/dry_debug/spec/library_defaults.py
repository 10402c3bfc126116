"""What libraries do where the code says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.spec.hardware import Hardware
from dry_debug.spec.kinds import kind_of_call
from dry_debug.spec.observed import Observed
from dry_debug.spec.thing import Cadence

if TYPE_CHECKING:
    from dry_debug.program.program import Program


# What libraries do where the code says nothing.
_TRAINER_DEFAULTS: dict[str, Any] = {
    "learning_rate": 5e-5,
    "batch_size": 8,
    "epochs": 3,
    "optimizer": "adamw",
    "scheduler": "linear",
    "warmup_steps": 0,
    "weight_decay": 0.0,
    "gradient_accumulation_steps": 1,
    "max_grad_norm": 1.0,
    "seed": 42,
    "precision": "fp32",
    "save_cadence": Cadence("step", 500),
    "logging": Cadence("step", 500),
}


_OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "adamw": {"learning_rate": 1e-3, "weight_decay": 0.01},
    "adam": {"learning_rate": 1e-3, "weight_decay": 0},
    "sgd": {"learning_rate": 1e-3, "weight_decay": 0},
}


def defaults_of(program: Program) -> Iterator[Observed]:
    calls = list(program.qualified_calls())
    arguments = [(n, c) for n, c in calls if kind_of_call(n) == "trainer_args" and not n.startswith("setfit.")]
    if len(arguments) == 1 and not any(k.arg is None for k in arguments[0][1].keywords):
        name, call = arguments[0]
        for field, value in _TRAINER_DEFAULTS.items():
            if name.startswith("trl.") and field in ("learning_rate", "precision", "epochs"):
                continue  # these differ between TRL's trainers and releases
            yield Observed(field, value, call, implied=True, unit="every" if field == "logging" else "")
        return
    trains = program.training.is_training
    optimizers = [(n, c) for n, c in calls if kind_of_call(n) == "optimizer"]
    if len(optimizers) == 1:
        name, call = optimizers[0]
        kind = name.rpartition(".")[2].lower()
        if name.startswith("torch.optim.") and not any(k.arg is None for k in call.keywords):
            for field, value in _OPTIMIZER_DEFAULTS.get(kind, {}).items():
                yield Observed(field, value, call, implied=True)
    if trains and not arguments and not program.training.accumulation and optimizers:
        yield Observed("gradient_accumulation_steps", 1, optimizers[0][1], implied=True)
        yield Observed("precision", "fp32", optimizers[0][1], implied=True)
        if not any(kind_of_call(n) == "scheduler" for n, _ in calls):
            yield Observed("scheduler", "constant", optimizers[0][1], implied=True)
            yield Observed("warmup_steps", 0, optimizers[0][1], implied=True)
    for name, call in calls:
        if name == "vllm.LLM" and not any(k.arg is None for k in call.keywords):
            yield Observed("tensor_parallel_size", 1, call, implied=True)
            yield Observed("hardware", Hardware(1), call, implied=True)
        if name == "vllm.SamplingParams" and not any(k.arg is None for k in call.keywords):
            yield Observed("temperature", 1.0, call, implied=True)
            yield Observed("top_p", 1.0, call, implied=True)
            yield Observed("max_tokens", 16, call, implied=True)
