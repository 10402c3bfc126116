"""What the code chooses: models, precision, method, frameworks, data, folders, trackers, devices."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted, last_name
from dry_debug.spec.kinds import kind_of_call
from dry_debug.spec.library_defaults import defaults_of
from dry_debug.spec.models import named
from dry_debug.spec.observed import Observed, role_of_name, seen
from dry_debug.spec.observed_data import data_of
from dry_debug.spec.observed_hardware import hardware_of
from dry_debug.spec.observed_values import precision
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Calls whose first argument, or one of these keywords, names a model.
_LOADS = re.compile(
    r"(?:\.from_pretrained|timm\.(?:models\.)?create_model|sentence_transformers\.(?:SentenceTransformer|"
    r"CrossEncoder)|vllm\.(?:LLM|AsyncEngineArgs|EngineArgs)|sglang\.srt\.server_args\.ServerArgs|"
    r"sglang\.(?:Engine|Runtime)|transformers\.pipeline|torch\.hub\.load|open_clip\.create_model\w*|"
    r"whisper\.load_model)\Z"
)
_MODEL_ARGUMENTS = (
    "model",
    "model_name",
    "pretrained_model_name_or_path",
    "model_path",
    "model_name_or_path",
    "repo_or_dir",
)
_NO_MODEL = re.compile(
    r"Tokenizer|Processor|FeatureExtractor|ImageProcessor|GenerationConfig|AutoConfig|Config\b|Scheduler|Lora|"
    r"PeftConfig"
)
_FRAMEWORKS = {
    "torch": "pytorch",
    "transformers": "transformers",
    "accelerate": "accelerate",
    "lightning": "lightning",
    "pytorch_lightning": "lightning",
    "vllm": "vllm",
    "sglang": "sglang",
    "trl": "trl",
    "peft": "peft",
    "deepspeed": "deepspeed",
    "unsloth": "unsloth",
    "timm": "timm",
    "torchvision": "torchvision",
    "bitsandbytes": "bitsandbytes",
    "jax": "jax",
    "tensorflow": "keras",
    "keras": "keras",
    "ollama": "ollama",
}
# What the facts do not list: the module -> how the instructions call it.
_OTHER_FRAMEWORKS = {
    "ollama": "ollama",
    "keras": "keras",
    "sentence_transformers": "sentence-transformers",
    "composer": "composer",
    "fastai": "fastai",
    "ignite": "ignite",
    "axolotl": "axolotl",
    "llamafactory": "llama-factory",
    "torchtune": "torchtune",
    "mmengine": "mmengine",
    "setfit": "setfit",
    "diffusers": "diffusers",
    "flair": "flair",
    "catalyst": "catalyst",
    "skorch": "skorch",
    "nemo": "nemo",
    "megatron": "megatron",
    "swift": "ms-swift",
    "colossalai": "colossalai",
    "open_clip": "open-clip",
    "open_clip_train": "open-clip",
    "speechbrain": "speechbrain",
    "stable_baselines3": "stable-baselines3",
    "lmdeploy": "lmdeploy",
    "openrlhf": "openrlhf",
    "verl": "verl",
}


def in_choices(program: Program) -> Iterator[Observed]:
    """Every choice that can be seen in the code."""
    loaded = list(_models(program))
    yield from loaded
    yield from _frameworks(program)
    yield from _precision(program)
    yield from _method(program, bool(loaded))
    yield from data_of(program)
    yield from _folders(program)
    yield from _trackers(program)
    yield from hardware_of(program)
    yield from defaults_of(program)


# Where a file with none of these says how it trains, no option and no file of settings does.
_SAYS_HOW = re.compile(r"lora|peft|adapter|method|_type|ya?ml|json|toml|hydra|omegaconf", re.IGNORECASE)


def method_alone(program: Program) -> list[Observed] | None:
    """How the model is trained, where the calls alone say it: without all the other fields; None where they may not."""
    if program.imports_project or _SAYS_HOW.search(program.document.source):
        return None
    return list(_method(program, any(True for _ in _models(program))))


def models_of(program: Program) -> Iterator[Observed]:
    """The models that the calls of a program load or make."""
    yield from _models(program)


def _models(program: Program) -> Iterator[Observed]:
    rows: list[Observed] = []
    tokenizers: list[Observed] = []
    for name, call in program.qualified_calls():
        if name == "torchvision.models.get_model":
            expr = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "name"), None)
            one = _model(program, expr, call) if expr is not None else None
            rows.extend([one] if one is not None else [])
            continue
        if name.startswith("torchvision.models.") and name.count(".") == 2 and kind_of_call(name) == "module":
            last = name.rpartition(".")[2]
            traced = Traced(True, last, program, call.func)
            rows.append(Observed("model", named(last, exact=True), call.func, traced, _role_at(program, call)))
            continue
        if name.startswith("segmentation_models_pytorch.") and last_of(name)[:1].isupper():
            yield from _segmentation(program, last_of(name), call)
            continue
        if not _LOADS.search(name) or (name.startswith("transformers.Trainer")):
            continue
        first = 1 if name.endswith(("transformers.pipeline", "hub.load")) else 0
        expr = next((k.value for k in call.keywords if k.arg in _MODEL_ARGUMENTS), None)
        if expr is None and len(call.args) > first and not isinstance(call.args[first], ast.Starred):
            expr = call.args[first]
        if expr is None or (name.startswith("peft.") and len(call.args) > 1):
            continue
        one = _model(program, expr, call)
        if one is None:
            continue
        (tokenizers if _NO_MODEL.search(name) else rows).append(one)
    yield from rows or tokenizers or _by_class(program)


_NO_CLASS = re.compile(
    r"(?:Config|Tokenizer|Processor|Dataset|Loss|Trainer|Module|Block|Layer|Encoder|Decoder|Head)\w*\Z"
)


def _by_class(program: Program) -> Iterator[Observed]:
    """`net = ResNet18(num_classes=10)` of the project: the name of what is made, which only may be right."""
    if not program.training.is_training:
        return
    for call in program.index.calls:
        name = last_name(call.func)
        if not name or _NO_CLASS.search(name) or not isinstance(program.statement(call), ast.Assign | ast.AnnAssign):
            continue
        model = named(name, exact=True)
        if model.family and (model.version or model.size or name[:1].isupper() or model.family in ("resnet", "unet")):
            traced = Traced(True, name, program, call.func)
            yield Observed("model", model, call.func, traced, _role_at(program, call), weak=True)


def last_of(name: str) -> str:
    """The last part of a qualified name."""
    return name.rpartition(".")[2]


def _segmentation(program: Program, network: str, call: ast.Call) -> Iterator[Observed]:
    """`smp.Unet("resnet34")`: the network, and the encoder in it."""
    if network in ("DiceLoss", "JaccardLoss", "FocalLoss") or network.endswith("Loss"):
        return
    role = _role_at(program, call)
    encoder = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "encoder_name"), None)
    traced = trace(program, encoder, call) if encoder is not None else None
    known = traced is not None and traced.known and isinstance(traced.value, str)
    own = Traced(True, network, program, call.func)
    unseen = encoder is not None and not known  # which encoder it has nobody can see
    yield Observed("model", named(network, exact=True), call.func, own, role, weak=unseen)
    if encoder is not None and traced is not None:
        value = named(traced.value, exact=True) if known else None
        yield Observed("model", value, encoder, traced, role, known=known)


def _model(program: Program, expr: ast.expr, call: ast.Call) -> Observed | None:
    role = _role_at(program, call) or role_of_name(dotted(expr) or "")
    role = "" if role in ("eval", "tokenizer", "head", "backbone") else role
    traced = trace(program, expr, call)
    if not traced.known:
        declared = _declared_model(program, expr)
        traced = declared or traced
    if traced.known and not isinstance(traced.value, str):
        return None
    value = named(traced.value, exact=True) if traced.known else None
    return Observed("model", value, expr, traced, role, known=traced.known)


def _declared_model(program: Program, expr: ast.expr) -> Traced | None:
    """The default of `args.model_name_or_path`."""
    value = program.training.hyper.default_of(expr) if isinstance(expr, ast.Attribute) else None
    return Traced(True, value, program, expr) if isinstance(value, str) else None


def _role_at(program: Program, call: ast.Call) -> str:
    stmt = program.statement(call)
    target = (
        stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target if isinstance(stmt, ast.AnnAssign) else None
    )
    name = dotted(target) if target is not None else None
    if name is None:
        scope = program.scope(call)
        return role_of_name(scope.name) if scope.kind == "function" else ""
    return role_of_name(name.rpartition(".")[2])


def _frameworks(program: Program) -> Iterator[Observed]:
    imports = _imports(program)
    for framework in program.training.hyper.frameworks:
        value = _FRAMEWORKS.get(framework)
        if value is not None:
            node = imports.get(framework, program.tree.body[0] if program.tree.body else program.tree)
            yield Observed("framework", value, node, None, unit=value)
    for extra, known in _OTHER_FRAMEWORKS.items():
        if extra in imports:
            yield Observed("framework", known, imports[extra], None, unit=known)
    yield from _imported_here(program, imports)
    yield from _started(program)
    for name, call in program.qualified_calls():
        if kind_of_call(name) == "trainer" and name.startswith(("transformers.", "trl.")):
            yield Observed("framework", "trainer", call, None, unit="trainer")
            break
    for kind, _, node in program.training.components.wrappers:
        if kind in ("ddp", "fsdp"):
            yield Observed("framework", kind, node, None, unit=kind)
    for call in program.index.calls:
        for keyword in call.keywords:
            if (
                keyword.arg == "strategy"
                and isinstance(keyword.value, ast.Constant)
                and isinstance(keyword.value.value, str)
            ):
                for known in ("ddp", "fsdp", "deepspeed"):
                    if keyword.value.value.startswith(known):
                        yield Observed("framework", known, keyword.value, None, unit=known)
            if keyword.arg == "use_vllm" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
                yield Observed("framework", "vllm", keyword.value, None, unit="vllm")
            if keyword.arg in ("deepspeed", "fsdp") and isinstance(keyword.value, ast.Constant) and keyword.value.value:
                yield Observed("framework", keyword.arg, keyword.value, None, unit=keyword.arg)


def _imported_here(program: Program, imports: dict[str, ast.AST]) -> Iterator[Observed]:
    """The libraries that modules of the project which are imported here import themselves."""
    modules: dict[str, ast.AST] = {}
    for stmt in program.tree.body:
        if isinstance(stmt, ast.ImportFrom) and stmt.module and not stmt.level:
            modules.setdefault(stmt.module, stmt)
        elif isinstance(stmt, ast.Import):
            modules.update((alias.name, stmt) for alias in stmt.names)
    tops = {*_FRAMEWORKS, *_OTHER_FRAMEWORKS, "numpy", "os", "sys", "re", "math", "json", "typing", "argparse"}
    for name, node in [(n, s) for n, s in modules.items() if n.partition(".")[0] not in tops][:12]:
        other = program.host.module(name, program.document.path)
        for library in _imports(other) if other is not None and other is not program else ():
            known = _FRAMEWORKS.get(library) or _OTHER_FRAMEWORKS.get(library)
            if known is not None and library not in imports and known in _HELPERS:
                yield Observed("framework", known, node, None, unit=known)


_HELPERS = frozenset(
    "timm torchvision bitsandbytes peft sentence-transformers diffusers open-clip transformers".split()
)


def _started(program: Program) -> Iterator[Observed]:
    """`subprocess.run(["accelerate", "launch", "-m", "axolotl.cli.train", ...])`: what another process runs."""
    source = program.document.source
    if "subprocess" not in source and "os.system" not in source:
        return
    for word, known in (*_OTHER_FRAMEWORKS.items(), ("deepspeed", "deepspeed"), ("accelerate", "accelerate")):
        if word not in source:
            continue
        for call in program.index.calls:
            name = program.qualified(call) or ""
            if name.startswith(("subprocess.", "os.system")) and re.search(rf"\b{word}\b", program.short(call, 300)):
                yield Observed("framework", known, call, None, unit=known)
                break


def _imports(program: Program) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in program.tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name.partition(".")[0], node)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.setdefault(node.module.partition(".")[0], node)
    return found


def _precision(program: Program) -> Iterator[Observed]:
    for name, call in program.qualified_calls():
        if name == "torch.amp.autocast":
            expr = next((k.value for k in call.keywords if k.arg == "dtype"), None)
            enabled = next((k.value for k in call.keywords if k.arg == "enabled"), None)
            if isinstance(enabled, ast.Constant) and enabled.value is False:
                continue
            if expr is None:
                yield Observed("precision", "fp16", call, Traced(True, "fp16", program, call))
            else:
                yield from _dtype(program, expr, call)
        elif _LOADS.search(name) and not _NO_MODEL.search(name):
            for keyword in call.keywords:
                if keyword.arg in ("torch_dtype", "dtype") and not (
                    isinstance(keyword.value, ast.Constant) and keyword.value.value in ("auto", None)
                ):
                    yield from _dtype(program, keyword.value, call)
    for method in ("half", "bfloat16"):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            if program.value(call.func.value, call).base.kind == "module":
                yield Observed(
                    "precision", "fp16" if method == "half" else "bf16", call, Traced(True, method, program, call)
                )
    for call in program.method_calls("to"):
        assert isinstance(call.func, ast.Attribute)
        exprs = [
            a
            for a in (*call.args, *(k.value for k in call.keywords if k.arg == "dtype"))
            if (dotted(a) or "").startswith("torch.")
        ]
        if exprs and program.value(call.func.value, call).base.kind == "module":
            for expr in exprs:
                yield from _dtype(program, expr, call)


def _dtype(program: Program, expr: ast.expr, at: ast.AST) -> Iterator[Observed]:
    choices = [expr.body, expr.orelse] if isinstance(expr, ast.IfExp) else [expr]
    for choice in choices:
        name = dotted(choice)
        if name is not None and name.startswith("torch."):
            value = precision(name)
            if value is not None and "." in name and name.count(".") == 1:
                yield Observed("precision", value, choice, Traced(True, name, program, choice))
                return
        traced = trace(program, choice, at)
        if traced.known and isinstance(traced.value, str) and precision(traced.value):
            yield Observed("precision", precision(traced.value), choice, traced)
            return
        if isinstance(choice, ast.Name):
            home = program.names.lookup(choice.id, program.scope(at))
            one = home[1][0] if home is not None and len(home[1]) == 1 else None
            if (
                one is not None
                and isinstance(one.value, ast.Attribute)
                and (dotted(one.value) or "").startswith("torch.")
            ):
                value = precision(dotted(one.value) or "")
                if value is not None:
                    yield Observed("precision", value, choice, Traced(True, value, program, one.value))
                    return
    yield Observed("precision", None, expr, None, known=False)


def _method(program: Program, loads: bool) -> Iterator[Observed]:
    lora: ast.AST | None = None
    four_bit: ast.AST | None = None
    for name, call in program.qualified_calls():
        last = name.rpartition(".")[2]
        if last == "get_peft_config" and name.startswith("trl."):  # what the command line asks for, or nothing
            yield Observed("method", None, call, known=False)
            return
        if name in ("peft.LoraConfig", "peft.AdaLoraConfig") or (
            last == "get_peft_model" and not name.startswith("peft.")
        ):
            lora = lora or call
        for keyword in call.keywords:
            if keyword.arg == "load_in_4bit":
                traced = trace(program, keyword.value, call)
                if traced.known and traced.value is True:
                    four_bit = keyword.value
            if keyword.arg == "use_dora" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
                yield Observed("method", "dora", keyword.value)
                return
    if lora is None:
        for call in program.index.calls:
            if any(
                k.arg == "peft_config" and not (isinstance(k.value, ast.Constant) and k.value.value is None)
                for k in call.keywords
            ):
                lora = call
    trains = program.training.is_training or program.training.starts_training
    if lora is not None and (trains or "LoraConfig" in program.document.source):
        yield Observed("method", "qlora" if four_bit is not None else "lora", lora)
        return
    if not trains:
        return
    if "lora" in program.document.source.lower():  # by hand, or through a library that is not known here
        yield Observed("method", None, program.tree.body[0], known=False)
        return
    frozen = _frozen(program)
    if frozen is not None:
        yield Observed("method", "linear_probe", frozen)
    elif not loads and not any(kind_of_call(n) == "trainer" for n, _ in program.qualified_calls()):
        yield Observed("method", "scratch", program.tree.body[0], implied=True)
    elif loads or any(kind_of_call(n) == "trainer" for n, _ in program.qualified_calls()):
        place: ast.AST | None = next(
            (c for n, c in program.qualified_calls() if _LOADS.search(n) and not _NO_MODEL.search(n)), None
        )
        weights = next((k.value for k in getattr(place, "keywords", ()) if k.arg in ("pretrained", "weights")), None)
        scratch = isinstance(weights, ast.Constant) and weights.value in (False, None)
        yield Observed(
            "method",
            "scratch" if scratch else "full",
            place if place is not None else program.tree.body[0],
            implied=True,
        )


def _frozen(program: Program) -> ast.AST | None:
    """`p.requires_grad = False` in a loop over parameters."""
    for assignment in program.index.assignments:
        target = assignment.targets[0] if isinstance(assignment, ast.Assign) else None
        if (
            isinstance(target, ast.Attribute)
            and target.attr == "requires_grad"
            and isinstance(assignment.value, ast.Constant)
            and assignment.value.value is False
            and not re.search(r"teacher|ref|ema|target", program.short(target, 60))
        ):
            around = next((b for b in program.index.ancestors(assignment) if isinstance(b, ast.For)), None)
            if around is not None and not re.search(r"teacher|ref_|ema|target", program.short(around.iter, 80)):
                return assignment
    return None


_SAVES = frozenset(("save_pretrained", "save_model", "save_state", "save_checkpoint"))


def _folders(program: Program) -> Iterator[Observed]:
    for method in sorted(_SAVES):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            if not call.args or "token" in (dotted(call.func.value) or "").lower():
                continue
            one = seen(program, "output_dir", call.args[0], call)
            if one.known and isinstance(one.value, str) and one.value != "{}":
                yield one
    for call in program.method_calls("save"):  # `fabric.save(path, state)`
        assert isinstance(call.func, ast.Attribute)
        if call.args and program.value(call.func.value, call).kind == "fabric":
            one = seen(program, "output_dir", call.args[0], call)
            if one.known and isinstance(one.value, str) and not one.value.startswith("{}"):
                yield one
    for call in program.calls_of("torch.save"):
        expr = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "f"), None)
        expr = _opened(program, expr, call) or expr if isinstance(expr, ast.Name) else expr
        if expr is not None:
            one = seen(program, "output_dir", expr, call)
            if one.known and isinstance(one.value, str) and not one.value.startswith("{}"):
                yield one


def _opened(program: Program, name: ast.Name, call: ast.Call) -> ast.expr | None:
    """The path of `with open(path, "wb") as f:` around a call that is given `f`."""
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        for item in block.items if isinstance(block, ast.With) else ():
            target, made = item.optional_vars, item.context_expr
            if isinstance(target, ast.Name) and target.id == name.id and isinstance(made, ast.Call) and made.args:
                return made.args[0] if program.qualified(made) == "builtins.open" else None
    return None


_TRACKERS = {
    "wandb.init": "wandb",
    "mlflow.start_run": "mlflow",
    "mlflow.log_metric": "mlflow",
    "torch.utils.tensorboard.SummaryWriter": "tensorboard",
    "tensorboardX.SummaryWriter": "tensorboard",
    "comet_ml.Experiment": "comet",
    "neptune.init_run": "neptune",
    "clearml.Task.init": "clearml",
    "trackio.init": "trackio",
    "torch.utils.tensorboard.writer.SummaryWriter": "tensorboard",
}


_LOGGERS = {
    "WandbLogger": "wandb",
    "TensorBoardLogger": "tensorboard",
    "MLFlowLogger": "mlflow",
    "CometLogger": "comet",
    "CSVLogger": "csv",
}


def _trackers(program: Program) -> Iterator[Observed]:
    for name, call in program.qualified_calls():
        value = _TRACKERS.get(name)
        if value is None and name.endswith(tuple(_LOGGERS)):
            value = _LOGGERS[name.rpartition(".")[2]]
        if value is not None:
            if value == "wandb" and any(
                k.arg == "mode" and isinstance(k.value, ast.Constant) and k.value.value == "disabled"
                for k in call.keywords
            ):
                value = "none"
            yield Observed("logging", value, call, Traced(True, value, program, call), unit="tool")
