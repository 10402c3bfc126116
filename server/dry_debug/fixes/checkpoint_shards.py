"""A run whose model is sharded over the ranks: all of them write and read it with `torch.distributed.checkpoint`.

Checked with PyTorch 2.13 on two ranks: what several ranks save under one key is taken from one of them only, tensors
included, so the generators of each rank need a key of its own. A key that is asked for and not there is an error unless
the planner allows it: that is how a run goes on with another number of ranks. `.metadata` is written last: a folder
without it is a save that did not come to its end.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.checkpoint_libraries import folder_beside, needs_of, on_every_rank
from dry_debug.fixes.checkpoint_rows import Row, rows_of
from dry_debug.fixes.checkpoint_whole import holds, stable_path, start_of
from dry_debug.fixes.layout import free_name, lines_after, lines_before, quote_of
from dry_debug.fixes.modules import module_name
from dry_debug.fixes.random_state import RandomState, generators_of, random_state, splits_after
from dry_debug.fixes.start import begin_at, finished, range_of
from dry_debug.lint.finding import NeedImport
from dry_debug.program.run_numbers import outermost
from dry_debug.program.values import UNKNOWN
from dry_debug.records import dataclass, replace

if TYPE_CHECKING:
    from dry_debug.lint.finding import Fix
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run

_DCP = "torch.distributed.checkpoint"


@dataclass(slots=True)
class _State:
    """What all ranks save: `rows` are what is there besides the model and the optimizer."""

    model: str
    optimizer: Row
    rows: list[Row]
    counted: str  # the variable that counts the finished epochs; "" where there is none
    rng: RandomState | None
    own: str  # the key of the generators of this rank, as code
    dcp: str
    names: tuple[str, str]  # of the two states


def by_all_ranks(run: Run, missing: list[Part], program: Program, title: str) -> Fix | None:
    """Each rank writes its shards behind what one rank does alone; nothing is read back."""
    changes = Changes(program)
    if _saved(changes, run, missing, program) is None:
        return None
    return changes.fix(f"{title}, with `torch.distributed.checkpoint`")


def resumed_by_all_ranks(run: Run, missing: list[Part], program: Program) -> Fix | None:
    """The same, and the newest complete folder read back before the loop."""
    changes = Changes(program)
    state = _saved(changes, run, missing, program)
    if state is None or not state.counted or not _resume(changes, state, run, program):
        return None
    return changes.fix("Save and resume the run on all ranks with `torch.distributed.checkpoint`")


def _saved(changes: Changes, run: Run, missing: list[Part], program: Program) -> _State | None:
    stmt = on_every_rank(run, program)
    state = _state(changes, run, missing, stmt, program) if stmt is not None else None
    if state is None or stmt is None:
        return None
    # A folder for each epoch: a save that is stopped half-way leaves those from before as they were.
    folder = folder_beside(run, program, f"run_state_{{{state.counted}}}" if state.counted else "run_state")
    if folder is None:
        return None
    mark, (model, optimizer) = quote_of(program), state.names
    entries = [("model", model), (state.optimizer.key, optimizer), *((r.key, r.saved()) for r in state.rows)]
    lines = [
        f"{model}, {optimizer} = get_state_dict({state.model}, {state.optimizer.name})",
        f"{state.dcp}.save(",
        "\t{",
        *(f"\t\t{mark}{key}{mark}: {value}," for key, value in entries),
        *([f"\t\t{state.own}: {state.rng.save},"] if state.rng is not None else []),
        "\t},",
        f"\tcheckpoint_id={folder},",
        ")",
    ]
    if not lines_after(changes, stmt, lines, program):
        return None
    changes.need(NeedImport(f"{_DCP}.state_dict", "get_state_dict"), *needs_of(folder, program))
    if state.rng is not None:
        changes.need(*state.rng.saving)
    return state


def _state(changes: Changes, run: Run, missing: list[Part], stmt: ast.stmt, program: Program) -> _State | None:
    site = replace(run.site, entries=[], whole=UNKNOWN, open=False)  # what its file holds is in this one, too
    rows, left = rows_of(replace(run, site=site), missing, program)
    optimizers = [row for row in rows if row.value is not None and row.value.kind == "optimizer"]
    model = run.models[0][0] if len(run.models) == 1 else None
    if model is None or not model.replace(".", "").isidentifier() or len(optimizers) != 1 or left:
        return None
    if not all(row.local for row in rows) or optimizers[0].how != "state":
        return None
    names = (free_name(program, "model_state", "model_shards"), free_name(program, "optimizer_state", "optim_shards"))
    if names[0] is None or names[1] is None:
        return None
    dcp, needs = module_name(_DCP, program, program.scope(stmt))
    if dcp is None or needs or "." in dcp:
        dcp, needs = "dcp", [NeedImport(_DCP, alias="dcp")]
    changes.need(*needs)
    counter = run.loop.target.id if isinstance(run.loop, ast.For) and isinstance(run.loop.target, ast.Name) else ""
    counted = next((row.key for row in rows if row.name == counter), "")
    dist, more = module_name("torch.distributed", program, program.scope(stmt))
    rngs = generators_of(program)
    rng = random_state(program, rngs, {row.key for row in rows}) if rngs and dist is not None else None
    if rng is not None:
        changes.need(*more)
    mark = quote_of(program)
    own = f"f{mark}rng_rank{{{dist}.get_rank()}}{mark}"
    rest = [row for row in rows if row is not optimizers[0]]
    counted = counter if counted and program.scope(stmt) is program.scope(run.loop) else ""
    return _State(model, optimizers[0], rest, counted, rng, own, dcp, (names[0], names[1]))


def _resume(changes: Changes, state: _State, run: Run, program: Program) -> bool:
    loop, over = run.loop, range_of(run, program)
    scope = program.scope(loop)
    if over is None or outermost(program, loop) is not loop or not finished(run, program):
        return False
    if program.training.checkpoints.loads or program.training.resume_signs.all:
        return False
    started = start_of(over.args[0] if len(over.args) > 1 else None, run, program)
    path = stable_path(run.site.path, run, program)
    folder = folder_beside(run, program, "run_state_*", path) if path is not None else None
    names = [state.model, state.optimizer.name, *(row.holder or row.name for row in state.rows)]
    counter = state.counted
    if started is None or folder is None or any(row.behind_with_result for row in state.rows):
        return False
    if not all(holds(name, True, loop, program) for name in names if name != counter):
        return False
    (os_name, needs), (glob, more) = (module_name(name, program, scope) for name in ("os", "glob"))
    held, saved = free_name(program, "run_state", "saved_state"), free_name(program, "folders", "saved_folders")
    newest = free_name(program, "folder", "newest_folder")
    if None in (os_name, glob, held, saved, newest):
        return False
    mark, (model, optimizer) = quote_of(program), state.names
    start, first = started
    entries = [("model", model), (state.optimizer.key, optimizer)]
    entries += [(r.key, start if r.name == counter else r.saved()) for r in state.rows]
    metadata = folder[:-1] + f"/.metadata{mark}" if "(" not in folder else folder[:-2] + f"/.metadata{mark})"
    lines = [
        *([f"{start} = {first}"] if first is not None else []),
        f"{saved} = sorted({glob}.glob({metadata}), key={os_name}.path.getmtime)",
        f"if {saved}:",
        f"\t{newest} = {os_name}.path.dirname({saved}[-1])",
        f"\t{model}, {optimizer} = get_state_dict({state.model}, {state.optimizer.name})",
        f"\t{held} = {{",
        *(f"\t\t{mark}{key}{mark}: {value}," for key, value in entries),
        "\t}",
        f"\t{state.dcp}.load({held}, checkpoint_id={newest})",
        "\tset_state_dict(",
        f"\t\t{state.model},",
        f"\t\t{state.optimizer.name},",
        f"\t\tmodel_state_dict={held}[{mark}model{mark}],",
        f"\t\toptim_state_dict={held}[{mark}{state.optimizer.key}{mark}],",
        "\t)",
    ]
    for row in state.rows:
        entry = f"{held}[{mark}{row.key}{mark}]"
        if row.name == counter:
            lines.append(f"\t{start} = {entry} + 1")
        elif row.how == "state":
            late = [f"\t{row.name}.step()  # it was saved before the step of its epoch"] if row.behind else []
            put = [f"\t{row.name}.load_state_dict({entry})", *late]
            lines += [f"\tif {row.name} is not None:", *(f"\t{p}" for p in put)] if row.optional else put
        else:
            lines.append(f"\t{row.name} = {entry}")
    rng = state.rng
    if rng is not None:
        if splits_after(program, loop, loop):
            return False
        own = free_name(program, "own_rng", "own_rng_state")
        if own is None:
            return False
        lines += [
            f"\t{own} = {{{state.own}: {rng.save}}}",
            f"\t{state.dcp}.load(",
            f"\t\t{own},",
            f"\t\tcheckpoint_id={newest},",
            f"\t\tplanner={state.dcp}.DefaultLoadPlanner(allow_partial_load=True),  # there may be more ranks now",
            "\t)",
            *(f"\t{line.format(f'{own}[{state.own}]')}" for line in rng.restore),
        ]
        changes.need(*rng.restoring)
    changes.need(*needs, *more, NeedImport(f"{_DCP}.state_dict", "set_state_dict"))
    if first is not None:
        begin_at(changes, over, start, program)
    return lines_before(changes, loop, lines, program)
