"""What arguments of calls set: trainers, optimizers, loaders, LoRA, engines, sampling, schedulers, seeds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted
from dry_debug.records import replace
from dry_debug.spec.field_names import field_of_name
from dry_debug.spec.kinds import kind_of_call
from dry_debug.spec.names import FIELD_OF
from dry_debug.spec.observed import Observed, role_of_name, seen
from dry_debug.spec.observed_values import converted, optimizer, scheduler
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_PLAIN = "learning_rate weight_decay seed output_dir"
_TRAINER_ARGS = frozenset(FIELD_OF) - frozenset("model dtype save_path bs wd".split())
_LIGHTNING = {
    "max_epochs": "epochs",
    "max_steps": "max_steps",
    "accumulate_grad_batches": "gradient_accumulation_steps",
    "gradient_clip_val": "max_grad_norm",
    "precision": "precision",
    "default_root_dir": "output_dir",
    "log_every_n_steps": "logging",
    "check_val_every_n_epoch": "eval_cadence",
    "val_check_interval": "eval_cadence",
}
_ENGINE = {
    "model": "model",
    "model_path": "model",
    "tensor_parallel_size": "tensor_parallel_size",
    "tp_size": "tensor_parallel_size",
    "dtype": "precision",
    "max_model_len": "max_length",
    "context_length": "max_length",
    "seed": "seed",
}
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "seed": "seed",
}
_ACCELERATOR = {
    "mixed_precision": "precision",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "log_with": "logging",
}
_CALLBACK = {"every_n_epochs": "save_cadence", "every_n_train_steps": "save_cadence", "dirpath": "output_dir"}
_SEEDS = frozenset(
    "torch.manual_seed transformers.set_seed accelerate.utils.set_seed lightning.seed_everything random.seed "
    "numpy.random.seed "
    "torch.cuda.manual_seed_all torch.cuda.manual_seed pytorch_lightning.seed_everything "
    "lightning.pytorch.seed_everything".split()
)
_ENGINES = frozenset(
    "vllm.LLM sglang.srt.server_args.ServerArgs sglang.Engine sglang.Runtime sglang.srt.server.Runtime "
    "vllm.AsyncEngineArgs vllm.EngineArgs".split()
)
_LORA = {"r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout", "target_modules": "target_modules"}


def in_calls(program: Program) -> Iterator[Observed]:
    """Every value that an argument of a call sets."""
    for name, call in program.qualified_calls():
        kind = kind_of_call(name)
        last = name.rpartition(".")[2]
        if last.startswith(("create_scheduler", "create_optimizer")):
            kind = "scheduler" if "scheduler" in last else "optimizer"
        if last == "LightningCLI":
            yield from _command_line(program, call)
        if kind == "optimizer":
            yield from _optimizer(program, name, call)
        elif kind == "trainer_args":
            if call.args and not isinstance(call.args[0], ast.Starred):
                yield seen(program, "output_dir", call.args[0], call)
            yield from _keywords(program, call, _trainer_fields(call))
            yield from _strategies(program, call)
        elif kind == "trainer":
            lightning = "lightning" in name
            yield from _keywords(program, call, _LIGHTNING if lightning else {"max_seq_length": "max_length"})
            if not lightning:
                yield from _trained_model(program, call)
        elif last == "DataLoader":
            yield from _loader(program, call)
        elif name in ("peft.LoraConfig", "peft.AdaLoraConfig") or last == "get_peft_model":
            yield from _keywords(program, call, _LORA)
        elif name in _ENGINES:
            yield from _engine(program, call)
        elif kind == "sampling" or last in ("SamplingParams", "GenerationConfig"):
            yield from _keywords(program, call, _SAMPLING)
        elif kind == "scheduler" or (last.startswith("get_") and "schedule" in last):
            yield from _scheduler(program, name, call)
        elif name == "accelerate.utils.ProjectConfiguration":
            yield from _keywords(program, call, {"project_dir": "output_dir"})
        elif name == "accelerate.Accelerator":
            yield from _keywords(program, call, _ACCELERATOR)
        elif last == "ModelCheckpoint":
            yield from _keywords(program, call, _CALLBACK)
        elif name in _SEEDS:
            expr = call.args[0] if call.args else next((k.value for k in call.keywords), None)
            if expr is not None and not isinstance(expr, ast.Call):
                yield _seed(program, expr, call)
        elif name in ("torch.nn.utils.clip_grad_norm_", "torch.nn.utils.clip_grad_value_"):
            yield from _clip(program, call)
    yield from _set_rates(program)
    yield from _looked_up(program)
    yield from _fitted(program)
    yield from _methods(program)


def _trainer_fields(call: ast.Call) -> dict[str, str]:
    """The fields that arguments of a trainer give values, by their known names or the words in them."""
    fields = {k: FIELD_OF[k] for k in _TRAINER_ARGS}
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in FIELD_OF:
            field = field_of_name(keyword.arg)
            if field in ("learning_rate", "warmup_ratio", "warmup_steps", "batch_size", "epochs"):
                fields[keyword.arg] = field
    return {**fields, "use_amp": "precision"}


def _keywords(program: Program, call: ast.Call, fields: dict[str, str]) -> Iterator[Observed]:
    for name, expr, at in passed(program, call):
        field = fields.get(name)
        if field is None:
            continue
        if isinstance(expr, Traced):
            one = converted(Observed(field, expr.value, call, expr, _role(name), _unit(name), expr.known))
        else:
            if isinstance(expr, ast.Constant) and expr.value is None:
                continue
            one = seen(program, field, expr, at, _role(name), _unit(name))
        if name == "report_to" and not one.known:
            one = replace(one, unit="tool")
        if name == "use_amp":
            if one.traced is not None and one.traced.value is True:
                yield Observed("precision", "fp16", one.use, one.traced)
            continue
        if name in ("bf16", "fp16", "tf32"):
            value = one.traced.value if one.traced is not None else None
            if (one.traced is None or not one.traced.known) and isinstance(expr, ast.expr) and name != "tf32":
                yield _where_it_runs(program, name, expr)
            if value is True and name != "tf32":
                yield Observed("precision", name, one.use, one.traced)
            continue
        if name in ("evaluation_strategy", "eval_strategy", "save_strategy", "eval_steps", "save_steps"):
            continue
        yield one


def _where_it_runs(program: Program, name: str, expr: ast.expr) -> Observed:
    """`fp16=torch.cuda.is_available()` is fp16 wherever it is trained; `fp16=not is_bf16_supported()` nobody knows."""
    text = program.short(expr, 120)
    sure = re.search(r"cuda\.is_available|is_bf16_supported|is_bfloat16_supported|use_cuda|has_cuda", text)
    if sure is not None and not re.search(r"\bnot\b", text):
        return Observed("precision", name, expr, Traced(True, name, program, expr))
    return Observed("precision", None, expr, None, known=False)


def _command_line(program: Program, call: ast.Call) -> Iterator[Observed]:
    """`LightningCLI(Net, Data, trainer_defaults={"max_epochs": 4}, seed_everything_default=7)`."""
    given = {k.arg: k.value for k in call.keywords if k.arg}
    seed = given.get("seed_everything_default")
    if isinstance(seed, ast.Constant) and type(seed.value) is int:
        yield seen(program, "seed", seed, call)
    defaults = given.get("trainer_defaults")
    held = program.value(defaults, call) if defaults is not None else None
    node = defaults if isinstance(defaults, ast.Dict) else held.node if held is not None else None
    for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
        field = _LIGHTNING.get(str(key.value)) if isinstance(key, ast.Constant) else None
        if field is not None and isinstance(key, ast.Constant):
            yield seen(program, field, value, call, unit=_unit(str(key.value)))


_FIT = {
    "epochs": "epochs",
    "warmup_steps": "warmup_steps",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "output_path": "output_dir",
    "evaluation_steps": "eval_cadence",
    "checkpoint_save_steps": "save_cadence",
    "scheduler": "scheduler",
}


def _fitted(program: Program) -> Iterator[Observed]:
    """`model.fit(train_objectives=[...], epochs=4)` of sentence-transformers."""
    if "train_objectives" not in program.document.source:
        return
    for call in program.method_calls("fit"):
        given = {k.arg: k.value for k in call.keywords if k.arg}
        if "train_objectives" not in given:
            continue
        yield from _keywords(program, call, _FIT)
        parameters = given.get("optimizer_params")
        for key, value in (
            zip(parameters.keys, parameters.values, strict=True) if isinstance(parameters, ast.Dict) else ()
        ):
            if isinstance(key, ast.Constant) and key.value == "lr":
                yield seen(program, "learning_rate", value, call)
        amp = given.get("use_amp")
        if isinstance(amp, ast.Constant) and amp.value is True:
            yield Observed("precision", "fp16", amp, Traced(True, "fp16", program, amp))
        if "optimizer_class" not in given:
            yield Observed("optimizer", "adamw", call, implied=True)
        if "scheduler" not in given:
            yield Observed("scheduler", "linear", call, implied=True)


def _looked_up(program: Program) -> Iterator[Observed]:
    """`OPTIMIZERS[cfg["name"]](net.parameters())` and `getattr(torch.optim, cfg.name)(net.parameters())`."""
    if "optim" not in program.document.source:
        return
    for call in program.index.calls:
        key: ast.expr | None = None
        if isinstance(call.func, ast.Subscript) and isinstance(call.func.value, ast.Name):
            table = _source(program, call.func.value, call)
            named = [dotted(v) or "" for v in table.values] if isinstance(table, ast.Dict) else []
            key = call.func.slice if named and all("optim." in n or optimizer(n) for n in named) else None
        elif isinstance(call.func, ast.Call) and dotted(call.func.func) == "getattr" and len(call.func.args) == 2:
            where = dotted(call.func.args[0]) or ""
            key = call.func.args[1] if where.endswith("optim") else None
        if key is not None and any("parameters" in program.short(a, 60) for a in call.args):
            yield seen(program, "optimizer", key, call)


def passed(program: Program, call: ast.Call) -> Iterator[tuple[str, ast.expr | Traced, ast.AST]]:
    """(name, expression, where it stands) of the keyword arguments, those of `**settings` included."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value, call
            continue
        held = program.value(keyword.value, call)
        if held.kind == "dict" and isinstance(held.node, ast.Dict):
            stmt = program.index.stmt_of.get(held.node) or call
            for key, value in zip(held.node.keys, held.node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value, stmt
        if held.kind == "dict" and isinstance(held.node, ast.Call):  # `dict(lr=1e-4)`
            for inner in held.node.keywords:
                if inner.arg is not None:
                    yield inner.arg, inner.value, held.node
        children = getattr(held.items, "children", None) if held.kind == "settings" else None
        for key, entry in (children or {}).items():
            if entry.is_leaf:
                yield key, Traced(True, entry.value, program, keyword.value, entry.file, entry.line, True), call


def _role(name: str) -> str:
    if name.startswith("max_prompt"):
        return "prompt"
    parts = re.match(r"(?:(body|backbone|encoder)|head|classifier)_(?=learning|lr)", name)
    if parts is not None:
        return "backbone" if parts[1] else "head"
    return "eval" if re.search(r"eval_batch|val_batch", name) else ""


def _unit(name: str) -> str:
    if name.startswith(("per_device", "per_gpu")):
        return "per_device"
    return "epoch" if "epoch" in name else ""


def _strategies(program: Program, call: ast.Call) -> Iterator[Observed]:
    """`eval_strategy="steps", eval_steps=100` is one cadence."""
    given = {name: (expr, at) for name, expr, at in passed(program, call)}
    for field, names, steps in (
        ("eval_cadence", ("eval_strategy", "evaluation_strategy"), "eval_steps"),
        ("save_cadence", ("save_strategy",), "save_steps"),
    ):
        how = next((given[n] for n in names if n in given), None)
        found: Observed | None = None
        if how is not None:
            found = _one(program, field, *how, call)
            if found.traced is not None and found.traced.value == "steps":
                found = None
            elif found.known:
                yield found
                continue
        if steps in given:
            yield _one(program, field, *given[steps], call)
        elif found is not None:
            yield found


def _one(program: Program, field: str, expr: ast.expr | Traced, at: ast.AST, call: ast.Call) -> Observed:
    if isinstance(expr, Traced):
        return converted(Observed(field, expr.value, call, expr, known=expr.known))
    return seen(program, field, expr, at)


def _trained_model(program: Program, call: ast.Call) -> Iterator[Observed]:
    """`SFTTrainer(model="org/name")`."""
    expr = next((k.value for k in call.keywords if k.arg == "model"), None)
    if expr is not None:
        traced = trace(program, expr, call)
        if traced.known and isinstance(traced.value, str):
            yield converted(Observed("model", traced.value, expr, traced))


def _optimizer(program: Program, name: str, call: ast.Call) -> Iterator[Observed]:
    role = _target_role(program, call)
    kind = optimizer(name)
    if "create_optimizer" in name:  # timm's
        kind = None
        chosen = next((k.value for k in call.keywords if k.arg == "opt"), call.args[1] if len(call.args) > 1 else None)
        if chosen is not None:
            yield seen(program, "optimizer", chosen, call, role)
    if kind is not None:
        yield Observed("optimizer", kind, call.func, Traced(True, kind, program, call.func), role)
    given = {k.arg: k.value for k in call.keywords if k.arg}
    rate = given.get("lr") or (call.args[1] if len(call.args) > 1 else None)
    if rate is not None:
        yield seen(program, "learning_rate", rate, call, role)
    if "weight_decay" in given:
        yield seen(program, "weight_decay", given["weight_decay"], call, role)
    groups = call.args[0] if call.args else given.get("params")
    home = program.names.lookup(groups.id, program.scope(call)) if isinstance(groups, ast.Name) else None
    if home is not None and len(home[1]) == 1 and home[1][0].kind == "assign" and not home[1][0].path:
        groups = home[1][0].value
    for group in groups.elts if isinstance(groups, ast.List | ast.Tuple) else ():
        if not isinstance(group, ast.Dict):
            continue
        pairs = {k.value: v for k, v in zip(group.keys, group.values, strict=True) if isinstance(k, ast.Constant)}
        whose = role_of_name(program.short(pairs["params"], 80)) if "params" in pairs else role
        if "lr" in pairs:
            yield seen(program, "learning_rate", pairs["lr"], call, whose or "group")


def _target_role(program: Program, call: ast.Call) -> str:
    stmt = program.statement(call)
    target = (
        stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target if isinstance(stmt, ast.AnnAssign) else None
    )
    name = dotted(target) if target is not None else None
    return role_of_name(name.rpartition(".")[2]) if name else ""


def _loader(program: Program, call: ast.Call) -> Iterator[Observed]:
    expr = next((k.value for k in call.keywords if k.arg == "batch_size"), call.args[1] if len(call.args) > 1 else None)
    if expr is None or (isinstance(expr, ast.Constant) and expr.value is None):
        return
    role = _target_role(program, call)
    if not role and call.args:
        role = role_of_name(program.short(call.args[0], 60))
    scope = program.scope(call)
    if not role and scope.kind == "function":
        role = role_of_name(scope.name)
    role = role if role in ("eval", "discriminator", "generator") else ""
    if role == "" and _wants_no_training(program):
        role = ""
    yield seen(program, "batch_size", expr, call, role)


def _wants_no_training(program: Program) -> bool:
    return not program.training.is_training


def _engine(program: Program, call: ast.Call) -> Iterator[Observed]:
    yield from _keywords(program, call, {k: v for k, v in _ENGINE.items() if k not in ("model", "model_path")})
    for name, expr, at in passed(program, call):
        if name == "quantization" and isinstance(expr, ast.expr):
            one = seen(program, "precision", expr, at)
            if one.known and one.value == "fp8":
                yield one


def _scheduler(program: Program, name: str, call: ast.Call) -> Iterator[Observed]:
    kind = scheduler(name)
    last = name.rpartition(".")[2]
    if last in ("get_scheduler",):
        expr = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "name"), None)
        if expr is not None:
            yield seen(program, "scheduler", expr, call)
    elif last in ("SequentialLR", "ChainedScheduler", "ConstantLR"):
        pass
    elif last in ("LambdaLR", "MultiplicativeLR"):
        yield from by_hand(program, call, role="")
    elif last == "LinearLR" and _rises(call):
        total = next((k.value for k in call.keywords if k.arg == "total_iters"), None)
        if total is not None:  # a warm-up
            yield from _warm_up(program, total, call)
    elif kind is not None:
        yield Observed("scheduler", kind, call.func, Traced(True, kind, program, call.func))
    if kind == "onecycle":
        peak = next((k.value for k in call.keywords if k.arg == "max_lr"), call.args[1] if len(call.args) > 1 else None)
        if peak is not None and not isinstance(peak, ast.List | ast.Tuple):
            yield seen(program, "learning_rate", peak, call, unit="peak")
    if last.startswith("create_scheduler"):
        for keyword in call.keywords:
            if keyword.arg == "sched":
                yield seen(program, "scheduler", keyword.value, call)
            elif keyword.arg == "warmup_epochs":
                yield from _warm_up(program, keyword.value, call, epochs=True)
            elif keyword.arg == "num_epochs":
                yield seen(program, "epochs", keyword.value, call)
        return
    place = {"get_scheduler": 2}.get(last, 1)
    warm = next((k.value for k in call.keywords if k.arg in ("num_warmup_steps", "warmup_steps")), None)
    if warm is None and last.startswith("get_") and len(call.args) > place and "warmup" in last + "get_scheduler":
        warm = call.args[place]
    if warm is not None:
        yield from _warm_up(program, warm, call)
    epochs = next((k.value for k in call.keywords if k.arg == "warmup_t"), None)  # timm counts in epochs
    if epochs is not None and not any(k.arg == "t_in_epochs" for k in call.keywords):
        yield from _warm_up(program, epochs, call, epochs=True)


