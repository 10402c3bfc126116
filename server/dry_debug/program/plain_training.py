"""A training by hand that a library's trainer would do the same: one pretrained model, its own loss."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.callers import parameter_of
from dry_debug.program.library_saves import library_saves
from dry_debug.program.plain_loss import OwnLoss, own_loss
from dry_debug.program.reached import reached
from dry_debug.program.relations import covers, given_by_maker
from dry_debug.program.scopes import Scope, dotted
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.loops import TrainingLoop
    from dry_debug.program.program import Program
    from dry_debug.program.values import Ident, Value

# Words of a file that does more than a plain training, or says why it is written by hand.
_SPECIAL = re.compile(
    r"retain_graph|create_graph|autograd\.grad|register_\w*hook|\.grad\b(?!\s*=\s*None)|functional_call|"
    r"FullyShardedDataParallel|fully_shard|[Dd]eep[Ss]peed|torch_xla|parallelize_module|(?:import|from)\s+accelerate\b|\bAccelerator\(|[Ll]ightning|"
    r"kl_div|KLDiv|[Dd]istillation|\bdistill_|[Tt]eacher|\b[Rr]eward|\b[Aa]dversar|\b(?:FGM|PGD|EMA|SWA|GAN)\b|"
    r"\b[Pp]run(?:e|ing)|\bprofiler?\b|utils\.benchmark|def benchmark|max_memory_allocated|no_trainer|"
    r"[Tt]utorial|by hand|\bDPO\b|\bPPO\b"
)
_TRAINER = re.compile(r"\bTrainer\b")
# What the Trainer calls on a model too; another method in the training loop is something of this program's own.
_PLAIN_METHODS = frozenset(
    "train eval zero_grad parameters named_parameters state_dict save_pretrained generate to cuda no_sync module "
    "half float push_to_hub gradient_checkpointing_enable load_state_dict".split()
)
_AUTOCAST = ("torch.autocast", "torch.amp.autocast", "torch.cuda.amp.autocast", "apex.amp.scale_loss")
_LOGS = ("add_scalar", "add_scalars", "log_metric", "log_metrics", "set_postfix", "log_scalar")
_LOG_CALLS = ("wandb.log", "builtins.print", "logging.info", "mlflow.log_metric", "mlflow.log_metrics")
_LOGGER = re.compile(r"\blog(?:ger|ging)?\.info\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that the loops do and the Trainer has: in words, as arguments of `TrainingArguments`, and where."""

    what: str
    arguments: str
    node: ast.AST
    program: Program  # the file that `node` stands in


@dataclass(frozen=True, slots=True)
class PlainTraining:
    """The loops of such a training: the outermost one, how many lines they are, what they do besides training."""

    model: Value
    loop: TrainingLoop
    lines: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Update:
    """Where the weights are updated: in `owner`, this file or the one of a function that the loop calls; then `given`
    is what the call passes for its parameters. `optimizer` as this file knows it."""

    owner: Program
    optimizer: Value
    given: dict[str, Value]
    backward: list[Event]


def plain_training(program: Program) -> PlainTraining | None:
    """The training of this file, if a trainer would do the same with the model, the data and some arguments."""
    apart = _apart(program)
    loops = [loop for loop in program.training.loops.training if loop.scope not in apart]
    if not loops:
        return None
    first = next((loop for loop in loops if loop.kind == "epoch"), loops[0])
    at = first.node
    update = _update(program, loops, apart)
    quick = not program.why.listens  # then the components are listed last, for what the cheaper questions leave
    if update is None or (not quick and _several(program, apart)):
        program.why(at, "no single optimizer is known that the loop steps")
        return None
    owner = update.owner
    loss = _loss(update, program)
    if loss is None:
        program.why(at, "the loss is not known to be the one that a pretrained model computes by itself")
        return None
    special = _special(program)
    if special:
        program.why(at, f"the file does, or speaks of, more than a plain training: {special}")
        return None
    special = _special(owner) if owner is not program else ""
    if special:
        program.why(at, f"the file of the training step does, or speaks of, more than a plain training: {special}")
        return None
    reason = _own_way(program, loss, update)
    if reason:
        program.why(at, reason)
        return None
    if quick and _several(program, apart):
        return None
    lines = _lines(program, update, apart)
    parts = {part.what: part for part in _parts(program, loops)}
    if owner is not program:
        lines += _lines(owner, update, frozenset())
        inner = owner.training.loops.training
        parts = {part.what: part for part in _parts(owner, inner)} | parts
    return PlainTraining(loss.model, first, lines, tuple(parts.values()))


