"""Work on CUDA in what the workers of a loader run: its data set, its collate function, its `worker_init_fn`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.construction import constructs
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_ENTRIES = ("__getitem__", "__getitems__", "__iter__")
# What a tensor on the GPU leaves it by; `.to(...)` is judged before.
_BACK = ("cpu", "to", "numpy", "item", "tolist")
_PARTS = ("torch.utils.data.random_split", "torch.utils.data.Subset")
_MAX_FUNCTIONS = 24
_MAX_DEPTH = 6


@dataclass(slots=True)
class CudaWork:
    """A place in the workers that uses CUDA."""

    owner: Program
    node: ast.AST
    where: str  # what runs it, in the user's words
    moved: ast.AST | None = None  # where the tensor that `node` reads was put on the GPU


def run_by_workers(call: ast.Call, program: Program) -> Iterator[tuple[str, Value]]:
    """What the workers run, with what to call it: the data set, the collate function, the `worker_init_fn`."""
    given = argument(call, 0, "dataset")
    value = _whole(given, call, program) if given is not None else None
    if value is not None and value.scope is not None and value.scope.kind == "class":
        entry = next((f for f in value.scope.children if f.kind == "function" and f.name in _ENTRIES), None)
        if entry is not None:
            yield f"`{value.scope.name}.{entry.name}`", value
    for position, name in ((6, "collate_fn"), (10, "worker_init_fn")):
        given = argument(call, position, name)
        if isinstance(given, ast.Call) and program.qualified(given) == "functools.partial" and given.args:
            given = given.args[0]
        value = program.value(given, call) if given is not None else None
        if value is None or value.scope is None:
            continue
        if value.kind == "function":
            yield (f"`{value.scope.name}`" if value.scope.kind == "function" else f"The `{name}`"), value
        elif value.scope.kind == "class" and value.kind == "instance":
            yield f"`{value.scope.name}`", value


def _whole(given: ast.expr, call: ast.Call, program: Program) -> Value:
    """The data set that `call` is given; of a part (`random_split`, `Subset`) the one that it is taken from."""
    value = program.value(given, call)
    made, owner = value.args, value.origin
    if value.type in _PARTS and made is not None and made.args and owner is not None and made in owner.index.scope_of:
        whole = owner.value(made.args[0], made)
        return whole if whole.known else value
    return value


class WorkerSearch:
    """Looks through what the workers run of one value for work on CUDA."""

    def __init__(self, owner: Program, value: Value, caller: Program) -> None:
        self.owner, self.value, self.caller = owner, value, caller
        assert value.scope is not None
        self.scope: Scope = value.scope

    def found(self) -> tuple[ast.AST, ast.AST | None] | None:
        """(the work, where what it reads was put on the GPU)."""
        if self.scope.kind == "class":
            names = (*_ENTRIES, "__call__") if self.value.kind == "instance" else _ENTRIES
            queue = [f for f in self.scope.children if f.kind == "function" and f.name in names]
        else:
            queue = [self.scope]
        methods = {f.name: f for f in self.scope.children if f.kind == "function"} if self.scope.kind == "class" else {}
        on_gpu = self._kept()
        seen: set[Scope] = set()
        while queue and len(seen) < _MAX_FUNCTIONS:
            function = queue.pop()
            if function in seen:
                continue
            seen.add(function)
            for node in nodes(function.node):
                if isinstance(node, ast.Call) and self._is_work(node, function):
                    return node, None
                if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
                    held = node.value
                    if held.attr in on_gpu and dotted(held.value) == function.self_name:
                        return node, on_gpu[held.attr]
                if (
                    isinstance(node, ast.Attribute)
                    and node.attr in methods
                    and dotted(node.value) == function.self_name
                ):
                    queue.append(methods[node.attr])
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    target = self.owner.target(node)
                    if target.kind == "function" and target.scope is not None and target.program is self.owner:
                        queue.append(target.scope)
        return None

    def _kept(self) -> dict[str, ast.AST]:
        """The attributes that `__init__` alone sets, to a tensor on the GPU, and where."""
        if self.scope.kind != "class" or self.value.kind != "dataset":
            return {}
        return {
            name: bindings[0].value
            for name, bindings in self.scope.attributes.items()
            if len(bindings) == 1
            and isinstance(bindings[0].value, ast.Call)
            and constructs(self.owner, bindings[0].scope)
            and self._stays_on_gpu(bindings[0].value, bindings[0].scope)
        }

    def _stays_on_gpu(self, expr: ast.expr, scope: Scope) -> bool:
        """Whether a chain of calls (`torch.tensor(x).cuda().float()`) goes to the GPU and does not come back."""
        while isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
            if self._is_work(expr, scope):
                return True
            if expr.func.attr in _BACK:
                return False
            expr = expr.func.value
        return False

    def _is_work(self, call: ast.Call, scope: Scope) -> bool:
        """`x.cuda()`, `x.to("cuda")`, `torch.zeros(2, device="cuda")`."""
        device = next((k.value for k in call.keywords if k.arg == "device"), None)
        name = self.owner.names.qualified(call.func, scope) or ""
        if device is not None and name.startswith("torch.") and name != "torch.load":
            return is_cuda(self.owner, device, scope, self._given)
        if not isinstance(call.func, ast.Attribute) or name.startswith("torch."):
            return False
        if call.func.attr == "cuda":
            base = self.owner.value(call.func.value, call)
            return base.kind not in ("instance", "class", "settings")
        if call.func.attr == "to":
            device = device if device is not None else call.args[0] if call.args else None
            return device is not None and is_cuda(self.owner, device, scope, self._given)
        return False

    def _given(self, scope: Scope, name: str) -> tuple[Program, ast.expr, Scope] | None:
        """What the one maker of the data set passes for a parameter of `__init__`."""
        made = self.value.args
        if made is None or scope.name != "__init__" or scope.parent is not self.scope:
            return None
        names = [a.arg for a in scope.parameters()][1:]
        home = self.value.origin if self.value.origin is not None else self.owner
        for program in (self.caller, home, self.owner):
            if made in program.index.scope_of:
                expr = argument(made, names.index(name) if name in names else 99, name)
                return (program, expr, program.scope(made)) if expr is not None else None
        return None


def is_cuda(program: Program, expr: ast.expr, scope: Scope, given: object = None, depth: int = 0) -> bool:
    """Whether a device is a GPU by the way it is written, wherever there is a GPU."""
    if depth > _MAX_DEPTH:
        return False
    if isinstance(expr, ast.Constant):
        return isinstance(expr.value, str) and expr.value.startswith("cuda")
    if isinstance(expr, ast.JoinedStr):
        return bool(expr.values) and is_cuda(program, expr.values[0], scope, given, depth + 1)
    if isinstance(expr, ast.IfExp):
        sure = "cuda.is_available()" in program.text(expr.test) and not isinstance(expr.test, ast.UnaryOp | ast.BoolOp)
        return sure and is_cuda(program, expr.body, scope, given, depth + 1)
    if isinstance(expr, ast.Call):
        made = program.names.qualified(expr.func, scope) == "torch.device"
        return made and bool(expr.args) and is_cuda(program, expr.args[0], scope, given, depth + 1)
    if isinstance(expr, ast.Attribute) and isinstance(expr.value, ast.Name):
        cls = scope.class_scope
        if cls is None or expr.value.id != scope.self_name:
            return False
        bindings = cls.attributes.get(expr.attr, [])
    elif isinstance(expr, ast.Name):
        found = program.names.lookup(expr.id, scope)
        bindings = found[1] if found is not None else []
    else:
        return False
    if len(bindings) != 1:
        return False
    one = bindings[0]
    if one.kind == "param" and isinstance(expr, ast.Name) and callable(given):
        passed = given(one.scope, expr.id)
        if passed is not None:
            return is_cuda(passed[0], passed[1], passed[2], None, depth + 1)
    if one.kind == "param" and isinstance(expr, ast.Name):
        sites = program.call_sites(one.scope)
        passed_at = program.arguments_of(one.scope, expr.id)
        return 0 < len(passed_at) == len(sites) and all(
            is_cuda(owner, each, where, given if owner is program else None, depth + 1)
            for owner, each, where, _ in passed_at
        )
    if one.path or one.value is None or one.kind == "param":
        return False
    return is_cuda(program, one.value, one.scope, given, depth + 1)


def used_in_parent(program: Program, work: CudaWork) -> ast.AST | None:
    """Where the file of the loader uses CUDA outside of what the workers run."""
    inside = work.owner.index.scope_of.get(work.node)
    data_set = inside.parent if inside is not None and inside.parent is not None else None
    for name in ("cuda", "to"):
        for call in program.method_calls(name):
            scope = program.scope(call)
            if scope is inside or scope.name in _ENTRIES:
                continue
            if data_set is not None and data_set.kind == "class" and scope.parent is data_set:
                continue
            if name == "cuda" and not (program.qualified(call) or "").startswith("torch."):
                return call
            if name == "to" and call.args and is_cuda(program, call.args[0], scope):
                return call
    return None
