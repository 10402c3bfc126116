"""What is added to a checkpoint: one row for each part of the run, with the key that it gets in the file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dry_debug.program.reaching import surely_bound
from dry_debug.program.resume_signs import PROGRESS
from dry_debug.program.run_numbers import counters
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run
    from dry_debug.program.scopes import Scope

SUFFIXES = ("_state_dict", "_state", "_dict")


@dataclass(slots=True)
class Row:
    """One entry: `key` in the file, `name` of the thing at the save site, `value` of it where it has a state.

    `optional`: it may be None there. `how` says how it is saved: its state, the number itself, or a number that may be
    one of NumPy, which the default loader refuses.
    """

    key: str
    name: str
    how: Literal["state", "number", "metric"]
    value: Value | None = None
    optional: bool = False
    behind: bool = False  # a scheduler that takes the step of the epoch only after the save
    local: bool = True  # whether `name` can be used where the checkpoint is put together
    behind_with_result: bool = False  # a scheduler that is told a result after the save

    def saved(self, name: str | None = None) -> str:
        """The expression that is saved."""
        name = name or self.name
        text = {"state": f"{name}.state_dict()", "number": name, "metric": f"float({name})"}[self.how]
        return f"{text} if {name} is not None else None" if self.optional and self.how != "number" else text


def rows_of(run: Run, missing: list[Part], program: Program) -> tuple[list[Row], list[str]]:
    """(the rows in order, the names of what has no state that could be saved)."""
    parts = list(missing)
    if run.site.whole is not None:  # what other files hold belongs into a complete one, too
        names = {p.name for p in missing}
        parts = [p for p in run.parts if p.name not in names] + parts
    progress = program.training.save_purpose.reached(run)
    if progress is not None and all(p.name != progress.name for p in parts) and not _counted(run):
        parts.append(progress)
    best = program.training.save_purpose.best(run)
    if best is not None and all(p.name != best.name for p in parts):
        parts.append(best)
    taken = set(run.site.keys)
    suffix = suffix_of(run)
    rows: list[Row] = []
    left: list[str] = []
    for part in parts:
        if part.value is not None and not has_state(part.value, part.kind):
            left.append(part.name)
            continue
        if part.local and not at_hand(part, run, program):
            left.append(part.name)
            continue
        alone = sum(p.kind == part.kind for p in missing) == 1 == sum(p.kind == part.kind for p in run.parts)
        key = _key(part, alone, taken, suffix)
        taken.add(key)
        how: Literal["state", "number", "metric"] = "state"
        if part.value is None:
            how = "metric" if part.kind == "best" and _is_number(part.name, run, program) else "number"
        behind = part.kind == "scheduler" and stepped_behind(part, run, program)
        row = Row(key, part.name, how, part.value, part.maybe_none, bool(behind), part.local)
        row.behind_with_result = behind is None
        rows.append(row)
    for name, _ in counters(program, run.loop):
        last = name.rpartition(".")[2].strip("_")
        if last in taken or any(row.name == name for row in rows) or _mentioned(name, run):
            continue
        here = program.names.lookup(name.partition(".")[0], program.scope(run.site.node))
        there = program.names.lookup(name.partition(".")[0], program.scope(run.loop))
        local = here is not None and there is not None and (here[0] is there[0] or "." in name)
        if local and run.site.owner is program:
            taken.add(last)
            rows.append(Row(last, name, "number"))
    return rows, left


def _counted(run: Run) -> bool:
    return any(key is not None and PROGRESS.search(key) for key in run.site.keys)


def stepped_behind(part: Part, run: Run, program: Program) -> bool | None:
    """Whether the scheduler takes the step of the epoch after the save; None: with a result that a load has not."""
    if part.value is None:
        return False
    stmt = _in_loop(run, program)
    steps = [e for e in program.events.of_kind("scheduler_step") if e.obj.base.ident == part.value.base.ident]
    late = [
        e for e in steps
        if stmt is not None and program.scope(e.stmt) is program.scope(stmt) and e.stmt.lineno > stmt.lineno
        and next((b for b in program.index.ancestors(e.stmt) if isinstance(b, ast.For | ast.While)), None) is run.loop
    ]  # fmt: skip
    if not late:
        return False
    return None if any(isinstance(e.node, ast.Call) and (e.node.args or e.node.keywords) for e in late) else True


def _in_loop(run: Run, program: Program) -> ast.stmt | None:
    """The statement of the loop from which the save is reached."""
    sites: list[ast.AST] = [run.site.node]
    for _ in range(4):
        for site in sites:
            stmt = program.statement(site)
            if stmt is not None and any(block is run.loop for block in program.index.ancestors(stmt)):
                return stmt
        scopes = [program.scope(site) for site in sites]
        sites = [call for scope in scopes if scope.kind == "function" for call in program.call_sites(scope)]
    return None


def suffix_of(run: Run) -> str:
    """What the keys of the states that are saved already end in."""
    keys = [e.key for e in run.site.entries if e.value.kind == "state" and e.key not in (None, "state_dict")]
    return next((s for s in SUFFIXES for key in keys if key is not None and key.endswith(s)), "")


def _key(part: Part, alone: bool, taken: set[str], suffix: str) -> str:
    last = part.name.rpartition(".")[2].strip("_")
    if len(last) == 1 and "iteration" not in taken:
        last = "iteration"
    base = part.kind if alone and part.kind in ("optimizer", "scheduler", "scaler") else last
    key = base if part.value is None else base + suffix
    if key in taken:
        key = last if last not in taken else f"{last}_state"
    return key


def _mentioned(name: str, run: Run) -> bool:
    """Whether the number is saved already."""
    last = name.rpartition(".")[2]
    return any(
        (isinstance(n, ast.Name) and n.id == last) or (isinstance(n, ast.Attribute) and n.attr == last)
        for e in run.site.entries for n in ast.walk(e.node)
    )  # fmt: skip


def _is_number(name: str, run: Run, program: Program) -> bool:
    """Whether a best result is used as a number alone, so that `float` changes nothing about it."""
    scope = program.scope(run.loop)
    if program.scope(run.site.node).receivers.get(name) or scope.receivers.get(name):
        return False
    return all(not (isinstance(v, ast.Constant) and v.value is None) for v in _given(name, scope))


def _given(name: str, scope: Scope) -> Iterator[ast.expr | None]:
    cls = scope.class_scope
    bindings = scope.bindings.get(name, [])
    if "." in name and cls is not None:
        bindings = cls.attributes.get(name.partition(".")[2], [])
    for b in bindings:
        yield b.value


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
        return any(_at_top(program, b.stmt, home) for b in bindings if b.kind != "del")
    cls = scope.class_scope
    if cls is None or name.count(".") > 1 or name.partition(".")[0] != scope.self_name:
        return False
    for b in cls.attributes.get(name.partition(".")[2], []):
        if _at_top(program, b.stmt, b.scope) and _runs_when_made(program, b.scope, cls):
            return True
    return name.partition(".")[2] in cls.bindings


def _runs_when_made(program: Program, method: Scope, cls: Scope) -> bool:
    """Whether a method runs whenever an object of the class is made."""
    if method.name == "__init__":
        return True
    return any(
        program.scope(call).name == "__init__" and program.scope(call).class_scope is cls
        and _at_top(program, program.statement(call), program.scope(call))
        for call in program.call_sites(method)
    )  # fmt: skip


def _at_top(program: Program, stmt: ast.stmt | None, home: Scope) -> bool:
    """Whether a statement of `home` runs whenever its function does (or the script, under its main guard)."""
    if stmt is None:
        return True  # a parameter
    inner: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if block is home.node:
            return True
        if isinstance(block, ast.If) and not _is_main(block) and not _on_both(block, stmt, program):
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


def _is_main(block: ast.If) -> bool:
    return isinstance(block.test, ast.Compare) and getattr(block.test.left, "id", "") == "__name__"
