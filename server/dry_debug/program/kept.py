"""A value that a loop keeps for later: under which name, and where it is used when the loop has gone on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.evidence import Step
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Binding, Scope, dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.walks import LoopNode

MAX_CALLERS = 3  # functions through which what is kept is handed in
_NO_USE = ("print", "len", "isinstance", "id", "type")


def target_name(target: ast.expr) -> str | None:
    """The variable or attribute that holds what is stored: `best` of `best["model"]`, `self.best`."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return dotted(target)


def late_use(
    program: Program,
    name: str,
    stmt: ast.stmt,
    branch: list[ast.stmt],
    loop: LoopNode | None,
    depth: int = 0,
    filled: bool = False,
) -> tuple[Step | None, bool]:
    """(a use of what `stmt` keeps under `name` when the loop may have gone on, whether every use is seen).

    Uses in the `branch` that holds `stmt` see it fresh. For an attribute of an object, other files may use it.
    """
    scope = program.scope(stmt)
    head, _, rest = name.partition(".")
    if rest:
        cls = scope.class_scope
        if head != scope.self_name or cls is None:
            return None, True
        return _attribute_use(program, name, stmt, branch, cls)
    home = program.names.lookup(name, scope)
    if home is None:
        return None, True
    filled = filled or not isinstance(stmt, ast.Assign) or isinstance(stmt.targets[0], ast.Subscript)
    for read in program.flow.reads(name, home[0]):
        at = program.flow.statement_of(read, home[0])
        if at is None or _fresh(program, at, branch) or not _used(program, read, home[0]):
            continue
        if home[0] is scope and not _arrives(program, stmt, at, home[1]):
            continue  # another value was put under the name before
        if loop is None and not (filled or isinstance(at, ast.Return)):
            continue  # a function that a loop calls keeps nothing else from one call to the next
        if isinstance(at, ast.Return) and home[0] is scope and depth < MAX_CALLERS:
            handed = _handed_back(program, name, at, home[0])
            if handed is not None:
                uses = [late_use(program, *one, depth=depth + 1, filled=True)[0] for one in handed]
                if not any(uses):
                    continue  # every caller binds the name again before it reads it
        within = loop is not None and program.index.inside(at, loop)
        if within or at.lineno > (loop.end_lineno or 0 if loop is not None else stmt.lineno) or home[0] is not scope:
            return Step(program, read, ""), True
    if filled and depth < MAX_CALLERS and [b.kind for b in home[1]] == ["param"]:
        return _use_by_callers(program, name, home[0], depth)
    return None, True


def _arrives(program: Program, stmt: ast.stmt, at: ast.stmt, bindings: list[Binding]) -> bool:
    """Whether what `stmt` puts under a name, if it binds the name, can be there when `at` reads it."""
    mine = [b for b in bindings if b.stmt is stmt]
    return not mine or any(b in mine for b in reaching(program.index, bindings, at))


def _handed_back(
    program: Program, name: str, back: ast.Return, function: Scope
) -> list[tuple[str, ast.stmt, list[ast.stmt], LoopNode | None]] | None:
    """What the calls of a function in this file call the value `name` that it returns, as `late_use` asks for it; None
    where that is not plain, or where nothing here calls it."""
    parts = back.value.elts if isinstance(back.value, ast.Tuple) else [back.value]
    places = [at for at, part in enumerate(parts) if part is not None and dotted(part) == name]
    found: list[tuple[str, ast.stmt, list[ast.stmt], LoopNode | None]] = []
    for site in program.call_sites(function):
        stmt = program.statement(site)
        if not isinstance(stmt, ast.Assign) or stmt.value is not site or len(stmt.targets) != 1 or len(places) != 1:
            return None
        target = stmt.targets[0]
        targets = target.elts if isinstance(target, ast.Tuple) and len(parts) > 1 else [target]
        outer = target_name(targets[places[0]]) if len(targets) == len(parts) else None
        if outer is None:
            return None
        found.append((outer, stmt, [stmt], program.training.training_loop_around(stmt)))
    return found or None


def _use_by_callers(program: Program, name: str, function: Scope, depth: int) -> tuple[Step | None, bool]:
    """The same for what a caller has handed in to be filled."""
    for site in program.call_sites(function):
        at, passed = program.statement(site), given(site, function, name)
        outer = dotted(passed) if passed is not None else None
        if at is None or outer is None:
            continue
        use, _ = late_use(program, outer, at, [at], program.training.training_loop_around(site), depth + 1, True)
        if use is not None:
            return use, True
    return None, True


def _attribute_use(
    program: Program, name: str, stmt: ast.stmt, branch: list[ast.stmt], cls: Scope
) -> tuple[Step | None, bool]:
    attribute = name.partition(".")[2].partition(".")[0]
    fresh = False
    for read in program.flow.path_reads(name, cls):
        at = program.flow.statement_of(read, cls)
        if at is None or not _used(program, read, cls):
            continue
        if _fresh(program, at, branch):
            fresh = True
            continue
        return Step(program, read, ""), True
    for call in (c for scope in (program.index.module, *program.index.functions) for c in scope.calls):
        for expr in (*call.args, *(k.value for k in call.keywords)):
            if isinstance(expr, ast.Attribute) and expr.attr == attribute and dotted(expr) != name:
                return Step(program, call, ""), True  # `model.load_state_dict(stopper.best)`
    return None, fresh


def _fresh(program: Program, at: ast.stmt, branch: list[ast.stmt]) -> bool:
    return any(at is one or program.index.inside(at, one) for one in branch)


def _used(program: Program, read: ast.expr, scope: Scope) -> bool:
    """Whether something is done with the value: it is not only asked for None or printed."""
    parents = program.flow.parents(scope)
    node: ast.AST = read
    parent = parents.get(read)
    while isinstance(parent, ast.Subscript | ast.Attribute | ast.Starred) and getattr(parent, "value", None) is node:
        if isinstance(parent, ast.Subscript | ast.Attribute) and not isinstance(parent.ctx, ast.Load):
            return False
        node, parent = parent, parents.get(parent)
    if isinstance(parent, ast.Call):
        return parent.func is node or (dotted(parent.func) or "") not in _NO_USE
    if isinstance(parent, ast.keyword | ast.Return | ast.Dict | ast.Tuple | ast.List | ast.IfExp | ast.Yield):
        return True
    return isinstance(parent, ast.Assign) and parent.value is node
