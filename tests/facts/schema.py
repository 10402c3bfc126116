"""The contract of `dry-debug facts --format json` (design, section 5) as a JSON schema."""

from typing import Any


def _object(**properties: Any) -> dict[str, Any]:
    """All of the properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _item(**properties: Any) -> dict[str, Any]:
    """An item of a list: a line, how sure it is; where it stands elsewhere, and what it is done by, if that is so."""
    item = _object(line=LINE, confidence={"enum": ["high", "medium", "low"]}, **properties)
    item["properties"] |= {"file": {"type": ["string", "null"]}, "via": {"type": "string"}, "cell": LINE}
    return item


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


LINE = {"type": "integer", "minimum": 1}
TEXT = {"type": "string", "minLength": 1}
MAYBE_TEXT = {"type": ["string", "null"], "minLength": 1}
MAYBE_BOOL = {"type": ["boolean", "null"]}
NAMES = _list(TEXT) | {"uniqueItems": True}
KINDS = ["model", "optimizer", "scheduler", "scaler", "loader", "dataset", "sampler", "loss", "ema", "tokenizer",
         "trainer", "peft", "engine"]  # fmt: skip
STEPS = ["zero_grad", "backward", "unscale", "clip", "optimizer_step", "scaler_update", "scheduler_step", "set_epoch"]
PARTS = _list({"enum": KINDS}) | {"uniqueItems": True}

FACTS = _object(
    frameworks=NAMES,
    is_training_script={"type": "boolean"},
    components=_list(
        _item(
            kind={"enum": KINDS},
            name=MAYBE_TEXT,
            type=MAYBE_TEXT,
            role={"enum": ["train", "eval", "test", None]},
            covers=NAMES,
            wraps=NAMES,
            drives=NAMES,
            reads=NAMES,
            cadence={"enum": ["epoch", "batch", "step", None]},
            parameter={"type": "boolean"},
        )
    ),
    loops=_list(_item(kind={"enum": ["epoch", "batch", "iteration", "eval"]}, end_line=LINE)),
    accumulation=_list(_item(steps={"type": ["integer", "null"]})),
    steps=_list(_item(kind={"enum": STEPS}, object=MAYBE_TEXT)),
    modes=_list(
        _item(
            kind={"enum": ["train", "eval", "no_grad", "inference_mode", "autocast"]}, object=MAYBE_TEXT, end_line=LINE
        )
    ),
    saves=_list(_item(path=MAYBE_TEXT, keys=_list({"type": "string"}), components=PARTS,
                      rank_guarded={"type": "boolean"})),
    loads=_list(_item(path=MAYBE_TEXT, keys=_list({"type": "string"}), components=PARTS, map_location=MAYBE_TEXT,
                      weights_only=MAYBE_BOOL, strict=MAYBE_BOOL)),
    randomness=_list(_item(kind={"enum": ["seed", "draw"]}, rng={"enum": ["python", "numpy", "torch", "cuda"]})),
    distributed=_object(
        backend=MAYBE_TEXT,
        wrappers=_list(_item(kind={"enum": ["ddp", "fsdp", "dp"]}, object=MAYBE_TEXT)),
        rank_guards=_list(LINE) | {"uniqueItems": True},
    ),
    hyperparameters=_list(
        _item(name=TEXT, value={}, file={"type": ["string", "null"]},
              origin={"enum": ["literal", "argparse", "dataclass", "config", "computed"]})
    ),
    models=_list(_item(id=TEXT)),
)  # fmt: skip
