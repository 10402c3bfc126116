"""Loaders whose workers draw alike: from copies of one generator, or because one seed is set in all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument, given
from dry_debug.program.construction import constructs
from dry_debug.program.handed_back import handed_back
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

LOADERS = ("torch.utils.data.DataLoader", "torch_geometric.loader.DataLoader")
# Makers of generators, and how one is made from a seed.
MAKERS = {
    "numpy.random.default_rng": "numpy.random.default_rng",
    "numpy.random.RandomState": "numpy.random.RandomState",
    "numpy.random.Generator": "numpy.random.default_rng",
    "random.Random": "random.Random",
}
MAX_HOPS = 2  # functions between a `worker_init_fn` and what seeds
_SEEDED = ("numpy.random.seed", "random.seed", "torch.manual_seed")
_ENTRIES = ("__getitem__", "__getitems__", "__iter__", "__next__")
# What differs from worker to worker.
_OWN = frozenset(("initial_seed", "get_worker_info", "urandom", "time", "getpid", "get_state", "randint", "time_ns"))


@dataclass(slots=True)
class SharedGenerator:
    """A data set keeps a generator that every worker gets a copy of."""

    loader: ast.Call
    dataset: Value
    attribute: str
    maker: str  # qualified: how a new one is made
    made: ast.Call
    owner: Program  # the file of the class
    drawn: ast.AST  # where `__getitem__`, or what it calls, uses it


@dataclass(slots=True)
class OneSeed:
    """A `worker_init_fn` that seeds every worker alike."""

    loader: ast.Call
    function: Scope
    seeds: list[ast.Call]
    owner: Program  # the file of the function


def loaders(program: Program) -> Iterator[ast.Call]:
    """The loaders that this file makes."""
    for name in LOADERS:
        yield from program.calls_of(name)


def shared_generators(program: Program) -> Iterator[SharedGenerator]:
    """The data sets with a generator of their own that several workers read."""
    why = program.why
    for call in loaders(program):
        workers = argument(call, 5, "num_workers")
        if workers is None or (isinstance(workers, ast.Constant) and not workers.value):
            why(call, "it has no workers")
            continue
        if any(k.arg is None for k in call.keywords) or argument(call, 10, "worker_init_fn") is not None:
            why(call, "it may be given, or is given, a `worker_init_fn`")
            continue
        data = argument(call, 0, "dataset")
        value = program.value(data, call) if data is not None else None
        if value is None or value.kind != "dataset" or value.scope is None or value.program is None:
            why(call, "its data set is of no class that can be seen")
            continue
        found = _kept(value.program, value.scope)
        if found is None:
            why(call, "its data set keeps no generator that it draws from in the workers")
            continue
        attribute, maker, made, drawn = found
        yield SharedGenerator(call, value, attribute, maker, made, value.program, drawn)


def _kept(owner: Program, cls: Scope) -> tuple[str, str, ast.Call, ast.AST] | None:
    """(attribute, maker, where it is made, where it is used) of a generator of the class that `__getitem__` uses."""
    if cls.kind != "class" or "get_worker_info" in owner.text(cls.node):
        return None
    for name, bindings in cls.attributes.items():
        if len(bindings) != 1 or not isinstance(bindings[0].value, ast.Call):
            continue
        made = bindings[0].value
        maker = MAKERS.get(owner.qualified(made) or "")
        if maker is None or not constructs(owner, bindings[0].scope):
            continue
        used = _used(cls, name)
        if used is not None:
            return name, maker, made, used
    return None


def _used(cls: Scope, attribute: str) -> ast.AST | None:
    """Where `__getitem__`, or a method that it calls, reads `self.attribute`."""
    methods = {f.name: f for f in cls.children if f.kind == "function"}
    queue = [methods[name] for name in _ENTRIES if name in methods]
    seen: set[Scope] = set()
    while queue:
        method = queue.pop()
        if method in seen:
            continue
        seen.add(method)
        for node in nodes(method.node):
            if not isinstance(node, ast.Attribute) or dotted(node.value) != method.self_name:
                continue
            if node.attr == attribute and isinstance(node.ctx, ast.Load):
                return node
            if node.attr in methods:
                queue.append(methods[node.attr])
    return None


def one_seed(program: Program) -> Iterator[OneSeed]:
    """The `worker_init_fn`s of this file whose seeds are the same for every worker."""
    why = program.why
    for call in loaders(program):
        passed = argument(call, 10, "worker_init_fn")
        if passed is None:
            continue
        taken: set[str | None] = set()
        if isinstance(passed, ast.Call) and program.qualified(passed) == "functools.partial" and len(passed.args) == 1:
            taken = {k.arg for k in passed.keywords}  # the same in each worker
            passed = passed.args[0]
        value = program.value(passed, call)
        function, owner = value.scope, value.program
        if value.kind != "function" or function is None or owner is None or not function.is_function or None in taken:
            why(call, "nobody can see what {} does", passed)
            continue
        parameters = {a.arg for a in function.parameters()} - taken
        found = _seeds(owner, function, parameters)
        if not found or not all(found.values()):
            why(call, "its workers are not all seeded alike")
            continue
        seeds = sorted(found, key=lambda c: c.lineno)
        if _draws_nothing(program, call):
            why(call, "its data set only looks its samples up: nothing is drawn in the workers")
            continue
        yield OneSeed(call, function, seeds, owner)


def _seeds(owner: Program, function: Scope, parameters: set[str], hops: int = 0) -> dict[ast.Call, bool]:
    """The calls of a function that seed, itself or through another one, and whether each seeds all workers alike.

    `parameters` are those that differ from worker to worker.
    """
    found: dict[ast.Call, bool] = {}
    for call in function.calls:
        seed = seed_of(call)
        if owner.qualified(call) in _SEEDED:
            if seed is not None:
                found[call] = not _differs(owner, seed, function, parameters)
            continue
        target = owner.target(call) if hops < MAX_HOPS else None
        callee = target.scope if target is not None and target.kind == "function" else None
        if target is None or callee is None or target.program is None or "seed" not in target.program.document.source:
            continue
        varying = {
            p.arg for p in callee.parameters()
            if (passed := given(call, callee, p.arg)) is not None and _differs(owner, passed, function, parameters)
        }  # fmt: skip
        inner = _seeds(target.program, callee, varying, hops + 1)
        if inner:
            found[call] = all(inner.values())
    return found


def seed_of(call: ast.Call) -> ast.expr | None:
    """What a seeding call is given."""
    return call.args[0] if call.args else call.keywords[0].value if call.keywords else None


def _draws_nothing(program: Program, loader: ast.Call) -> bool:
    """Whether `__getitem__` of the loader's data set calls nothing, and the loader puts batches together as usual."""
    data = argument(loader, 0, "dataset")
    value = program.value(data, loader) if data is not None else None
    if value is None or value.scope is None or value.kind != "dataset" or argument(loader, 7, "collate_fn") is not None:
        return False
    own = next((f for f in value.scope.children if f.kind == "function" and f.name == "__getitem__"), None)
    return own is not None and not own.calls and not own.children


