"""Relations between components: which parameters an optimizer covers, what a scheduler drives, a loader reads."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.class_kinds import inner_optimizer
from dry_debug.program.grown import parts
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import Ident, Value
from dry_debug.program.walks import is_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def modules_in(value: Value, depth: int = 0) -> list[Value]:
    """The modules whose parameters a value holds: parameter lists, groups, chains of them."""
    if depth > 6:
        return []
    if value.kind == "params" and value.items:
        return [m for m in value.items if m.kind == "module"]
    if value.kind == "module":
        return [value]
    found: list[Value] = []
    if value.kind == "container":
        if value.thunk is not None:
            found.extend(modules_in(value.thunk(), depth + 1))
        for item in value.items or ():
            found.extend(modules_in(item, depth + 1))
    elif value.kind == "dict":
        for key, item in value.items or ():
            if key in ("params", None):
                found.extend(modules_in(item, depth + 1))
    return found


def covers(optimizer: Value, program: Program) -> list[Value]:
    """The modules whose parameters `optimizer` updates, as far as its creation shows; empty: not known."""
    if optimizer.kind == "instance":
        inner = inner_optimizer(optimizer)
        return covers(inner, program) if inner is not None else []
    call, owner = optimizer.args, optimizer.origin
    if call is None and optimizer.items:  # made in one of several branches
        rows = [covers(each, program) for each in optimizer.items if each.args is not call or each.items]
        if not all(rows):
            return []
        return list({module.base.ident: module for row in rows for module in row}.values())
    if call is None or owner is None:
        return []
    expr = argument(call, 0, "params", "model_params", "parameters", "model", "model_or_params")
    if optimizer.type == "timm.optim.create_optimizer":
        expr = argument(call, 1, "model")  # behind the options of the command line
    if expr is None:
        return []
    scope = owner.index.scope_of.get(call)
    if scope is None:
        return []
    value = owner.evaluator.value(expr, scope, owner.statement(call), optimizer.env)
    if value.kind == "optimizer" and value.args is not call:  # `Lookahead(optimizer)`
        return covers(value, program)
    found = modules_in(value)
    for part, stmt in parts(owner, expr, owner.statement(call)):
        found.extend(modules_in(owner.evaluator.value(part, owner.scope(stmt), stmt, optimizer.env)))
        found.extend(_spelled(part, optimizer, owner))
    found = _without_loop_variables(found or _syntactic(expr, call, optimizer, owner))
    unique: dict[object, Value] = {}
    for module in found:
        module = _seen_from_caller(_in_instance(module, optimizer), optimizer, scope, owner)
        unique.setdefault(module.base.ident, module)
    return list(unique.values())


def _without_loop_variables(found: list[Value]) -> list[Value]:
    """`m` of `for m in models` stands for the models, where these are known."""
    plain = [module for module in found if not _is_any_of_several(module)]
    return plain or found


def _is_any_of_several(module: Value) -> bool:
    ident = module.base.ident
    return isinstance(ident, tuple) and len(ident) == 3 and ident[0] == "part" and ident[2] == "element"


def _in_instance(module: Value, optimizer: Value) -> Value:
    """`self` where a class makes the optimizer of its own parameters: the instance that the optimizer belongs to."""
    ident, own = module.base.ident, optimizer.ident
    if isinstance(ident, tuple) and ident[0] == "self" and isinstance(own, tuple) and own[0] == "own":
        return module.but(ident=own[1])
    return module


def _seen_from_caller(value: Value, beside: Value, made_in: Scope, owner: Program) -> Value:
    """What a factory made beside `beside`, as the factory's caller knows it: the model or optimizer of what it gave."""
    seen, ident = beside.ident, value.ident
    if not (isinstance(seen, tuple) and len(seen) == 3 and seen[0] == "alloc"):
        return value
    if isinstance(ident, tuple) and ident[0] == "alloc" and owner.index.scope_of.get(ident[1]) is made_in:
        return value.but(ident=("alloc", seen[1], ident[1:]))
    return value


def _syntactic(expr: ast.expr, call: ast.Call, optimizer: Value, program: Program) -> list[Value]:
    """The receivers of `.parameters()` in the argument, in what its variables were made of, and of helpers for it."""
    scope = program.scope(call)
    exprs: list[ast.AST] = [expr]
    seen: set[str] = set()
    result: list[Value] = []
    while exprs and len(seen) < MAX_NAMES:
        part = exprs.pop(0)
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and node.id not in seen and isinstance(node.ctx, ast.Load):
                seen.add(node.id)
                exprs.extend(_sources(node.id, scope, program))
            elif isinstance(node, ast.Call) and node in program.index.scope_of:
                result.extend(_parameters_of(node, optimizer, program))
        if result:
            break
    return result


_PARAMETERS = frozenset(("parameters", "named_parameters"))
_ADDED_BY = frozenset(("append", "extend", "add_param_group"))
MAX_NAMES = 12  # variables on the way from an optimizer's argument back to a module


