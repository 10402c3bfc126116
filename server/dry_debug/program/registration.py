"""Which layers of a module's class its `parameters()` cannot see: those that it keeps in a plain list or dict."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.same_object import called, everywhere, onward, origin
from dry_debug.program.scope_index import ScopeIndex
from dry_debug.program.scopes import Binding, Scope, dotted, last_name
from dry_debug.program.values import Value
from dry_debug.program.walks import names_in, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Layers of torch.nn that have parameters; an InstanceNorm has none unless asked for.
_WEIGHTED = re.compile(
    r"torch\.nn\.(Lazy)?(Linear|Bilinear|Conv(Transpose)?[123]d|LSTM|GRU|RNN|LSTMCell|GRUCell|RNNCell|Embedding|"
    r"EmbeddingBag|BatchNorm[123]d|SyncBatchNorm|LayerNorm|RMSNorm|GroupNorm|MultiheadAttention|PReLU|Transformer\w*)"
)
# What takes the members of a list over, or shows that their state is looked after one by one.
_TAKES = frozenset("ModuleList ModuleDict Sequential add_module register_module setattr ParameterList".split())
# Moving them alone is not enough: the optimizer and the checkpoint still have none of them.
_LOOKED_AFTER = frozenset("parameters named_parameters requires_grad_ eval state_dict load_state_dict".split())
_OWN = ("parameters", "named_parameters", "named_modules", "modules", "children", "_apply")
_READS = frozenset("len range enumerate zip print reversed".split())
MAX_DEPTH = 8


@dataclass(slots=True)
class Hidden:
    """An attribute of a module's class that keeps layers in a plain container."""

    cls: Scope
    name: str
    container: ast.expr  # what the attribute is set to
    layers: list[ast.expr]  # the expressions that make its members, as far as they are known to have parameters
    read: ast.AST | None  # where another method of the class uses them


def hidden_layers(program: Program) -> Iterator[Hidden]:
    """In source order of the classes. Where the members may be registered by another way: `program.why`, silent."""
    for cls in program.index.classes:
        rows = list(_containers(program.index, cls))
        if not rows:
            continue
        if program.class_kind(cls) != "module":
            if program.why.listens:
                for _, binding in rows:
                    program.why(binding.value, "its class is not known to be a module")
            continue
        scopes = list(cls.code())
        own = next((name for name in _OWN if name in cls.bindings), None)
        for name, binding in rows:
            assert binding.value is not None
            local = _local(program.index, binding)
            members = [*_members(binding.value), *_added(program, scopes, cls, f"self.{name}")]
            if local is not None and local.value is not None:
                members += [(expr, local.scope) for expr, _ in _members(local.value)]
                for scope, variable in onward(program.index, local.scope, local.name):
                    members += _added(program, [scope], cls, variable)
            layers = [expr for expr, scope in members if has_weights(program, expr, scope or binding.scope)]
            if not layers:
                program.why(binding.value, "nothing that is put into it is known to be a layer with weights")
                continue
            reason = f"its class defines `{own}` itself" if own else _handled(program, scopes, binding, name, layers)
            read = next(_reads(program, cls, name, binding), None)
            if reason is None and read is None:
                reason = "no other method of the class uses it"
            if reason is not None:
                program.why(binding.value, reason)
                continue
            yield Hidden(cls, name, binding.value, layers, read)


def plain_containers(program: Program) -> Iterator[ast.expr]:
    """Every plain list or dict that methods of a class keep in an attribute."""
    for cls in program.index.classes:
        yield from (binding.value for _, binding in _containers(program.index, cls) if binding.value is not None)


def _containers(index: ScopeIndex, cls: Scope) -> Iterator[tuple[str, Binding]]:
    for name, bindings in cls.attributes.items():
        plain = _plain(index, bindings)
        if plain is not None:
            yield name, plain