def _rises(call: ast.Call) -> bool:
    """Whether `LinearLR(optimizer, 0.01, 1.0, ...)` goes up to the whole rate."""
    end = next((k.value for k in call.keywords if k.arg == "end_factor"), call.args[2] if len(call.args) > 2 else None)
    return end is None or (isinstance(end, ast.Constant) and end.value == 1)


def by_hand(program: Program, call: ast.Call, role: str) -> Iterator[Observed]:
    """The schedule that a function of one's own computes: `LambdaLR(opt, lambda step: 0.5 * (1 + cos(step)))`."""
    given = next((k.value for k in call.keywords if k.arg == "lr_lambda"), call.args[1] if len(call.args) > 1 else None)
    shape = shape_of(program, given, call) if given is not None else None
    traced = Traced(True, shape, program, call.func) if shape else None
    yield Observed("scheduler", shape, call.func, traced, role, known=shape is not None)


def shape_of(program: Program, expr: ast.expr, at: ast.AST) -> str | None:
    """The shape of the curve that an expression or a function computes, by what it calls."""
    bodies: list[ast.AST] = [expr]
    names = [n.id for n in ast.walk(expr) if isinstance(n, ast.Name)][:8]
    bodies += [f for f in ast.walk(program.tree) if isinstance(f, ast.FunctionDef) and f.name in names][:4]
    nodes = [node for body in bodies for node in ast.walk(body)]
    if any(isinstance(n, ast.Call) and (dotted(n.func) or "").rpartition(".")[2] == "cos" for n in nodes):
        return "cosine"
    if len(nodes) < 40 and any(_is_ramp(n) for n in nodes):
        return "constant_with_warmup"
    powers = [n for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)]
    if any(_falls(n.left) for n in powers):
        return "polynomial"
    if not powers and any(_falls(n) for n in nodes):
        return "linear"
    if any(isinstance(n.right, ast.Constant) and n.right.value in (-0.5, 0.5) for n in powers):
        return "inverse_sqrt"
    if any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.FloorDiv) for n in nodes) and powers:
        return "step"
    return "exponential" if powers and all(isinstance(n.left, ast.Constant) for n in powers) else None