def _spelled(expr: ast.expr, optimizer: Value, program: Program) -> list[Value]:
    """The modules whose parameters an expression asks for: `list(a.parameters()) + list(b.parameters())`."""
    calls = (node for node in ast.walk(expr) if isinstance(node, ast.Call) and node in program.index.scope_of)
    return [module for call in calls for module in _parameters_of(call, optimizer, program)]


def _sources(name: str, scope: Scope, program: Program) -> list[ast.AST]:
    """The expressions that a local variable is made of, its additions included."""
    home = program.names.lookup(name, scope)
    if home is None or any(b.kind == "param" for b in home[1]):
        return []
    found: list[ast.AST] = [b.stmt for b in home[1] if b.stmt is not None and b.kind in ("assign", "aug")]
    found.extend(b.stmt.iter for b in home[1] if b.kind == "for" and isinstance(b.stmt, ast.For))
    if not _ADDED_BY.isdisjoint(home[0].receivers.get(name, ())):
        found.extend(
            c for c in home[0].calls
            if isinstance(c.func, ast.Attribute) and c.func.attr in _ADDED_BY and is_name(c.func.value, name)
        )  # fmt: skip
    return found


def _parameters_of(node: ast.Call, optimizer: Value, program: Program) -> list[Value]:
    """The modules whose parameters a call gives: `m.parameters()`, `getattr(m, n).parameters()`, `groups(m)`."""
    func = node.func
    scope, stmt = program.scope(node), program.statement(node)
    if isinstance(func, ast.Attribute) and "param" in func.attr.lower() and func.attr not in _PARAMETERS:
        found = modules_in(program.evaluator.value(func.value, scope, stmt, optimizer.env))
        if found:
            return found  # `model.get_1x_lr_params()`
    if isinstance(func, ast.Attribute) and func.attr == "named_modules":  # an optimizer that groups them itself
        return modules_in(program.evaluator.value(func.value, scope, stmt, optimizer.env))
    if isinstance(func, ast.Attribute) and func.attr in _PARAMETERS:
        found = modules_in(program.evaluator.value(node, scope, stmt, optimizer.env))
        inner = func.value
        if not found and isinstance(inner, ast.Call) and inner.args:
            name = program.names.qualified(inner.func, scope)
            if name == "builtins.getattr":
                found = modules_in(program.evaluator.value(inner.args[0], scope, stmt, optimizer.env))
        return found
    target = program.target(node)
    callee = target.scope
    if target.kind != "function" or callee is None:
        return []
    result: list[Value] = []
    for parameter, expr in zip(callee.passed_names(), node.args, strict=False):
        if callee.receivers.get(parameter, set()) & _PARAMETERS:
            value = program.evaluator.value(expr, scope, stmt, optimizer.env)
            result.extend([value] if value.kind == "module" else [])
    return result


def written_for(module: Value, optimizer: Value) -> ast.expr | None:
    """The expression in the optimizer's argument, or in the variables that it is made of, that stands for `module`."""
    call, program = optimizer.args, optimizer.origin
    expr = argument(call, 0, "params", "model_params", "parameters", "model") if call is not None else None
    if call is None or program is None or expr is None or call not in program.index.scope_of:
        return None
    scope, stmt = program.scope(call), program.statement(call)
    exprs: list[ast.AST] = [expr]
    seen: set[str] = set()
    while exprs and len(seen) < MAX_NAMES:
        for node in ast.walk(exprs.pop(0)):
            if isinstance(node, ast.Name) and node.id not in seen and isinstance(node.ctx, ast.Load):
                seen.add(node.id)
                exprs.extend(_sources(node.id, scope, program))
            elif isinstance(node, ast.Attribute) and "param" in node.attr.lower() and dotted(node) is not None:
                value = program.evaluator.value(node.value, scope, stmt, optimizer.env)
                if value.base.ident == module.base.ident:
                    return node.value
    return None


def belongs_to(module: Value, whole: Value) -> bool:
    """Whether `module` is `whole` or a part of it."""
    ident, target = module.base.ident, whole.base.ident
    for _ in range(8):
        if ident == target:
            return True
        if isinstance(ident, tuple) and ident and ident[0] == "part":
            ident = ident[1]
        else:
            return False
    return False


def made_in_class(module: Value) -> Scope | None:
    """The class of the project in whose methods a module is made: it is a part of each of its objects."""
    owner, ident = module.base.program, module.base.ident
    if owner is None or not isinstance(ident, tuple) or not ident:
        return None
    if ident[0] == "alloc":
        home = owner.index.scope_of.get(ident[1])
        return home.class_scope if home is not None else None
    cls = ident[1] if ident[0] in ("attr", "self") else None
    return cls if isinstance(cls, Scope) else None


def made_inside(part: Value, whole: Value) -> bool:
    """Whether `part` is made by the class that `whole` is an object of: of this object or of another one."""
    cls = made_in_class(part)
    return cls is not None and cls is whole.base.scope and part.base.ident != whole.base.ident


