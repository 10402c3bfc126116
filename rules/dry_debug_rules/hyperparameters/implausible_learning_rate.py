"""HYP001: an optimizer gets a learning rate that it cannot use: far too large, practically zero, or negative."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program import settings
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Confidence, Step, home_of
from dry_debug.program.links import Link
from dry_debug.program.literals import literal
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_ADAM = (
    "torch.optim.Adam", "torch.optim.AdamW", "torch.optim.NAdam", "torch.optim.RAdam", "torch.optim.Adamax",
    "torch.optim.SparseAdam", "transformers.AdamW", "bitsandbytes.optim.Adam8bit", "bitsandbytes.optim.AdamW8bit",
    "bitsandbytes.optim.PagedAdamW8bit", "deepspeed.ops.adam.FusedAdam", "apex.optimizers.FusedAdam",
)  # fmt: skip
_SGD = ("torch.optim.SGD",)
_ADAM_LIMIT = 1.0  # 0.6 is in use (embeddings of a record run)
_SGD_LIMIT = 100.0  # 20 is in use (a language model whose gradients are clipped)
_SMALLEST = 1e-9
# What else decides the rate, so that the argument alone says nothing.
_SETS_THE_RATE = frozenset(
    "LambdaLR MultiplicativeLR OneCycleLR CyclicLR SequentialLR LinearLR param_groups lr_find LRFinder "
    "adjust_learning_rate set_lr".split()
)
_FOLLOWS_THE_RATE = (
    "torch.optim.lr_scheduler.", "transformers.", "accelerate.", "torch.nn.utils.", "builtins.print", "builtins.len",
    "torch.save", "builtins.type", "builtins.isinstance", "deepspeed.initialize",
)  # fmt: skip


class ImplausibleLearningRate(SiteRule):
    name = "implausible-learning-rate"
    code = "HYP001"
    severity = "warning"
    triggers = (("Adam", "SGD"), ("torch", "transformers", "bitsandbytes", "deepspeed", "apex"))
    calls = (*_ADAM, *_SGD)
    why = "Adam moves every weight by about the learning rate in each step, however small the gradient is."
    instead = "Look for a lost minus sign or a slipped digit, and start from a usual rate (Adam 1e-3, SGD 0.1)."
    quotes = ("DBG-CODE-9", "DRY-FOC-2")
    looks_at = "calls of optimizers"

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        given = argument(call, 1, "lr")
        if given is None or any(k.arg is None for k in call.keywords):
            program.why(call, "it is not given one learning rate that can be read")
            return
        rate, sure = _rate(given, call, program)
        if rate is None or not isinstance(rate, int | float) or isinstance(rate, bool):
            program.why(call, "its learning rate is not known for certain")
            return
        kind = (program.qualified(call) or "optimizer").rpartition(".")[2]
        said = _judged(rate, kind)
        if said is None:
            program.why(call, "{} can train with this rate", kind)
            return
        silent = _not_the_rate(call, rate, program, sure)
        if silent is not None:
            text, by = silent
            program.why(call, text, *([by] if by is not None else ()))
            return
        headline, why = said
        yield Report(
            at=given,
            headline=headline,
            why=why,
            confidence=sure,
            evidence=_origin(given, call, program),
            links=lambda: [
                Link("kind", "high", f"`{kind}` is made here"),
                Link("resolution", sure, f"the learning rate is {rate:g}" + _UNLESS * (sure != "high")),
            ],
        )


_UNLESS = ", unless the command line or another configuration says something else"


def _judged(rate: float, kind: str) -> tuple[str, str] | None:
    """What is said of the rate, and what it costs; None for one that the optimizer can use."""
    if rate < 0:
        return (
            f"A negative learning rate: `lr={rate:g}`",
            f"`{kind}` refuses it with a ValueError when it is made, before the first step.",
        )
    if rate < _SMALLEST:
        return (
            f"The learning rate is as good as zero: `lr={rate:g}`",
            "The weights stay as they are: the step is lost in the rounding of float32, and the loss stands still.",
        )
    if kind == "SGD":
        if rate < _SGD_LIMIT:
            return None
        return (
            f"The learning rate is far too large for SGD: `lr={rate:g}`",
            f"Each step moves the weights by {rate:g} times the gradient: the loss overshoots and ends in inf or NaN.",
        )
    if rate < _ADAM_LIMIT:
        return None
    return (
        f"The learning rate is far too large for {kind}: `lr={rate:g}`",
        f"{kind} moves every weight by about the learning rate in each step, however small the gradient is: weights "
        f"that begin near 0.01 are {rate:g} away after one step, and the model learns nothing.",
    )


def _rate(given: ast.expr, call: ast.Call, program: Program) -> tuple[object, Confidence]:
    """The rate and how sure it is; None where it is not known, or another caller may give another one."""
    known, rate = literal(program, given, call)
    if known:
        return (None if _only_a_default(given, call, program) else rate), "high"
    known, rate = settings.plain(program.value(given, call))
    return (rate, "medium") if known else (None, "low")


def _only_a_default(given: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether the value is the default of a parameter of a function that nothing in this file calls."""
    found = program.names.lookup(given.id, program.scope(call)) if isinstance(given, ast.Name) else None
    return found is not None and any(b.kind == "param" for b in found[1]) and not program.call_sites(found[0])


