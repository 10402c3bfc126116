"""The memory that models take on a GPU at least: weights, and where all of them are trained gradients and optimizer
state. Activations, the KV cache and what CUDA itself takes come on top and are not counted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import argument
from dry_debug.program.knowledge import kind_of_call
from dry_debug.program.model_sizes import packed_bytes, parameters
from dry_debug.program.relations import covers
from dry_debug.program.scopes import dotted
from dry_debug.program.trainers import trains
from dry_debug.program.walks import is_main_test
from dry_debug.records import dataclass
from dry_debug.spec.trace import trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

GIB = 2.0**30
_LOAD = re.compile(r"(?:transformers|trl)\.\w*(?:Model|ForCausalLM|LMHeadModel)\w*\.from_pretrained\Z")
_TRAINERS = ("transformers.", "trl.")
_ENGINES = frozenset(
    "vllm.LLM vllm.EngineArgs vllm.AsyncEngineArgs sglang.Engine sglang.Runtime sglang.srt.server.Runtime".split()
)
_MODEL = ("model", "model_path", "pretrained_model_name_or_path", "model_name_or_path")
_WIDTH = {"float32": 4.0, "float": 4.0, "fp32": 4.0, "float16": 2.0, "half": 2.0, "fp16": 2.0, "bfloat16": 2.0,
          "bf16": 2.0}  # fmt: skip
# What moves parts out of the GPU, which nobody can add up from here.
_ELSEWHERE = re.compile(r"deepspeed|offload|colossalai|galore|lomo|apollo", re.IGNORECASE)
_SPREADS = frozenset(("auto", "balanced", "balanced_low_0", "sequential"))
# Values of the state of an optimizer for each parameter, in the parameter's own type, by the class's name.
_STATE = {"adam": 2, "adamw": 2, "nadam": 2, "radam": 2, "adamax": 2, "rmsprop": 1, "adagrad": 1, "lion": 1}
_SHOWN = {"adam": "Adam", "adamw": "AdamW", "nadam": "NAdam", "radam": "RAdam", "adamax": "Adamax",
          "rmsprop": "RMSprop", "adagrad": "Adagrad", "lion": "Lion"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Load:
    """A model that the code loads: `millions` of parameters with `width` bytes each at least (`dtype` in words)."""

    call: ast.Call
    expr: ast.expr  # what names it
    model_id: str
    millions: float
    width: float
    dtype: str
    changeable: bool
    engine: bool = False
    share: float = 1.0  # of a card's memory that an engine may take
    devices: int | None = None  # over which an engine spreads it

    def gib(self, width: float) -> float:
        """The memory of so many bytes for each parameter, in GiB."""
        return self.millions * 1e6 * width / GIB


@dataclass(frozen=True, slots=True)
class Training:
    """The training of all weights of a model: bytes for each parameter, and what updates them."""

    gradients: float
    state: float
    optimizer: str  # in words; "" where its state is not counted
    node: ast.AST


# -- loads -------------------------------------------------------------------------------------------------------------


def loads(program: Program) -> Iterator[Load | tuple[ast.expr, str]]:
    """The language models that the code loads; (what names one, why it is not counted) where that cannot be told."""
    for name, call in program.qualified_calls():
        engine = name in _ENGINES
        trainer = name.startswith("trl.") and kind_of_call(name) == "trainer"
        if not (engine or trainer or name == "transformers.pipeline" or _LOAD.match(name)):
            continue
        expr = next((k.value for k in call.keywords if k.arg in _MODEL), None)
        if expr is None and call.args and name != "transformers.pipeline":
            expr = call.args[0]
        if expr is None or isinstance(expr, ast.Starred):
            continue
        traced = trace(program, expr, call)
        if not traced.known or not isinstance(traced.value, str):
            if not trainer and name != "transformers.pipeline":
                yield expr, "nobody can see which model it is"
            continue
        millions = parameters(traced.value)
        if millions is None:
            yield expr, "the size of this model is not known"
        elif _is_conditional(program, call):
            yield expr, "an `if` decides whether it is loaded"
        else:
            yield (
                _engine(program, call, expr, traced.value, millions, traced.changeable)
                if engine
                else _plain(program, call, expr, traced.value, millions, traced.changeable)
            )


def _is_conditional(program: Program, call: ast.Call) -> bool:
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.If) and not is_main_test(block.test):
            return True
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
    return False


def _plain(
    program: Program, call: ast.Call, expr: ast.expr, model_id: str, millions: float, changeable: bool
) -> Load | tuple[ast.expr, str]:
    given = {k.arg: k.value for k in call.keywords}
    if None in given or "model_init_kwargs" in given or "model_kwargs" in given:
        return expr, "arguments that cannot be seen may quantize it"
    if any(name is not None and ("offload" in name or name in ("max_memory", "gguf_file")) for name in given):
        return expr, "parts of it may lie outside the GPU"
    packed = packed_bytes(model_id)
    if packed is not None:
        return Load(call, expr, model_id, millions, packed, "as its id says", changeable)
    quantized = _quantized(program, given, call)
    if quantized is not None:
        return Load(call, expr, model_id, millions, *quantized, changeable)
    dtype = given.get("torch_dtype") or given.get("dtype")
    width, word = _width(program, dtype, call) if dtype is not None else _default_width(program)
    return Load(call, expr, model_id, millions, width, word, changeable)


def _quantized(program: Program, given: dict[str | None, ast.expr], call: ast.Call) -> tuple[float, str] | None:
    for name, width, word in (("load_in_4bit", 0.5, "4 bits"), ("load_in_8bit", 1.0, "8 bits")):
        if name in given and not _is_false(given[name]):
            return width, word
    config = given.get("quantization_config")
    if config is None or (isinstance(config, ast.Constant) and config.value is None):
        return None
    value = program.value(config, call)
    made = config if isinstance(config, ast.Call) else value.args
    for keyword in made.keywords if made is not None else ():
        if keyword.arg == "load_in_8bit" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            return 1.0, "8 bits"
    return 0.25, "quantized"


def _is_false(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value in (False, None)


def _width(program: Program, expr: ast.expr, call: ast.Call) -> tuple[float, str]:
    """Bytes of a parameter: of a type that is written down; else the least that weights are loaded with."""
    name = (dotted(expr) or "").rpartition(".")[2]
    if name not in _WIDTH:
        value = program.value(expr, call)
        name = str(value.const) if value.kind == "const" else (value.type or "").rpartition(".")[2]
    return (_WIDTH[name], name) if name in _WIDTH else (2.0, "16 bits")


def _default_width(program: Program) -> tuple[float, str]:
    """transformers loads as float32 before version 5, and as the checkpoint is, 16 bits for these models, since."""
    version = program.host.version("transformers") or ""
    old = re.match(r"[=~\s]*[34]\.", version) or re.search(r"<\s*[345]\b|<=\s*[34]\b", version)
    return (4.0, "float32, the default") if old else (2.0, "16 bits")


def _engine(
    program: Program, call: ast.Call, expr: ast.expr, model_id: str, millions: float, changeable: bool
) -> Load | tuple[ast.expr, str]:
    given = {k.arg: k.value for k in call.keywords}
    if None in given:
        return expr, "arguments that cannot be seen may quantize it"
    if any(name is not None and "offload" in name and not _is_zero(given[name]) for name in given):
        return expr, "parts of it may lie outside the GPU"
    devices = 1
    for name in ("tensor_parallel_size", "tp_size", "tp", "pipeline_parallel_size", "pp_size"):
        if name in given:
            traced = trace(program, given[name], call)
            if not traced.known or type(traced.value) is not int or traced.value < 1:
                return expr, "over how many GPUs it is spread cannot be seen"
            devices *= traced.value
    share = 0.9 if "sglang" not in (program.qualified(call) or "") else 1.0
    for name in ("gpu_memory_utilization", "mem_fraction_static"):
        if name in given:
            traced = trace(program, given[name], call)
            share = float(traced.value) if traced.known and type(traced.value) in (int, float) else 1.0
    packed = packed_bytes(model_id)
    width, word = (packed, "as its id says") if packed is not None else (2.0, "16 bits")
    if ("quantization" in given and not _is_false(given["quantization"])) or "load_format" in given:
        width, word = 0.25, "quantized"
    elif packed is None and "dtype" in given:
        width, word = _width(program, given["dtype"], call)
    return Load(call, expr, model_id, millions, width, word, changeable, True, min(max(share, 0.1), 1.0), devices)


def _is_zero(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value in (0, None, False)


# -- training ----------------------------------------------------------------------------------------------------------


def training_of(load: Load, program: Program) -> Training | str | None:
    """The training of all weights of a loaded model; None where it is not trained, or not all of it; a text where
    that cannot be told."""
    from dry_debug.spec.observed import observe
    from dry_debug.spec.observed_choices import method_alone

    by = _trained_by(load, program)
    if by is None:
        return None
    seen = method_alone(program)
    if seen is None:
        seen = [o for o in observe(program) if o.field == "method"]
    methods = {(o.value, o.known) for o in seen}
    if methods - {("full", True)}:
        return None  # adapters, a part, or nobody knows: the weights are there all the same
    if _ELSEWHERE.search(program.document.source) or "requires_grad" in program.document.source:
        return "parts of the state may lie outside the GPU, or parts of the model may not be trained"
    if load.width < 2:
        return None
    kind, call = by
    if kind == "optimizer":
        return _stepped(program, load, call)
    return _by_trainer(program, load, call)


def _trained_by(load: Load, program: Program) -> tuple[Literal["trainer", "optimizer"], ast.Call] | None:
    components = program.training.components
    for component in components.of("trainer"):
        made = component.value.args
        if made is None:
            continue
        if made is load.call or any(_is(v, load) for v in trains(component.value, [], program)):
            return "trainer", made
    for name, call in program.qualified_calls():  # a trainer that is used where it is made
        if kind_of_call(name) == "trainer" and name.startswith(_TRAINERS):
            expr = argument(call, 0, "model")
            if call is load.call or (expr is not None and _is(program.value(expr, call), load)):
                return "trainer", call
    for component in components.of("optimizer"):
        made = component.value.args
        if made is not None and any(_is(v, load) for v in covers(component.value, program)):
            return "optimizer", made
    return None


def _is(value: Value, load: Load) -> bool:
    return value.base.args is load.call


def _stepped(program: Program, load: Load, call: ast.Call) -> Training:
    name = program.qualified(call) or ""
    return _state(name.rpartition(".")[2], load, call, eight_bit="bitsandbytes" in name)


def _by_trainer(program: Program, load: Load, call: ast.Call) -> Training | str:
    given = argument(call, 1, "args")
    made = program.value(given, call).args if given is not None else None
    if given is not None and (made is None or kind_of_call(program.qualified(made) or "") != "trainer_args"):
        return "the arguments of the trainer come from where they cannot be seen"
    if any(k.arg is None for k in (*call.keywords, *(made.keywords if made is not None else ()))):
        return "the arguments of the trainer come from where they cannot be seen"
    arguments = {k.arg: k.value for k in made.keywords} if made is not None else {}
    if any(name in arguments and not _is_false(arguments[name]) for name in ("deepspeed", "fsdp", "use_cpu")):
        return "parts of the state may lie outside the GPU"
    optimizers = argument(call, 99, "optimizers")
    if optimizers is not None or "compute_loss_func" in {k.arg for k in call.keywords}:
        return _state("", load, call)
    option = arguments.get("optim")
    if option is None:
        return _state("adamw", load, call)
    traced = trace(program, option, call)
    return _state(str(traced.value) if traced.known else "", load, option)


def _state(name: str, load: Load, node: ast.AST, *, eight_bit: bool = False) -> Training:
    low = name.lower()
    kind = next((k for k in sorted(_STATE, key=len, reverse=True) if low.startswith(k)), "")
    if "paged" in low or not kind:
        return Training(load.width, 0.0, "", node)
    if eight_bit or "8bit" in low or "4bit" in low or "bnb" in low:
        small = "8bit" in low or eight_bit
        return Training(load.width, _STATE[kind] * (1.0 if small else 0.5), f"{_SHOWN[kind]} in 8 bits", node)
    return Training(load.width, _STATE[kind] * load.width, _SHOWN[kind], node)


# -- on the GPU --------------------------------------------------------------------------------------------------------


def goes_to_gpu(load: Load, program: Program) -> bool:
    """Whether a model that is only used is put on the GPU as a whole."""
    if load.engine:
        return True
    given = {k.arg: k.value for k in load.call.keywords}
    spread = given.get("device_map")
    if spread is not None:
        if isinstance(spread, ast.Dict):
            return len(spread.values) == 1 and _is_gpu(program, spread.values[0], load.call)
        return _is_gpu(program, spread, load.call)  # "auto" puts what is too much somewhere else
    if "device" in given:
        return _is_gpu(program, given["device"], load.call)
    if any(kind_of_call(n) == "trainer" and n.startswith(_TRAINERS) for n, _ in program.qualified_calls()):
        return not _ELSEWHERE.search(program.document.source)  # which moves its model there by itself
    for method in ("cuda", "to"):
        for call in program.method_calls(method):
            if not isinstance(call.func, ast.Attribute):
                continue
            held = call.func.value
            there = method == "cuda" or any(_is_gpu(program, expr, call) for expr in call.args)
            if there and (held is load.call or _is(program.value(held, call), load)):
                return True
    return False


def _is_gpu(program: Program, expr: ast.expr, at: ast.AST) -> bool:
    """Whether a device is a GPU: `"cuda"`, a number, `torch.device("cuda")`, `"cuda" if ... else "cpu"`."""
    if isinstance(expr, ast.Constant):
        if isinstance(expr.value, str):
            return expr.value.startswith("cuda")
        return type(expr.value) is int and expr.value >= 0
    if isinstance(expr, ast.IfExp):
        return _is_gpu(program, expr.body, at)
    if isinstance(expr, ast.Call) and (program.qualified(expr) or "") == "torch.device" and expr.args:
        return _is_gpu(program, expr.args[0], at)
    if isinstance(expr, ast.Name):
        home = program.names.lookup(expr.id, program.scope(at))
        one = home[1][0] if home is not None and len(home[1]) == 1 else None
        if one is not None and one.kind == "assign" and one.value is not None and not one.path:
            return not isinstance(one.value, ast.Name) and _is_gpu(program, one.value, one.value)
    return False