def _given_to(part: Value, whole: Value, depth: int = 0) -> bool:
    """Whether `whole` was made of `part`, or of what was: `Wrapped(encoder, decoder)` may keep both as its own."""
    call, owner = whole.base.args, whole.base.origin
    ident = part.base.ident
    if call is None or owner is None or ident is None or call not in owner.index.scope_of:
        return False
    for expr in (*call.args, *(k.value for k in call.keywords)):
        value = owner.value(expr.value if isinstance(expr, ast.Starred) else expr, call)
        items = [each for each in value.items or () if isinstance(each, Value)] if value.kind == "container" else []
        for given in (value, *items):
            if given.base.ident == ident or (depth < _WRAPPED and given.kind == "module"
                                             and _given_to(part, given, depth + 1)):  # fmt: skip
                return True
    return False


_WRAPPED = 2  # modules around the one that is asked for, each made of the one inside
_MADE = frozenset(("alloc", "call", "own"))
_CALLED = frozenset(("alloc", "call"))


def given_by_maker(one: Ident, other: Ident) -> bool:
    """Whether one names an object as a function sees it that makes it, and the other what a call of it gives."""
    for inner, outer in ((one, other), (other, one)):
        while isinstance(outer, tuple) and len(outer) == 3 and outer[0] in _CALLED and isinstance(outer[2], tuple):
            outer = (outer[0], *outer[2])
            if outer == inner:
                return True
    return False


def different(one: Ident, other: Ident) -> bool:
    """Whether two identities certainly name different objects.

    Not so for a parameter whose callers are not known, an element of a list, two variables of different scopes, what
    a function makes and what it gives: they may hold one object.
    """
    if one == other or not (isinstance(one, tuple) and isinstance(other, tuple) and one and other):
        return False
    if one[0] in _MADE and other[0] in _MADE:
        return not given_by_maker(one, other)
    return one[0] == other[0] and one[0] in ("attr", "var") and one[1] is other[1]


def touches(module: Value, covered: list[Value]) -> bool | None:
    """Whether some parameters of `module` are among those of `covered` (what an optimizer updates); None: not known."""
    if not covered:
        return None
    if any(belongs_to(module, whole) or belongs_to(whole, module) for whole in covered):
        return True
    if any(made_inside(module, whole) or made_inside(whole, module) for whole in covered):
        return None
    makers = made_by_branches(module)
    if any(_given_to(maker, whole) or _given_to(whole, maker) for maker in makers for whole in covered):
        return None
    wholes = [each for whole in covered for each in made_by_branches(whole)]
    if len(makers) > 1 or len(wholes) > len(covered):
        return False if all(touches(maker, wholes) is False for maker in makers) else None
    ident = module.base.ident
    return False if all(different(ident, _whole(whole)) for whole in covered) else None


def made_by_branches(module: Value) -> list[Value]:
    """What each branch makes, where several make the module of one variable; else the module alone."""
    return [module] if module.base.kind != "module" or not module.base.items else module.base.items


def _whole(module: Value) -> Ident:
    ident = module.base.ident
    while isinstance(ident, tuple) and ident and ident[0] == "part":
        ident = ident[1]
    return ident


def drives(scheduler: Value, program: Program) -> Value | None:
    """The optimizer that a scheduler changes the learning rate of."""
    if scheduler.args is None and scheduler.items:  # made in one of several branches
        driven = [_argument_value(one, "optimizer", ("optimizer",), 0) for one in scheduler.items]
        known = {d.base.ident: d for d in driven if d is not None}
        return next(iter(known.values())) if len(known) == 1 else None
    return _argument_value(scheduler, "optimizer", ("optimizer",), 0)


def reads(loader: Value, program: Program) -> Value | None:
    """The dataset that a loader reads."""
    return _argument_value(loader, "dataset", ("dataset",), 0)


def _argument_value(value: Value, kind: str, names: tuple[str, ...], position: int) -> Value | None:
    call, owner = value.args, value.origin
    if call is None or owner is None or call not in owner.index.scope_of:
        return None
    for index in (position, position + 1):  # `get_scheduler(name, optimizer=...)`
        expr = argument(call, index, *names)
        if expr is None:
            continue
        found = owner.evaluator.value(expr, owner.scope(call), owner.statement(call), value.env)
        if found.kind == kind:
            return _seen_from_caller(found, value, owner.scope(call), owner)
        added = _added(expr, call, owner)
        if added is not None and added.kind == kind:
            return added
    return None


def _added(expr: ast.expr, call: ast.Call, program: Program) -> Value | None:
    """`optims[1]` of a list that starts empty: what the second `optims.append` before `call` adds."""
    if not (isinstance(expr, ast.Subscript) and isinstance(expr.value, ast.Name)):
        return None
    index = expr.slice.value if isinstance(expr.slice, ast.Constant) else None
    scope, name = program.scope(call), expr.value.id
    made = scope.bindings.get(name, [])
    if not isinstance(index, int) or len(made) != 1 or not isinstance(made[0].value, ast.List) or made[0].value.elts:
        return None
    appended = [c for c in scope.calls
                if isinstance(c.func, ast.Attribute) and c.func.attr == "append" and len(c.args) == 1
                and isinstance(c.func.value, ast.Name) and c.func.value.id == name]  # fmt: skip
    appended.sort(key=lambda c: c.lineno)
    return program.value(appended[index].args[0], appended[index]) if 0 <= index < len(appended) else None
