"""What becomes of loaded state inside the function that loads it: which keys are taken, which objects are restored."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.arguments import argument, bind_arguments, given
from dry_debug.program.handed_back import handed_back
from dry_debug.program.values import Value
from dry_debug.program.walks import names_in, nodes

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

MAX_DEPTH = 20
MAX_HELPERS = 2  # functions on the way of what was loaded to where it is restored
_CHOICES, _COMPREHENSIONS = (ast.IfExp, ast.BoolOp), (ast.DictComp, ast.GeneratorExp, ast.ListComp)
_STATE = "torch.distributed.checkpoint.state_dict."
_FSDP = "torch.distributed.fsdp.FullyShardedDataParallel."
# Function -> (what it restores, the state): positions and names of the arguments.
_Place = tuple[int, str]
_FUNCTIONS: dict[str, tuple[tuple[_Place | None, _Place], ...]] = {
    f"{_STATE}set_model_state_dict": (((0, "model"), (1, "model_state_dict")),),
    f"{_STATE}set_optimizer_state_dict": (((1, "optimizers"), (2, "optim_state_dict")),),
    f"{_STATE}set_state_dict": (
        ((0, "model"), (99, "model_state_dict")),
        ((1, "optimizers"), (99, "optim_state_dict")),
    ),
    f"{_FSDP}optim_state_dict_to_load": (((1, "optim"), (2, "optim_state_dict")),),
    f"{_FSDP}scatter_full_optim_state_dict": (((3, "optim"), (0, "full_optim_state_dict")),),
    f"{_FSDP}shard_full_optim_state_dict": (((3, "optim"), (0, "full_optim_state_dict")),),
    "peft.set_peft_model_state_dict": (((0, "model"), (1, "peft_model_state_dict")),),
}  # fmt: skip


class Loaded:
    """Variables of one function that hold what `call` loaded, or a part of it.

    `inside`: (who hands it on, function, parameter) where these are the variables of another function of the file,
    which `call` hands all of it to.
    """

    def __init__(self, program: Program, call: ast.Call, inside: tuple[Loaded, Scope, str] | None = None) -> None:
        self.program = program
        self.call = call
        self.hops: int = inside[0].hops + 1 if inside is not None else 0
        self.env: Env | None = None
        self.scope = program.scope(call) if inside is None else inside[1]
        self.direct: set[str] = set()  # variables that the result is put into
        self.parts: dict[str, str | bool] = {}  # other variables -> the key of the part; True for the whole
        self.objects: set[str] = set()  # `snapshot = Snapshot(**loaded)`
        self.stmt = stmt = program.statement(call) if inside is None else None
        self.stmts: set[ast.stmt | None] = {stmt}  # those after which a direct variable holds it
        if inside is not None:
            self.direct.add(inside[2])
            at, stmt, receiver = program.scope(call), program.statement(call), program._targets(call)[1]
            self.env = bind_arguments(program.evaluator, self.scope, call, at, stmt, inside[0].env, receiver)
        elif isinstance(stmt, ast.Assign) and stmt.value is call and isinstance(stmt.targets[0], ast.Name):
            self.direct.add(stmt.targets[0].id)
        self._follow()
        if self.parts or self.objects or len(self.stmts) > 1:  # a loop may fill what an earlier line made
            self._follow()

    @cached_property
    def restores(self) -> list[tuple[ast.expr, str | bool, Value, ast.Call]]:
        """(state, key of the part or True, what it is put into, the call) of every restore in the function.

        Also in functions of the file that it hands all of it to.
        """
        return list(self._restores())

    def _restores(self) -> Iterator[tuple[ast.expr, str | bool, Value, ast.Call]]:
        called = self.program.names_called()
        restoring = {*self.program.method_calls("load_state_dict"), *(c for n in _FUNCTIONS for c in called.get(n, ()))}
        for call in self.scope.calls if restoring else ():
            if call not in restoring:
                continue
            func = call.func
            name = self.program.qualified(call) or ""
            if isinstance(func, ast.Attribute) and func.attr == "load_state_dict" and not name.startswith("torch.dist"):
                state = argument(call, 0, "state_dict")
                key = self.taken(state, call) if state is not None else False
                if state is not None and key is not False:
                    yield state, key, self._value(func.value, call), call
            for target, source in _FUNCTIONS.get(name, ()):
                state = argument(call, *source)
                key = self.taken(state, call) if state is not None else False
                if state is None or key is False:
                    continue
                held = argument(call, *target) if target is not None else None
                yield state, key, self._value(held, call) if held is not None else Value("optimizer"), call
        for other in self.helpers:
            yield from other.restores

    def _value(self, expr: ast.expr, at: ast.Call) -> Value:
        """The value of `expr` at `at`; a parameter as the call gives it."""
        program = self.program
        if self.env is None:
            return program.value(expr, at)
        return program.evaluator.value(expr, program.scope(at), program.statement(at), self.env)

    @cached_property
    def helpers(self) -> list[Loaded]:
        """The functions of the file that are handed all that was loaded, and what they do with it."""
        found: list[Loaded] = []
        if not self.direct or self.hops >= MAX_HELPERS:
            return found
        program = self.program
        handing = {call for name in self.direct for call, _ in program.flow.handed(name, self.scope)}
        for call in self.scope.calls if handing else ():
            if call not in handing:
                continue
            target = program.target(call)
            function = target.scope
            if target.kind != "function" or function is None or target.program is not program:
                continue
            if function.kind != "function" or function is self.scope:
                continue
            for parameter in function.parameters():
                name = parameter.arg
                passed = given(call, function, name)
                bindings = function.bindings.get(name, ())
                whole = isinstance(passed, ast.Name) and passed.id in self.direct and len(bindings) == 1
                if whole and self.holds(passed.id, program.statement(call)):  # type: ignore[union-attr]
                    found.append(Loaded(program, call, (self, function, name)))
        return found

    def all(self) -> Iterator[Loaded]:
        """This function, and those that it hands all of it to."""
        yield self
        for other in self.helpers:
            yield from other.all()

    def keys(self) -> Iterator[str]:
        """The keys that are read from the result: `state["epoch"]`, `state.get("epoch")`, `"epoch" in state`."""
        for other in self.helpers:
            yield from other.keys()
        if not self.direct and not self.objects:
            return
        parents = self.program.flow.parents(self.scope)
        for name in sorted(self.direct):
            for read in self.program.flow.reads(name, self.scope):
                key = _key_at(read, parents)
                if key is not None and self.holds(name, self.program.flow.statement_of(read, self.scope)):
                    yield key
        for name in sorted(self.objects):
            for read in self.program.flow.reads(name, self.scope):
                holder = parents.get(read)
                outer = parents.get(holder) if holder is not None else None
                if isinstance(holder, ast.Attribute) and not (isinstance(outer, ast.Call) and outer.func is holder):
                    yield holder.attr

    def assigned(self) -> Iterator[tuple[ast.Assign, str]]:
        """The assignments of this function that read an entry of the result, with its key: `e = state["epoch"] + 1`."""
        parents = self.program.flow.parents(self.scope)
        for name in sorted(self.direct):
            for read in self.program.flow.reads(name, self.scope):
                key, stmt = _key_at(read, parents), self.program.flow.statement_of(read, self.scope)
                if key is not None and isinstance(stmt, ast.Assign) and self.holds(name, stmt):
                    yield stmt, key
        for other in self.helpers:  # `best = restore(state)`
            at = self.program.statement(other.call)
            if isinstance(at, ast.Assign) and at.value is other.call:
                yield from ((at, key) for key in other.given_back())

    def given_back(self) -> Iterator[str]:
        """The keys of the entries that the function gives back: `return state["epoch"] + 1`."""
        parents = self.program.flow.parents(self.scope)
        stmts = {statement for statement in self.scope.returns if statement.value is not None}
        names = {name for s in stmts for name in names_in(s)}
        for stmt, key in self.assigned():
            if isinstance(stmt.targets[0], ast.Name) and stmt.targets[0].id in names:
                yield key
        for name in sorted(self.direct):
            for read in self.program.flow.reads(name, self.scope):
                back = _key_at(read, parents)
                if back is not None and self.program.flow.statement_of(read, self.scope) in stmts:
                    yield back

    # -- following -----------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        for assignment in self.program.flow.assignments(self.scope):
            if not isinstance(assignment, ast.Assign):
                continue
            target = assignment.targets[0]
            if not isinstance(target, ast.Name) or len(assignment.targets) > 1:
                continue
            if assignment is not self.stmt and not (self.direct or self.parts or self.objects):
                continue  # no variable holds anything of it yet
            if target.id in self.direct:
                if assignment is not self.stmt and self.taken(assignment.value, assignment) is not False:
                    self.stmts.add(assignment)  # `state = without_prefix(state)`
                continue
            if self._unpacked(assignment.value, assignment):
                self.objects.add(target.id)
            elif (key := self.taken(assignment.value, assignment)) is not False:
                self.parts.setdefault(target.id, key)
        for loop in self.scope.loops:
            if not isinstance(loop, ast.While) and (key := self.taken(loop.iter, loop)) is not False:
                for name in _filled_in(loop):
                    self.parts.setdefault(name, key)
        for call in self.program.method_calls("update"):
            func = call.func
            if (
                self.program.scope(call) is self.scope
                and isinstance(func, ast.Attribute)
                and isinstance(func.value, ast.Name)
            ):
                key = self.taken(call.args[0], call) if call.args else False
                if key is not False and func.value.id not in self.direct:
                    self.parts.setdefault(func.value.id, key)

    def _unpacked(self, expr: ast.expr, at: ast.AST) -> bool:
        """`Snapshot(**loaded)`."""
        if not isinstance(expr, ast.Call) or expr.args:
            return False
        return any(k.arg is None and self.taken(k.value, at) is True for k in expr.keywords)

    def holds(self, name: str, stmt: ast.stmt | None) -> bool:
        """Whether the variable can still hold what was loaded: other files may be loaded into it, too."""
        bindings = self.scope.bindings.get(name, [])
        if stmt is None or len(bindings) < 2:
            return True
        return any(b.stmt in self.stmts for b in self.program.flow.bindings_at(name, self.scope, stmt))

    def taken(self, expr: ast.expr, at: ast.AST, depth: int = 0) -> str | bool:
        """The key of the part that `expr`, in the statement `at`, holds.

        True for the whole, however reshaped; False for something else.
        """
        if expr is self.call and self.env is None:
            return True
        if depth > MAX_DEPTH:
            return False
        if isinstance(expr, ast.Name):
            if expr.id in self.direct:
                return self.holds(expr.id, self.program.statement(at))
            return self.parts.get(expr.id, False)
        if isinstance(expr, ast.Call):
            return self._called(expr, at, depth)
        if isinstance(expr, ast.Subscript):
            base = self.taken(expr.value, at, depth + 1)
            return _literal(expr.slice) or True if base is True else base
        if isinstance(expr, ast.Attribute):
            inside = isinstance(expr.value, ast.Name) and expr.value.id in self.objects
            return expr.attr if inside else False
        if isinstance(expr, _CHOICES):
            choices = [expr.body, expr.orelse] if isinstance(expr, ast.IfExp) else expr.values[:4]
            found = [key for choice in choices if (key := self.taken(choice, at, depth + 1)) is not False]
            return next((key for key in found if key is not True), True) if found else False
        if isinstance(expr, _COMPREHENSIONS):
            return self.taken(expr.generators[0].iter, at, depth + 1)
        return False

    def _called(self, call: ast.Call, at: ast.AST, depth: int) -> str | bool:
        """`loaded.get("model")`, `loaded.items()`, `OrderedDict(loaded)`, `without_prefix(loaded)`."""
        func = call.func
        if isinstance(func, ast.Attribute) and (base := self.taken(func.value, at, depth + 1)) is not False:
            if func.attr in ("get", "pop") and call.args:
                return _literal(call.args[0]) or True if base is True else base
            return base if func.attr in ("items", "copy", "state_dict") else False
        name = self.program.qualified(call) or ""
        if name.startswith("builtins.") and name not in _RESHAPES:
            return False
        found = (self.taken(a, at, depth + 1) for a in call.args[:3] if not isinstance(a, ast.Starred))
        key = next((key for key in found if key is not False), False)
        return False if key is not False and self._puts_together(call) else key

    def _puts_together(self, call: ast.Call) -> bool:
        """Whether a function of the project gives back a dict that it writes down: the next checkpoint."""
        back = handed_back(self.program, call)
        for owner, expr, stmt in back:
            if isinstance(expr, ast.Name):
                found = owner.names.lookup(expr.id, owner.scope(stmt))
                made = found[1][0].value if found is not None and len(found[1]) == 1 else None
                expr = made if isinstance(made, ast.expr) else expr
            if not (isinstance(expr, ast.Dict) and expr.keys) or None in expr.keys:
                return False
        return bool(back)


_RESHAPES = ("builtins.dict", "builtins.filter", "builtins.sorted", "builtins.list")


def restored(call: ast.Call, program: Program) -> ast.expr | None:
    """What a call of `load_state_dict`, or of a function that does the same, puts state into."""
    places = _FUNCTIONS.get(program.qualified(call) or "")
    if places is not None:
        return next(
            (e for target, _ in places if target is not None and (e := argument(call, *target)) is not None), None
        )
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _filled_in(loop: ast.For | ast.AsyncFor) -> list[str]:
    """The variables that the loop stores entries into: `state[name] = ...`."""
    return [
        target.value.id for node in nodes(loop) if isinstance(node, ast.Assign) for target in node.targets
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)
    ]  # fmt: skip


def _key_at(read: ast.Name, parents: dict[ast.AST, ast.AST]) -> str | None:
    holder = parents.get(read)
    if isinstance(holder, ast.Subscript) and holder.value is read:
        return _literal(holder.slice)
    if isinstance(holder, ast.Attribute) and holder.attr in ("get", "pop", "keys"):
        outer = parents.get(holder)
        compare = parents.get(outer) if outer is not None and holder.attr == "keys" else None
        if isinstance(compare, ast.Compare) and isinstance(compare.ops[0], ast.In | ast.NotIn):
            return _literal(compare.left)  # `"step" in state.keys()`
        return _literal(outer.args[0]) if isinstance(outer, ast.Call) and outer.args else None
    if isinstance(holder, ast.Compare) and isinstance(holder.ops[0], ast.In | ast.NotIn):
        return _literal(holder.left)
    return None


def _literal(expr: ast.expr) -> str | None:
    return expr.value if isinstance(expr, ast.Constant) and isinstance(expr.value, str) else None
