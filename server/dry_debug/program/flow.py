"""Where a value goes: the uses of a variable, asked on demand for one scope at a time."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from dry_debug.once import cached_property
from dry_debug.program.arguments import argument, parameters_for
from dry_debug.program.evidence import Confidence
from dry_debug.program.knowledge import ACCELERATORS
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import NO_NODES, Binding, Scope, dotted
from dry_debug.program.values import Value
from dry_debug.program.walks import FIELDS
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.program.growth import Growth
    from dry_debug.program.loaded import LoadedUse
    from dry_debug.program.model_outputs import Outputs
    from dry_debug.program.program import Program

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


_BACKWARD = ("backward", "manual_backward")
MAX_ALIASES = 4  # names of one object, one made of another


class LossCall(NamedTuple):
    """A call of a loss function: what it is given as prediction, and the loss object (None for a functional call)."""

    call: ast.Call
    name: str  # canonical qualified name of the class or function
    prediction: ast.expr
    made: Value | None


class Taker(NamedTuple):
    """A function of the project that a call gives a variable: where it stands, and under which parameters."""

    call: ast.Call
    program: Program
    scope: Scope
    names: list[str]


def loss_parts(call: ast.Call) -> tuple[ast.expr, ast.expr] | None:
    """If the call were one of a loss: what makes the loss (`loss` in `loss(x, y)` and in `loss.forward(x, y)`), and
    the prediction; None where it cannot be one."""
    prediction = argument(call, 0, "input") if len(call.args) + len(call.keywords) > 1 else None
    if prediction is None:
        return None
    func = call.func
    return func.value if isinstance(func, ast.Attribute) and func.attr == "forward" else func, prediction


def is_loss(value: Value, names: frozenset[str]) -> bool:
    """Whether it is one of the losses with the canonical `names`: an object, or a function of a library."""
    return value.kind in ("loss", "library") and value.type in names


class Flow:
    """Parents and name uses, computed per scope when somebody asks."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._parents: dict[ast.AST, dict[ast.AST, ast.AST]] = {}
        self._names: dict[ast.AST, list[ast.Name]] = {}  # by the node of a scope: the reads of variables below it
        self._bindings_at: dict[tuple[str, Scope, ast.stmt], list[Binding]] = {}
        self._assignments: dict[Scope, list[ast.Assign | ast.AnnAssign | ast.AugAssign]] = {}
        self._inside: dict[ast.stmt, dict[ast.AST, ast.AST]] = {}
        # By what a backward pass of a function is over: the parameters that it is computed from.
        self.differentiated_from: dict[ast.expr, list[str]] = {}
        # By variable (or attribute), scope and statement that reads it: the bindings that may be there; see `carried`.
        self.reaching: dict[tuple[str, Scope, ast.stmt], set[Binding]] = {}
        self.compared: dict[ast.expr, tuple[set[str], bool]] = {}  # by test: see `improvement`
        self.tested: dict[ast.AST, bool] = {}  # by block: whether a test around it puts in order (`improvement`)
        self.keeps: dict[Scope, bool] = {}  # see `additions.may_keep`
        self.keeping_functions: set[Scope] | None = None  # see `additions`
        self.keeping: bool | None = None  # see `carried_state`
        self.attributes_set: dict[str, list[ast.Assign]] | None = None  # by dotted path, see `all_ranks.values_of`
        self.stepping: dict[ast.AST, bool] = {}  # by branch: whether it is that of an optimizer's step (`growth`)
        # What `model_outputs` asks of an expression and of a function.
        self.held: dict[ast.expr, tuple[set[str], set[ast.AST]]] = {}
        self.takes_out: dict[tuple[Scope, str, int], bool] = {}
        self.outputs: dict[tuple[ast.Call, Scope], Outputs] = {}
        self.passing_on: dict[Scope, tuple[list[ast.Call | ast.stmt], list[ast.Call | ast.Attribute]]] = {}
        # By function, and whether it counts what retains the graph, and what is computed: `carried.backward_passes`.
        self.passes: dict[tuple[Scope, bool, bool], list[tuple[ast.Call, ast.expr]]] = {}
        # By loop (or function) and its scope: what the assignments in it read and set (`derived`).
        self.rows: dict[tuple[Scope, ast.AST], list[tuple[frozenset[str], list[str]]]] = {}
        self._handed: dict[Scope, dict[str, list[tuple[ast.Call, int | str | None]]]] = {}

    def assignments(self, scope: Scope) -> list[ast.Assign | ast.AnnAssign | ast.AugAssign]:
        """The assignments that stand in a scope itself, those that add (`+=`) last."""
        if not self._assignments:
            index = self._program.index
            for stmt in (*index.assignments, *index.augments):
                self._assignments.setdefault(index.scope_of[stmt], []).append(stmt)
        return self._assignments.get(scope, [])

    def parents(self, scope: Scope) -> dict[ast.AST, ast.AST]:
        """Parent of every node below the scope's node."""
        known = self._parents.get(scope.node)
        if known is None:
            known = {}
            queue: deque[ast.AST] = deque([scope.node])
            while queue:  # breadth first, as `ast.walk` goes, at a fraction of its cost
                node = queue.popleft()
                for name in FIELDS[node.__class__]:
                    value: Any = getattr(node, name, None)
                    for child in value if value.__class__ is list else (value,):
                        if child.__class__ not in NO_NODES:
                            known[child] = node
                            if FIELDS[child.__class__]:
                                queue.append(child)
            self._parents[scope.node] = known
        return known

    def parents_near(self, node: ast.AST) -> dict[ast.AST, ast.AST]:
        """Parent of every node in the expressions of the statement that holds `node` (a call), up to that statement.

        What is asked of one call need not walk the whole function, or at the top of a script the whole file.
        """
        stmt = self._program.statement(node)
        if stmt is None:
            return self.parents(self._program.scope(node))
        known = self._inside.get(stmt)
        if known is None:
            known = self._inside[stmt] = {}
            queue: list[ast.AST] = [stmt]
            while queue:
                outer = queue.pop()
                for name in FIELDS[outer.__class__]:
                    value: Any = getattr(outer, name, None)
                    for child in value if value.__class__ is list else (value,):
                        if child.__class__ not in NO_NODES and not isinstance(child, ast.stmt):
                            known[child] = outer
                            queue.append(child)
        return known

    def reads(self, name: str, scope: Scope) -> list[ast.Name]:
        """Where `name` of `scope` is read, in that scope and in functions inside it that do not bind it anew."""
        parents = self.parents(scope)
        names = self._names.get(scope.node)
        if names is None:  # a loaded checkpoint alone is asked for ten times: not each time of every node
            names = [n for n in parents if n.__class__ is ast.Name and n.ctx.__class__ is ast.Load]
            self._names[scope.node] = names
        return [node for node in names if node.id == name and not self._hidden(name, node, scope, parents)]

    def bindings_at(self, name: str, scope: Scope, stmt: ast.stmt) -> list[Binding]:
        """The bindings of a variable of `scope` that may be there in the statement `stmt` of it."""
        key = (name, scope, stmt)
        known = self._bindings_at.get(key)
        if known is None:
            known = reaching(self._program.index, scope.bindings.get(name, []), stmt)
            self._bindings_at[key] = known
        return known

    def handed(self, path: str, scope: Scope) -> list[tuple[ast.Call, int | str | None]]:
        """The calls in `scope` that are given the variable or attribute `path` itself, and as which argument."""
        known = self._handed.get(scope)
        if known is None:
            known = self._handed[scope] = {}
            for call in scope.calls:
                seen: set[str] = set()
                for at, value in (*enumerate(call.args), *((k.arg, k.value) for k in call.keywords)):
                    name = dotted(value)
                    if name is not None and name not in seen:
                        seen.add(name)
                        known.setdefault(name, []).append((call, at))
        return known.get(path, [])

    def takers(self, path: str, scope: Scope) -> Iterator[Taker]:
        """The functions of the project that are given the variable or attribute `path` itself, one for each call."""
        program = self._program
        for call, _ in self.handed(path, scope):
            target = program.target(call)
            function, owner = target.scope, target.program
            if target.kind == "function" and function is not None and owner is not None and function.kind == "function":
                yield Taker(call, owner, function, parameters_for(call, function, path))

    @cached_property
    def backward_functions(self) -> frozenset[str]:
        """The names of the functions of this file that call a `backward`."""
        scopes = {self._program.scope(call) for name in _BACKWARD for call in self._program.method_calls(name)}
        return frozenset(scope.name for scope in scopes if scope.kind == "function")

    @cached_property
    def backward_calls(self) -> dict[Scope, list[ast.Call]]:
        """By scope, in source order: the calls that may run a backward pass, by the name of what they call."""
        program = self._program
        found: dict[Scope, list[ast.Call]] = {}
        for name in self.backward_functions.union(_BACKWARD):
            for call in program.calls_by_last_name(name):
                found.setdefault(program.scope(call), []).append(call)
        for calls in found.values():  # what begins at one place: the outer one first
            calls.sort(key=lambda c: (c.lineno, c.col_offset, -(c.end_lineno or 0), -(c.end_col_offset or 0)))
        return found

    def is_used(self, name: str, scope: Scope, depth: int = 0) -> bool:
        """Whether anything is done with the variable `name`: giving it another name that nobody reads is nothing."""
        for read in self.reads(name, scope):
            parent = self.parents(scope).get(read)
            target = parent.targets[0] if isinstance(parent, ast.Assign) and len(parent.targets) == 1 else None
            if not isinstance(target, ast.Name) or depth >= MAX_ALIASES:
                return True
            home = self.scope_inside(read, scope)
            found = self._program.names.lookup(target.id, home)
            local = found is not None and found[0] is home and home.kind != "module"
            if not local or self.is_used(target.id, home, depth + 1):
                return True
        return False

    def _hidden(self, name: str, node: ast.AST, scope: Scope, parents: dict[ast.AST, ast.AST]) -> bool:
        """Whether a function or comprehension between `node` and `scope` has its own `name`."""
        scopes = self._program.index.scopes
        at = parents.get(node)
        while at is not None and at is not scope.node:
            inner = scopes.get(at)
            if inner is not None and inner.kind != "class" and name in inner.bindings:
                return True
            at = parents.get(at)
        return False

    def path_reads(self, path: str, scope: Scope) -> list[ast.expr]:
        """Where `path` (`total`, `self.total`, `args.total`) is read below `scope`."""
        if "." not in path:
            return list(self.reads(path, scope))
        last = path.rpartition(".")[2]
        return [
            node
            for node in self.parents(scope)
            if node.__class__ is ast.Attribute
            and node.attr == last
            and isinstance(node.ctx, ast.Load)
            and dotted(node) == path
        ]

    def scope_inside(self, node: ast.AST, scope: Scope) -> Scope:
        """The function (or `scope` itself) whose body holds `node`."""
        parents = self.parents(scope)
        at = parents.get(node)
        while at is not None and at is not scope.node:
            if isinstance(at, _FUNCTIONS):
                return self._program.index.scopes[at]
            at = parents.get(at)
        return scope

    def statement_of(self, node: ast.AST, scope: Scope) -> ast.stmt | None:
        """The statement below `scope` that holds `node`."""
        parents = self.parents(scope)
        at: ast.AST | None = node
        while at is not None and not isinstance(at, ast.stmt):
            at = parents.get(at)
        return at

    # -- answers -----------------------------------------------------------------------------------------------------

    def use_of_loaded(self, call: ast.Call) -> LoadedUse:
        """What becomes of the result of `torch.load`, followed through names, returns and functions of the file."""
        from dry_debug.program.loaded import use_of_loaded

        return use_of_loaded(self._program, call)

    @cached_property
    def growths(self) -> list[Growth]:
        """Every statement that adds a tensor with its graph to something that outlives the iteration of a loop."""
        from dry_debug.program.growth import growths

        return list(growths(self._program))

    @cached_property
    def stays_on_cpu(self) -> bool:
        """Whether the file saves what it loads and nothing in it ever names another device than the CPU."""
        source = self._program.document.source
        if not self._program.calls_of("torch.save"):
            return False
        if "cuda" in source or "device" in source:  # nearly always, and found many times faster
            return False
        return ACCELERATORS.search(source) is None

    def loss_calls(self, names: frozenset[str]) -> Iterator[LossCall]:
        """Calls of the losses with the canonical `names`, and of functions elsewhere that give them an argument."""
        from dry_debug.program.losses import in_other_files

        yield from self.own_loss_calls(names)
        yield from in_other_files(self._program, names)

    def own_loss_calls(self, names: frozenset[str]) -> Iterator[LossCall]:
        """Calls of the losses in this file: functions, and objects wherever they were made."""
        program = self._program
        if not self._may_have(names):
            return
        for call in program.index.calls:
            name = program.qualified(call)
            if name in names:
                prediction = argument(call, 0, "input")
                if prediction is not None:
                    yield LossCall(call, name, prediction, None)
                continue
            if len(call.args) + len(call.keywords) < 2 or (name or "").startswith(("builtins.", "torch.")):
                continue
            parts = loss_parts(call)
            value = program.value(parts[0], call) if parts is not None else None
            if parts is not None and value is not None and is_loss(value, names):
                yield LossCall(call, value.type or "", parts[1], value)

    def _may_have(self, names: frozenset[str]) -> bool:
        """Whether something in the file can be one of these: its text says so, or another file may bring it."""
        program, source = self._program, self._program.document.source
        if any(name.rpartition(".")[2] in source for name in names):
            return True
        return program.leaves_file

    def sets_attribute(self, attribute: str, made: ast.Call) -> bool:
        """Whether some assignment `x.attribute = ...` (or setattr) may be on the object that `made` makes."""
        program = self._program
        targets: list[tuple[ast.expr, ast.AST]] = []
        for stmt in (*program.index.assignments, *program.index.augments):
            for target in stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]:
                if isinstance(target, ast.Attribute) and target.attr == attribute:
                    targets.append((target.value, stmt))
        for call in program.calls_of("builtins.setattr"):
            name = call.args[1] if len(call.args) == 3 else None
            if name is not None and (not isinstance(name, ast.Constant) or name.value == attribute):
                targets.append((call.args[0], call))
        kind = program.value(made).kind
        for expr, at in targets:
            value = program.value(expr, at)
            if value.kind == "unknown" or (value.kind == kind and (value.args is made or value.args is None)):
                return True  # it, or one of several that it may be
        return False

    def is_fallback(self, made: ast.Call) -> bool:
        """Whether `made` only stands in for a parameter that the caller left out: `if p is None: p = made(...)`.

        Also where it is what a function gives back, every call of which stands in for one.
        """
        program = self._program
        scope, stmt = program.scope(made), program.statement(made)
        if self._given_back(made, stmt, scope):
            sites = program.call_sites(scope)
            return bool(sites) and all(call is not made and self._stands_in(call) for call in sites)
        return self._stands_in(made)

    def _given_back(self, made: ast.Call, stmt: ast.stmt | None, scope: Scope) -> bool:
        """Whether a function returns what `made` makes, itself or through one variable."""
        if scope.kind != "function" or len(scope.returns) != 1:
            return False
        back = scope.returns[0].value
        if not isinstance(back, ast.Name):
            return back is made
        bindings = scope.bindings.get(back.id, [])
        return len(bindings) == 1 and bindings[0].stmt is stmt and bindings[0].value is made

    def _stands_in(self, made: ast.Call) -> bool:
        program = self._program
        scope, stmt = program.scope(made), program.statement(made)
        if not isinstance(stmt, ast.Assign):
            return False
        names = {a.arg for a in scope.parameters()}
        return any(isinstance(target, ast.Name) and target.id in names for target in stmt.targets)

    def reaches_method(self, made: ast.Call, methods: Collection[str]) -> Confidence | None:
        """How sure it is that the object which `made` makes is passed to one of `methods`; None if nothing shows it.

        An object that is returned or stored out of sight counts as passed with medium confidence when the file calls
        such a method at all.
        """
        program = self._program
        kind = program.value(made).kind
        perhaps = False
        for owner, call in self._takers(made, methods):
            for expr in (*call.args, *(k.value for k in call.keywords)):
                if expr is made:
                    return "high"
                value = owner.value(expr, call)
                if value.kind == kind and value.args is made:
                    return value.confidence
                if value.kind == "container" and any(v.args is made for v in _members(value)):
                    return "high"
                perhaps = perhaps or (value.kind == kind and value.args is None)
                perhaps = perhaps or (value.kind == "unknown" and owner is program)
        parent = self.parents(program.scope(made)).get(made)
        kept = isinstance(parent, ast.Assign | ast.Return | ast.IfExp | ast.Dict | ast.keyword | ast.AnnAssign)
        return "medium" if perhaps and kept else None

    def _takers(self, made: ast.Call, methods: Collection[str]) -> Iterator[tuple[Program, ast.Call]]:
        """The calls of one of `methods`, in this file and in those that call a function which gives back `made`."""
        program = self._program
        yield from ((program, call) for method in methods for call in program.method_calls(method))
        scope = program.scope(made)
        if scope.kind != "function" or self.returned_by(made) is None:
            return
        for other in {id(other): other for other, _ in program.callers.of(scope)}.values():
            yield from ((other, call) for method in methods for call in other.method_calls(method))

    def line_before(self, call: ast.Call) -> tuple[int, str, str] | None:
        """Where a statement can be put before the one that holds `call`: (offset, indentation, line end)."""
        program = self._program
        stmt = program.statement(call)
        if not isinstance(stmt, ast.Assign | ast.AnnAssign | ast.Expr | ast.Return | ast.For):
            return None
        source, start = program.document.source, program.span(stmt).start
        line = start
        while line > 0 and source[line - 1] in " \t":
            line -= 1
        if line and source[line - 1] not in "\r\n":
            return None  # `if x: y` on one line
        end = source.find("\n")
        return start, source[line:start], "\r\n" if end > 0 and source[end - 1] == "\r" else "\n"

    # -- places that a fix changes -----------------------------------------------------------------------------------

    def returned_by(self, node: ast.AST) -> ast.Return | None:
        """The return statement that gives back what `node` makes: directly, or through one name."""
        program = self._program
        stmt = program.statement(node)
        if stmt is None or isinstance(stmt, ast.Return):
            return stmt
        scope = program.scope(node)
        if not isinstance(stmt, ast.Assign) or not isinstance(stmt.targets[0], ast.Name):
            return None
        name = stmt.targets[0].id
        for statement in scope.returns:
            value = statement.value
            parts = value.elts if isinstance(value, ast.Tuple) else [value]
            if any(isinstance(part, ast.Name) and part.id == name for part in parts):
                return statement
        return None

    def operand(self, call: ast.Call) -> ast.expr | None:
        """The tensor that an element-wise operation is applied to: `x` of `F.op(x)`, `x.op()` and `self.op(x)`."""
        program = self._program
        func = call.func
        name = program.qualified(call)
        if name is not None and name.rpartition(".")[2][:1].isupper():
            return None  # makes a module; it is applied elsewhere
        if name is None and isinstance(func, ast.Attribute):
            receiver = program.value(func.value, call)
            if receiver.kind not in ("module", "instance", "pymodule", "class") and func.attr == "softmax":
                return func.value
        return argument(call, 0, "input")

    def last_layer(self, module: ast.Call) -> tuple[ast.expr, ast.expr] | None:
        """(the element before, the element) of the `nn.Sequential(...)` whose last one `module` is, or makes."""
        program = self._program
        parents = self.parents(program.scope(module))
        node: ast.expr = module
        parent = parents.get(node)
        elements: list[ast.expr] = []
        if isinstance(parent, ast.Tuple) and isinstance(parents.get(parent), ast.List):  # a pair of an OrderedDict
            node, parent = parent, parents.get(parent)
        if isinstance(parent, ast.List):
            elements = parent.elts
        elif isinstance(parent, ast.Call) and not parent.keywords:
            elements = parent.args if program.qualified(parent) == "torch.nn.Sequential" else []
        return (elements[-2], node) if len(elements) > 1 and elements[-1] is node else None

    def shared(self, made: ast.Call) -> bool:
        """Whether what `made` makes is bound to a name that is read more than once."""
        stmt = self._program.statement(made)
        if not isinstance(stmt, ast.Assign) or stmt.value is not made or not isinstance(stmt.targets[0], ast.Name):
            return False
        operand = self.operand(made)
        if isinstance(operand, ast.Name) and operand.id == stmt.targets[0].id:
            return False  # `x = op(x)`: there is one name for both, and other reads may mean either
        return len(self.reads(stmt.targets[0].id, self._program.scope(made))) > 1

    def source_name(self, expr: ast.expr, made: ast.Call, use: ast.Call) -> tuple[ast.Name, str] | None:
        """For `p = op(z)` and an `expr` in `use` that reads `p`: that node, and `z` if it is still the same there."""
        program = self._program
        scope, stmt, at = program.scope(use), program.statement(made), program.statement(use)
        source = self.operand(made)
        if program.scope(made) is not scope or at is None or not isinstance(source, ast.Name):
            return None
        if not isinstance(stmt, ast.Assign) or stmt.value is not made or not isinstance(stmt.targets[0], ast.Name):
            return None
        name = stmt.targets[0].id
        reads = [node for node in ast.walk(expr) if isinstance(node, ast.Name) and node.id == name]
        bindings = scope.bindings.get(source.id)
        if len(reads) != 1 or source.id == name or not bindings:
            return None
        if set(reaching(program.index, bindings, stmt)) != set(reaching(program.index, bindings, at)):
            return None
        return reads[0], source.id

    def whole_statement(self, stmt: ast.stmt) -> Span | None:
        """The lines of a statement that can be taken out: it stands alone on them and its block has another."""
        program = self._program
        parent = program.index.parent.get(stmt)
        blocks = [getattr(parent, name, None) or [] for name in ("body", "orelse", "finalbody")]
        block = next((b for b in blocks if stmt in b), [])
        if len(block) < 2:
            return None
        source, span = program.document.source, program.span(stmt)
        start, end = span.start, span.end
        while start > 0 and source[start - 1] in " \t":
            start -= 1
        while end < len(source) and source[end] in " \t":
            end += 1
        if (start and source[start - 1] not in "\r\n") or (end < len(source) and source[end] not in "\r\n"):
            return None
        if source[end : end + 2] == "\r\n":
            end += 2
        elif end < len(source):
            end += 1
        return Span(start, end)


def _members(container: Value) -> list[Value]:
    return [container.thunk()] if container.thunk is not None else list(container.items or ())
