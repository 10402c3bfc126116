"""Save and load sites: what goes into a checkpoint and what is taken out of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program import sharded
from dry_debug.program.arguments import argument, bind_arguments, given
from dry_debug.program.events import CallTree
from dry_debug.program.payload import STATEFUL, DictNode, Entry, PayloadReader, gathered, only_gathers
from dry_debug.program.restored import Loaded
from dry_debug.program.scopes import Scope
from dry_debug.program.values import NONE, UNKNOWN, Value
from dry_debug.program.walks import names_in
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dry_debug.program.environment import Env
    from dry_debug.program.program import Program

__all__ = ["Checkpoints", "Entry", "LoadSite", "SaveSite", "given"]
MAX_HELPERS = 3  # functions between the code that decides what is saved and `torch.save`


@dataclass(slots=True, eq=False)
class SaveSite:
    """One place where something is written.

    `node` is the call in the user's terms: of a helper where what is saved comes in as an argument (`via` is then the
    `torch.save` inside). `whole` is the value that is saved where it is not a dict. `open` says that the dict may hold
    more than `entries` shows. `payload` and `dict_node` stand in `owner`, which is another program where a helper of
    another file builds the dict.
    """

    node: ast.Call
    payload: ast.expr
    entries: list[Entry]
    whole: Value | None
    path: ast.expr | None
    open: bool
    owner: Program
    via: ast.Call | None = None
    via_owner: Program | None = None
    dict_node: DictNode | None = None
    sharded: bool = False  # each rank writes its part of it
    through: list[tuple[Program, ast.Call]] = field(default_factory=list)  # calls on the way from `node` to `via`

    @property
    def keys(self) -> list[str]:
        return [e.key for e in self.entries if e.key is not None]

    @property
    def values(self) -> list[Value]:
        """What is written: the values of the entries, or the one value."""
        return [e.value for e in self.entries] if self.whole is None else [self.whole]

    def states(self, *kinds: str) -> list[Value]:
        """The objects of these kinds whose state (or themselves) is written."""
        found: list[Value] = []
        for value in self.values:
            inner = value.wraps if value.kind == "state" and value.wraps is not None else value
            if inner.kind in kinds:
                found.append(inner)
        return found


@dataclass(slots=True, eq=False)
class LoadSite:
    """One `torch.load`: the keys that are read from it and the objects that are restored.

    `plain` says that the whole of it goes into a `load_state_dict`: the file holds a state dict, not a dict of them.
    """

    node: ast.Call
    path: ast.expr | None
    map_location: ast.expr | None
    weights_only: bool | None
    strict: bool | None = None
    keys: list[str] = field(default_factory=list)
    restores: list[tuple[Value, ast.Call]] = field(default_factory=list)
    plain: bool = False
    before: LoadSite | None = None  # in the function that gives back what it reads: what that takes itself


@dataclass(slots=True, eq=False)
class _Route:
    """A call through which a payload goes on its way to `torch.save`."""

    call: ast.Call
    payload: ast.expr
    path: ast.expr | None
    save: ast.Call


class Checkpoints:
    """The save and load sites of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._loaded: dict[ast.Call, Loaded] = {}

    @cached_property
    def saves(self) -> list[SaveSite]:
        """Every `torch.save` (also accelerate's and Fabric's), at the call that decides what is in it."""
        result: list[SaveSite] = []
        for route in self._writes:
            self._site(route, None, result, 0)
        self._through_other_files(result)
        result.sort(key=lambda s: (s.node.lineno, s.node.col_offset))
        return result

    @cached_property
    def _writes(self) -> list[_Route]:
        if ".save(" not in self.program.document.source and "save" not in self.program.document.source:
            return []
        calls = list(self.program.calls_of("torch.save"))
        calls += [call for name in sharded.SAVES for call in self.program.calls_of(name)]
        for call in self.program.method_calls("save"):
            if isinstance(call.func, ast.Attribute) and call not in calls:
                value = self.program.value(call.func.value, call)
                if value.kind in ("accelerator", "fabric") and (call.args or call.keywords):
                    calls.append(call)
        routes = []
        for call in sorted(calls, key=lambda c: c.lineno):
            payload, path = argument(call, 0, "obj"), argument(call, 1, "f")
            if isinstance(call.func, ast.Attribute) and self.program.value(call.func.value, call).kind == "fabric":
                payload, path = argument(call, 1, "state"), argument(call, 0, "path")  # the other way round
            elif self.program.qualified(call) in sharded.SAVES:
                payload, path = argument(call, 0, "state_dict"), sharded.path_of(self.program, call)
            if payload is not None:
                routes.append(_Route(call, payload, path, call))
                continue
            rest = _rest_of(self.program.scope(call))
            if rest is not None and len(call.args) == 1 and isinstance(call.args[0], ast.Starred):
                passed = call.args[0].value
                if isinstance(passed, ast.Name) and passed.id == rest:
                    # `def save(*args): torch.save(*args)`: the first and second of what the callers pass.
                    first, second = (ast.copy_location(ast.Name(f"*{i}", ast.Load()), passed) for i in (0, 1))
                    routes.append(_Route(call, first, second, call))
        return routes

    def _site(self, route: _Route, via: ast.Call | None, result: list[SaveSite], depth: int) -> None:
        program = self.program
        scope = program.scope(route.call)
        if isinstance(route.payload, ast.Name) and depth < MAX_HELPERS:
            callers = self._passed(route.payload.id, scope)
            # In a loop of its own function it saves on the way of the training that goes on there.
            if callers and program.loop_around(route.call) is None:
                for call, expr in callers:
                    path = self._forwarded(route.path, scope, call)
                    self._site(_Route(call, expr, path, route.save), via or route.save, result, depth + 1)
                return
        if depth < MAX_HELPERS and self._built_of_parameters(route, scope):
            for call, env, path, through in self._calls_with_state(scope, route.path, depth):
                site = self._read(route, program, env, call, path, via or route.save)
                site.through = through
                result.append(site)
            return
        result.append(self._read(route, program, None, route.call, route.path, via))

    def _read(
        self,
        route: _Route,
        owner: Program,
        env: Env | None,
        node: ast.Call,
        path: ast.expr | None,
        via: ast.Call | None,
    ) -> SaveSite:
        held = PayloadReader(owner, env).read(route.payload, route.call)
        through = owner if via is not None else None
        return SaveSite(node, route.payload, held.entries, held.whole, path, not held.complete, owner, via, through,
                        held.node, owner.qualified(route.save) in sharded.SAVES)  # fmt: skip

    def bound(self, call: ast.Call, callee: Scope, owner: Program) -> Env:
        """The parameters of `callee` as `call`, which stands in this program, gives them."""
        program = self.program
        receiver = self._receiver(call, callee)
        scope, stmt = program.scope(call), program.statement(call)
        bound = bind_arguments(program.evaluator, callee, call, scope, stmt, None, receiver)
        for name in (a.arg for a in callee.parameters()):
            if (callee, name) in bound:
                continue
            if given(call, callee, name) is not None:
                bound[(callee, name)] = UNKNOWN  # what other calls pass says nothing of this one
                continue
            default = callee.default_of(name)
            if isinstance(default, ast.Constant) and default.value is None and _all_spelled_out(call):
                bound[(callee, name)] = NONE
        return bound

    def _calls_with_state(
        self, scope: Scope, path: ast.expr | None, depth: int
    ) -> Iterator[tuple[ast.Call, Env, ast.expr | None, list[tuple[Program, ast.Call]]]]:
        """The calls that decide what a saving function of this file is given, what it gets there, the path, and the
        calls on the way.

        A caller that only hands on its own parameters leaves it to its callers.
        """
        program = self.program
        handed: set[ast.Call] = set()  # a function that saves on several ways is called once for all of them
        for call in self._calls_of(scope):
            caller = program.scope(call)
            passed = self._forwarded(path, scope, call)
            if depth + 1 < MAX_HELPERS and self._hands_on(call, caller):
                receiver = self._receiver(call, scope)
                for outer, env, final, through in self._calls_with_state(caller, passed, depth + 1):
                    if outer in handed:
                        continue
                    handed.add(outer)
                    stmt = program.statement(call)
                    bound = bind_arguments(program.evaluator, scope, call, caller, stmt, env, receiver)
                    yield outer, bound, final, [*through, (program, call)]
            else:
                yield call, self.bound(call, scope, program), passed, []

    def _calls_of(self, function: Scope) -> list[ast.Call]:
        """The calls of a function in this file; of a `__call__`, those of the objects of its class."""
        if function.name != "__call__" or function.class_scope is None:
            return self.program.call_sites(function)
        rows = self.program.events._user_calls.values()
        trees = (tree for row in rows for _, tree in row if isinstance(tree, CallTree))
        return [tree.call for tree in trees if tree.function.scope is function]

    def _receiver(self, call: ast.Call, callee: Scope) -> Value | None:
        """The object whose method a call leads to."""
        if callee.name == "__call__" and not (isinstance(call.func, ast.Attribute) and call.func.attr == "__call__"):
            return self.program.value(call.func, call)
        return self.program._targets(call)[1]

    def _hands_on(self, call: ast.Call, caller: Scope) -> bool:
        """Whether all that a call passes are parameters of its function, which is called, or plain values."""
        if caller.kind != "function" or caller.loops or not self._calls_of(caller):
            return False
        return _only_parameters(call, caller)

    def _built_of_parameters(self, route: _Route, scope: Scope) -> bool:
        """Whether a function of this file is there to save the state of what its callers pass.

        One with loops trains or evaluates, and saves on the way: then it is the place of the save.
        """
        if scope.kind != "function" or (scope.loops and not only_gathers(scope)) or not self._calls_of(scope):
            return False
        return self._saves_parameter(route, scope)

    def _saves_parameter(self, route: _Route, scope: Scope, foreign: bool = False) -> bool:
        """Whether the state of a parameter of `scope` is in the payload; of `self`, too, for callers in other files."""
        names = {a.arg for a in scope.parameters()}
        states = any("state_dict" in methods for methods in scope.receivers.values())
        if states and only_gathers(scope) and any(names & names_in(parts) for parts, _ in gathered(scope)):
            return True
        if not foreign or scope.loops:
            names.discard(scope.self_name or "")
        entries = names - {scope.self_name}
        roots: list[ast.AST] = [route.payload]
        if isinstance(route.payload, ast.Name):
            roots.extend(b.stmt for b in scope.bindings.get(route.payload.id, ()) if b.stmt is not None)
            roots.extend(
                a for a in self.program.index.assignments
                if self.program.scope(a) is scope and isinstance(a, ast.Assign)
                and any(isinstance(t, ast.Subscript) and isinstance(t.value, ast.Name)
                        and t.value.id == route.payload.id for t in a.targets)
            )  # fmt: skip
        for root in roots:
            for node in ast.walk(root):
                if isinstance(node, ast.Attribute) and node.attr == "state_dict" and _part_of(node.value) in entries:
                    return True  # `state["model"].state_dict()`
                if isinstance(node, ast.Name) and node.id in names:
                    if any("state_dict" in scope.receivers.get(f"{node.id}{part}", ()) for part in ("", ".module")):
                        return True
                    bindings = scope.bindings.get(node.id, [])
                    if bindings and self.program.evaluator.binding(bindings[0]).kind in STATEFUL:
                        return True
        return False

    # -- helpers of other files ----------------------------------------------------------------------------------------

    @cached_property
    def _routes(self) -> dict[Scope, list[_Route]]:
        """For each function of this file, the calls in it through which a payload goes to `torch.save`."""
        result: dict[Scope, list[_Route]] = {}
        queue = [(route, 0) for route in self._writes]
        while queue:
            route, depth = queue.pop()
            scope = self.program.scope(route.call)
            if scope.kind != "function":
                continue
            result.setdefault(scope, []).append(route)
            if isinstance(route.payload, ast.Name) and depth < MAX_HELPERS:
                for call, expr in self._passed(route.payload.id, scope):
                    path = self._forwarded(route.path, scope, call)
                    queue.append((_Route(call, expr, path, route.save), depth + 1))
        return result

    def _through_other_files(self, result: list[SaveSite]) -> None:
        if not self.program.leaves_file:
            return
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                if not isinstance(tree, CallTree):
                    continue
                callee, owner = tree.function.scope, tree.function.program
                if callee is None or owner is None or owner is self.program or "save" not in owner.document.source:
                    continue
                routes = owner.training.checkpoints._routes.get(callee, ())
                for route in sorted(routes, key=lambda r: r.call.lineno):
                    self._foreign_site(route, callee, owner, tree, result)
                if not routes:
                    self._handed_on_there(callee, owner, tree, result)

    def _handed_on_there(self, callee: Scope, owner: Program, tree: CallTree, result: list[SaveSite]) -> None:
        """`stopper(loss, model)`, a function of another file that hands what it is given on to one that saves it."""
        theirs, seen = owner.training.checkpoints, set[ast.Call]()
        for call in callee.calls if theirs._routes and not callee.loops else ():
            inner = owner.target(call).scope
            if inner is None or inner not in theirs._routes or not _only_parameters(call, callee):
                continue
            for route in theirs._routes[inner]:
                named = isinstance(route.payload, ast.Name) and _is_parameter(route.payload.id, inner)
                if named or route.save in seen or not theirs._saves_parameter(route, inner):
                    continue
                seen.add(route.save)
                env = self.bound(tree.call, callee, owner)
                receiver = owner._targets(call)[1]
                bound = bind_arguments(owner.evaluator, inner, call, callee, owner.statement(call), env, receiver)
                path = theirs._forwarded(route.path, inner, call)
                if isinstance(path, ast.Attribute):
                    path = _held(path, callee, self._receiver(tree.call, callee), self.program)
                else:
                    path = self._given_path(path, tree.call, callee)
                site = self._read(route, owner, bound, tree.call, path, route.save)
                site.through = [(owner, call)]
                result.append(site)

    def _foreign_site(
        self, route: _Route, callee: Scope, owner: Program, tree: CallTree, result: list[SaveSite]
    ) -> None:
        if isinstance(route.payload, ast.Name) and _is_parameter(route.payload.id, callee):
            expr = given(tree.call, callee, route.payload.id)
            if expr is not None:
                path = self._given_path(route.path, tree.call, callee)
                inner: list[SaveSite] = []
                self._site(_Route(tree.call, expr, path, route.save), route.save, inner, 1)
                for site in inner:
                    site.via_owner = owner
                result.extend(inner)
            return
        if owner.training.checkpoints._saves_parameter(route, callee, foreign=True):
            env = self.bound(tree.call, callee, owner)
            path = self._given_path(route.path, tree.call, callee)
            result.append(self._read(route, owner, env, tree.call, path, route.save))

    @staticmethod
    def _given_path(path: ast.expr | None, call: ast.Call, callee: Scope) -> ast.expr | None:
        """The path as the caller would write it; an expression of the other file says nothing in this one."""
        if isinstance(path, ast.Name):
            passed = given(call, callee, path.id)
            if passed is not None:
                return passed
            path = callee.default_of(path.id)
        return path if isinstance(path, ast.Constant) else None

    def _passed(self, name: str, scope: Scope) -> list[tuple[ast.Call, ast.expr]]:
        """The calls that pass something for parameter `name` of `scope`, if it is a parameter that is not rebound."""
        if not _is_parameter(name, scope):
            return []
        result = []
        for site in self._calls_of(scope):
            expr = given(site, scope, name)
            if expr is not None:
                result.append((site, expr))
        return result

    def _forwarded(self, path: ast.expr | None, scope: Scope, site: ast.Call) -> ast.expr | None:
        if isinstance(path, ast.Name):
            for call, expr in self._passed(path.id, scope):
                if call is site:
                    return expr
            return scope.default_of(path.id) or path
        if isinstance(path, ast.Attribute) and self.program.scope(site).class_scope is not scope.class_scope:
            return _held(path, scope, self._receiver(site, scope), self.program) or path
        return path

    # -- loads ---------------------------------------------------------------------------------------------------------

    @cached_property
    def loads(self) -> list[LoadSite]:
        """Every `torch.load` with what is read from it in the same scope, and what loads into given state."""
        found = [self._load(call) for call in self.program.calls_of("torch.load")]
        found += [self._load_in_place(call) for name in sharded.LOADS for call in self.program.calls_of(name)]
        return found

    def loaded(self, call: ast.Call) -> Loaded:
        """The variables around `call`, which reads a file, that hold what it gives back."""
        known = self._loaded.get(call)
        if known is None:
            known = self._loaded[call] = Loaded(self.program, call)
        return known

    def read_back(self, call: ast.Call) -> LoadSite:
        """What becomes of what `call` gives back, as if it were a `torch.load`."""
        return self._load(call)

    def _load(self, call: ast.Call) -> LoadSite:
        only = argument(call, 99, "weights_only")
        site = LoadSite(
            call,
            argument(call, 0, "f"),
            argument(call, 1, "map_location"),
            only.value if isinstance(only, ast.Constant) and isinstance(only.value, bool) else None,
        )
        loaded = self.loaded(call)
        for state, key, target, other in loaded.restores:
            if isinstance(key, str):
                if key not in site.keys:
                    site.keys.append(key)
            elif not isinstance(state, ast.Subscript):
                site.plain = True
            site.restores.append((target, other))
            strict = argument(other, 1, "strict") if isinstance(other.func, ast.Attribute) else None
            if isinstance(strict, ast.Constant) and isinstance(strict.value, bool):
                site.strict = strict.value
        site.keys = [*dict.fromkeys((*site.keys, *loaded.keys()))]
        return site

    def _load_in_place(self, call: ast.Call) -> LoadSite:
        """`dcp.load(state, ...)`: fills the state that it is given."""
        site = LoadSite(call, sharded.path_of(self.program, call), None, None)
        state = argument(call, 0, "state_dict")
        held = PayloadReader(self.program).read(state, call) if state is not None else None
        if held is None:
            return site
        site.keys = [e.key for e in held.entries if e.key is not None]
        for value in [held.whole] if held.whole is not None else [e.value for e in held.entries]:
            inner = value.wraps if value.kind == "state" and value.wraps is not None else value
            if inner.kind in STATEFUL:
                site.restores.append((inner, call))
        return site


