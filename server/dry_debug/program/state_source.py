"""Where the state that a `load_state_dict` takes comes from: a file as it is, a part that was picked, an object."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import argument
from dry_debug.program.checkpoints import given
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import is_name, nodes
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Readers of files that the user names; what comes from a URL is published and known.
_READERS = frozenset(("torch.load", "safetensors.torch.load_file", "torch.jit.load"))
_PUBLISHED = frozenset(("torch.hub.load_state_dict_from_url", "torch.utils.model_zoo.load_url"))
_SAME = frozenset(("builtins.dict", "collections.OrderedDict", "copy.deepcopy", "copy.copy"))
_CHANGES = frozenset(("pop", "update", "popitem", "setdefault", "clear"))
MAX_HOPS = 8
MAX_TEXTS = 50


@dataclass(slots=True)
class StateSource:
    """What a state dict is made of.

    `file`: all of what a file holds, or one literal key of it, keys renamed at most. `part`: entries were picked, added
    or taken away by code (`changed`). `object`: the state of an object of the program. `published`: weights from a URL.
    """

    kind: Literal["file", "part", "object", "published", "unknown"] = "unknown"
    owner: Program | None = None  # the file that `load` and `changed` stand in
    load: ast.Call | None = None  # the call that reads the file
    changed: ast.AST | None = None
    through: list[tuple[Program, ast.Call]] = field(default_factory=list)  # calls of the project's functions on the way
    names: list[str] = field(default_factory=list)  # variables, attributes and keys on the way, and texts of the path


def source_of(program: Program, state: ast.expr, at: ast.AST) -> StateSource:
    """Where `state`, which stands in the call `at`, comes from."""
    found = StateSource()
    _Source(found).of(program, state, at, 0)
    return found


class _Source:
    def __init__(self, found: StateSource) -> None:
        self.found = found

    def _is(self, kind: Literal["file", "part", "object", "published"], program: Program, node: ast.AST) -> None:
        self.found.kind, self.found.owner = kind, program
        if isinstance(node, ast.Call) and kind in ("file", "published"):
            self.found.load = node
        else:
            self.found.changed = node

    def of(self, program: Program, expr: ast.expr, at: ast.AST, hops: int) -> None:
        if hops > MAX_HOPS:
            return
        if isinstance(expr, ast.Subscript):
            if isinstance(expr.slice, ast.Constant):
                self.found.names.append(str(expr.slice.value))
                self.of(program, expr.value, at, hops + 1)
        elif isinstance(expr, ast.Name):
            self._name(program, expr, at, hops)
        elif isinstance(expr, ast.Attribute):
            self._attribute(program, expr, at, hops)
        elif isinstance(expr, ast.Call):
            self._call(program, expr, at, hops)
        elif isinstance(expr, ast.DictComp):
            if len(expr.generators) > 1 or expr.generators[0].ifs:
                self._is("part", program, expr)
            else:
                self.of(program, expr.generators[0].iter, at, hops + 1)
        elif isinstance(expr, ast.IfExp):
            self.of(program, expr.body, at, hops + 1)
            if self.found.kind == "unknown":
                self.of(program, expr.orelse, at, hops + 1)
        elif isinstance(expr, ast.Dict):
            self._is("part", program, expr)

    def _call(self, program: Program, call: ast.Call, at: ast.AST, hops: int) -> None:
        name, func = program.qualified(call), call.func
        if name in _READERS:
            path = argument(call, 0, "f", "filename")
            self.found.names.extend(_texts(path, program, call))
            self._is("file", program, call)
        elif name in _PUBLISHED:
            self._is("published", program, call)
        elif name in _SAME and len(call.args) == 1:
            self.of(program, call.args[0], at, hops + 1)
        elif isinstance(func, ast.Attribute) and func.attr in ("items", "copy"):
            self.of(program, func.value, at, hops + 1)
        elif isinstance(func, ast.Attribute) and func.attr in ("get", "pop"):
            if call.args and isinstance(call.args[0], ast.Constant):
                self.found.names.append(str(call.args[0].value))
                self.of(program, func.value, at, hops + 1)
        elif isinstance(func, ast.Attribute) and func.attr == "state_dict":
            value = program.value(func.value, call)
            if value.kind == "dict" or value.via == "loaded":
                self.of(program, func.value, at, hops + 1)  # a whole model was saved
            else:
                self._is("object", program, call)
        else:
            self._own(program, call, hops)

    def _own(self, program: Program, call: ast.Call, hops: int, element: int | None = None) -> None:
        """A function of the project: what it reads and gives back as it is, or one `element` of what it gives back."""
        target = program.target(call)
        callee, owner = target.scope, target.program
        if target.kind != "function" or callee is None or owner is None or callee.yields:
            return
        self.found.names.append(callee.name)
        self.found.through.append((program, call))
        ends = [r for r in callee.returns if r.value is not None]
        given_back = ends[0].value if len(ends) == 1 else None
        if element is not None and isinstance(given_back, ast.Tuple):
            given_back = given_back.elts[element] if element < len(given_back.elts) else None
        if isinstance(given_back, ast.Call | ast.Name | ast.Subscript):
            before = self.found.kind
            self.of(owner, given_back, ends[0], hops + 1)
            if self.found.kind == before and call.args:  # it gives back what it was given, in whatever shape
                self._is("part", program, call)

    def _attribute(self, program: Program, expr: ast.Attribute, at: ast.AST, hops: int) -> None:
        scope = program.scope(at)
        self.found.names.append(expr.attr)
        cls = scope.class_scope
        if cls is None or dotted(expr.value) != scope.self_name:
            return
        bindings = cls.attributes.get(expr.attr, [])
        if len(bindings) == 1 and bindings[0].value is not None and bindings[0].stmt is not None:
            self.of(program, bindings[0].value, bindings[0].stmt, hops + 1)

    def _name(self, program: Program, expr: ast.Name, at: ast.AST, hops: int) -> None:
        self.found.names.append(expr.id)
        scope = program.scope(at)
        home = program.names.lookup(expr.id, scope)
        if home is None:
            return
        stmt = program.statement(at)
        reach = reaching(program.index, home[1], stmt) if home[0] is scope else home[1]
        one = reach[0] if len(reach) == 1 else None
        if one is not None and (one.kind == "param" or one.path):
            changed = self._filled(program, expr.id, home[0], one.stmt, stmt)
            if changed is not None:
                self._is("part", program, changed)
            elif one.kind == "param":
                self._parameter(program, home[0], expr.id, hops)
            elif isinstance(one.value, ast.Call) and one.kind == "assign" and len(one.path) == 1:
                self._own(program, one.value, hops, one.path[0])
            return
        made = [b for b in reach if b.value is not None and b.stmt is not None and not b.path and b.kind == "assign"]
        if not made or len(made) < len(reach) or len(made) > 4:
            return
        filled = self._filled(program, expr.id, home[0], made[-1].stmt, stmt)
        if filled is not None:
            if isinstance(filled, ast.For) and _empty(made[-1].value):
                self.of(program, filled.iter, filled, hops + 1)  # every entry under another name
            else:
                self._is("part", program, filled)
            return
        over = self._filled_by_others(program, expr.id, home[0]) if _empty(made[-1].value) else None
        if over is not None:
            self.of(*over, hops + 1)
            return
        for binding in made:
            if isinstance(binding.value, ast.expr) and binding.stmt is not None:
                self.of(program, binding.value, binding.stmt, hops + 1)
            if self.found.kind != "file":
                return

    def _filled_by_others(self, program: Program, name: str, scope: Scope) -> tuple[Program, ast.expr, ast.AST] | None:
        """What the loop goes over that fills the variable, where a function of the project does that: in a loop of its
        own, or called in one here. With its file and statement."""
        handed = [call for call, _ in program.flow.handed(name, scope)]
        taken = [call for call in handed if program.target(call).kind == "function"]
        target = program.target(taken[0]) if len(taken) == 1 else None
        function, owner = (target.scope, target.program) if target is not None else (None, None)
        if function is None or owner is None or function.kind != "function":
            return None
        inside = next((p.arg for p in function.parameters() if is_name(given(taken[0], function, p.arg), name)), "")
        filled = self._filled(owner, inside, function, None, None) if inside else None
        if isinstance(filled, ast.For):
            return owner, filled.iter, filled
        stmt = program.statement(taken[0])
        plain = isinstance(filled, ast.Assign) and owner.index.parent.get(filled) is function.node
        loop = _each(program, stmt) if plain and stmt is not None else None
        return (program, loop.iter, loop) if loop is not None else None

    def _parameter(self, program: Program, function: Scope, name: str, hops: int) -> None:
        sites = program.call_sites(function)
        for call in sites[:3]:
            passed = given(call, function, name)
            if passed is not None:
                self.of(program, passed, call, hops + 1)
                if self.found.kind != "unknown":
                    return

    def _filled(
        self, program: Program, name: str, scope: Scope, made: ast.stmt | None, until: ast.stmt | None
    ) -> ast.AST | None:
        """What changes the entries of the variable between two statements; a loop that stores each, unconditionally."""
        first, last = getattr(made, "lineno", 0), getattr(until, "lineno", 1 << 30)
        if _CHANGES & scope.receivers.get(name, set()):
            for call in scope.calls:
                func = call.func
                if isinstance(func, ast.Attribute) and func.attr in _CHANGES and first <= call.lineno <= last:
                    held = isinstance(func.value, ast.Name) and func.value.id == name
                    if held and not _renames(program.statement(call), call):
                        return call
        for assignment in program.index.assignments:
            if program.scope(assignment) is not scope or not first <= assignment.lineno <= last:
                continue
            for target in assignment.targets if isinstance(assignment, ast.Assign) else ():
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
                    if _renames(assignment, assignment.value):
                        continue
                    return _each(program, assignment) or assignment
        for stmt in program.index.parent if "del " in program.document.source else ():
            if (
                isinstance(stmt, ast.Delete)
                and program.scope(stmt) is scope
                and first <= stmt.lineno <= last
                and any(isinstance(t, ast.Subscript) and dotted(t.value) == name for t in stmt.targets)
            ):
                return stmt
        return None


def _each(program: Program, stmt: ast.stmt) -> ast.For | None:
    """The loop in which `stmt` runs every time."""
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.For):
            return block
        if not isinstance(block, ast.With | ast.Try):
            return None
    return None


def _renames(stmt: ast.stmt | None, call: ast.AST | None) -> bool:
    """`state[new] = state.pop(old)`."""
    return (
        isinstance(stmt, ast.Assign)
        and stmt.value is call
        and isinstance(stmt.targets[0], ast.Subscript)
        and isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and dotted(call.func.value) == dotted(stmt.targets[0].value)
    )


def _empty(expr: ast.expr | None) -> bool:
    if isinstance(expr, ast.Dict):
        return not expr.keys
    return isinstance(expr, ast.Call) and not expr.args and not expr.keywords


def _texts(path: ast.expr | None, program: Program, at: ast.AST) -> list[str]:
    """The names and texts of a path, and of what its variable was made of."""
    found: list[str] = []
    queue: list[ast.AST] = [path] if path is not None else []
    for expr in queue:
        if len(found) > MAX_TEXTS:
            break
        for node in nodes(expr):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.Name):
                found.append(node.id)
                home = program.names.lookup(node.id, program.scope(at)) if expr is path else None
                queue.extend(b.value for b in (home[1] if home else ()) if b.value is not None)
            elif isinstance(node, ast.Attribute):
                found.append(node.attr)
    return found
