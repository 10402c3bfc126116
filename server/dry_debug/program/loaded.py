"""What becomes of a loaded checkpoint: is it a state, a whole model, or just data?"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import parameter_for
from dry_debug.program.reaching import behind_name
from dry_debug.program.scopes import Scope, dotted
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What is done with a module and with nothing else that `torch.load` gives.
_MODULE_METHODS = frozenset(("eval", "train", "parameters", "named_parameters", "state_dict", "load_state_dict"))
_MOVES = frozenset(("to", "cpu", "cuda"))
_SAME = _MOVES | frozenset(("float", "half", "eval", "train", "requires_grad_", "copy"))
# Keys that checkpoints have and data files do not.
_KEY = re.compile(r"state_dict|^(model|net|optim\w*|\w*scheduler|scaler|ema|epoch|iteration)(_state)?$|^rng_state")
MAX_HOPS = 5


@dataclass(slots=True)
class LoadedUse:
    """What becomes of a loaded file."""

    kind: Literal["state", "numbers", "module", "checkpoint", "unknown"] = "unknown"
    moved: bool = False  # `.to(...)`, `.cpu()`, `.cuda()` follows before anything else
    loaded_into: list[tuple[Program, ast.Call]] = field(default_factory=list)  # the load_state_dict calls that take it
    holds_tensors: bool = False  # some of it goes into a module or an optimizer; schedulers and scalers keep numbers
    only_loaded: bool = True  # nothing else is done with it but reading single entries by literal key


def use_of_loaded(program: Program, call: ast.Call) -> LoadedUse:
    """Follows the result of `call` through names, entries, returns and functions of the project."""
    use = LoadedUse()
    _Follow(use).value(program, call, program.scope(call), 0)
    if use.loaded_into:
        use.kind = "state" if use.holds_tensors else "numbers"
    else:
        use.only_loaded = False
        cls = program.scope(call).class_scope
        if cls is not None and program.class_kind(cls) == "dataset":
            use.kind = "unknown"  # a file of samples
    return use


class _Follow:
    def __init__(self, use: LoadedUse) -> None:
        self.use = use
        self.seen: set[ast.AST] = set()

    def value(self, program: Program, node: ast.AST, scope: Scope, hops: int, entry: bool = False) -> None:
        """`node` has the loaded object, or with `entry` one entry of it."""
        if hops > MAX_HOPS or node in self.seen:
            return
        self.seen.add(node)
        called = isinstance(node, ast.Call) and node in program.index.scope_of
        parents = program.flow.parents_near(node) if called else program.flow.parents(scope)
        parent = parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.Attribute) and parent.value is node:
                outer = parents.get(parent)
                called = isinstance(outer, ast.Call) and outer.func is parent
                if parent.attr in _MODULE_METHODS and called:
                    self._is("checkpoint" if entry else "module")
                if parent.attr in _SAME and called:
                    self.use.moved = self.use.moved or parent.attr in _MOVES
                    node, parent = outer, parents.get(outer)  # type: ignore[assignment, arg-type]
                    continue
                if parent.attr in ("get", "pop") and called and outer.args and isinstance(outer.args[0], ast.Constant):  # type: ignore[union-attr]
                    self._key(outer.args[0].value)  # type: ignore[union-attr]
                    node, parent, entry = outer, parents.get(outer), True  # type: ignore[assignment, arg-type]
                    continue
                self.use.only_loaded = False
                return
            if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.slice, ast.Constant):
                self._key(parent.slice.value)
                node, parent, entry = parent, parents.get(parent), True
                continue
            if isinstance(parent, ast.IfExp | ast.BoolOp | ast.NamedExpr):
                node, parent = parent, parents.get(parent)
                continue
            if isinstance(parent, ast.keyword):
                parent = parents.get(parent)  # the call; `node` stays what is passed
            break
        self._end(program, node, parent, scope, hops, entry)

    def _end(
        self, program: Program, node: ast.AST, parent: ast.AST | None, scope: Scope, hops: int, entry: bool
    ) -> None:
        if isinstance(parent, ast.Call):
            if parent.func is node:
                if not entry:
                    self._is("module")
                self.use.only_loaded = False
            else:
                self._argument(program, node, parent, scope, hops, entry)
        elif isinstance(parent, ast.Assign) and len(parent.targets) == 1 and parent.value is node:
            self._assigned(program, parent, scope, hops, entry)
        elif isinstance(parent, ast.Return):
            self._returned(program, node, scope, hops, entry)
        elif isinstance(parent, ast.Tuple) and isinstance(program.flow.parents(scope).get(parent), ast.Return):
            self._returned(program, node, scope, hops, entry, parent.elts.index(node))  # type: ignore[arg-type]
        elif not isinstance(parent, ast.Compare | ast.Expr) and not entry:
            self.use.only_loaded = False

    def _argument(self, program: Program, node: ast.AST, call: ast.Call, scope: Scope, hops: int, entry: bool) -> None:
        func = call.func
        if isinstance(func, ast.Attribute) and "load_state_dict" in func.attr:
            self.use.loaded_into.append((program, call))
            if program.value(func.value, call).kind not in ("scheduler", "scaler"):
                self.use.holds_tensors = True
            return
        name = program.qualified(call)
        if name == "builtins.print" or name == "builtins.len" or name == "builtins.isinstance":
            return
        if name is not None and name.rpartition(".")[2] in ("deepcopy", "copy", "OrderedDict", "dict"):
            self.value(program, call, scope, hops + 1, entry)
            return
        target = program.target(call)
        if target.kind == "function" and target.scope is not None and target.program is not None:
            parameter = parameter_for(call, node, target.scope)
            if parameter is not None:
                for read in target.program.flow.reads(parameter, target.scope):
                    self.value(target.program, read, target.scope, hops + 1, entry)
                return
        self.use.only_loaded = self.use.only_loaded and entry

    def _assigned(self, program: Program, stmt: ast.Assign, scope: Scope, hops: int, entry: bool) -> None:
        target = stmt.targets[0]
        path = dotted(target)
        if path is None:
            self.use.only_loaded = False
            return
        self._path(program, path, stmt, scope, hops, entry)

    def _path(self, program: Program, path: str, stmt: ast.stmt, scope: Scope, hops: int, entry: bool) -> None:
        """Follow the variable or attribute that `stmt` puts the object into."""
        home = scope
        if "." in path:
            cls = scope.class_scope
            if cls is None or path.partition(".")[0] != scope.self_name:
                self.use.only_loaded = False
                return
            home = cls
        reads = program.flow.path_reads(path, home)
        for read in reads:
            if home is scope and read.lineno < stmt.lineno:
                continue
            if isinstance(read, ast.Name) and _finds_function(program, read, home):
                continue  # `def checkpoint()` below `checkpoint = torch.load(path)`
            self.value(program, read, home, hops + 1, entry)

    def _returned(
        self, program: Program, node: ast.AST, scope: Scope, hops: int, entry: bool, at: int | None = None
    ) -> None:
        """`at`: it is this element of the tuple that is returned."""
        function = program.flow.scope_inside(node, scope)
        self.use.only_loaded = False  # callers that are not seen may do anything with it
        for call in program.call_sites(function) if function.kind == "function" else ():
            home, stmt = program.scope(call), program.statement(call)
            if at is None:
                self.value(program, call, home, hops + 1, entry)
            elif isinstance(stmt, ast.Assign) and stmt.value is call and isinstance(stmt.targets[0], ast.Tuple):
                names = stmt.targets[0].elts
                path = dotted(names[at]) if at < len(names) else None
                if path is not None and hops < MAX_HOPS:
                    self._path(program, path, stmt, home, hops + 1, entry)

    def _key(self, key: object) -> None:
        if isinstance(key, str) and _KEY.search(key):
            self._is("checkpoint")

    def _is(self, kind: Literal["module", "checkpoint"]) -> None:
        if self.use.kind == "unknown":
            self.use.kind = kind


def _finds_function(program: Program, read: ast.Name, home: Scope) -> bool:
    """Whether what is read is a function or a class of the variable's name, which is defined below it."""
    at = program.flow.statement_of(read, home)
    found = behind_name(program, read.id, program.flow.scope_inside(read, home), at)
    return bool(found) and all(binding.kind in ("def", "class") for binding in found)