def _falls(node: ast.AST) -> bool:
    """`1 - step / total`, `(total - step) / (total - warmup)`"""
    if not isinstance(node, ast.BinOp):
        return False
    if isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value == 1:
        return isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Div)
    left = node.left
    names = (left.left, left.right) if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Sub) else ()
    return isinstance(node.op, ast.Div) and bool(names) and all(isinstance(n, ast.Name | ast.Attribute) for n in names)


def _is_ramp(node: ast.AST) -> bool:
    """`min(1.0, step / warmup)`: it rises, and then it stays."""
    if not (isinstance(node, ast.Call) and dotted(node.func) == "min" and len(node.args) == 2):
        return False
    one = any(isinstance(a, ast.Constant) and a.value == 1 for a in node.args)
    return one and any(isinstance(a, ast.BinOp) and isinstance(a.op, ast.Div) for a in node.args)


def _set_rates(program: Program) -> Iterator[Observed]:
    """`group["lr"] = get_lr(step)`: a schedule without a scheduler."""
    if "param_groups" not in program.document.source:
        return
    for assignment in program.index.assignments:
        target = assignment.targets[0] if isinstance(assignment, ast.Assign) else None
        if not (
            isinstance(target, ast.Subscript)
            and isinstance(target.slice, ast.Constant)
            and target.slice.value == "lr"
            and assignment.value is not None
            and any(isinstance(b, ast.For | ast.While) for b in program.index.ancestors(assignment))
        ):
            continue
        value = assignment.value
        home = program.names.lookup(value.id, program.scope(assignment)) if isinstance(value, ast.Name) else None
        given = [b.value for b in home[1] if b.value is not None][:4] if home is not None else [value]
        shapes = [s for v in given if isinstance(v, ast.expr) and (s := shape_of(program, v, assignment))]
        shape = next((s for s in shapes if s != "constant_with_warmup"), shapes[0] if shapes else None)
        traced = Traced(True, shape, program, assignment.value) if shape else None
        yield Observed("scheduler", shape, assignment.value, traced, known=shape is not None)
        return


