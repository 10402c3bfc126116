"""What libraries are told that the model does not know: optimizers and schedulers by their class names, trainers and
configurations by the names of their arguments, seeds, and the few libraries that have words of their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted
from dry_debug.spec.field_names import field_of_name
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.instruction import FIELDS
from dry_debug.spec.kinds import kind_of_call
from dry_debug.spec.models import named
from dry_debug.spec.observed import Observed, role_of_name, seen, unit_of_name
from dry_debug.spec.observed_values import optimizer, scheduler
from dry_debug.spec.thing import Cadence
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_OPTIMIZER = re.compile(
    r"(?:Decoupled|Fused|Distributed|Shampoo|CPU|Paged|DeepSpeed|Schedule[Ff]ree|_)*"
    r"(?:AdamW?|SGD|Lion|LAMB|Lamb|Adafactor|AdaFactor|AdaBelief|Muon|NAdam|RAdam|RMSprop|Adagrad|Sophia\w?|CAME|"
    r"Prodigy)"
    r"(?:W|8bit|4bit|32bit|Legacy|Legacy|Fp8|FP8|ScheduleFree|\d*bit)*\Z"
)
_SCHEDULER = re.compile(r"\w*(?:Scheduler|LR|Schedule|Annealing|Decay)\Z")
_SHAPED = re.compile(r"cos|linear|poly|constant|onecycle|inverse|exponential|multistep|plateau", re.IGNORECASE)
_TRAINS = re.compile(r"\w*(?:Trainer|Config|Arguments|Args|Settings|Options|Recipe|HParams|Hyperparameters)\Z")
_SEEDS = re.compile(
    r"(?:set|fix|manual|init|setup|reset|seed)_?(?:global_|random_|all_|torch_|the_)?(?:seeds?|everything|"
    r"all)(?:_all)?\Z|seed_everything\Z"
)
_TRACKERS = {
    "tensorboard": "tensorboard",
    "wandb": "wandb",
    "mlflow": "mlflow",
    "comet": "comet",
    "neptune": "neptune",
    "clearml": "clearml",
}
# Arguments that some libraries have words of their own for.
_OWN_WORDS = {
    "max_duration": "epochs",
    "t_warmup": "warmup_steps",
    "warmup_num_steps": "warmup_steps",
    "save_folder": "output_dir",
    "lr_max": "learning_rate",
    "work_dir": "output_dir",
    "output_path": "output_dir",
    "checkpoints_dir": "output_dir",
    "eval_interval": "eval_cadence",
    "save_interval": "save_cadence",
    "max_epochs": "epochs",
}
# What constructors take under a name of a field that is about something else.
_NO_TRAINING = re.compile(
    r"(?:Dataset|Tokenizer|Processor|Splitter|Split|Generator|Model|Net|Layer|Attention|Embedding|Loss|Block|Config)\Z"
)
_WEAK = frozenset(
    "learning_rate batch_size epochs max_steps weight_decay gradient_accumulation_steps max_grad_norm seed precision "
    "warmup_steps warmup_ratio optimizer scheduler output_dir".split()
)


def in_libraries(program: Program) -> Iterator[Observed]:
    """Every value that a call of an unknown library sets."""
    fastai = "fastai" in program.document.source
    ignite = "ignite" in program.document.source
    for call in program.index.calls:
        name = program.qualified(call) or ""
        last = (dotted(call.func) or "").rpartition(".")[2]
        if not last or (name and _is_known(name)) or _is_own(program, call, name):
            continue
        if fastai and last in _FASTAI:
            yield from _fastai(program, last, call)
        elif _SEEDS.match(last) and call.args:
            yield seen(program, "seed", call.args[0], call)
        elif _OPTIMIZER.match(last) and (_takes_parameters(program, call) or any(k.arg == "lr" for k in call.keywords)):
            yield Observed("optimizer", optimizer(last), call.func, Traced(True, last, program, call.func))
            yield from _arguments(program, call, weak=False)
        elif _SHAPED.search(last) and last[:1].isupper() and (_SCHEDULER.match(last) or _drives(program, call)):
            yield Observed("scheduler", scheduler(last), call.func, Traced(True, last, program, call.func))
            yield from _arguments(program, call, weak=False, only=("warmup_steps", "warmup_ratio"))
        elif name.partition(".")[0] in _TRAINING_LIBRARIES or (
            last in _STARTING and isinstance(call.func, ast.Attribute) and _uses_library(program)
        ):
            yield from _of_library(program, name, last, call)
        elif _TRAINS.match(last) and last[:1].isupper() and not name.startswith("transformers."):
            yield from _arguments(program, call, weak=not last.endswith(("Trainer", "Arguments", "Args")))
        elif call.keywords:
            yield from _arguments(program, call, weak=True)
        yield from _tracker(program, last, call)
    if ignite:
        yield from _ignite(program)
    yield from _files(program)


# Libraries whose calls are there to set a training up.
_TRAINING_LIBRARIES = frozenset(
    "skorch flair stable_baselines3 sb3_contrib ray catalyst setfit speechbrain composer torchtune autotrain ludwig "
    "spacy tianshou cleanrl pytorch_metric_learning gluonts darts pytorch_forecasting super_gradients ultralytics "
    "mmengine espnet2 fairseq paddle trl adapters".split()
)
_STARTING = frozenset("train fine_tune fit learn finetune".split())
_LIBRARY_WORDS = {
    "total_timesteps": "max_steps",
    "save_freq": "save_cadence",
    "eval_freq": "eval_cadence",
    "dirname": "output_dir",
    "storage_path": "output_dir",
    "save_path": "output_dir",
    "base_path": "output_dir",
    "project": "output_dir",
    "imgsz": "",
}


def _uses_library(program: Program) -> bool:
    tops = {m.partition(".")[0] for b in program.index.module.bindings.values() for one in b
            if one.module is not None and (m := one.module[0])}  # fmt: skip
    return bool(tops & _TRAINING_LIBRARIES)


def _of_library(program: Program, name: str, last: str, call: ast.Call) -> Iterator[Observed]:
    """What a call of a library for training is given."""
    for keyword in call.keywords:
        if keyword.arg is None:
            continue
        field = _LIBRARY_WORDS.get(keyword.arg)
        named_class = (dotted(keyword.value) or "").rpartition(".")[2]
        if field:
            yield seen(program, field, keyword.value, call)
        elif keyword.arg in ("optimizer", "optimizer_cls", "optimizer_class") and _OPTIMIZER.match(named_class):
            traced = Traced(True, named_class, program, keyword.value)
            yield Observed("optimizer", optimizer(named_class), keyword.value, traced)
        elif keyword.arg in ("policy", "scheduler", "lr_scheduler") and _SHAPED.search(named_class):
            traced = Traced(True, named_class, program, keyword.value)
            yield Observed("scheduler", scheduler(named_class), keyword.value, traced)
        elif keyword.arg.startswith("optimizer__"):
            part = field_of_name(keyword.arg.removeprefix("optimizer__"))
            if part in ("learning_rate", "weight_decay"):
                yield seen(program, part, keyword.value, call)
        elif keyword.arg in ("tensorboard_log",) and not (
            isinstance(keyword.value, ast.Constant) and keyword.value.value is None
        ):
            yield Observed("logging", "tensorboard", keyword.value, Traced(True, "tb", program, call), unit="tool")
        elif keyword.arg == "num_workers" and last == "ScalingConfig":
            one = seen(program, "tensor_parallel_size", keyword.value, call)
            if one.known and isinstance(one.value, int):
                yield Observed("hardware", Hardware(one.value), keyword.value, one.traced)
    yield from _arguments(program, call, weak=False)
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        if last in _STARTING and "/" in first.value:
            yield seen(program, "output_dir", first, call)
        elif re.search(r"Model|Embedding|Encoder|Transformer|YOLO", last):
            yield seen(program, "model", first, call)
    if name.startswith("flair.datasets.") and last.isupper():
        yield Observed("dataset", last, call.func, Traced(True, last, program, call.func))


@lru_cache(maxsize=1024)
def _is_known(name: str) -> bool:
    """Whether the other rooms read what is told to a library's call."""
    if kind_of_call(name) not in (None, "module", "instance", "unknown"):
        return True
    top = name.partition(".")[0]
    return top in _PLAIN_LIBRARIES or name.startswith(("torch.optim.", "torch.utils.data."))


