"""What settings under keys say: `optimizer: {type: AdamW, params: {lr: 1e-5}}`, `_component_: torch.optim.AdamW`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.spec.field_names import field_of_name
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.instruction import FIELDS
from dry_debug.spec.models import named
from dry_debug.spec.names import FIELD_OF
from dry_debug.spec.observed import Observed, role_of_name, unit_of_name
from dry_debug.spec.observed_values import converted, optimizer, precision, scheduler
from dry_debug.spec.setting_trees import Setting, settings_of
from dry_debug.spec.thing import Cadence

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_NAMES_A_CLASS = frozenset("_component_ _target_ class_path type name cls class _class target".split())
_OPTIMIZER_KEY = re.compile(r"\b(?:optim(?:izer|izers|_wrapper)?|opt)\b")
_SCHEDULER_KEY = re.compile(r"sched|param_scheduler")
_MODEL_KEY = re.compile(r"\b(?:model|base|llm|policy|backbone|encoder|checkpointer|tokenizer)\b")
_DATA_KEY = re.compile(r"\b(?:data|datasets?|train_data\w*|train_dataset|train_ds|corpus)\b|\b\w+_ds\b")
_EVAL_KEY = re.compile(r"\b(?:val|eval|test|valid|validation)_?\w*(?:loader|data|dataset|split|batch|cfg|ds)\b")
_IS_OPTIMIZER = re.compile(
    r"(?:^|[._])(?:paged_|fused|decoupled)*(?:adamw?|sgd\w?|lion\w?|lamb|adafactor|adagrad|rmsprop|muon|nadam|radam)"
    r"(?:w|_?8bit|_?32bit|_bnb\w*|_torch\w*|fused)?\Z",
    re.IGNORECASE,
)
_IS_SCHEDULER = re.compile(r"(?:lr|schedule\w*|annealing\w*|decay)\Z", re.IGNORECASE)
_DATA_FILE = re.compile(r"\w\.(?:jsonl?|csv|tsv|parquet|txt|arrow)\Z")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z")
_FEW = 10
_FOLDERS = frozenset("data datasets corpus corpora input inputs raw processed assets files home mnt tmp".split())
_MODULES = {
    "lora_attn_modules": "lora_attn_modules",
    "lora_modules": "lora_modules",
    "lora_target": "lora_target",
    "target_modules": "target_modules",
    "lora_target_modules": "lora_target_modules",
}
_MLP = ("gate_proj", "up_proj", "down_proj")
_PER_EPOCH = {"evals_per_epoch": "eval_cadence", "saves_per_epoch": "save_cadence"}


def in_settings(program: Program) -> Iterator[Observed]:
    """Every field that a setting gives a value by its keys."""
    every = list(settings_of(program))
    if not every:
        return
    yield from _method(every)
    yield from _modules(every)
    for one in every:
        yield from _of_setting(one, every)


_INTERVALS = (
    ("save_cadence", re.compile(r"checkpoint|ckpt|\bsave|snapshot")),
    ("eval_cadence", re.compile(r"\beval|\bval|validat")),
    ("logging", re.compile(r"\blog|print|report")),
)


def _interval(one: Setting, above: str, every: list[Setting]) -> Iterator[Observed]:
    """`checkpoint: {interval: 8000, by_epoch: false}`: the keys above say what is done so often."""
    field = next((f for f, words in _INTERVALS if words.search(above)), None)
    if field is None or isinstance(one.value, bool) or not isinstance(one.value, int) or one.value <= 0:
        return
    beside = {s.keys[-1]: s.value for s in every if s.keys[:-1] == one.keys[:-1]}
    epochs = beside.get("by_epoch")
    if epochs is None:
        epochs = field != "logging" and any(field_of_name(s.keys[-1]) == "epochs" for s in every)
    unit = "every" if field == "logging" else ""
    yield Observed(field, Cadence("epoch" if epochs else "step", one.value), one.use, one.traced, unit=unit)


def _of_setting(one: Setting, every: list[Setting]) -> Iterator[Observed]:
    last = one.keys[-1]
    low = last.lower().replace("-", "_")
    above = " ".join(one.keys[:-1]).lower()
    value = one.value
    if low in _PER_EPOCH and isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        share: int | float = 1 if value == 1 else 1 / value
        yield Observed(_PER_EPOCH[low], Cadence("epoch", share), one.use, one.traced)
        return
    if low in _NAMES_A_CLASS and isinstance(value, str):
        yield from _of_class(one, above, value)
        return
    if low in ("interval", "every", "frequency", "freq", "every_n", "n"):
        yield from _interval(one, above, every)
        return
    if low in ("val_interval", "eval_interval") and any(s.value == "EpochBasedTrainLoop" for s in every):
        if isinstance(value, int):
            yield Observed("eval_cadence", Cadence("epoch", value), one.use, one.traced)
        return
    if low.startswith(("wandb_", "mlflow_", "comet_")) and isinstance(value, str) and value:
        yield Observed("logging", low.partition("_")[0], one.use, one.traced, unit="tool")
        return
    if low == "pretrained" and isinstance(value, str) and named(value).family:
        yield Observed("model", named(re.sub(r"\w+://", "", value), exact=True), one.use, one.traced)
        return
    if low in ("use_vllm", "deepspeed", "fsdp") and value not in (False, "", None):
        known = "vllm" if low == "use_vllm" else low
        yield Observed("framework", known, one.use, one.traced, unit=known)
        return
    if low in ("strategy", "distributed_strategy") and isinstance(value, str):
        known = next((k for k in ("ddp", "fsdp", "deepspeed") if value.startswith(k)), "")
        if known:
            yield Observed("framework", known, one.use, one.traced, unit=known)
        return
    if low == "device" and isinstance(value, str) and value.startswith(("cuda", "gpu")):
        yield Observed("hardware", Hardware(None), one.use, one.traced)
        return
    if low == "enabled" and isinstance(value, bool):
        kind = precision(one.keys[-2]) if len(one.keys) > 1 else None
        if value and kind is not None:
            yield Observed("precision", kind, one.use, one.traced)
        return
    if low in ("bf16", "fp16", "tf32", "bfloat16", "float16", "half", "amp", "use_amp", "use_bf16", "use_fp16"):
        if value is True and low != "tf32":
            kind = "fp16" if low in ("half", "amp", "use_amp") else precision(low)
            yield Observed("precision", kind, one.use, one.traced)
        return
    field = field_of_name(last)
    if field is None and isinstance(value, str):
        field = _by_value(low, above, value) or ("dataset" if low == "dataset" and value else None)
    if field is None and isinstance(value, str) and _DATA_FILE.search(value):
        yield Observed("dataset", value, one.use, one.traced, implied=True, weak=True)
        return
    if field is None or field not in FIELDS or field == "target_modules" or value in ("auto", None):
        return
    if field == "output_dir" and re.search(r"\bmodel\b|checkpointer|resume", above) and low not in ("output_dir",):
        return
    role = role_of_name(last) or ("eval" if _EVAL_KEY.search(above) else "")
    if field.endswith("cadence") or field == "logging":
        role = ""
    if field == "scheduler" and isinstance(value, bool):
        return
    unit = unit_of_name(field, last)
    if (
        field in ("eval_cadence", "save_cadence")
        and isinstance(value, int)
        and not re.search(r"step|iter|batch|ep", low)
    ):
        # Nobody saves every second step: a library that counts epochs means those.
        few = value <= _FEW and any(field_of_name(s.keys[-1]) == "epochs" for s in every)
        unit = "epoch" if few else unit
    folder = isinstance(value, str) and value.partition("/")[0] in _FOLDERS
    if field == "dataset" and low != "dataset" and low not in FIELD_OF and (folder or not _HUB_ID.match(str(value))):
        yield Observed(field, value, one.use, one.traced, implied=True, weak=True)  # a file, by its name alone
        return
    yield converted(Observed(field, value, one.use, one.traced, role, unit, one.traced.known))


def _of_class(one: Setting, above: str, value: str) -> Iterator[Observed]:
    """A class by its name: the keys above it, or the name itself, say what it is."""
    last = value.rpartition(".")[2]
    if last.startswith("Amp") and last.endswith("OptimWrapper"):  # MMEngine's
        yield Observed("precision", "fp16", one.use, one.traced)
    if (_OPTIMIZER_KEY.search(above) and _IS_OPTIMIZER.search(value)) or (
        "." in value and _IS_OPTIMIZER.search(value) and "optim" in value
    ):
        yield Observed("optimizer", optimizer(last), one.use, one.traced)
    elif (_SCHEDULER_KEY.search(above) or ("." in value and _IS_SCHEDULER.search(value))) and scheduler(last):
        found = scheduler(last)
        if last in ("LinearLR", "ConstantLR"):  # a warm-up
            return
        yield Observed("scheduler", found, one.use, one.traced)
    elif one.keys[-1] in ("name", "type") and len(one.keys) > 1 and one.keys[-2].lower() in ("optim", "optimizer"):
        if re.fullmatch(r"[A-Za-z]\w{2,24}", value):
            yield Observed("optimizer", optimizer(last), one.use, one.traced)
    elif one.keys[-1] == "name" and _DATA_KEY.search(above) and not re.search(r"[A-Z]\w+Dataset\Z", value):
        yield Observed("dataset", value, one.use, one.traced)
    elif one.keys[-1] == "name" and _MODEL_KEY.search(above) and named(value).family:
        yield Observed("model", named(value, exact=True), one.use, one.traced)


def _by_value(low: str, above: str, value: str) -> str | None:
    """The field of a hub id or a data file: by the word for it, or the key above."""
    if (
        low in ("model", "arch", "backbone", "encoder", "encoder_name", "model_name")
        and "/" not in value
        and named(value).family
    ):
        return "model"
    if _HUB_ID.match(value):
        known = bool(named(value).family)
        if _DATA_KEY.search(f"{above} {low}") and not known:
            return "dataset"
        if known and _MODEL_KEY.search(f"{above} {low}".replace("_", " ")):
            return "model"
        return "dataset" if low in ("source", "dataset", "data") else None
    if _DATA_FILE.search(value) and _DATA_KEY.search(f"{above} {low}"):
        return "dataset"
    return None


def _method(every: list[Setting]) -> Iterator[Observed]:
    """LoRA by its settings: a rank, an adapter, a class of that name."""
    four_bit = any(s.keys[-1] in ("load_in_4bit", "quantization_bit") and s.value in (True, 4) for s in every)
    for one in every:
        low = one.keys[-1].lower()
        text = one.value.lower() if isinstance(one.value, str) else ""
        adapter = low in ("adapter", "finetuning_type", "peft_type", "peft_scheme", "train_type", "peft_method")
        if adapter and text in ("full", "none"):
            yield Observed("method", "full", one.use, one.traced)
            return
        if (
            (adapter and text in ("lora", "qlora", "dora"))
            or (low in _NAMES_A_CLASS and "lora" in text)
            or (low in ("lora_r", "lora_rank") and isinstance(one.value, int) and one.value > 0)
            or (low in ("use_lora", "use_peft") and one.value is True)
        ):
            quantized = four_bit or "qlora" in text
            yield Observed(
                "method", "qlora" if quantized else "dora" if text == "dora" else "lora", one.use, one.traced
            )
            return


def _modules(every: list[Setting]) -> Iterator[Observed]:
    """The modules that adapters go into, of one setting or of several."""
    mlp = any(s.keys[-1] == "apply_lora_to_mlp" and s.value is True for s in every)
    for one in every:
        low = one.keys[-1].lower()
        value: Any = one.value
        if low in ("lora_target_linear", "target_all_linear") and value is True:
            yield Observed("target_modules", frozenset(("all-linear",)), one.use, one.traced)
            return
        if low not in _MODULES:
            continue
        if isinstance(value, str):
            names = frozenset(("all-linear",)) if value in ("all", "all-linear") else frozenset(
                v for v in re.split(r"[,\s]+", value) if v)  # fmt: skip
        elif isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            names = frozenset(value)
        else:
            continue
        yield Observed("target_modules", names | frozenset(_MLP) if mlp else names, one.use, one.traced)
        return