def _apart(program: Program) -> frozenset[Scope]:
    """The functions that train what they are given, and that nothing in the file calls or hands on: other files train
    something else with them, or nobody does."""
    steps = program.events.of_kind("optimizer_step")
    if len({step.obj.base.ident for step in steps}) < 2:
        return frozenset()
    found: set[Scope] = set()
    for step in steps:
        function = step.scope
        if function.kind != "function" or function.parent is not program.index.module or function in found:
            continue
        covered = covers(step.obj, program)
        given = all((place := parameter_of(module)) is not None and place[1] is function for module in covered)
        if covered and given and not program.flow.reads(function.name, program.index.module):
            found.add(function)
    return frozenset(found)


def _several(program: Program, apart: frozenset[Scope]) -> bool:
    """Whether there are several optimizers, those of the functions `apart` left out."""
    idents: list[Ident] = []
    for component in program.training.components.of("optimizer"):
        value = component.value.base
        made = value.args
        if made is not None and made in program.index.scope_of and program.scope(made) in apart:
            continue
        if not any(value.ident == other or given_by_maker(value.ident, other) for other in idents):
            idents.append(value.ident)
    return len(idents) > 1


def _update(program: Program, loops: list[TrainingLoop], apart: frozenset[Scope]) -> _Update | None:
    steps = [event for event in program.events.of_kind("optimizer_step") if event.scope not in apart]
    if steps:
        if len({step.obj.base.ident for step in steps}) > 1:
            return None
        backward = [event for event in program.events.of_kind("backward") if event.scope not in apart]
        return _Update(program, steps[0].obj, {}, backward)
    found: dict[Scope, _Update] = {}
    for loop in loops:
        for call in _calls_below(loop, program):
            one = _called(call, program)
            if one is not None:
                found[one[0]] = one[1]
    return next(iter(found.values())) if len(found) == 1 else None


def _calls_below(loop: TrainingLoop, program: Program) -> Iterator[ast.Call]:
    """The calls in a loop, and in the functions of the file that it runs."""
    for call in program.events.calls_in(loop.scope):
        stmt = program.statement(call)
        if stmt is not None and program.index.inside(stmt, loop.node):
            yield call
    for owner, function in reached(program, loop.node):
        if owner is program:
            yield from program.events.calls_in(function)


def _called(call: ast.Call, program: Program) -> tuple[Scope, _Update] | None:
    """The function of another file that a call runs, if it computes gradients and steps the optimizer it is given."""
    target = program.target(call)
    scope, owner = target.scope, target.program
    if target.kind != "function" or scope is None or owner is None or owner is program:
        return None
    inside = owner.events.within(scope)
    if isinstance(scope.node, ast.stmt):
        inside = [*inside, *(e for o, f in reached(owner, scope.node) if o is owner for e in owner.events.within(f))]
    backward = [event for event in inside if event.kind == "backward"]
    steps = [event for event in inside if event.kind == "optimizer_step"]
    if not backward or not steps:
        return None
    names = [parameter.arg for parameter in scope.parameters()]
    passed = {name: expr for name, expr in zip(names, call.args, strict=False) if not isinstance(expr, ast.Starred)}
    passed |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    given = {name: program.value(expr, call) for name, expr in passed.items()}
    optimizers = {value.base.ident: value for value in given.values() if value.kind == "optimizer"}
    if len(optimizers) != 1 or len({step.obj.base.ident for step in steps}) > 1:
        return None
    return scope, _Update(owner, next(iter(optimizers.values())), given, backward)


def _special(program: Program) -> str:
    source = program.document.source
    found = _SPECIAL.search(source)
    if found is not None:
        return found[0]
    if "no_trainer" in program.document.path or "benchmark" in program.document.path:
        return "its name"
    if _TRAINER.search(source) and not any(cls.name == "Trainer" for cls in program.index.classes):
        return "Trainer"
    return ""


def _loss(update: _Update, program: Program) -> OwnLoss | None:
    """The loss of all backward passes, if it is always the own loss of one pretrained model with a head."""
    whole: OwnLoss | None = None
    for event in update.backward:
        call = event.node
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.args or call.keywords:
            return None
        one = own_loss(call.func.value, event.stmt, update.owner, update.given)
        if one is None or not _is_pretrained(one.model, program):
            return None
        if whole is not None and whole.model.base.ident != one.model.base.ident:
            return None
        whole = OwnLoss(one.model, tuple(dict.fromkeys((*(whole.calls if whole is not None else ()), *one.calls))))
    return whole


def _is_pretrained(model: Value, program: Program) -> bool:
    """`AutoModelForCausalLM.from_pretrained(...)`, also inside DDP or PEFT: a class of transformers with a loss."""
    name, made = model.base.type or "", model.base.node
    if not name and isinstance(made, ast.Call) and made in program.index.scope_of:
        name = program.qualified(made) or ""  # one of several branches that make it
    return re.fullmatch(r"transformers\..*(?:For[A-Z]|LMHead|DoubleHeads)\w*(?:\.from_\w+)?", name) is not None


