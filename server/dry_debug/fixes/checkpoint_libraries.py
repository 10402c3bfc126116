"""Runs that a library saves better than a dict does: sharded models, Accelerate, Lightning's trainer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.checkpoint_rows import Row
from dry_debug.fixes.file_writes import is_path
from dry_debug.fixes.layout import free_name, is_plain, lines_after, quote_of
from dry_debug.fixes.modules import module_name
from dry_debug.lint.finding import Fix, Need, NeedImport
from dry_debug.program.lightning import trained_by_trainer
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run

_DCP = "torch.distributed.checkpoint"


def by_trainer(run: Run, program: Program) -> Fix | None:
    """In a module of Lightning: nothing to write, its trainer saves and restores the whole run."""
    cls = program.scope(run.site.node).class_scope
    if cls is None or not trained_by_trainer(cls):
        return None
    return Fix('Let the trainer save and resume the run: `trainer.fit(..., ckpt_path="last")`', "display", ())


def is_sharded(run: Run, program: Program) -> bool:
    """Whether each rank holds a part of the model, so that no rank has a state that could go into a dict."""
    return any(value.via == "fsdp" for _, value in run.models) or any(
        kind == "fsdp" and any(name == held for name, _ in run.models)
        for kind, held, _ in program.training.components.wrappers
    )


def by_all_ranks(runs: list[Run], rows: list[Row], program: Program, title: str) -> Fix | None:
    """Each rank writes its shards with `torch.distributed.checkpoint`, behind what one rank does alone."""
    run = runs[0]
    states = [row for row in rows if row.how == "state"]
    optimizers = [row for row in states if row.value is not None and row.value.kind == "optimizer"]
    model = run.models[0][0] if len(run.models) == 1 else None
    stmt = _on_every_rank(run, program)
    folder = _folder(run, program)
    if model is None or not model.replace(".", "").isidentifier() or len(optimizers) != 1 or stmt is None:
        return None
    if folder is None or not all(row.local for row in rows):
        return None
    model_state = free_name(program, "model_state", "model_shards")
    optimizer_state = free_name(program, "optimizer_state", "optimizer_shards")
    dcp, needs = module_name(_DCP, program, program.scope(stmt))
    if dcp is None or needs:
        dcp, needs = "dcp", [NeedImport(_DCP, alias="dcp")]
    if model_state is None or optimizer_state is None:
        return None
    changes = Changes(program)
    mark = quote_of(program)
    entries = [("model", model_state), (optimizers[0].key, optimizer_state)]
    entries += [(row.key, row.saved()) for row in rows if row is not optimizers[0]]
    count = program.training.save_purpose.reached(run)
    if count is not None and count.local and all(row.name != count.name for row in rows):
        entries.append((count.name, count.name))
    lines = [
        f"{model_state}, {optimizer_state} = get_state_dict({model}, {optimizers[0].name})",
        f"{dcp}.save(",
        "\t{",
        *(f"\t\t{mark}{key}{mark}: {value}," for key, value in entries),
        "\t},",
        f"\tcheckpoint_id={folder},",
        ")",
    ]
    changes.need(*needs, NeedImport(f"{_DCP}.state_dict", "get_state_dict"))
    if not lines_after(changes, stmt, lines, program):
        return None
    changes.need(*_needs(folder, program))
    return changes.fix(f"{title}, with `torch.distributed.checkpoint`")


def by_accelerate(runs: list[Run], program: Program) -> Fix | None:
    """`accelerator.save_state`, which all processes call: models, optimizers, schedulers, scaler, generators."""
    run = runs[0]
    name = accelerator_of(program, run.site.node)
    stmt, folder = _on_every_rank(run, program), _folder(run, program)
    if name is None or stmt is None or folder is None:
        return None
    changes = Changes(program)
    if not lines_after(changes, stmt, [f"{name}.save_state({folder})"], program):
        return None
    changes.need(*_needs(folder, program))
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


def _on_every_rank(run: Run, program: Program) -> ast.stmt | None:
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


def _folder(run: Run, program: Program) -> str | None:
    """A folder for the state, beside the file that is written now, as code."""
    path = run.site.path
    if path is None or not is_path(path, run.site.node, program) or not is_plain(program, path):
        return None
    name, _ = module_name("os", program, program.scope(run.site.node))
    mark = quote_of(program)
    if name is None:
        return None
    if isinstance(path, ast.Constant):
        parent = str(path.value).rpartition("/")[0]
        return f"{mark}{parent}/run_state{mark}" if parent else f"{mark}run_state{mark}"
    text = " ".join(program.text(path).split())
    return f"{name}.path.join({name}.path.dirname({text}), {mark}run_state{mark})"


def _needs(folder: str, program: Program) -> list[Need]:
    """The import that the path of the folder needs."""
    return module_name("os", program)[1] if ".path.join(" in folder else []