def _warm_up(program: Program, expr: ast.expr, call: ast.Call, *, epochs: bool = False) -> Iterator[Observed]:
    """A number of steps, or a share of the steps: `int(0.1 * total)`."""
    one = seen(program, "warmup_steps", expr, call)
    if epochs or "epoch" in program.short(expr, 80).lower():
        one = Observed("warmup_steps", one.value, one.use, one.traced, unit="epochs", known=one.known)
    if one.known:
        if isinstance(one.value, float) and 0 < one.value < 1:
            one = Observed("warmup_ratio", one.value, one.use, one.traced)
        yield one
        return
    for node in ast.walk(_source(program, expr, call)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for side in (node.left, node.right):
                traced = trace(program, side, call)
                if traced.known and isinstance(traced.value, float) and 0 < traced.value < 1:
                    yield Observed("warmup_ratio", traced.value, expr, traced)
                    return
    yield one


def _source(program: Program, expr: ast.expr, at: ast.AST) -> ast.AST:
    """The expression that a name is bound to, where it is bound once."""
    home = program.names.lookup(expr.id, program.scope(at)) if isinstance(expr, ast.Name) else None
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    return one.value if one is not None and one.kind == "assign" and one.value is not None else expr


def _clip(program: Program, call: ast.Call) -> Iterator[Observed]:
    expr = next(
        (k.value for k in call.keywords if k.arg in ("max_norm", "clip_value")),
        call.args[1] if len(call.args) > 1 else None,
    )
    if expr is not None:
        yield seen(program, "max_grad_norm", expr, call)


def _seed(program: Program, expr: ast.expr, call: ast.Call) -> Observed:
    """`torch.manual_seed(1337 + rank)`: the seed is the part that is known."""
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add):
        parts = [seen(program, "seed", side, call) for side in (expr.left, expr.right)]
        known = [p for p in parts if p.known]
        if len(known) == 1:
            return known[0]
    return seen(program, "seed", expr, call)


