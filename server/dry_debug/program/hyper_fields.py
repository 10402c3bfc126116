"""Hyperparameters as data: the canonical fields, the spellings of each, and a named value of a program."""

from __future__ import annotations

import ast
from typing import Any, Literal

from dry_debug.records import dataclass

Origin = Literal["literal", "argparse", "dataclass", "config", "computed"]

# Canonical field <- spellings (lower case, underscores).
CANONICAL: dict[str, str] = {}
for _field, _names in {
    "learning_rate": "lr learning_rate base_lr init_lr learningrate",
    "batch_size": "batch_size bs batch batchsize train_batch_size per_device_train_batch_size",
    "epochs": "epochs num_epochs n_epochs num_train_epochs nepochs max_epochs epoch_num num_epoch n_epoch "
    "max_epoch epoches num_epoches",
    "max_steps": "max_steps num_steps max_iters total_steps num_iterations max_train_steps",
    "weight_decay": "weight_decay wd",
    "warmup_steps": "warmup_steps num_warmup_steps warmup warmup_iters",
    "warmup_ratio": "warmup_ratio",
    "gradient_accumulation_steps": "gradient_accumulation_steps accumulation_steps accum_steps grad_accum "
    "accumulate_grad_batches accum_iter grad_accum_steps gradient_accumulation_iters",
    "max_grad_norm": "max_grad_norm clip_grad grad_clip clip max_norm grad_norm gradient_clip_val clip_norm",
    "max_length": "max_length max_seq_length max_seq_len seq_len seq_length block_size max_len",
    "seed": "seed random_seed manual_seed manualseed",
    "lora_r": "lora_r",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "output_dir": "output_dir save_dir out_dir checkpoint_dir ckpt_dir",
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens max_new_tokens",
    "tensor_parallel_size": "tensor_parallel_size tp_size",
    "optimizer": "optimizer optim optimizer_name",
    "scheduler": "scheduler lr_scheduler lr_scheduler_type",
    "model": "model model_name model_name_or_path model_id arch",
    "dataset": "dataset dataset_name",
    "precision": "precision dtype",
}.items():
    for _name in _names.split():
        CANONICAL[_name] = _field

# What dicts and objects of settings are called.
CONFIG_WORDS = ("config", "cfg", "args", "hparams", "hyperparams", "hyperparameters", "params", "settings")


@dataclass(slots=True, eq=False)
class Hyperparameter:
    """A named value of the program; `name` is canonical where a canonical field exists."""

    name: str
    value: Any
    node: ast.AST
    origin: Origin


def canonical_field(name: str) -> str:
    """The canonical field for a spelling (`--lr` -> `learning_rate`), or the spelling itself."""
    own = name.lstrip("-").replace("-", "_")
    return CANONICAL.get(own.lower(), own)


def is_canonical(name: str) -> bool:
    """Whether a spelling is one of a canonical field."""
    return name.lower() in CANONICAL