def _all_spelled_out(call: ast.Call) -> bool:
    return not any(isinstance(a, ast.Starred) for a in call.args) and all(k.arg is not None for k in call.keywords)


def _rest_of(scope: Scope) -> str | None:
    """The name of `*args` in the function `scope`."""
    node = scope.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.vararg is not None:
        return node.args.vararg.arg
    return None


def _part_of(expr: ast.expr) -> str | None:
    """The variable that `expr` is an entry of."""
    while isinstance(expr, ast.Attribute) and expr.attr == "module":
        expr = expr.value
    held = expr.value if isinstance(expr, ast.Subscript) else None
    return held.id if isinstance(held, ast.Name) else None


def _is_parameter(name: str, scope: Scope) -> bool:
    """Whether `name` is a parameter of `scope` that nothing else is put into; `*0` is part of its `*args`."""
    bindings = scope.bindings.get((_rest_of(scope) or "") if name.startswith("*") else name, [])
    return len(bindings) == 1 and bindings[0].kind == "param"


def _held(path: ast.Attribute, scope: Scope, receiver: Value | None, caller: Program) -> ast.expr | None:
    """What an object was given as the path that it keeps (`self.path`), for code of `caller` outside of its class."""
    cls = scope.class_scope
    kept = cls.attributes.get(path.attr, []) if cls is not None else []
    value = kept[0].value if len(kept) == 1 and kept[0].kind == "assign" and not kept[0].path else None
    if not isinstance(path.value, ast.Name) or path.value.id != scope.self_name or receiver is None:
        return None
    if isinstance(value, ast.Name) and receiver.args is not None and _is_parameter(value.id, kept[0].scope):
        passed = given(receiver.args, kept[0].scope, value.id)
        if passed is not None and receiver.origin is caller:
            return passed
        value = passed if passed is not None else kept[0].scope.default_of(value.id)
    return value if isinstance(value, ast.Constant) else None


def _only_parameters(call: ast.Call, caller: Scope) -> bool:
    """Whether all that a call passes are parameters of its function, or plain values."""
    passed = [*call.args, *(k.value for k in call.keywords)]
    names = [e.id for e in passed if isinstance(e, ast.Name)]
    plain = all(isinstance(e, ast.Name | ast.Constant) for e in passed)
    return plain and bool(names) and all(_is_parameter(name, caller) for name in names)
