"""Why a deviation matters and what to do about it, in sentences about the values at hand."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.spec.instruction import in_words
from dry_debug.spec.models import Model
from dry_debug.spec.shown import asked_text, got_text, hub_id

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.compare import Item

_TITLES = {
    "model": "Wrong Model Choice",
    "method": "Wrong Training Method",
    "framework": "Wrong Framework",
    "dataset": "Wrong Dataset",
    "hardware": "Wrong Hardware Assumption",
    "optimizer": "Wrong Optimizer",
    "output_dir": "Output Dir Mismatch",
    "lora_r": "LoRA Rank Mismatch",
    "lora_alpha": "LoRA Alpha Mismatch",
    "lora_dropout": "LoRA Dropout Mismatch",
}
# What follows where the value itself tells nothing more.
_WHY = {
    "learning_rate": "the loss takes another course, and the result says nothing about the setting that was asked for",
    "batch_size": "memory, the noise of the gradients and the right learning rate all depend on it",
    "gradient_accumulation_steps": "the effective batch size and the number of updates are others than asked for",
    "epochs": "the model sees the data another number of times, and a schedule over the run has another length",
    "max_steps": "training ends at another point, and a schedule over the run has another length",
    "optimizer": "it needs other learning rates and other memory, so the asked settings do not carry over",
    "scheduler": "the learning rate takes another course over the run",
    "precision": "range, rounding and memory are others than asked for",
    "method": "other weights are trained: cost, memory and the files that come out are others than asked for",
    "framework": "what was asked for is to run on another stack",
    "dataset": "the result is about other data than were asked for",
    "hardware": "the code needs other devices than there are",
    "output_dir": "whoever asked looks in the named folder and finds nothing there, or an older run",
    "seed": "the run cannot be compared with others of the asked seed",
    "max_length": "texts are cut at another length, which changes what is learned and how much memory it takes",
    "max_tokens": "answers end at another length",
    "lora_r": "the adapters have another capacity and size",
    "tensor_parallel_size": "the engine needs another number of GPUs than there are",
}
_METHODS = {
    ("lora", "full"): "all weights are trained: several times the memory, and checkpoints of the whole model",
    ("qlora", "full"): "all weights are trained: several times the memory, and checkpoints of the whole model",
    ("qlora", "lora"): "the base model is not loaded in 4 bits, so it takes about four times the memory",
    ("full", "lora"): "only the adapters are trained, the weights themselves stay as they are",
    ("full", "qlora"): "only the adapters are trained, over quantised weights that stay as they are",
}


def title(field: str) -> str:
    """The title of a critical error about a field: "Batch Size Mismatch"."""
    return _TITLES.get(field) or f"{in_words(field).title()} Mismatch"


def reason(item: Item) -> str:
    """Why a deviation is wrong, as a clause."""
    asked, got = item.instruction, item.got
    if item.better or asked is None or got is None:
        return item.better
    value = asked.values[0]
    if isinstance(value, Model) and isinstance(got.value, Model):
        return _models(value, got.value)
    if item.field == "method":
        return _METHODS.get((str(value), str(got.value)), _WHY["method"])
    parts = []
    if (
        isinstance(value, int | float)
        and isinstance(got.value, int | float)
        and asked.single
        and item.field not in ("seed", "warmup_ratio")
        and value > 0
        and got.value > 0
        and asked.unit != "effective"
    ):
        factor = got.value / value
        times = factor if factor > 1 else 1 / factor
        if times >= 1.5:
            how = "half of" if factor == 0.5 else f"{times:.3g} times" if factor > 1 else f"1/{times:.3g} of"
            parts.append(f"{how} what was asked")
    parts.append(_WHY.get(item.field, "the run is another one than was asked for"))
    return ": ".join(parts)


def _models(asked: Model, got: Model) -> str:
    name = got.id.rpartition("/")[2] or got.written
    parts = []
    if asked.instruct and not got.instruct:
        parts.append(f"{name} is not instruction-tuned")
    if asked.instruct is False and got.instruct and not asked.family:
        parts.append(f"{name} is instruction-tuned, not a base model")
    if asked.code and not got.code:
        parts.append(f"{name} is not a code model")
    if asked.size and got.size and abs(asked.size - got.size) > 0.07 * max(asked.size, got.size):
        how = "smaller" if got.size < asked.size else "larger"
        much = "much " if max(asked.size, got.size) > 4 * min(asked.size, got.size) else ""
        parts.append(f"{much}{how} ({_size(got.size)} vs {_size(asked.size)} params)")
    elif asked.instruct and not asked.family and got.size and got.size < 1000:
        parts.append(f"too small for good chat quality ({_size(got.size)} params)")
    if asked.family and got.family and asked.family != got.family and not parts:
        parts.append(f"{name} is another family of models")
    if asked.version and got.version and asked.version != got.version and asked.family == got.family:
        parts.append(f"version {got.version} instead of {asked.version}")
    return ", ".join(parts) or f"{name} is another model than was asked for"


def _size(millions: float) -> str:
    return f"{millions / 1000:g}B" if millions >= 1000 else f"{millions:g}M"


def advice(item: Item, change: tuple[ast.AST, str] | None, program: Program) -> str:
    """What to do, as an imperative."""
    asked, got = item.instruction, item.got
    if asked is None or got is None:
        return ""
    if item.better:
        return "keep it, or confirm that plain Adam is meant"
    value = asked.values[0]
    if isinstance(value, Model):
        exact = hub_id(value)
        if exact is not None:
            return f"Use '{exact}'" + (
                "" if value.id else " or a similar " + ("instruction-tuned model" if value.instruct else "model")
            )
        if value.code and not value.family:
            coder = (
                "'Qwen/Qwen2.5-Coder-7B-Instruct' or 'codellama/CodeLlama-7b-Instruct-hf'"
                if value.instruct
                else "'Qwen/Qwen2.5-Coder-7B' or 'codellama/CodeLlama-7b-hf'"
            )
            return f"Use {coder}, or another code model"
        if value.instruct and not value.family:
            return (
                "Use 'meta-llama/Llama-2-7b-chat-hf' or 'mistralai/Mistral-7B-Instruct-v0.2', or another instruct model"
            )
        return f"Load {value} instead"
    if change is not None:
        node, text = change
        return f"Change to {_name_before(node, program)}{text}"
    if item.field == "framework":
        return f"Remove {got_text(got)}" if asked.kind == "not" else f"Move to {asked_text(asked)}"
    if item.field == "method" and value in ("lora", "qlora"):
        return "Wrap the model with peft: get_peft_model(model, LoraConfig(...))" + (
            " over a model loaded in 4 bits" if value == "qlora" else ""
        )
    if item.field == "method" and value == "full":
        return "Train the model itself: leave out the LoRA configuration"
    if item.field == "hardware":
        return f"Write it for {asked_text(asked)}"
    if got.traced is not None and (got.traced.file is not None or got.traced.program is not program):
        name = got.traced.path.replace("\\", "/").rpartition("/")[2]
        return f"Change it to {asked_text(asked)} in {name}"
    return f"Change it to {asked_text(asked)}"


def _name_before(node: ast.AST, program: Program) -> str:
    """`per_device_train_batch_size=` in front of a value, as the line has it."""
    start = program.span(node).start
    source = program.document.source
    line = source[source.rfind("\n", 0, start) + 1 : start]
    match = re.search(r"([\w.\"'\[\]]+)(\s*(?::\s*[\w\[\], .]+)?\s*[=:]\s*)\Z", line)
    return f"{match[1]}{match[2]}" if match else ""