def _not_the_rate(
    call: ast.Call, rate: float, program: Program, sure: Confidence
) -> tuple[str, ast.AST | str | None] | None:
    """Why the argument is not the rate that the model is trained with, as what `program.why` takes; None if it is."""
    if program.in_test(call):
        return "it is part of a test", None
    if not _weights_of_a_model(call, program):
        return "it does not train the parameters of a model alone: inputs have scales of their own", None
    setter = _rate_setter(program)
    if setter is not None:
        return "{} decides the rate as well", setter
    if 0 <= rate < _SMALLEST:
        for load in program.method_calls("load_state_dict"):
            if isinstance(load.func, ast.Attribute) and program.value(load.func.value, load).kind != "module":
                return "{} may bring the rate of a checkpoint", load
    if sure != "high":
        makers = {name for name, _ in program.qualified_calls() if name.startswith("torch.optim.")}
        makers = {name for name in makers if not name.startswith("torch.optim.lr_scheduler.")}
        if len(makers) > 1:
            return "the setting is for other optimizers too", None
    taker = _taken(call, program)
    if taker is not None:
        return "{} is given the optimizer and may set its rate", taker
    return None


def _rate_setter(program: Program) -> str | None:
    """A name in the file of something that decides learning rates."""
    for node in ast.walk(program.tree):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if isinstance(node, ast.alias):
            name = node.name.rpartition(".")[2]
        if name in _SETS_THE_RATE or "noam" in name.lower():
            return name
    return None


def _weights_of_a_model(call: ast.Call, program: Program) -> bool:
    given = argument(call, 0, "params")
    if given is None:
        return False
    if any(isinstance(n, ast.Dict) for n in nodes(given)):
        return False  # groups, which may have rates of their own
    for node in ast.walk(given):
        if isinstance(node, ast.Attribute) and node.attr in ("parameters", "named_parameters"):
            return True
    return program.value(given, call).kind == "params" and not isinstance(given, ast.List | ast.Tuple)


def _taken(made: ast.Call, program: Program) -> ast.AST | None:
    """What is given the optimizer, or gives it away, so that others may set its rate."""
    stmt = program.statement(made)
    scope = program.scope(made)
    if isinstance(stmt, ast.Return) and scope.name != "configure_optimizers" and not program.call_sites(scope):
        users = {id(other): other for other, _ in program.callers.of(scope)}.values()
        if not users or any(_rate_setter(other) or _given_to(made, other) for other in users):
            return stmt
    return _given_to(made, program)


def _given_to(made: ast.Call, program: Program) -> ast.AST | None:
    """What is given the optimizer in one file."""
    for call in program.index.calls:
        name = program.qualified(call) or ""
        if name.startswith(_FOLLOWS_THE_RATE) or (
            isinstance(call.func, ast.Attribute) and call.func.attr in ("prepare", "append", "step", "setup")
        ):
            continue
        for each in (*call.args, *(k.value for k in call.keywords)):
            if each is made:
                return call.func
            if not isinstance(each, ast.Name | ast.Attribute):
                continue
            value = program.value(each, call)
            if value.kind == "optimizer" and _made_by(value, made) and program.target(call).program is not program:
                return call.func
    return None


def _made_by(value: Value, made: ast.Call) -> bool:
    return made in (value.args, value.node) or any(made in (v.args, v.node) for v in value.items or ())


def _origin(given: ast.expr, call: ast.Call, program: Program) -> list[Step]:
    """Where the number stands, and the optimizer that uses it."""
    steps = []
    value = program.value(given, call)
    held = value.items if value.kind == "settings" else None
    if isinstance(held, settings.Option):
        steps.append(Step(held.program, held.node, "the rate is the default of this option"))
    elif not isinstance(given, ast.Constant | ast.UnaryOp):
        home = home_of(value, program) if value.kind == "const" else None
        if home is not None and value.node is not None and value.node is not given:
            steps.append(Step(home, value.node, "the rate is set here"))
    steps.append(Step(program, call, "the optimizer takes it"))
    return steps
