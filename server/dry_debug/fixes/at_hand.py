"""Whether something of the run is certainly there, under its name and with a state, at a place of the program."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.reaching import surely_bound
from dry_debug.program.values import Value
from dry_debug.program.walks import is_main_test

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run
    from dry_debug.program.scopes import Scope


def has_state(value: Value, kind: str) -> bool:
    """Whether the object certainly has `state_dict` and `load_state_dict`."""
    cls = value.scope if value.scope is not None and value.scope.kind == "class" else None
    if cls is not None and value.program is not None:
        found = value.program.evaluator.class_attribute(cls, "load_state_dict")
        if found.kind == "function":
            return True
        return any(
            (base.type or "").startswith(("torch.", "transformers.", "timm.")) or (
                base.kind == "class" and base.scope is not None and base.program is not None
                and has_state(Value("instance", scope=base.scope, program=base.program), kind)
            )
            for base in value.program.evaluator.bases(cls)
        )  # fmt: skip
    if value.type is not None:
        return True
    return kind in ("optimizer", "scaler") or value.confidence == "high"


def at_hand(part: Part, run: Run, program: Program) -> bool:
    """Whether `part` certainly exists at the save site under its name."""
    stmt = program.statement(run.site.node)
    if stmt is None or part.value is None:
        return True
    if bound_at(part.name, program, stmt):
        return True
    used = part.used
    if used is not None and used.program is program and _on_the_way(program.statement(used.node), stmt, program):
        return True
    if "." in part.name:
        return False
    scope = program.scope(stmt)
    return any(
        _on_the_way(where, stmt, program)
        for read in program.flow.reads(part.name, scope)
        if (where := program.flow.statement_of(read, scope)) is not None and where.lineno < stmt.lineno
    )


def _on_the_way(where: ast.stmt | None, stmt: ast.stmt, program: Program) -> bool:
    """Whether every way to `stmt` comes by `where`, as far as the tests around it tell."""
    if where is None or isinstance(where, ast.If | ast.Try | ast.Match | ast.FunctionDef | ast.ClassDef):
        return False
    around = set(program.index.ancestors(stmt))
    return all(
        block in around or not isinstance(block, ast.If | ast.Try | ast.ExceptHandler | ast.Match)
        for block in program.index.ancestors(where)
    )


def bound_at(name: str, program: Program, stmt: ast.stmt) -> bool:
    """Whether every path to `stmt` has bound the variable or attribute `name`."""
    scope = program.scope(stmt)
    if "." not in name:
        found = program.names.lookup(name, scope)
        if found is None:
            return False
        home, bindings = found
        if home is scope:
            return surely_bound(program.index, bindings, stmt)
        # A variable of the module or of a function around this one: bound at its own level.
        return any(at_top(program, b.stmt, home) for b in bindings if b.kind != "del")
    cls = scope.class_scope
    if cls is None or name.count(".") > 1 or name.partition(".")[0] != scope.self_name:
        return False
    for b in cls.attributes.get(name.partition(".")[2], []):
        if at_top(program, b.stmt, b.scope) and _runs_when_made(program, b.scope, cls):
            return True
    return name.partition(".")[2] in cls.bindings


def _runs_when_made(program: Program, method: Scope, cls: Scope) -> bool:
    """Whether a method runs whenever an object of the class is made."""
    if method.name == "__init__":
        return True
    return any(
        program.scope(call).name == "__init__" and program.scope(call).class_scope is cls
        and at_top(program, program.statement(call), program.scope(call))
        for call in program.call_sites(method)
    )  # fmt: skip


def at_top(program: Program, stmt: ast.stmt | None, home: Scope) -> bool:
    """Whether a statement of `home` runs whenever its function does (or the script, under its main guard)."""
    if stmt is None:
        return True  # a parameter
    inner: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if block is home.node:
            return True
        if isinstance(block, ast.If) and not is_main_test(block.test) and not _on_both(block, stmt, program):
            return False
        if not isinstance(block, ast.With | ast.AsyncWith | ast.If) and not (
            isinstance(block, ast.Try) and inner not in block.handlers and inner not in block.orelse
        ):
            return isinstance(block, ast.Module)
        inner = block
    return True


def _on_both(block: ast.If, stmt: ast.stmt, program: Program) -> bool:
    """Whether the other side of `block` binds the same target."""
    targets = {ast.unparse(t) for t in getattr(stmt, "targets", [])}
    other = block.orelse if any(stmt is s or program.index.inside(stmt, s) for s in block.body) else block.body
    return any(
        isinstance(s, ast.Assign) and targets & {ast.unparse(t) for t in s.targets} for part in other for s in
        (part, *getattr(part, "body", ()))
    )  # fmt: skip
