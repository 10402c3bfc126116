"""MOD003: `forward` makes a layer with weights anew on each call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import given
from dry_debug.program.evidence import Step
from dry_debug.program.handed_back import handed_back
from dry_debug.program.links import Link
from dry_debug.program.reaching import recovers
from dry_debug.program.registration import has_weights
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

# What is done with a layer whose weights come from somewhere else.
_FILLED = frozenset(("weight", "bias", "load_state_dict", "parameters", "data"))


class ModuleCreatedInForward(Rule):
    name = "module-created-in-forward"
    code = "MOD003"
    shape = "site"
    severity = "critical"
    fix_kind = "none"
    triggers = (("torch",), ("def forward",))
    why = (
        "Each call draws new random weights that no optimizer has and no checkpoint holds: the layer is noise that "
        "never learns, and two calls with one input differ."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Make the layer in `__init__`, lazily where its size depends on the input, and call it in `forward`."
    looks_at = "layers with weights that `forward` makes"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for call, _ in _made_in_forward(program):
            yield call

    def check(self, program: Program) -> Iterator[Report]:
        for call, scope in _made_in_forward(program):
            if program.is_test:
                program.why(call, "the file is a test")
                continue
            used = _use(call, scope, program)
            if used is None:
                continue
            kept = isinstance(used, ast.Attribute)
            yield Report(
                at=call,
                headline=f"`forward` makes `{program.short(call, 44)}` anew on each call: it never learns",
                confidence="high",
                evidence=[Step(program, used, "it is kept here" if kept else "it is used here")],
                links=lambda: [Link("kind", "high", "it is a layer with weights, made in the `forward` of a module")],
            )


def _made_in_forward(program: Program) -> Iterator[tuple[ast.Call, Scope]]:
    for cls in program.index.classes:
        if "forward" not in cls.bindings:
            continue
        for method in cls.children:
            if method.name == "forward" and method.calls:
                yield from _made_in(method, cls, program)
    made = (call for name, calls in program.names_called().items() if name.startswith("torch.nn.") for call in calls)
    helpers = dict.fromkeys(map(program.scope, made))
    for function in helpers:
        if function.kind == "function" and function.name not in ("__init__", "forward"):
            sites = program.call_sites(function)
            classes = [_forward_of(site, program) for site in sites]
            if classes and classes[0] is not None and None not in classes:
                yield from _made_in(function, classes[0], program)


def _made_in(function: Scope, cls: Scope, program: Program) -> Iterator[tuple[ast.Call, Scope]]:
    """The layers that `forward` of `cls` makes, or a function that nothing but `forward` calls."""
    layers = [c for c in function.calls if _may_make(c, function, cls) and has_weights(program, c, function)]
    if layers and program.class_kind(cls) == "module":
        parents = program.flow.parents(function)
        for call in layers:
            # Part of a larger module that is made in one piece.
            if not _inside_of(call, [other for other in layers if other is not call], parents):
                yield call, function


def _forward_of(site: ast.Call, program: Program) -> Scope | None:
    """The class in whose `forward` a call stands."""
    scope = program.scope(site)
    return scope.class_scope if scope.name == "forward" and scope.parent is scope.class_scope else None


def _may_make(call: ast.Call, method: Scope, cls: Scope) -> bool:
    """Whether a class or a function may be called: not a method of a tensor (`x.view`), not a layer of the module's.

    To know that of most calls by their names spares their evaluation.
    """
    func = call.func
    if not isinstance(func, ast.Attribute):
        return True
    path = dotted(func)
    if path is None:
        return False
    root, _, rest = path.partition(".")
    if root == method.self_name:
        return "." not in rest and rest not in cls.attributes
    return root not in method.bindings


def _inside_of(call: ast.Call, others: list[ast.Call], parents: dict[ast.AST, ast.AST]) -> bool:
    at, child = parents.get(call), call
    while at is not None and not isinstance(at, ast.stmt):
        if any(at is other for other in others) and child is not getattr(at, "func", None):
            return True
        at, child = parents.get(at), at  # type: ignore[assignment]
    return False


def _filled_by(user: ast.AST | None, layer: ast.AST, program: Program) -> bool:
    """Whether `user` calls a function of the project that fills the layer that it is given: `fill(layer, weights)`."""
    target = program.target(user) if isinstance(user, ast.Call) and user in program.index.scope_of else None
    function = target.scope if target is not None and target.kind == "function" else None
    if function is None or function.kind != "function" or not isinstance(user, ast.Call):
        return False
    return any(
        given(user, function, p.arg) is layer and _FILLED & function.receivers.get(p.arg, set())
        for p in function.parameters()
    )


def _around(stmt: ast.stmt, program: Program) -> Iterator[ast.AST]:
    """The blocks of its function around a statement."""
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return
        yield block


def _applied_by(user: ast.AST | None, layer: ast.AST, program: Program) -> bool:
    """Whether `user` calls a function of the project that applies the layer that it is given: `run(layer, x)`."""
    target = program.target(user) if isinstance(user, ast.Call) and user in program.index.scope_of else None
    function = target.scope if target is not None and target.kind == "function" else None
    if function is None or function.kind != "function" or not isinstance(user, ast.Call):
        return False
    names = {p.arg for p in function.parameters() if given(user, function, p.arg) is layer}
    return any(isinstance(inner.func, ast.Name) and inner.func.id in names for inner in function.calls)


def _use(call: ast.Call, scope: Scope, program: Program) -> ast.AST | None:
    """Where the new layer is applied, or kept for the next call; None with the reason."""
    why, parents = program.why, program.flow.parents(scope)
    outer = parents.get(call)
    moved = outer
    while isinstance(moved, ast.Attribute) and moved.attr in ("to", "cuda", "type_as", "double", "half", "float"):
        made = parents.get(moved)  # `nn.Linear(2, 2).to(x.device)(x)`
        if not isinstance(made, ast.Call):
            break
        call, outer = made, parents.get(made)
        moved = outer
    if isinstance(outer, ast.Call) and outer.func is call:
        return outer
    for owner, layer, back in handed_back(program, call):
        if isinstance(layer, ast.Name) and _FILLED & owner.scope(back).receivers.get(layer.id, set()):
            why(call, "its weights come from somewhere else: {}", Step(owner, back, ""))
            return None
    stmt = program.statement(call)
    if not isinstance(stmt, ast.Assign) or stmt.value is not call or len(stmt.targets) != 1:
        why(call, "it is not known what becomes of it")
        return None
    target = stmt.targets[0]
    if isinstance(target, ast.Attribute):
        sites = program.call_sites(scope) if scope.name != "forward" else []
        blocks = [b for at in (stmt, *map(program.statement, sites)) if at is not None for b in _around(at, program)]
        if any(isinstance(b, ast.If | ast.ExceptHandler) or recovers(b) for b in blocks):
            why(call, "it is made on some calls only: {}", target)
            return None
        return target
    if not isinstance(target, ast.Name):
        why(call, "it is not known what becomes of it")
        return None
    applied: ast.AST | None = None
    for read in program.flow.reads(target.id, scope):
        user = parents.get(read)
        if (isinstance(user, ast.Attribute) and user.attr in _FILLED) or _filled_by(user, read, program):
            why(call, "its weights come from somewhere else: {}", user or read)
            return None
        if isinstance(user, ast.Call) and (user.func is read or _applied_by(user, read, program)):
            applied = applied or user
    if applied is None:
        why(call, "`forward` does not apply it")
    return applied