def _differs(owner: Program, expr: ast.expr, function: Scope, parameters: set[str], depth: int = 0) -> bool:
    """Whether the value may be another one in each worker."""
    for node in ast.walk(expr):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _OWN:
                return True
            if name not in ("int", "abs", "min", "hash") and _gives_another(owner, node, function, parameters, depth):
                return True
        if isinstance(node, ast.Name):
            if node.id in parameters:
                return True
            for binding in function.bindings.get(node.id, ()):
                if binding.kind == "param":
                    continue
                if (
                    binding.value is None
                    or depth > 3
                    or _differs(owner, binding.value, function, parameters, depth + 1)
                ):
                    return True
    return False


def _gives_another(owner: Program, call: ast.Call, function: Scope, parameters: set[str], depth: int) -> bool:
    """Whether what a function gives back may differ from worker to worker; also where nobody knows what it gives."""
    back = handed_back(owner, call) if depth < MAX_HOPS else []
    callee = owner.target(call).scope
    if not back or callee is None:
        return True
    varying = {
        p.arg for p in callee.parameters()
        if (passed := given(call, callee, p.arg)) is not None
        and _differs(owner, passed, function, parameters, depth + 1)
    }  # fmt: skip
    return any(_differs(other, expr, callee, varying, depth + 1) for other, expr, _ in back)
