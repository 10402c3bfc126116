"""What objects of a class of the project are, by its bases; without telling ones by what its methods do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.knowledge import Kind
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import names_in, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

# Classes that set learning rates besides training have many names; these are called after what they do.
_SCHEDULER = re.compile(r"sched|lr|rate|warm|decay|anneal|noam|poly|cosine|step|adjust", re.IGNORECASE)
_EMA = re.compile(r"EMA|Ema(?![a-z])|^ema|MovingAverage|AveragedModel")
_GIVEN = re.compile(r"(?:model_)?param(?:eter)?s")
_READS = frozenset(("parameters", "named_parameters", "state_dict"))


def kind_of(program: Program, cls: Scope, depth: int) -> Kind:
    """What instances of a class are; `depth`: how many classes that inherit from it were asked for before."""
    kind: Kind = "instance"
    for base in program.evaluator.bases(cls):
        kind = _by_base(base, depth)
        if kind != "instance":
            break
    else:
        if "forward" in cls.bindings and "__init__" in cls.bindings and isinstance(cls.node, ast.ClassDef):
            unresolved = any(program.names.qualified(b, cls) is None for b in cls.node.bases)
            if cls.node.bases and (unresolved or "super" in {c.func.id for c in _all_calls(cls)
                                                              if isinstance(c.func, ast.Name)}):  # fmt: skip
                kind = "module"
        elif "param_groups" in program.document.source or "parameters" in program.document.source:
            kind = by_what_it_does(program, cls)
    return kind


def _by_base(base: Value, depth: int) -> Kind:
    if base.kind == "class" and base.scope is not None and base.program is not None:
        return base.program.class_kind(base.scope, depth + 1)
    name = base.type
    if name is None:
        return "instance"
    if name in know.MODULE_BASES:
        return "module"
    if name in know.DATASET_BASES or name.startswith("torchvision.datasets."):
        return "dataset"
    if name in know.OPTIMIZER_BASES:
        return "optimizer"
    if name in know.SCHEDULER_BASES:
        return "scheduler"
    if name in know.SAMPLER_BASES or name == "torch.utils.data.DistributedSampler":
        return "sampler"
    if name in know.TRAINER_BASES:
        return "trainer"
    kind = know.kind_of_call(name)
    if kind in ("module", "optimizer", "scheduler", "loader", "loss", "trainer", "trainer_args"):
        return "module" if kind == "loss" else kind
    if name.startswith("transformers.") and name.endswith(("PreTrainedModel", "Model")):
        return "module"
    return "instance"


def _all_calls(scope: Scope) -> Iterator[ast.Call]:
    for current in (scope, *scope.below()):
        yield from current.calls


def by_what_it_does(program: Program, cls: Scope) -> Kind:
    """ "scheduler", "ema" or "instance", by what the methods of a class without telling bases do."""
    if _SCHEDULER.search(cls.name) and sets_learning_rates(cls) and not _trains(cls):
        return "scheduler"
    if is_average(cls.name) and _averages(cls):
        return "ema"
    return "instance"


def is_average(name: str) -> bool:
    """Whether a class is called a moving average of a model."""
    return _EMA.search(name) is not None


def sets_learning_rates(scope: Scope) -> bool:
    """Whether a function, or a method of a class, writes `group["lr"]` of an optimizer's `param_groups`."""
    methods = [s for s in scope.children if s.kind == "function"] if scope.kind == "class" else [scope]
    return any(_sets(method.node) for method in methods)


def steps_scheduler(method: Scope) -> bool:
    """Whether calling this method of a scheduler sets the learning rates: it does, or another method that it calls."""
    if method.name in ("__init__", "state_dict", "load_state_dict"):
        return False
    seen: set[Scope] = set()
    queue = [method]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        if _sets(current.node):
            return True
        cls = current.class_scope
        called = {
            c.func.attr for c in current.calls
            if isinstance(c.func, ast.Attribute) and isinstance(c.func.value, ast.Name)
            and c.func.value.id == current.self_name
        }  # fmt: skip
        queue.extend(s for s in (cls.children if cls is not None else ()) if s.name in called)
    return False


def _sets(function: ast.AST) -> bool:
    """`for group in optimizer.param_groups: group["lr"] = ...`, or `optimizer.param_groups[0]["lr"] = ...`."""
    groups: set[str] = set()
    written: list[ast.expr] = []
    for node in nodes(function):
        if isinstance(node, ast.For) and _of_groups(node.iter):
            groups.update(names_in(node.target))
        elif isinstance(node, ast.Assign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    written.extend([target.value] if target.slice.value == "lr" else [])
    return any(
        (isinstance(w, ast.Name) and w.id in groups) or (isinstance(w, ast.Subscript) and _of_groups(w.value))
        for w in written
    )


def _of_groups(expr: ast.expr) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "param_groups" for node in nodes(expr))


def _trains(cls: Scope) -> bool:
    """Whether methods of the class compute or apply gradients: then learning rates are not all that it is about."""
    return any(
        isinstance(call.func, ast.Attribute) and (call.func.attr in ("backward", "zero_grad") or _steps(call.func))
        for method in cls.children
        for call in method.calls
    )


def _steps(func: ast.Attribute) -> bool:
    return func.attr == "step" and "optim" in (dotted(func.value) or "").lower()


def _averages(cls: Scope) -> bool:
    """Whether it goes through the parameters of something, as one that only averages numbers does not."""
    methods = [scope for scope in cls.children if scope.kind == "function"]
    if any(_GIVEN.fullmatch(a.arg) for method in methods for a in method.parameters()):
        return True
    return any(
        isinstance(call.func, ast.Attribute) and call.func.attr in _READS for method in cls.below()
        for call in method.calls
    )  # fmt: skip


def is_scaler(value: Value) -> bool:
    """Whether an object is of a class that is called a scaler and holds a GradScaler: it scales, steps and updates."""
    cls, program = value.scope, value.program
    if value.kind != "instance" or cls is None or program is None or "Scaler" not in cls.name:
        return False
    return any(program.evaluator.class_attribute(cls, name).kind == "scaler" for name in cls.attributes)


def inner_optimizer(value: Value) -> Value | None:
    """The optimizer that an object was made with whose class steps it and clears its gradients for the caller."""
    cls, call, owner = value.scope, value.args, value.origin
    if value.kind != "instance" or cls is None or call is None or owner is None:
        return None
    if not {"step", "zero_grad"} <= set(cls.bindings) or call not in owner.index.scope_of:
        return None
    scope, stmt = owner.scope(call), owner.statement(call)
    for expr in (*call.args, *(k.value for k in call.keywords)):
        made = owner.evaluator.value(expr, scope, stmt, value.env)
        if made.kind == "optimizer":
            return made
    return None
