"""One of several classes or functions: registries, `getattr(module, name)`, branches that choose a class."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.evidence import weakest
from dry_debug.program.values import MAX_BRANCHES, UNKNOWN, Value, join

if TYPE_CHECKING:
    from dry_debug.program.scopes import Scope

MAKERS = ("class", "library", "function", "choice")
MAX_GIVEN_ON = 60  # names that a module has from others, if its members are looked at
MAX_MEMBERS = 12  # of a module that are looked at: what they make decides, not how many they are

# What any member of a library's module makes, by a member that stands for all.
_ANY = {
    "torch.optim": "torch.optim.Optimizer",
    "torch.optim.lr_scheduler": "torch.optim.lr_scheduler.LRScheduler",
    "torchvision.models": "torchvision.models.get_model",
    "torchvision.datasets": "torchvision.datasets.VisionDataset",
}


def one_of(base: Value) -> Value:
    """What `REGISTRY[name]` of a dict of classes or functions gives: any of them."""
    makers = [value for _, value in base.items or () if value.kind in MAKERS]
    if not makers or len(makers) < len(base.items):
        return UNKNOWN
    return join(makers, ("part", base.ident, "element"))


def member(holder: Value, name: ast.expr) -> Value:
    """What `getattr(holder, name)` and `holder.__dict__[name]` of a module give."""
    known = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None
    if holder.kind == "library" and holder.type is not None:
        if known is not None:
            return Value("library", type=f"{holder.type}.{known}")
        stands_for = _ANY.get(holder.type)
        return Value("library", type=stands_for) if stands_for is not None else UNKNOWN
    if holder.kind == "pymodule" and holder.program is not None:
        if known is not None:
            return holder.program.export(known)
        found = _public(holder)
        return join(found, ("part", holder.ident, "element")) if found else UNKNOWN
    return UNKNOWN


def _public(module: Value) -> list[Value]:
    """The classes that a module of the project defines; those that it gives on, or its functions, if it has none."""
    program = module.program
    assert program is not None
    found: dict[str, list[Value]] = {"own": [], "class": [], "function": []}
    public = [(name, rows[-1]) for name, rows in program.index.module.bindings.items() if not name.startswith("_")]
    given_on = [b for _, b in public if b.kind == "from"]
    # A package that gives on this much is no registry, and to look at all of it is to read the whole project.
    kinds = ("class", "def", "from") if len(given_on) <= MAX_GIVEN_ON else ("class", "def")
    for _, last in public:
        if last.kind not in kinds:
            continue
        value = program.evaluator.binding(last)
        if value.kind == "class" and not _inherited(value, program.index.classes):
            found["own" if last.kind == "class" else "class"].append(value)
        elif value.kind == "function":
            found["function"].append(value)
    if len(given_on) > MAX_GIVEN_ON and not found["own"]:
        return []
    return (found["own"] or found["class"] or found["function"])[:MAX_MEMBERS]


def _inherited(value: Value, classes: list[Scope]) -> bool:
    """Whether another class of the module builds on this one: it is there to be built on."""
    name = getattr(value.node, "name", None)
    return any(isinstance(b, ast.Name) and b.id == name for c in classes for b in getattr(c.node, "bases", ()))


def made(values: list[Value], target: Value, node: ast.Call) -> Value:
    """What calling one of several gives, from what calling each gives."""
    result = join(values, ("alloc", node))
    if not result.known:
        return UNKNOWN
    some = [v for v in values if v.known]
    changes: dict[str, object] = {"confidence": weakest(result.confidence, target.confidence)}
    if len({v.type for v in some}) > 1:
        changes["type"] = None
    if len({v.scope for v in some}) > 1:
        changes["scope"] = None
        if result.kind in ("instance", "module") and len(some) == len(values):
            changes["items"] = some[:MAX_BRANCHES]  # whose methods are those of any of the classes
    return result.but(**changes)