_PLAIN_LIBRARIES = frozenset(
    "torch torchvision builtins numpy random os sys argparse click typer logging json yaml math pathlib datasets "
    "tqdm matplotlib sklearn pandas dataclasses pydantic pydantic_settings absl peft vllm sglang wandb ml_collections "
    "easydict types omegaconf collections functools hydra transformers accelerate timm sentencepiece tokenizers "
    "tyro simple_parsing re time shutil subprocess".split()
)


def _is_own(program: Program, call: ast.Call, name: str) -> bool:
    """Whether a call goes to the project's own code, whose body says what it does with its arguments."""
    if name and not name.startswith("."):
        return False
    value = program.value(call.func, call)
    return value.kind in ("function", "class") and value.scope is not None


def _drives(program: Program, call: ast.Call) -> bool:
    """Whether a call gets an optimizer first: `CosineWithWarmup(optimizer, ...)`."""
    return bool(call.args) and program.value(call.args[0], call).base.kind == "optimizer"


def _takes_parameters(program: Program, call: ast.Call) -> bool:
    return bool(call.args) and "param" in program.short(call.args[0], 80).lower()


def _arguments(
    program: Program, call: ast.Call, *, weak: bool, only: tuple[str, ...] | None = None
) -> Iterator[Observed]:
    for keyword in call.keywords:
        if keyword.arg is None or (isinstance(keyword.value, ast.Constant) and keyword.value.value is None):
            continue
        field = _OWN_WORDS.get(keyword.arg) if not weak or keyword.arg == "max_epochs" else None
        field = field or field_of_name(keyword.arg)
        if field not in FIELDS or (only is not None and field not in only) or (weak and field not in _WEAK):
            continue
        if keyword.arg in ("bf16", "fp16", "tf32"):
            traced = trace(program, keyword.value, call)
            if traced.known and traced.value is True and keyword.arg != "tf32":
                yield Observed("precision", keyword.arg, keyword.value, traced, weak=weak)
            continue
        if field in ("model", "dataset") or not isinstance(
            keyword.value,
            ast.Constant | ast.Name | ast.Attribute | ast.Subscript | ast.UnaryOp | ast.BinOp | ast.JoinedStr,
        ):
            continue
        role = "eval" if role_of_name(keyword.arg) == "eval" and not field.endswith("cadence") else ""
        one = seen(program, field, keyword.value, call, role, unit_of_name(field, keyword.arg))
        if field in ("optimizer", "scheduler") and not isinstance(
            one.traced.value if one.traced is not None else None, str
        ):
            continue  # the object
        if one.known or not weak:
            yield _timed(one, weak)


