"""The field that an option, a setting or an argument is about by its name: known spellings, else its words."""

from __future__ import annotations

import re
from functools import lru_cache

from dry_debug.spec.names import FIELD_OF

# Words that say nothing about which field a name means.
_NOISE = frozenset("num n nb no number of total train training hparam hparams default the my our use".split())
_RATE = frozenset("lr rate learning base init initial peak max start starting main".split())
_BATCH = frozenset(
    "batch size bs bsz batchsize per device gpu micro mini global local effective loader dataloader".split()
)
_CLIP = frozenset("clip clipping grad grads gradient gradients norm val value max threshold".split())
_LENGTH = frozenset("max seq sequence len length context ctx block size window cutoff bptt input prompt text".split())
_OFTEN = frozenset("every interval freq frequency period each cadence epochs epoch".split())
_PLACE = frozenset("dir folder directory path".split())
_DATA = frozenset("data dataset corpus dir path file root folder instance input source base text image".split())
_OUT = frozenset("out output save ckpt checkpoint checkpoints work run exp experiment results result artifacts".split())
_WHAT_OFTEN = {
    "save_cadence": frozenset("save saving ckpt checkpoint checkpoints snapshot saves".split()),
    "eval_cadence": frozenset("eval evaluate evaluation val valid validate validation test evals".split()),
    "logging": frozenset("log logging print report display summary".split()),
}
_ROLES = frozenset(
    "eval val valid validation test dev student teacher actor critic generator discriminator g d body head backbone "
    "encoder classifier".split()
)


@lru_cache(maxsize=2048)
def field_of_name(name: str) -> str | None:
    """The canonical field of `--learning-rate`, `cfg.evalEveryEpochs`, `BPTT`; None where its words name none."""
    own = name.lstrip("-").replace("-", "_").lower()
    known = FIELD_OF.get(own)
    if known is not None:
        return known
    words = [w.lower() for w in re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name.strip("-_")) if w]
    return _by_words(frozenset(words)) if 0 < len(words) <= 6 else None


def _by_words(words: frozenset[str]) -> str | None:
    rest = words - _NOISE
    if rest & _OFTEN and not rest & _PLACE:
        for field, what in _WHAT_OFTEN.items():
            if rest & what and rest <= what | _OFTEN | {"steps", "step", "iters", "iter", "batches"}:
                return field
    plain = rest - _ROLES
    if rest & {"warmup", "warm"}:
        if rest & {"ratio", "frac", "fraction", "pct", "percent", "proportion", "portion"}:
            return "warmup_ratio"
        counted = {"warmup", "warm", "up", "lr", "steps", "step", "iters", "iterations", "updates", "epochs"}
        return "warmup_steps" if rest <= counted else None
    if rest == {"accum", "freq"}:
        return "gradient_accumulation_steps"
    if rest & {"accum", "accumulate", "accumulation", "accumulated", "accumulations"} and not rest & {"loss"}:
        return "gradient_accumulation_steps"
    if (plain and plain <= _CLIP and plain & {"clip", "clipping"}) or {"max", "grad", "norm"} <= plain:
        return "max_grad_norm"
    if plain & {"lr"} or {"learning", "rate"} <= plain:
        return "learning_rate" if plain <= _RATE else None
    if plain & {"batch", "bs", "bsz", "batchsize"}:
        return "batch_size" if plain <= _BATCH else None
    return _plain_field(words, plain)


def _plain_field(words: frozenset[str], plain: frozenset[str]) -> str | None:
    if plain in ({"weight", "decay"}, {"wd"}):
        return "weight_decay"
    if plain <= _LENGTH and (
        plain & {"bptt", "cutoff"}
        or (
            plain & {"len", "length"}
            and plain & {"max", "seq", "sequence", "context", "ctx", "cutoff", "prompt", "input"}
        )
        or plain in ({"block", "size"}, {"context", "size"}, {"context", "window"}, {"block"}, {"ctx"}, {"context"})
    ):
        return "max_length"
    held_out = words & {"eval", "val", "valid", "validation", "test", "dev"}
    if plain - {"max"} in ({"epochs"}, {"epoch"}) and (words & {"max", *_NOISE} or "epochs" in words):
        return "epochs"
    if not held_out and plain - {"max", "optimizer", "gradient"} in ({"steps"}, {"iters"}, {"iterations"}, {"updates"}):
        return "max_steps"
    if plain - {"random", "manual", "global", "rng", "torch"} == {"seed"}:
        return "seed"
    if plain in ({"workdir"}, {"outdir"}, {"savedir"}, {"out"}) or (
        plain & _PLACE and plain & _OUT and len(plain) == 2
    ):
        return "output_dir"
    if (
        len(plain) == 2
        and plain & {"path", "root", "dir", "folder"}
        and plain & {"coco", "imagenet", "cifar", "mnist", "voc", "ade"}
    ):
        return "dataset"
    if words == {"train", "dir"}:
        return "output_dir"
    if plain & {"data", "dataset", "corpus"} and plain & {"dir", "path", "file", "root", "folder"}:
        return "dataset" if plain <= _DATA else None
    if plain & {"optim", "optimizer", "opt"} and plain <= {"optim", "optimizer", "opt", "name", "type", "class"}:
        return "optimizer"
    if plain & {"sched", "scheduler", "schedule"}:
        return "scheduler" if plain <= {"sched", "scheduler", "schedule", "lr", "name", "type", "class"} else None
    if plain & {"dtype", "precision"} and plain <= {"dtype", "precision", "torch", "amp", "autocast", "compute"}:
        return "precision"
    return {
        frozenset(("temp",)): "temperature",
        frozenset(("rank", "lora")): "lora_r",
        frozenset(("corpus",)): "dataset",
        frozenset(("dataset", "source")): "dataset",
        frozenset(("base", "model")): "model",
    }.get(plain)
