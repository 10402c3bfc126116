"""What becomes of a variable that a loop fills: a number to print, or a tensor to differentiate?"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.arguments import parameter_for
from dry_debug.program.derived import target_paths
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Scope, dotted
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_HOPS = 12
_NUMBERS = frozenset(
    f"builtins.{n}" for n in ("print", "float", "int", "str", "format", "len", "isinstance", "bool", "repr", "type")
)
_ARITHMETIC = frozenset(f"builtins.{n}" for n in ("round", "sum", "max", "min", "abs", "list", "tuple", "sorted"))
# Methods of loggers, writers and progress bars, and of lists.
_LOGS = frozenset((
    "add_scalar", "add_scalars", "log", "log_metrics", "log_metric", "log_dict", "info", "debug", "warning", "error",
    "write", "set_postfix", "set_description", "set_postfix_str", "set_description_str", "append", "extend", "clear",
    "update", "join", "format", "print", "line", "record", "logkv", "step",
))  # fmt: skip
_BACKWARD = frozenset(("backward", "manual_backward", "scale", "scale_loss"))


@dataclass(slots=True)
class Fate:
    """Where the reads of a variable end."""

    backward: bool = False  # something differentiates it
    tensor: bool = False  # tensor methods or functions are used on it: it has to stay a tensor
    unknown: bool = False  # it leaves what can be seen
    differentiated: tuple[Program, ast.AST] | None = None  # where `backward` was seen


def fate_of(program: Program, path: str, filled: ast.stmt, lists: bool = False) -> Fate:
    """The fate of `path` (`total`, `self.total`) that the statement `filled` adds to.

    `lists`: also of the lists that it is put into, here or in a function that is handed both.
    """
    fate = Fate()
    scope = program.scope(filled)
    home = scope
    root, _, rest = path.partition(".")
    if rest:
        cls = scope.class_scope
        home = cls if cls is not None and root == scope.self_name else scope
    else:
        found = program.names.lookup(root, scope)
        if found is not None:
            home = found[0]
    _Fates(fate, lists).path(program, path, home, 0, filled)
    return fate


def fate_of_value(program: Program, call: ast.Call) -> Fate:
    """The fate of what a call gives, of all its parts together, and of what is put into lists."""
    fate = Fate()
    scope = program.scope(call)
    while scope.kind == "comprehension" and scope.parent is not None:  # what it collects goes on behind it
        scope = scope.parent
    _Fates(fate, True).read(program, call, scope, 0)
    return fate


class _Fates:
    def __init__(self, fate: Fate, lists: bool) -> None:
        self.fate = fate
        self.lists = lists
        # The functions that the value was given to: what they give back goes to that call, not to every caller.
        self.entered: dict[Scope, tuple[Program, ast.Call]] = {}
        self.seen: set[tuple[object, ...]] = set()

    def path(self, program: Program, path: str, home: Scope, hops: int, filled: ast.stmt | None = None) -> None:
        """The reads of `path` behind the statement `filled`, which gives it the value or adds to it."""
        bindings = home.bindings.get(path, [])
        bound = filled is not None and len(bindings) > 1 and any(b.stmt is filled for b in bindings)
        key = (path, home, filled if bound else None, self.entered.get(home))
        if key in self.seen:
            return
        if hops > MAX_HOPS:
            self.fate.unknown = True
            return
        self.seen.add(key)
        for read in program.flow.path_reads(path, home):
            at = program.flow.statement_of(read, home)
            if filled is not None and at is filled:
                continue
            # `loss` of the training loop is not that of the evaluation.
            if bound and at is not None and not any(b.stmt is filled for b in reaching(program.index, bindings, at)):
                continue
            self.read(program, read, home, hops)

    def read(self, program: Program, node: ast.AST, scope: Scope, hops: int) -> None:
        """Climb from one read to where its value ends."""
        key = (node, self.entered.get(scope))
        if key in self.seen:
            return
        self.seen.add(key)
        parents = program.flow.parents(scope)
        parent = parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.Attribute) and parent.value is node:
                outer = parents.get(parent)
                if not (isinstance(outer, ast.Call) and outer.func is parent):
                    if parent.attr not in ("data", "shape", "grad", "requires_grad", "device", "dtype"):
                        self.fate.unknown = True
                    self.fate.tensor = True
                    return
                if parent.attr in _BACKWARD:
                    self._differentiated(program, outer)
                    return
                if parent.attr in _LOGS:
                    return
                self.fate.tensor = True
                if parent.attr in know.TO_NUMBER or parent.attr in know.LEAVES_GRAPH:
                    return
                if parent.attr in ("items", "values", "keys", "get"):
                    self.fate.tensor = False
                    self.fate.unknown = True
                    return
                node, parent = outer, parents.get(outer)
                continue
            if isinstance(
                parent,
                ast.BinOp | ast.UnaryOp | ast.IfExp | ast.BoolOp | ast.Starred | ast.NamedExpr | ast.keyword
                | ast.GeneratorExp | ast.ListComp,
            ) or (isinstance(parent, ast.Subscript) and parent.value is node):  # fmt: skip
                node, parent = parent, parents.get(parent)
                continue
            break
        self._end(program, node, parent, scope, hops, parents)

    def _end(
        self,
        program: Program,
        node: ast.AST,
        parent: ast.AST | None,
        scope: Scope,
        hops: int,
        parents: dict[ast.AST, ast.AST],
    ) -> None:
        if isinstance(parent, ast.Call):
            self._argument(program, node, parent, scope, hops, parents)
        elif isinstance(parent, ast.Assign | ast.AugAssign | ast.AnnAssign) and parent.value is node:
            self._assigned(program, parent, scope, hops)
        elif isinstance(parent, ast.Return):
            self._returned(program, node, scope, hops, None)
        elif isinstance(parent, ast.Tuple | ast.List | ast.Dict):
            outer = parents.get(parent)
            if isinstance(outer, ast.Return):
                at = parent.elts.index(node) if isinstance(parent, ast.Tuple) else None  # type: ignore[arg-type]
                self._returned(program, parent, scope, hops, at)
            elif isinstance(outer, ast.BinOp):  # "%f %f" % (a, b)
                return
            elif isinstance(outer, ast.Call | ast.keyword):
                self.read(program, parent, scope, hops)
            else:
                self.fate.unknown = True
        elif isinstance(parent, ast.For | ast.AsyncFor | ast.comprehension):
            inner: Scope | None = program.flow.scope_inside(node, scope)
            if isinstance(parent, ast.comprehension):  # what it goes over is read in it, and what it makes behind it
                made = parents.get(parent)
                inner = program.index.scopes.get(made) if made is not None else None
                if made is not None:
                    self.read(program, made, scope, hops)
            if isinstance(parent.target, ast.Name) and hops < MAX_HOPS and inner is not None:
                self.path(program, parent.target.id, inner, hops + 1)
            else:
                self.fate.unknown = True
        elif isinstance(parent, ast.Yield | ast.YieldFrom | ast.Lambda | ast.Await):
            self.fate.unknown = True
        # Comparisons, tests, f-strings and bare expressions end in a number or a text.

    def _differentiated(self, program: Program, call: ast.AST) -> None:
        self.fate.backward = True
        self.fate.differentiated = (program, call)

    def _argument(
        self,
        program: Program,
        node: ast.AST,
        call: ast.Call,
        scope: Scope,
        hops: int,
        parents: dict[ast.AST, ast.AST],
    ) -> None:
        func = call.func
        name = program.qualified(call)
        if name in _NUMBERS:
            return
        if name in _ARITHMETIC:
            self.read(program, call, scope, hops)
            return
        if name in ("torch.autograd.grad", "torch.autograd.backward"):
            self._differentiated(program, call)
            return
        if isinstance(func, ast.Attribute) and func.attr in _BACKWARD:
            self._differentiated(program, call)
            return
        if name is not None and name.startswith("torch."):
            if not name.startswith(("torch.save", "torch.utils.")):
                self.fate.tensor = True
            self.read(program, call, scope, hops)
            return
        if name is None and program.value(func, call).kind in ("module", "loss"):
            self.fate.tensor = True
            self.read(program, call, scope, hops)  # what a module computes of it has the same graph
            return
        target = program.target(call)
        if target.kind == "function" and target.scope is not None and target.program is not None:
            parameter = parameter_for(call, node, target.scope)
            if parameter is None:
                self.fate.unknown = True
            else:
                entered = self.entered
                self.entered = {**entered, target.scope: (program, call)}
                self.path(target.program, parameter, target.scope, hops + 1)
                self.entered = entered
            return
        if name is not None and not name.startswith("."):
            return  # a library that is not torch: it logs, plots or averages
        if not (isinstance(func, ast.Attribute) and func.attr in _LOGS):
            self.fate.unknown = True
        elif self.lists and func.attr in ("append", "extend"):
            self._collected(program, func.value, program.flow.scope_inside(call, scope), hops)

    def _collected(self, program: Program, holder: ast.expr, scope: Scope, hops: int) -> None:
        """Follow a list, to the callers too where it is theirs."""
        if not isinstance(holder, ast.Name):
            self.fate.unknown = True
            return
        found = program.names.lookup(holder.id, scope)
        self.path(program, holder.id, found[0] if found is not None else scope, hops + 1)
        if found is None or not any(b.kind == "param" for b in found[1]):
            return
        passed = program.arguments_of(found[0], holder.id)
        self.fate.unknown = self.fate.unknown or not passed
        for owner, expr, where, _ in passed:
            if isinstance(expr, ast.Name):
                outside = owner.names.lookup(expr.id, where)
                self.path(owner, expr.id, outside[0] if outside is not None else where, hops + 1)
            else:
                self.fate.unknown = True

    def _assigned(
        self, program: Program, stmt: ast.Assign | ast.AugAssign | ast.AnnAssign, scope: Scope, hops: int
    ) -> None:
        targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
        inner = program.flow.scope_inside(stmt, scope)
        paths = [path for target in targets for path in target_paths(target)]
        self.fate.unknown = self.fate.unknown or not paths
        for path in paths:
            root, _, rest = path.partition(".")
            home: Scope | None = inner
            if rest:
                home = inner.class_scope if root == inner.self_name else inner
            else:
                found = program.names.lookup(root, inner)
                home = found[0] if found is not None else inner
            if home is None:
                self.fate.unknown = True
                continue
            entered = self.entered
            if rest:  # whoever reads the attribute may have come by another call
                self.entered = {}
            self.path(program, path, home, hops + 1, stmt if home is inner else None)
            if rest and home.kind == "class":
                self._elsewhere(program, rest, home, hops)
            self.entered = entered

    def _elsewhere(self, program: Program, attribute: str, cls: Scope, hops: int) -> None:
        """The reads of an attribute of the class's objects outside of it: `meter.value`."""
        key = (attribute, cls)
        if key in self.seen:
            return
        self.seen.add(key)
        module = program.index.module
        for node in program.flow.parents(module):
            if node.__class__ is not ast.Attribute or node.attr != attribute or not isinstance(node.ctx, ast.Load):
                continue
            stmt = program.flow.statement_of(node, module)
            if stmt is None or program.scope(stmt).class_scope is cls:
                continue
            holder = program.value(node.value, stmt).base
            if not holder.known:
                self.fate.unknown = True
            elif holder.scope is cls:
                self.read(program, node, module, hops + 1)

    def _returned(self, program: Program, node: ast.AST, scope: Scope, hops: int, at: int | None) -> None:
        """Follow to the callers, if they are all that there can be seen."""
        function = program.flow.scope_inside(node, scope)
        sites: Sequence[tuple[Program, ast.Call]] = ()
        if function.kind == "function" and hops < MAX_HOPS:
            entered = self.entered.get(function)
            sites = [entered] if entered is not None else program.callers.here_or_elsewhere(function)
        if not sites:
            self.fate.unknown = True
            return
        for owner, call in sites:
            home = owner.scope(call)
            parent = owner.flow.parents(home).get(call)
            if at is not None and isinstance(parent, ast.Assign) and len(parent.targets) == 1:
                target = parent.targets[0]
                if isinstance(target, ast.Tuple) and at < len(target.elts):
                    path = dotted(target.elts[at])
                    if path is not None and "." not in path:
                        found = owner.names.lookup(path, home)
                        self.path(owner, path, found[0] if found else home, hops + 1)
                        continue
            self.read(owner, call, home, hops + 1)