_TIME = re.compile(r"(\d+)\s?(ep|ba|iter)\Z")


def _timed(one: Observed, weak: bool) -> Observed:
    """`"30ep"` and `"6000ba"`: a number of epochs or of batches."""
    raw = one.traced.value if one.traced is not None else None
    time = _TIME.match(raw) if isinstance(raw, str) else None
    if time is None:
        return Observed(one.field, one.value, one.use, one.traced, one.role, one.unit, one.known, weak=weak)
    count, epochs = int(time[1]), time[2] == "ep"
    if one.field.endswith("cadence"):
        return Observed(one.field, Cadence("epoch" if epochs else "step", count), one.use, one.traced)
    if one.field in ("epochs", "max_steps"):
        return Observed("epochs" if epochs else "max_steps", count, one.use, one.traced)
    return Observed(one.field, count, one.use, one.traced, one.role, "epochs" if epochs else "")


_DATA_FILE = re.compile(r"[\w~./{}-]*\w\.(?:jsonl?|csv|tsv|parquet|arrow|txt|npy|bin)\Z")
_WRITES = re.compile(r"(?:save|write|dump|to_\w+|log|export|open|makedirs|print|remove|unlink)\Z", re.IGNORECASE)


def _files(program: Program) -> Iterator[Observed]:
    """`PackedTexts("corpus/law.jsonl", ...)`: a file of data that something is made of."""
    if not re.search(r"\.(?:jsonl?|csv|tsv|parquet|arrow|txt|npy|bin)[\"']", program.document.source):
        return
    for call in program.index.calls:
        if _WRITES.search((dotted(call.func) or "").rpartition(".")[2]):
            continue
        for expr in (*call.args[:3], *(k.value for k in call.keywords)):
            if isinstance(expr, ast.Constant) and isinstance(expr.value, str) and _DATA_FILE.match(expr.value):
                traced = Traced(True, expr.value, program, expr)
                yield Observed("dataset", expr.value, expr, traced, implied=True, weak=True)


def _tracker(program: Program, last: str, call: ast.Call) -> Iterator[Observed]:
    """`loggers=[TensorboardLogger()]`: a tracker by the name of its class."""
    if last[:1].isupper() and last.endswith(("Logger", "Callback", "Tracker", "Backend")):
        tool = next((t for word, t in _TRACKERS.items() if word in last.lower()), None)
        if tool is not None:
            yield Observed("logging", tool, call, Traced(True, tool, program, call), unit="tool")


# -- fastai ------------------------------------------------------------------------------------------------------------

_FASTAI = frozenset(
    "fit_one_cycle fine_tune fit_flat_cos fit vision_learner cnn_learner unet_learner text_classifier_learner Learner "
    "to_fp16 to_bf16 from_folder from_df from_csv from_name_re from_name_func from_path_func dataloaders set_seed "
    "language_model_learner tabular_learner".split()
)
_RATES = {"fit_one_cycle": "lr_max", "fine_tune": "base_lr", "fit_flat_cos": "lr", "fit": "lr"}


