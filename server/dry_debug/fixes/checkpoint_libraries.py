"""Runs that a library saves better than a dict does: Accelerate, Lightning's trainer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.file_writes import is_path
from dry_debug.fixes.layout import is_plain, lines_after, quote_of
from dry_debug.fixes.modules import module_name
from dry_debug.lint.finding import Fix, Need
from dry_debug.program.lightning import trained_by_trainer
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run


def by_trainer(run: Run, program: Program) -> Fix | None:
    """In a module of Lightning: nothing to write, its trainer saves and restores the whole run."""
    cls = program.scope(run.site.node).class_scope
    if cls is None or not trained_by_trainer(cls):
        return None
    return Fix('Let the trainer save and resume the run: `trainer.fit(..., ckpt_path="last")`', "display", ())


def by_accelerate(runs: list[Run], program: Program) -> Fix | None:
    """`accelerator.save_state`, which all processes call: models, optimizers, schedulers, scaler, generators."""
    run = runs[0]
    name = accelerator_of(program, run.site.node)
    stmt, folder = on_every_rank(run, program), folder_beside(run, program)
    if name is None or stmt is None or folder is None:
        return None
    changes = Changes(program)
    if not lines_after(changes, stmt, [f"{name}.save_state({folder})"], program):
        return None
    changes.need(*needs_of(folder, program))
    return changes.fix(f"Save the whole run with `{name}.save_state`, beside what is saved now")


def accelerator_of(program: Program, at: ast.AST) -> str | None:
    """What Accelerate's `Accelerator` is called where the run is saved."""
    if "ccelerat" not in program.document.source:
        return None
    scope = program.scope(at)
    for method in ("backward", "prepare", "unwrap_model", "save", "wait_for_everyone", "print"):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            name = dotted(call.func.value)
            if name is None or program.value(call.func.value, call).kind != "accelerator":
                continue
            found = program.names.lookup(name.partition(".")[0], scope)
            own = program.names.lookup(name.partition(".")[0], program.scope(call))
            if program.scope(call) is scope or (found is not None and own is not None and found[0] is own[0]):
                return name
    return None


def on_every_rank(run: Run, program: Program) -> ast.stmt | None:
    """The statement of the save, or what one rank alone goes into around it; None where ranks may take other ways."""
    site = run.site
    stmt = program.statement(site.node)
    if stmt is None or site.owner is not program or site.via is not None:
        return None
    found: ast.stmt = stmt
    for block in program.index.ancestors(stmt):
        if block is run.loop:
            return found
        if isinstance(block, ast.If):
            if program.training.distributed.ranks.test(block.test, block) is True and not block.orelse:
                found = block
                continue
            target = run.loop.target if isinstance(run.loop, ast.For) else None
            same = {"args", "config", "cfg", target.id if isinstance(target, ast.Name) else ""}
            inside = list(ast.walk(block.test))
            if any(isinstance(n, ast.Call) or (isinstance(n, ast.Name) and n.id not in same) for n in inside):
                return None
        elif not isinstance(block, ast.With):
            return None
    return None


def folder_beside(run: Run, program: Program, name: str = "run_state", path: str | None = None) -> str | None:
    """A folder for the state, beside the file that is written now, as code.

    A `name` with a hole in it (`run_state_{epoch}`) is filled in; `path` is the file as code, where its own text does
    not hold.
    """
    file = run.site.path
    if file is None or not is_path(file, run.site.node, program) or not is_plain(program, file):
        return None
    os_name, _ = module_name("os", program, program.scope(run.site.node))
    mark = quote_of(program)
    if os_name is None:
        return None
    filled = f"{'f' * ('{' in name)}{mark}"
    if isinstance(file, ast.Constant):
        parent = str(file.value).rpartition("/")[0]
        if "{" in parent:
            return None
        return f"{filled}{parent}/{name}{mark}" if parent else f"{filled}{name}{mark}"
    text = path or " ".join(program.text(file).split())
    return f"{os_name}.path.join({os_name}.path.dirname({text}), {filled}{name}{mark})"


def needs_of(folder: str, program: Program) -> list[Need]:
    """The import that the path of the folder needs."""
    return module_name("os", program)[1] if ".path.join(" in folder else []
