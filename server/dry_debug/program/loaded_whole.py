"""Models that come with their weights: loaded whole (`model = torch.load(path)`), or published with them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.knowledge import SELF_RETURNING
from dry_debug.program.reaching import reaching
from dry_debug.program.same_object import onward
from dry_debug.program.scope_index import ScopeIndex
from dry_debug.program.scopes import dotted
from dry_debug.program.sensitivity import mode_matters

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

# What only a module has, and what only data has.
_OF_MODULES = frozenset(("eval", "parameters", "named_parameters", "zero_grad", "modules", "named_modules"))
_OF_DATA = frozenset(("keys", "items", "values", "get", "pop", "update"))
# Methods that every module has.
_OF_TORCH = _OF_MODULES | SELF_RETURNING | frozenset((
    "train", "state_dict", "load_state_dict", "children", "named_children", "apply", "buffers", "named_buffers",
    "share_memory", "register_buffer", "register_forward_hook", "requires_grad_", "forward", "add_module", "compile",
))  # fmt: skip
_MAKERS = ("torchvision.models.", "timm.create_model", "timm.models.create_model")


def used_as_model(index: ScopeIndex, load: ast.Call) -> bool:
    """Whether the variable that gets the loaded object is called, or has methods called that only modules have."""
    stmt, scope = index.stmt_of.get(load), index.scope_of.get(load)
    if not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1 or scope is None:
        return False
    value: ast.expr = stmt.value
    while value is not load:
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
            return False
        if value.func.attr not in SELF_RETURNING:
            return False
        value = value.func.value
    seen = _seen_as(index, stmt.targets[0], scope)
    methods = _methods(seen)
    if methods & _OF_DATA:
        return False
    return bool(methods & _OF_MODULES) or any(_calls(each, name) for each, name in seen)


def _calls(scope: Scope, path: str) -> bool:
    """Whether a scope calls the variable itself."""
    if "." not in path:
        return path in [call.func.id for call in scope.calls if call.func.__class__ is ast.Name]
    return any(dotted(call.func) == path for call in scope.calls)


def _seen_as(index: ScopeIndex, target: ast.expr, scope: Scope) -> list[tuple[Scope, str]]:
    """The scopes that see a variable, and as what: where it is set, in the functions of the file that are given it, and
    where the function that sets it gives it back to."""
    path = dotted(target)
    variables = onward(index, scope, path) if path is not None else ()
    return [(each, name) for where, name in variables for each in _seeing(index, where, name)]


def _methods(seen: list[tuple[Scope, str]]) -> set[str]:
    """The methods that are called on what these scopes see."""
    return {method for each, name in seen for method in each.receivers.get(name, ())}


def _seeing(index: ScopeIndex, scope: Scope, path: str) -> list[Scope]:
    """The scopes in which the variable `path` of `scope` goes by this name."""
    root, _, rest = path.partition(".")
    cls = scope.class_scope
    if rest and cls is not None and root == scope.self_name:
        return [each for each in index.scopes.values() if each.class_scope is cls]
    found = [scope]
    bindings = scope.bindings.get(root, [])
    if len(bindings) > 1 and bindings[-1].kind in ("def", "class") and reaching(index, bindings, None) == bindings[-1:]:
        return found  # functions find another thing of this name
    for each in found:
        found += [child for child in each.children if child.kind != "class" and root not in child.bindings]
    return found


def loaded_whole(module: Value) -> bool:
    """Whether the module came out of a file as one object, so that it is in the mode in which it was saved."""
    return module.base.type == "torch.load"


def reads_no_mode(program: Program, load: ast.Call) -> bool:
    """Whether every module class that a file brings in, as unpickling needs them, is the same in both modes; those
    apart that lack a method which the file calls on what `load` gives."""
    called = _called_on(program.index, load)
    found: list[Value] = []
    for name, bindings in program.index.module.bindings.items():
        if any(b.kind in ("from", "class") for b in bindings):
            value = program.member(name)
            found += [value] if value.kind == "class" else []
    for module, level in program.index.module.imports_star:
        other = program.host.module(module, program.document.path, level)
        if other is not None:
            found += [other.member(cls.name) for cls in other.index.classes if cls.parent is other.index.module]
    answers = [
        mode_matters(one.program.evaluator.instance_of(one.scope))
        for one in found
        if one.scope is not None and one.program is not None and one.program.class_kind(one.scope) == "module"
        and all(_has(one, method) for method in called)
    ]  # fmt: skip
    return bool(answers) and not any(answer is not False for answer in answers)


def _called_on(index: ScopeIndex, load: ast.Call) -> set[str]:
    """The methods that are called on the variable of a loaded object."""
    stmt, scope = index.stmt_of.get(load), index.scope_of.get(load)
    if scope is None or not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1:
        return set()
    return _methods(_seen_as(index, stmt.targets[0], scope))


def _has(cls: Value, method: str) -> bool:
    """Whether objects of the module class have the method, for all that is known."""
    assert cls.scope is not None and cls.program is not None
    ev = cls.program.evaluator
    if method in _OF_TORCH or ev.class_attribute(cls.scope, method).known:
        return True
    return any(base.kind != "class" and base.type != "torch.nn.Module" for base in ev.bases(cls.scope))


def pretrained(module: Value) -> tuple[Program, ast.Call] | None:
    """The call that made a published model with its trained weights, which leaves it in training mode."""
    call, owner, made_by = module.base.args, module.base.origin, module.base.type
    if call is None or owner is None or made_by is None or not made_by.startswith(_MAKERS):
        return None
    for keyword in call.keywords:
        if keyword.arg in ("pretrained", "weights"):
            value = keyword.value
            given = not isinstance(value, ast.Constant) or bool(value.value)
            flag = isinstance(value, ast.Constant) or keyword.arg == "weights"
            return (owner, call) if given and flag else None
    first = call.args[0] if call.args and made_by.startswith("torchvision.") else None
    return (owner, call) if isinstance(first, ast.Constant) and first.value is True else None