_TOKENIZED = frozenset("tokenizer tok processor".split())


def _methods(program: Program) -> Iterator[Observed]:
    for call in program.method_calls("clip_grad_norm_"):
        if program.qualified(call) is None or not str(program.qualified(call)).startswith("torch."):
            yield from _clip(program, call)
    for call in program.method_calls("generate"):
        yield from _keywords(program, call, _SAMPLING)
        yield from _greedy(program, call)
        params = next(
            (k.value for k in call.keywords if k.arg == "sampling_params"), call.args[1] if len(call.args) > 1 else None
        )
        if isinstance(params, ast.Name | ast.Dict):
            held = program.value(params, call)
            if held.kind == "dict" and isinstance(held.node, ast.Dict):
                stmt = program.index.stmt_of.get(held.node) or call
                for key, value in zip(held.node.keys, held.node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in _SAMPLING:
                        yield seen(program, _SAMPLING[key.value], value, stmt)
    for call in program.method_calls("seed_everything"):  # Fabric's
        if call.args and not isinstance(call.args[0], ast.Call) and program.qualified(call) not in _SEEDS:
            yield _seed(program, call.args[0], call)
    for name in ("gen", "create"):
        for call in program.method_calls(name):
            yield from _keywords(program, call, _SAMPLING)
    for call in program.index.calls:
        named = dotted(call.func) or ""
        last = named.rpartition(".")[2]
        if any(k.arg == "max_length" for k in call.keywords) and (
            "tokeniz" in named.lower()
            or "processor" in named.lower()
            or last in ("tok", "encode_plus", "batch_encode_plus", "encode")
        ):
            for one in _keywords(program, call, {"max_length": "max_length"}):
                targets = not call.args and any(k.arg == "text_target" for k in call.keywords)
                yield replace(one, role="target") if targets else one
        elif (
            any(k.arg in ("max_new_tokens", "temperature") for k in call.keywords)
            and last != "generate"
            and (
                last in ("pipe", "pipeline", "generator", "chat", "pipe_")
                or program.value(call.func, call).type == "transformers.pipeline"
            )
        ):
            yield from _keywords(program, call, _SAMPLING)
        elif last.endswith("from_pretrained") and any(k.arg == "max_seq_length" for k in call.keywords):
            yield from _keywords(program, call, {"max_seq_length": "max_length"})
    for assignment in program.index.assignments:
        target = assignment.targets[0] if isinstance(assignment, ast.Assign) else None
        if (
            isinstance(target, ast.Attribute)
            and target.attr in ("model_max_length", "max_seq_length")
            and assignment.value is not None
        ):
            yield seen(program, "max_length", assignment.value, assignment)


def _greedy(program: Program, call: ast.Call) -> Iterator[Observed]:
    """`do_sample=False` is a temperature of zero."""
    given = next((k.value for k in call.keywords if k.arg == "do_sample"), None)
    if isinstance(given, ast.Constant) and given.value is False:
        yield Observed("temperature", 0, given, Traced(True, 0, program, given))
