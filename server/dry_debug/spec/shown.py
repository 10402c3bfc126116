"""Values of fields as people read them, and what stands in place of a value in the code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from dry_debug.spec.hardware import Hardware
from dry_debug.spec.instruction import Instruction, shown_value
from dry_debug.spec.models import Model, plain_name
from dry_debug.spec.thing import Cadence

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.compare import Item
    from dry_debug.spec.observed import Observed

_NAMES = {
    "adamw": "AdamW",
    "adam": "Adam",
    "sgd": "SGD",
    "adafactor": "Adafactor",
    "lion": "Lion",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "lamb": "LAMB",
    "adamw_8bit": "8-bit AdamW",
    "adam_8bit": "8-bit Adam",
    "lbfgs": "L-BFGS",
    "radam": "RAdam",
    "nadam": "NAdam",
    "adamax": "Adamax",
    "adadelta": "Adadelta",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "dora": "DoRA",
    "full": "full fine-tuning",
    "linear_probe": "training the head only",
    "scratch": "training from scratch",
    "prefix": "prefix tuning",
    "ia3": "IA3",
    "vllm": "vLLM",
    "sglang": "SGLang",
    "trl": "TRL",
    "lightning": "Lightning",
    "trainer": "the Trainer",
    "accelerate": "Accelerate",
    "deepspeed": "DeepSpeed",
    "fsdp": "FSDP",
    "ddp": "DDP",
    "unsloth": "Unsloth",
    "peft": "PEFT",
    "pytorch": "plain PyTorch",
    "transformers": "transformers",
    "jax": "JAX",
    "keras": "Keras",
    "wandb": "W&B",
    "tensorboard": "TensorBoard",
    "mlflow": "MLflow",
    "comet": "Comet",
    "none": "no tracker",
    "mixed": "mixed precision",
    "onecycle": "one-cycle",
    "plateau": "reduce on plateau",
    "cosine_with_restarts": "cosine with restarts",
    "constant_with_warmup": "constant with warm-up",
    "inverse_sqrt": "inverse square root",
}


def show(field: str, value: Any) -> str:
    """A value as a message shows it."""
    if isinstance(value, str) and field not in ("dataset", "output_dir", "model"):
        return _NAMES.get(value, value)
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return shown_value(value)


def asked_text(asked: Instruction) -> str:
    """What is asked for, as a message shows it."""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in asked.values):
        text = asked.asked
    else:
        often = asked.kind == "most" and isinstance(asked.values[0], Cadence)
        before = "not " if asked.kind == "not" else "at least " if often else ""
        text = before + " or ".join(show(asked.field, v) for v in asked.values) if asked.kind != "any" else "any value"
    unit = (
        {"per_device": " per device", "effective": " in total"}.get(asked.unit, "")
        if asked.field == "batch_size"
        else ""
    )
    return f"{text}{unit}" + (f" for the {asked.role}" if asked.role and asked.field != "model" else "")


def got_text(one: Observed) -> str:
    """What the code has, as a message shows it."""
    if not one.known:
        return "a value that cannot be read"
    return show(one.field, one.value)


def plain(field: str, value: Any) -> Any:
    """A value as JSON has it: numbers as numbers, modules as a list, everything else in words."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, frozenset):
        return sorted(value)
    return show(field, value)


def plain_asked(asked: Instruction) -> Any:
    """The asked value as JSON has it."""
    if asked.single:
        return plain(asked.field, asked.values[0])
    return asked_text(asked)


# -- what to write instead --------------------------------------------------------------------------------------------

# What people mean by a name, as the hub has it.
_HUB = {
    ("llama", "2", 7.0, True): "meta-llama/Llama-2-7b-chat-hf",
    ("llama", "2", 7.0, False): "meta-llama/Llama-2-7b-hf",
    ("llama", "", 7.0, True): "meta-llama/Llama-2-7b-chat-hf",
    ("llama", "", 7.0, False): "meta-llama/Llama-2-7b-hf",
    ("llama", "2", 13.0, True): "meta-llama/Llama-2-13b-chat-hf",
    ("llama", "2", 13.0, False): "meta-llama/Llama-2-13b-hf",
    ("llama", "3", 8.0, True): "meta-llama/Meta-Llama-3-8B-Instruct",
    ("llama", "3", 8.0, False): "meta-llama/Meta-Llama-3-8B",
    ("llama", "3.1", 8.0, True): "meta-llama/Llama-3.1-8B-Instruct",
    ("llama", "3.1", 8.0, False): "meta-llama/Llama-3.1-8B",
    ("llama", "3.2", 1.0, True): "meta-llama/Llama-3.2-1B-Instruct",
    ("llama", "3.2", 3.0, True): "meta-llama/Llama-3.2-3B-Instruct",
    ("mistral", "", 7.0, True): "mistralai/Mistral-7B-Instruct-v0.2",
    ("mistral", "", 7.0, False): "mistralai/Mistral-7B-v0.1",
    ("mistral", "0.2", 7.0, True): "mistralai/Mistral-7B-Instruct-v0.2",
    ("mistral", "0.3", 7.0, True): "mistralai/Mistral-7B-Instruct-v0.3",
    ("qwen", "2.5", 7.0, True): "Qwen/Qwen2.5-7B-Instruct",
    ("qwen", "2.5", 7.0, False): "Qwen/Qwen2.5-7B",
    ("qwen", "2.5", 1.5, True): "Qwen/Qwen2.5-1.5B-Instruct",
    ("qwen", "2.5", 14.0, True): "Qwen/Qwen2.5-14B-Instruct",
    ("qwen", "2.5", 0.5, True): "Qwen/Qwen2.5-0.5B-Instruct",
    ("gemma", "2", 9.0, True): "google/gemma-2-9b-it",
    ("gemma", "2", 2.0, True): "google/gemma-2-2b-it",
}
_CLASSES = {"adamw": "AdamW", "adam": "Adam"}
_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