def _local(index: ScopeIndex, binding: Binding) -> Binding | None:
    """For `self.x = blocks`: where `blocks` is made, a list that is filled before, in the method or in a function that
    hands it to the method or gives it back; it is made only once."""
    if not isinstance(binding.value, ast.Name):
        return None
    scope, name = origin(index, binding.scope, binding.value.id)
    made = [b for b in scope.bindings.get(name, ()) if b.kind != "aug"]
    listed = len(made) == 1 and made[0].kind == "assign" and not made[0].path
    return made[0] if listed and isinstance(made[0].value, ast.List | ast.ListComp) else None


def _plain(index: ScopeIndex, bindings: list[Binding]) -> Binding | None:
    """The binding of an attribute that is only ever set to one plain list or dict."""
    plain: Binding | None = None
    for binding in bindings:
        value = binding.value
        if binding.kind == "aug" or (isinstance(value, ast.Constant) and value.value is None):
            continue
        if (
            plain is not None
            or binding.path
            or not (isinstance(value, ast.List | ast.ListComp | ast.Dict | ast.DictComp) or _local(index, binding))
        ):
            return None
        plain = binding
    return plain


def _members(container: ast.expr) -> Iterator[tuple[ast.expr, Scope | None]]:
    if isinstance(container, ast.List | ast.Tuple):
        if len(container.elts) == 1 and not isinstance(container.elts[0], ast.Call):
            return  # `self.teacher = [teacher]` hides it on purpose
        for element in container.elts:
            yield element, None
    elif isinstance(container, ast.Dict):
        for value in container.values:
            yield value, None
    elif isinstance(container, ast.ListComp):
        yield container.elt, None
    elif isinstance(container, ast.DictComp):
        yield container.value, None


def _added(program: Program, scopes: list[Scope], cls: Scope, where: str) -> Iterator[tuple[ast.expr, Scope]]:
    """What methods of the class add: `append`, `extend`, `insert`, `+=`, `self.x[key] = ...`.

    `where` is an attribute as it is written with `self`, or a variable of the only scope that is looked at.
    """
    owned, _, attribute = where.rpartition(".")
    for scope in scopes:
        path = f"{scope.self_name}.{attribute}" if owned else where
        if path not in scope.receivers:
            continue
        for call in scope.calls:
            func = call.func
            if not isinstance(func, ast.Attribute) or dotted(func.value) != path or not call.args:
                continue
            if func.attr in ("append", "insert"):
                yield call.args[-1], scope
            elif func.attr == "extend":
                yield from ((expr, scope) for expr, _ in _members(call.args[0]))
    for stmt in (*program.index.assignments, *program.index.augments):
        scope = program.scope(stmt)
        if stmt.value is None or (scope.class_scope is not cls if owned else scope not in scopes):
            continue
        path = f"{scope.self_name}.{attribute}" if owned else where
        if isinstance(stmt, ast.AugAssign):
            if dotted(stmt.target) == path:
                yield from ((expr, scope) for expr, _ in _members(stmt.value))
            continue
        for target in stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]:
            if isinstance(target, ast.Subscript) and dotted(target.value) == path:
                yield stmt.value, scope


