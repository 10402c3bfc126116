"""What goes into a saved object: the entries of a dict however it was put together, or the one value that is saved."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import kept_rest
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Scope, dotted, last_name
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import is_name, names_in
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.program import Program

_DICTS = ("builtins.dict", "collections.OrderedDict")
# Values with a `state_dict` of their own.
STATEFUL = frozenset(("module", "optimizer", "scheduler", "scaler", "ema", "sampler", "loader"))
MAX_RENAMED = 3  # variables from an entry of a loop to what is saved of it
# What a dict is written as: `{...}`, or `dict(key=...)`.
DictNode = ast.Dict | ast.Call


def is_none(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value is None


def literal_entries(node: DictNode) -> list[tuple[str | None, ast.expr]]:
    """(key, value) of each entry of `{...}` or `dict(...)`; None for what is no literal, and for `**other`."""
    if isinstance(node, ast.Call):
        return [(k.arg, k.value) for k in node.keywords]
    keys = [k.value if isinstance(k, ast.Constant) and isinstance(k.value, str) else None for k in node.keys]
    return list(zip(keys, node.values, strict=True))


def _as_display(node: DictNode) -> DictNode | None:
    """`node` if it is a list of entries: not `dict(other)`."""
    return node if isinstance(node, ast.Dict) or (node.keywords and not node.args) else None


def _gives_state(func: ast.expr) -> bool:
    """`model.state_dict`, `get_peft_model_state_dict`, `model.named_parameters`."""
    name = last_name(func)
    return "state_dict" in name or name == "named_parameters"


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of what is saved: its key (None if not a literal) and its value."""

    key: str | None
    value: Value
    node: ast.AST


@dataclass(slots=True, eq=False)
class Contents:
    """What an expression holds.

    `whole` is the value itself where it is no dict; `complete` says that `entries` are all that a dict has; `node` is
    the `{...}` or `dict(key=...)` that it was made with, if that stands in the reader's program.
    """

    entries: list[Entry] = field(default_factory=list)
    whole: Value | None = None
    complete: bool = False
    node: DictNode | None = None

    @property
    def display(self) -> ast.Dict | None:
        """The `node` where it is written `{...}`."""
        return self.node if isinstance(self.node, ast.Dict) else None


@dataclass(slots=True, eq=False)
class Gathering:
    """`for key, each in parts.items():`"""

    node: ast.For
    key: str
    each: str
    parts: ast.expr


def gathering(program: Program, stmt: ast.stmt) -> Gathering | None:
    """The loop over the entries of a dict in which a statement stands, if that is the innermost one."""
    loop = program.loop_around(stmt)
    return _gathering(loop) if isinstance(loop, ast.For) else None


def only_gathers(scope: Scope) -> bool:
    """Whether all that a function's loops do is to go through the entries of dicts, and there are some."""
    return bool(scope.loops) and all(isinstance(loop, ast.For) and _gathering(loop) for loop in scope.loops)


def gathered(scope: Scope) -> list[tuple[ast.expr, str]]:
    """The dicts that a function goes through, each with the name that it gives to a value."""
    rows = (_gathering(loop) for loop in scope.loops if isinstance(loop, ast.For))
    return [(row.parts, row.each) for row in rows if row is not None]


def _gathering(loop: ast.For) -> Gathering | None:
    func = loop.iter.func if isinstance(loop.iter, ast.Call) and not loop.iter.args else None
    if not isinstance(func, ast.Attribute) or func.attr != "items" or not isinstance(loop.target, ast.Tuple):
        return None
    names = [target.id for target in loop.target.elts if isinstance(target, ast.Name)]
    return Gathering(loop, names[0], names[1], func.value) if len(names) == len(loop.target.elts) == 2 else None