def _fastai(program: Program, last: str, call: ast.Call) -> Iterator[Observed]:
    given = {k.arg: k.value for k in call.keywords if k.arg}
    if last in _RATES:
        number = call.args[0] if call.args else given.get("n_epoch") or given.get("epochs")
        if number is not None:
            yield seen(program, "epochs", number, call)
        rate = given.get(_RATES[last]) or (call.args[1] if len(call.args) > 1 else None)
        if rate is not None and not isinstance(rate, ast.Call):
            yield seen(program, "learning_rate", rate, call)
        if last in ("fit_one_cycle", "fine_tune"):
            yield Observed("scheduler", "onecycle", call.func, Traced(True, "onecycle", program, call.func))
        if "wd" in given:
            yield seen(program, "weight_decay", given["wd"], call)
        return
    if last in ("to_fp16", "to_bf16"):
        yield Observed("precision", last[3:], call, Traced(True, last[3:], program, call))
        return
    if last == "set_seed":
        if call.args:
            yield seen(program, "seed", call.args[0], call)
        return
    if last.endswith("earner"):
        arch = given.get("arch") or (call.args[1] if len(call.args) > 1 else None)
        name = (dotted(arch) or "").rpartition(".")[2] if arch is not None else ""
        if arch is not None and named(name).family:
            yield Observed("model", named(name, exact=True), arch, Traced(True, name, program, arch))
        if "path" in given:
            yield seen(program, "output_dir", given["path"], call)
        if "wd" in given:
            yield seen(program, "weight_decay", given["wd"], call)
        return
    if "bs" in given:
        yield seen(program, "batch_size", given["bs"], call)
    if "seed" in given:
        yield seen(program, "seed", given["seed"], call)
    if call.args and last != "dataloaders":
        one = seen(program, "dataset", call.args[0], call)
        if one.known:
            yield Observed("dataset", one.value, one.use, one.traced, implied=True)


# -- Ignite ------------------------------------------------------------------------------------------------------------

_PURPOSE = (
    ("eval_cadence", re.compile(r"eval|valid|\btest", re.IGNORECASE)),
    ("save_cadence", re.compile(r"save|checkpoint|ckpt", re.IGNORECASE)),
    ("logging", re.compile(r"\blog|print|tqdm|tensorboard", re.IGNORECASE)),
)


def _ignite(program: Program) -> Iterator[Observed]:
    """`@trainer.on(Events.EPOCH_COMPLETED(every=5))` and `trainer.add_event_handler(Events.EPOCH_COMPLETED, saver)`."""
    for function in program.index.functions:
        for decorator in function.decorators:
            if (
                isinstance(decorator, ast.Call)
                and isinstance(decorator.func, ast.Attribute)
                and decorator.func.attr == "on"
                and decorator.args
            ):
                body = program.short(function.node, 2000) if isinstance(function.node, ast.FunctionDef) else ""
                yield from _handled(program, decorator.args[0], f"{function.name} {body}")
    for call in program.method_calls("add_event_handler"):
        if len(call.args) > 1:
            handler = call.args[1]
            value = program.value(handler, call)
            made = program.short(value.node, 200) if value.node is not None else ""
            home = program.names.lookup(handler.id, program.scope(call)) if isinstance(handler, ast.Name) else None
            bound = home[1][0].value if home is not None and len(home[1]) == 1 else None
            text = program.short(bound, 200) if bound is not None else made
            yield from _handled(program, call.args[0], f"{program.short(handler, 80)} {text}")
    for call in program.index.calls:
        last = (dotted(call.func) or "").rpartition(".")[2]
        if last in ("DiskSaver", "ModelCheckpoint") and call.args:
            yield seen(program, "output_dir", call.args[0], call)


def _handled(program: Program, event: ast.expr, what: str) -> Iterator[Observed]:
    field = next((f for f, words in _PURPOSE if words.search(what)), None)
    name = dotted(event.func if isinstance(event, ast.Call) else event) or ""
    unit = "epoch" if "EPOCH" in name else "step" if "ITERATION" in name else ""
    if field is None or not unit:
        return
    every = next((k.value for k in event.keywords if k.arg == "every"), None) if isinstance(event, ast.Call) else None
    traced = trace(program, every, event) if every is not None else Traced(True, 1, program, event)
    count = traced.value if traced.known and type(traced.value) is int else None
    yield Observed(
        field,
        Cadence(unit, count) if count else None,
        event,
        traced,
        unit="every" if field == "logging" else "",
        known=count is not None,
    )