def _own_way(program: Program, loss: OwnLoss, update: _Update) -> str:
    """Why the training is one of its own kind, "" if it is plain."""
    ident = loss.model.base.ident
    if any(module.base.ident != ident for module in covers(update.optimizer, program)):
        return "the optimizer updates something else too"
    models = program.training.components.of("model")
    paths = {(dotted(call.func) or "").removesuffix(".forward") for call in loss.calls} - {""}
    names = paths | {model.name for model in models if model.value.base.ident == ident}
    for model in models:
        value = model.value
        if (
            value.base.ident != ident
            and model.name not in names
            and (value.scope is not None or (value.type or "").endswith(".from_pretrained"))
        ):
            return "there is another model"
    owner = update.owner
    for function in {owner.scope(event.stmt) for event in update.backward}:
        for call in owner.events.calls_in(function):
            path = (dotted(call.func) or "").removesuffix(".forward")
            if not path or owner.training.training_loop_around(call) is None:
                continue
            if path in paths and call not in loss.calls and owner.no_grad_around(call) is None:
                return "the model is called several times in an iteration"
            head, _, method = path.rpartition(".")
            if any(head == p or head.startswith(f"{p}.") for p in paths) and (
                method not in _PLAIN_METHODS or head.count(".") > 1 + max(p.count(".") for p in paths)
            ):
                return f"the training loop calls `{path}`"
    return ""


def _lines(program: Program, update: _Update, apart: frozenset[Scope]) -> int:
    """How many lines with code the loops of the training and the evaluation and their functions have."""
    call = update.optimizer.args
    made = program.scope(call) if call is not None and call in program.index.scope_of else None
    found: set[int] = set()
    for loop in program.training.loops.all:
        if loop.scope in apart:
            continue
        whole: ast.AST = loop.node
        if loop.kind != "epoch" and loop.scope is not made and loop.scope.kind == "function":
            whole = loop.scope.node
        parts = [f.node for o, f in reached(program, loop.node) if o is program and o.events.within(f)]
        for part in (whole, *parts):
            found.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))  # type: ignore[attr-defined]
    lines = program.document.lines
    texts = (lines.line_text(number - 1).strip() for number in found)
    return sum(1 for text in texts if text and not text.startswith("#"))


def _parts(program: Program, loops: list[TrainingLoop]) -> Iterator[Part]:
    """What the loops do that the Trainer does, each once."""
    events, training = program.events, program.training
    for one in training.accumulation[:1]:
        steps = f"={one.steps}" if one.steps is not None and one.steps > 1 else ""
        yield Part("accumulates gradients", f"gradient_accumulation_steps{steps}", one.node, program)
    cast = next((call for name in _AUTOCAST for call in program.calls_of(name)), None)
    scaled = next((e.node for e in events.of_kind("scaler_update")), None)
    if cast is not None or scaled is not None:
        half = "bf16" if cast is not None and "bfloat16" in program.document.source else "fp16"
        yield Part("trains in mixed precision", f"{half}=True", cast or scaled, program)  # type: ignore[arg-type]
    for event in events.of_kind("clip")[:1]:
        yield Part("clips gradients", "max_grad_norm", event.node, program)
    for event in events.of_kind("scheduler_step")[:1]:
        yield Part("schedules the learning rate", "lr_scheduler_type, warmup_steps", event.node, program)
    logged = _logged(program, loops)
    if logged is not None:
        yield Part("logs", "logging_steps, report_to", logged, program)
    evaluated: ast.AST | None = next((loop.node for loop in training.loops.all if loop.kind == "eval"), None)
    if evaluated is None:
        evaluated = next((e.node for e in events.of_kind("eval")), None)
    if evaluated is not None:
        yield Part("evaluates", "eval_strategy", evaluated, program)
    saved = [site.node for site in training.checkpoints.saves] or [save.node for save in library_saves(program)]
    if saved:
        yield Part("saves checkpoints", "save_strategy", saved[0], program)


def _logged(program: Program, loops: list[TrainingLoop]) -> ast.Call | None:
    """A call that reports a number while the training runs."""
    functions: set[Scope] = {loop.scope for loop in loops}
    calls = [call for name in _LOG_CALLS for call in program.calls_of(name)]
    calls += [call for name in _LOGS for call in program.method_calls(name)]
    calls += [c for c in program.method_calls("info") if _LOGGER.search(dotted(c.func) or "")]
    inside = [c for c in calls if program.scope(c) in functions and program.training.training_loop_around(c)]
    return min(inside, key=lambda c: c.lineno, default=None)