def hub_id(model: Model) -> str | None:
    """The id of a model that is asked for by name."""
    if model.id and ("/" in model.id or model.id == plain_name(model.id)):
        return model.id
    size = model.size / 1000 if model.size is not None else None
    return _HUB.get((model.family, model.version, size or 0.0, bool(model.instruct)))


def replacement(item: Item, program: Program) -> tuple[ast.AST, str] | None:
    """(the node to replace, the text instead) that makes a deviation right; None where there are several ways."""
    asked, got = item.instruction, item.got
    if asked is None or got is None or not asked.single or asked.unit == "effective":
        return None
    node, value = got.anchor(program), asked.values[0]
    if got.traced is not None and (
        got.traced.program is not program or got.traced.file is not None or got.traced.computed
    ):
        return None
    if isinstance(value, Cadence):
        same = isinstance(got.value, Cadence) and got.value.unit == value.unit and value.every is not None
        return (node, str(value.every)) if same and _is_number(node) else None
    if isinstance(value, int | float):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node, _quoted(asked.literal, program.text(node))
        return (
            (node, _in_notation(asked, program.text(node))) if _is_number(node) and asked.field == got.field else None
        )
    if isinstance(value, frozenset):
        return _modules(value, node, program)
    return _text(item, value, node, program)


def _text(item: Item, value: Any, node: ast.AST, program: Program) -> tuple[ast.AST, str] | None:
    field, got = item.field, item.got
    assert got is not None
    if field == "optimizer" and isinstance(node, ast.Attribute) and {value, got.value} == {"adam", "adamw"}:
        return node, f"{program.text(node.value)}.{_CLASSES[value]}"
    if field == "precision" and isinstance(node, ast.Attribute) and value in _DTYPES:
        return node, f"{program.text(node.value)}.{_DTYPES[value]}"
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return None
    new: str | None = None
    if field == "model":
        new = hub_id(value) if isinstance(value, Model) else None
    elif field == "output_dir":
        file = re.search(r"/([^/]+\.\w{2,12})\Z", node.value)
        new = f"{value.rstrip('/')}/{file[1]}" if file and not re.search(r"\.\w{2,12}\Z", value) else value
    elif field == "dataset":
        new = value if "/" in value or "." in value or value.lower() == value else None
    elif field == "precision" and value in _DTYPES:
        short = re.fullmatch(r"(?:bf16|fp16|fp32|no)((?:-mixed|-true)?)", node.value)
        new = ("no" if value == "fp32" and not short[1] else value + short[1]) if short else _DTYPES[value]
    elif (
        field == "scheduler"
        and value
        in (
            "linear",
            "cosine",
            "constant",
            "polynomial",
            "constant_with_warmup",
            "cosine_with_restarts",
            "inverse_sqrt",
        )
    ) or field == "logging":
        new = value
    elif field == "optimizer":
        new = {"adamw": "adamw_torch", "adafactor": "adafactor", "sgd": "sgd", "adamw_8bit": "adamw_bnb_8bit"}.get(
            value
        )
    return (node, _quoted(new, program.text(node))) if new is not None else None


def _modules(value: frozenset[str], node: ast.AST, program: Program) -> tuple[ast.AST, str] | None:
    if not isinstance(node, ast.List | ast.Tuple | ast.Constant):
        return None
    quote = "'" if "'" in program.text(node) else '"'
    if value == frozenset(("all-linear",)):
        return node, f"{quote}all-linear{quote}"
    return node, "[" + ", ".join(f"{quote}{m}{quote}" for m in sorted(value, key=_order)) + "]"


def _order(module: str) -> int:
    names = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    return names.index(module) if module in names else len(names)


def _in_notation(asked: Instruction, old: str) -> str:
    """The asked number as the instructions write it; where that is no Python, as the code writes its own."""
    value = asked.values[0]
    if re.fullmatch(r"\d+|\d*\.\d+|\d+(?:\.\d+)?[eE][-+]?\d+", asked.written):
        return asked.literal
    if isinstance(value, float) and "e" in old.lower():
        mantissa, _, power = f"{value:e}".partition("e")
        return f"{float(mantissa):g}e{int(power)}"
    if isinstance(value, int) and "_" in old:
        return f"{value:_}"
    return str(value)


def _quoted(text: str, old: str) -> str:
    quote = "'" if old.lstrip("rRbBuUfF").startswith("'") else '"'
    return f"{quote}{text}{quote}"


def _is_number(node: ast.AST) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return (
        isinstance(inner, ast.Constant) and isinstance(inner.value, int | float) and not isinstance(inner.value, bool)
    )


__all__ = ["Hardware", "asked_text", "got_text", "hub_id", "plain", "plain_asked", "replacement", "show"]