def has_weights(program: Program, expr: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Whether `expr` makes a module that is known to have parameters."""
    if depth > MAX_DEPTH:
        return False
    if isinstance(expr, ast.Name):
        bindings = scope.bindings.get(expr.id, ())
        if len(bindings) == 1 and bindings[0].kind == "param":
            given = program.arguments_of(scope, expr.id)
            return bool(given) and all(has_weights(program, e, s, depth + 1) for _, e, s, _ in given)
        return bool(bindings) and all(
            b.kind == "assign" and not b.path and b.value is not None and not isinstance(b.value, ast.Name)
            and has_weights(program, b.value, scope, depth + 1) for b in bindings
        )  # fmt: skip
    if not isinstance(expr, ast.Call):
        return False
    name = program.names.qualified(expr.func, scope)
    if name is not None and _WEIGHTED.fullmatch(name):
        return True
    if name in ("torch.nn.Sequential", "torch.nn.ModuleList"):
        parts = [part for arg in expr.args for part in _spread(program.index, arg, scope)]
        return any(has_weights(program, part, where, depth + 1) for part, where in parts)
    if name is not None and name.startswith(("torch.", "builtins.")):
        return False
    called = program.evaluator.value(expr.func, scope, program.statement(expr))
    if called.kind == "function" and called.scope is not None and called.program is not None:
        returns = [r.value for r in called.scope.returns]  # a function that makes a layer
        return bool(returns) and all(
            r is not None and has_weights(called.program, r, called.scope, depth + 1) for r in returns
        )
    return _class_has_weights(called, depth + 1)


def _spread(index: ScopeIndex, arg: ast.expr, scope: Scope) -> list[tuple[ast.expr, Scope]]:
    """What `*layers` stands for, where the method fills the list, or functions of the file that it goes through; any
    other argument as it is."""
    if not (isinstance(arg, ast.Starred) and isinstance(arg.value, ast.Name)):
        return [(arg, scope)]
    found: list[tuple[ast.expr, Scope]] = []
    for where, name in everywhere(index, scope, arg.value.id):
        values = [b.value for b in where.bindings.get(name, ()) if b.value is not None]
        found += [(part, where) for value in values for part, _ in _members(value)]
        if "append" in where.receivers.get(name, ()):
            adds = [call for call in where.calls if call.args and dotted(call.func) == f"{name}.append"]
            found += [(call.args[-1], where) for call in adds]
    return found


def _class_has_weights(value: Value, depth: int) -> bool:
    cls, owner = value.scope, value.program
    if value.kind != "class" or cls is None or owner is None or depth > MAX_DEPTH:
        return False
    if owner.class_kind(cls) != "module":
        return False
    for bindings in cls.attributes.values():
        for binding in bindings:
            call = binding.value
            if not isinstance(call, ast.Call):
                continue
            if owner.names.qualified(call.func, binding.scope) == "torch.nn.Parameter":
                return True
            if has_weights(owner, call, binding.scope, depth + 1):
                return True
    return any(_class_has_weights(base, depth + 1) for base in owner.evaluator.bases(cls))


def _handled(program: Program, scopes: list[Scope], binding: Binding, name: str, layers: list[ast.expr]) -> str | None:
    """Why the members may be registered or looked after by another way, None if nothing shows it."""
    names = {layer.id for layer in layers if isinstance(layer, ast.Name)}
    names |= _also_in(program.index, scopes, names)
    if isinstance(binding.value, ast.Name):
        for scope, local in everywhere(program.index, binding.scope, binding.value.id):
            given = _given_away(program.index, scope, local)
            if given is not None:
                return f"`{last_name(given.func)}` is given the list, and may register the layers"
    kept = [  # a layer under another name: `self.first = layer`
        (stmt, stmt.value.id)
        for stmt in (program.index.assignments if names else ())
        if isinstance(stmt, ast.Assign) and isinstance(stmt.value, ast.Name) and stmt.value.id in names
        and any(isinstance(target, ast.Attribute) for target in stmt.targets)
    ]  # fmt: skip
    for scope in scopes:
        for call in scope.calls:
            last = last_name(call.func)
            if last not in _TAKES:
                continue
            if last in ("add_module", "register_module", "setattr"):
                return f"`{last}` in its class may register the layers"
            mentioned = names_in(call)
            if names & mentioned or _mentions(call, name):
                return f"`{last}` takes the layers over"
        for stmt, layer in kept:
            if program.scope(stmt) is scope:
                return f"`{layer}` is an attribute of its own, too"
    taker = _given_out(program, scopes, name)
    if taker is not None:
        return f"`{last_name(taker.func)}` is given the layers one by one, and may register them"
    for call in program.index.calls:
        if last_name(call.func) in _LOOKED_AFTER and isinstance(call.func, ast.Attribute):
            receiver = call.func.value
            if _mentions(receiver, name) or _goes_through(program, receiver, program.scope(call), name):
                return f"`.{last_name(call.func)}()` is called on each of them: they are looked after"
    return None


def _also_in(index: ScopeIndex, scopes: list[Scope], names: set[str]) -> set[str]:
    """The local lists that the layers of these names go into as well: `layers.append(conv)`, in a helper too."""
    holding = [one for scope in scopes for name in names if name in scope.bindings
               for one in everywhere(index, scope, name)]  # fmt: skip
    return {
        variable
        for scope, name in holding
        for call in scope.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "insert")
        and isinstance(call.func.value, ast.Name) and call.args
        and isinstance(call.args[-1], ast.Name) and call.args[-1].id == name
        for _, variable in everywhere(index, scope, call.func.value.id)
    }  # fmt: skip


def _given_away(index: ScopeIndex, scope: Scope, local: str) -> ast.Call | None:
    """A call in the function that is handed the list itself, if it leads to none where the list is followed: one that
    gets the module, too, and works for several classes may register what is in the list."""
    for call in scope.calls:
        given = (*call.args, *(k.value for k in call.keywords))
        plain = {value.id for value in given if isinstance(value, ast.Name)}
        callee = called(index, call, scope) if local in plain else None
        if callee is not None and (scope.self_name not in plain or callee.class_scope is scope.class_scope):
            continue
        if last_name(call.func) not in _READS and any(
            isinstance(n, ast.Name) and n.id == local for value in given for n in nodes(value)
        ):
            return call
    return None


def _given_out(program: Program, scopes: list[Scope], name: str) -> ast.Call | None:
    """A call in the class that is given a member, also by a method that returns one: `Head(self.layer_of(key))`.

    Functions of libraries run what they are given, and register nothing.
    """
    getters = {method.name for method in scopes for back in method.returns if _is_member(back.value, method, name)}
    for method in scopes:
        for call in method.calls:
            if (program.names.qualified(call.func, method) or "").startswith(("torch.", "builtins.")):
                continue
            for expr in (*call.args, *(k.value for k in call.keywords)):
                through = expr.func if isinstance(expr, ast.Call) else None
                own = isinstance(through, ast.Attribute) and dotted(through.value) == method.self_name
                if _is_member(expr, method, name) or (own and through is not None and last_name(through) in getters):
                    return call
    return None


def _is_member(expr: ast.expr | None, method: Scope, name: str) -> bool:
    return isinstance(expr, ast.Subscript) and dotted(expr.value) == f"{method.self_name}.{name}"


def _goes_through(program: Program, receiver: ast.expr, scope: Scope, name: str, depth: int = 0) -> bool:
    """Whether `receiver` is the variable of a loop or comprehension over the attribute `name`, also as an argument."""
    found = program.names.lookup(receiver.id, scope) if isinstance(receiver, ast.Name) else None
    if found is None or not isinstance(receiver, ast.Name):
        return False
    if any(b.kind in ("for", "comp") and b.value is not None and _mentions(b.value, name) for b in found[1]):
        return True
    if depth >= MAX_DEPTH or not any(b.kind == "param" for b in found[1]):
        return False
    return any(
        _mentions(expr, name) or _goes_through(program, expr, at, name, depth + 1)
        for _, expr, at, _ in program.arguments_of(found[0], receiver.id)
    )


def _mentions(expr: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == name for node in nodes(expr))


def _reads(program: Program, cls: Scope, name: str, binding: Binding) -> Iterator[ast.AST]:
    """Where methods of the class other than the one that fills the container use it."""
    for method in (*cls.children, *cls.actors):
        if method.kind != "function" or method is binding.scope:
            continue
        for node in ast.walk(method.node):
            if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load):
                yield node