class PayloadReader:
    """Reads payloads in one program; `env` gives parameters that a call binds."""

    def __init__(self, program: Program, env: Env | None = None) -> None:
        self.program = program
        self.env = env or None

    def value(self, expr: ast.expr, at: ast.AST) -> Value:
        """The value of `expr` at the call or statement `at`; a state dict that was only reshaped is still one."""
        program = self.program
        found = program.evaluator.value(expr, program.scope(at), program.statement(at), self.env)
        if found.kind == "dict" and found.thunk is not None and found.via != "loaded":  # a comprehension
            each = found.thunk()
            if each.kind == "state":
                return each
        elif found.kind != "unknown":
            return found
        return self._state_behind(expr, at) if isinstance(expr, ast.Name) else self._state_in(expr, at)

    def _state_behind(self, name: ast.Name, at: ast.AST) -> Value:
        """The state that a variable was made of, if it was made in one place."""
        program = self.program
        home = program.names.lookup(name.id, program.scope(at))
        reach = reaching(program.index, home[1], program.statement(at)) if home is not None else []
        if len(reach) == 1 and reach[0].kind == "assign" and reach[0].value is not None and not reach[0].path:
            return self._state_in(reach[0].value, reach[0].stmt or at)
        return UNKNOWN

    def _state_in(self, expr: ast.expr, at: ast.AST) -> Value:
        """`{k: v.cpu() for k, v in model.state_dict().items()}`, `lora_state_dict(model)`: the state of `model`."""
        calls = [n for n in ast.walk(expr) if isinstance(n, ast.Call) and _gives_state(n.func)]
        holders: dict[object, Value] = {}
        for call in calls:
            queue: list[ast.AST] = [call.func.value] if isinstance(call.func, ast.Attribute) else []
            queue.extend(call.args)
            while queue:
                node = queue.pop(0)
                if isinstance(node, ast.Name | ast.Attribute):
                    scope, stmt = self.program.scope(at), self.program.statement(at)
                    inner = self.program.evaluator.value(node, scope, stmt, self.env)
                    if inner.kind in STATEFUL:
                        holders.setdefault(inner.base.ident, inner)
                        continue
                queue.extend(ast.iter_child_nodes(node))
        if len(holders) > 1:  # `optimizer_state_dict(model, optimizer)`
            spelled = " ".join(dotted(c.func) or "" for c in calls)
            kind = "optimizer" if "optim" in spelled else "module"
            holders = {ident: value for ident, value in holders.items() if value.kind == kind}
        if len(holders) != 1:
            return UNKNOWN
        holder = next(iter(holders.values()))
        return Value("state", wraps=holder, node=expr, program=self.program, confidence=holder.confidence)

    def read(self, payload: ast.expr, at: ast.AST) -> Contents:
        """The contents of `payload`, which stands in the call or statement `at`."""
        if isinstance(payload, ast.Dict):
            entries, complete = self._display(payload, at)
            return Contents(entries, None, complete, payload)
        if isinstance(payload, ast.Name):
            return self._variable(payload, at)
        if isinstance(payload, ast.List | ast.Tuple):
            return Contents(self._elements(payload, at))
        made = self._made(payload, at)
        if made is not None:
            return made
        value = self.value(payload, at)
        if value.kind == "dict" and value.via != "loaded":
            return self._dict_value(value, payload)
        return Contents([], value, value.known and not (value.kind == "state" and value.base.kind == "instance"))

    def _dict_value(self, value: Value, at: ast.AST) -> Contents:
        """A dict that was built elsewhere in the program: in a function, or under another name."""
        program = self.program
        node = value.node if isinstance(value.node, DictNode) and value.program is program else None
        holder = self._statement_of(node) if node is not None else None
        if node is None or holder is None:
            rows = [Entry(k if isinstance(k, str) else None, v, at) for k, v in value.items or ()]
            return Contents(rows, None, value.via == "rest", None)  # `**kwargs` of which each was spelled out
        read = self._display(node, holder) if isinstance(node, ast.Dict) else self._dict_call(node, holder)
        if read is None:
            return Contents([Entry(k if isinstance(k, str) else None, v, at) for k, v in value.items or ()])
        more, closed = self._grown(node, holder)
        return Contents(read[0] + more, None, read[1] and closed, _as_display(node))

    def _display(self, node: ast.Dict, at: ast.AST) -> tuple[list[Entry], bool]:
        entries: list[Entry] = []
        complete = True
        for key, expr in zip(node.keys, node.values, strict=True):
            if key is None:  # **other
                value = self.value(expr, at)
                if value.kind == "dict" and value.via != "loaded":
                    entries.extend(Entry(k if isinstance(k, str) else None, v, expr) for k, v in value.items or ())
                complete = False
                continue
            literal = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
            if isinstance(expr, ast.Dict):
                inner, inner_complete = self._display(expr, at)
                complete = complete and inner_complete
                entries.extend(inner)
            entries.append(Entry(literal, self.value(expr, at), expr))
        return entries, complete

    def _dict_call(self, expr: ast.expr, at: ast.AST) -> tuple[list[Entry], bool] | None:
        """`dict(model=..., optimizer=...)`."""
        if not isinstance(expr, ast.Call) or self.program.qualified(expr) not in _DICTS:
            return None
        entries = [Entry(k.arg, self.value(k.value, at), k.value) for k in expr.keywords if k.arg is not None]
        return entries, not expr.args and all(k.arg is not None for k in expr.keywords)

    def _variable(self, name: ast.Name, at: ast.AST) -> Contents:
        """`state = {...}; state["x"] = ...; torch.save(state, path)`."""
        program = self.program
        found = program.names.lookup(name.id, program.scope(at))
        if found is None:
            return Contents([], UNKNOWN)
        home, bindings = found
        reach = reaching(program.index, bindings, program.statement(at) if home is program.scope(at) else None)
        made = [(b, c) for b in reach if b.stmt is not None and (c := self._made(b.value, b.stmt)) is not None]
        if made and len(made) == len(reach):
            binding, contents = made[-1]
            if binding.path:
                return Contents([], UNKNOWN)
            added, plain = self._stores(name.id, home)
            if isinstance(binding.value, ast.List):
                added = added + self._appended(name.id, home)
            return Contents(
                contents.entries + added, None, contents.complete and plain and len(made) == 1, contents.node
            )
        value = self.value(name, at)
        if value.kind == "dict" and value.via != "loaded":
            contents = self._dict_value(value, name)
            if not contents.entries and (state := self._state_behind(name, at)).known:
                return Contents([], state)
            added, plain = self._stores(name.id, program.scope(at))
            return Contents(contents.entries + added, None, contents.complete and plain, contents.node)
        return Contents([], value, value.known and not (value.kind == "state" and value.base.kind == "instance"))

    def _made(self, expr: ast.expr | None, at: ast.AST) -> Contents | None:
        if isinstance(expr, ast.Dict):
            entries, complete = self._display(expr, at)
            return Contents(entries, None, complete, expr)
        if isinstance(expr, ast.List | ast.Tuple):
            return Contents(self._elements(expr, at))
        built = self._dict_call(expr, at) if expr is not None else None
        if built is not None and isinstance(expr, ast.Call):
            return Contents(built[0], None, built[1], _as_display(expr))
        if isinstance(expr, ast.Call) and self.program.qualified(expr) == "dataclasses.asdict":
            built = self._fields(expr, at)
        return Contents(built[0], None, built[1]) if built is not None else None

    def _fields(self, expr: ast.Call, at: ast.AST) -> tuple[list[Entry], bool] | None:
        """`asdict(Snapshot(model=..., epoch=...))`."""
        value = self.value(expr.args[0], at) if expr.args else UNKNOWN
        made = value.args
        if made is None or made not in self.program.index.scope_of or made.args or not made.keywords:
            return None
        entries = [Entry(k.arg, self.value(k.value, made), k.value) for k in made.keywords if k.arg is not None]
        return entries, len(entries) == len(made.keywords)

    def _elements(self, node: ast.List | ast.Tuple, at: ast.AST) -> list[Entry]:
        """`[model.state_dict(), epoch]`: entries without a key. What else belongs there nobody can tell."""
        return [Entry(None, self.value(e, at), e) for e in node.elts if not isinstance(e, ast.Starred)]

    def _appended(self, name: str, scope: Scope) -> list[Entry]:
        if "append" not in scope.receivers.get(name, ()):
            return []
        return [
            Entry(None, self.value(call.args[0], call), call)
            for call in scope.calls
            if isinstance(call.func, ast.Attribute) and call.func.attr == "append" and len(call.args) == 1
            and isinstance(call.func.value, ast.Name) and call.func.value.id == name
        ]  # fmt: skip

    def _grown(self, node: DictNode, holder: ast.AST) -> tuple[list[Entry], bool]:
        """What is stored into the variable that holds `node` where it was built."""
        if isinstance(holder, ast.Assign) and len(holder.targets) == 1 and isinstance(holder.targets[0], ast.Name):
            return self._stores(holder.targets[0].id, self.program.scope(holder))
        return [], True

    def _stores(self, name: str, scope: Scope) -> tuple[list[Entry], bool]:
        """`name["key"] = value` and `name.update(...)` in `scope`, and whether every key of it is known."""
        program = self.program
        entries: list[Entry] = []
        of_parts: list[
            Entry
        ] = []  # `state[key] = part.state_dict() if hasattr(part, "state_dict") else part`, in an if
        plain = True
        for assignment in program.index.assignments:
            if program.scope(assignment) is not scope or not isinstance(assignment, ast.Assign):
                continue
            if self.env is not None and self._not_reached(assignment):
                continue
            for target in assignment.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
                    each = self._each(target.slice, assignment)
                    if each is not None:
                        of_parts.extend(each)
                        continue
                    key = target.slice.value if isinstance(target.slice, ast.Constant) else None
                    plain = plain and isinstance(key, str)
                    value = self.value(assignment.value, assignment)
                    entries.append(Entry(key if isinstance(key, str) else None, value, assignment))
        if "update" in scope.receivers.get(name, ()):
            for call in scope.calls:
                func = call.func
                if (
                    isinstance(func, ast.Attribute) and func.attr == "update" and isinstance(func.value, ast.Name)
                    and func.value.id == name
                ):  # fmt: skip
                    more, complete = self._update(call)
                    entries.extend(more)
                    plain = plain and complete
        of_parts.sort(key=lambda entry: entry.value.kind == "state")  # the last of one key stays
        return entries + list({entry.key: entry for entry in of_parts}.values()), plain

    def _each(self, key: ast.expr, assignment: ast.Assign) -> list[Entry] | None:
        """`for key, part in parts.items(): state[key] = part.state_dict()`, where it is known what `parts` holds."""
        loop = gathering(self.program, assignment)
        if loop is None or not isinstance(key, ast.Name) or key.id != loop.key:
            return None
        held = self.value(loop.parts, loop.node)
        if not held.known and isinstance(loop.parts, ast.Attribute):
            held = kept_rest(self.value(loop.parts.value, loop.node), loop.parts.attr)
        if held.kind != "dict" or held.via == "loaded" or not held.items:
            return None
        value = assignment.value
        gives = isinstance(value, ast.Call) and _gives_state(value.func) and self._stands_for(value.func, loop)
        entries = []
        for name, part in held.items:
            if not isinstance(name, str):
                return None
            saved = part if is_name(value, loop.each) else UNKNOWN
            if gives and part.kind in STATEFUL:
                saved = Value("state", wraps=part, node=value, program=self.program, confidence=part.confidence)
            entries.append(Entry(name, saved, assignment))
        return entries

    def _stands_for(self, expr: ast.expr, loop: Gathering) -> bool:
        """Whether an expression in a loop is of its entry, or of what was made of that: `plain = part.module`."""
        names, scope = names_in(expr), self.program.scope(loop.node)
        for _ in range(MAX_RENAMED):
            if loop.each in names:
                return True
            made = [
                b for name in names for b in scope.bindings.get(name, ()) if b.kind == "assign" and b.value is not None
            ]
            inside = [b.value for b in made if b.stmt is not None and self.program.index.inside(b.stmt, loop.node)]
            names = {name for value in inside if value is not None for name in names_in(value)}
        return False

    def _not_reached(self, stmt: ast.stmt) -> bool:
        """Whether it stands under `if optimizer is not None`, and the call gives none."""
        inner: ast.AST = stmt
        for block in self.program.index.ancestors(stmt):
            test = block.test if isinstance(block, ast.If) and inner in block.body else None
            if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot) and is_none(test.comparators[0]):
                test = test.left
            if isinstance(test, ast.Name):
                value = (self.env or {}).get((self.program.scope(stmt), test.id))
                if value is not None and value.kind == "const" and not value.const:
                    return True
            inner = block
        return False

    def _update(self, call: ast.Call) -> tuple[list[Entry], bool]:
        entries = [Entry(k.arg, self.value(k.value, call), k.value) for k in call.keywords if k.arg]
        plain = all(k.arg is not None for k in call.keywords)
        for argument in call.args:
            made = self._made(argument, call)
            if made is None:
                return entries, False
            entries.extend(made.entries)
            plain = plain and made.complete
        return entries, plain

    def _statement_of(self, node: ast.AST) -> ast.stmt | None:
        for assignment in self.program.index.assignments:
            if assignment.value is node:
                return assignment
        for scope in self.program.index.functions:
            for statement in scope.returns:
                if statement.value is node:
                    return statement
        return None
