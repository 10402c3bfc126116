"""The complete checkpoint: from a save that leaves something out to a save and a resume that have it all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.beside import second_file
from dry_debug.fixes.changes import Changes
from dry_debug.fixes.checkpoint_helpers import checkpointer, pair
from dry_debug.fixes.checkpoint_libraries import by_accelerate, by_trainer
from dry_debug.fixes.checkpoint_load import load_places, loads_of, restore
from dry_debug.fixes.checkpoint_resume import resume
from dry_debug.fixes.checkpoint_rows import rows_of, stmt_in_loop
from dry_debug.fixes.checkpoint_save import save, stays_bare
from dry_debug.fixes.checkpoint_shards import by_all_ranks, resumed_by_all_ranks
from dry_debug.fixes.checkpoint_whole import whole_of
from dry_debug.fixes.completable import by_fabric, is_bare, is_sharded
from dry_debug.fixes.layout import lines_before
from dry_debug.fixes.random_state import generators_of, random_state, splits_after
from dry_debug.fixes.rank_random import of_each_rank
from dry_debug.fixes.unwrapping import new_texts, put_back, saved_wrapped, unwrappings
from dry_debug.lint.finding import Fix
from dry_debug.program.own_count import loops_around
from dry_debug.program.run_numbers import outermost
from dry_debug.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dry_debug.fixes.random_state import RandomState
    from dry_debug.fixes.unwrapping import Bare
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run


RANKS_LEFT = " (each rank's random state to be saved by hand)"
MANY = 3  # parts from which a class of its own is worth its lines
_CALLED = (
    (pair, "Save and resume by a pair of functions, `save_checkpoint` and `load_checkpoint`"),
    (checkpointer, "Save and resume by a class, `Checkpointer`"),
)


def variants(runs: list[Run], missing: list[Part], program: Program) -> list[Fix]:
    """Other ways to the same end: with the resume where nothing loads yet, by functions, by a class."""
    run = runs[0]
    if by_trainer(run, program) is not None or by_fabric(run, program):
        return []
    if is_sharded(run, program):
        both = resumed_by_all_ranks(run, missing, program)
        return [both] if both is not None else []
    whole = by_accelerate(runs, program)
    return [*([whole] if whole is not None else []), *_by_hand(runs, missing, program)]


def _by_hand(runs: list[Run], missing: list[Part], program: Program) -> list[Fix]:
    run = runs[0]
    rows, left = rows_of(run, missing, program)
    if left or load_places(run, program) or run.site.owner is not program:
        return []
    bare = all(is_bare(r.site) for r in runs) and stays_bare(runs, program)
    rng = _random_state(run, program)
    outer_loop = outermost(program, run.loop)
    if rng is not None and splits_after(program, outer_loop, outer_loop):
        rng = None
    file = second_file(runs[-1], program) if bare else None
    if bare and (file is None or _better_place(runs, program)):
        return []
    looped = [_counting_itself(one, program) for one in runs]
    whole = whole_of(looped, rows, file, program)
    if whole is None:
        return []
    outer = looped[0]
    found: list[Fix | None] = []
    changes = Changes(program)
    if file is not None:
        lines_before(changes, whole.before, [f"{file.variable} = {file.text}"], program)
    models: dict[ast.expr, str] = {
        value: f"{model.text}.state_dict()" for _, value, model in saved_wrapped(run, program)
    }
    saved = save(changes, runs, rows, rng, program, file is not None, models)
    if saved and resume(changes, whole, rng, outer, program):
        title = "Complete the checkpoint and resume from it before the loop"
        if not whole.counted and _begins_data_anew(outer, program):
            title += ", which begins a new pass over the data"
        without = saved_wrapped(run, program)
        if without:
            title += f", {_told(((key, model) for key, _, model in without), 'without')}"
        found.append(changes.fix(title))
    alone = len(runs) == 1 and not program.training.distributed.several
    if file is None and alone and not any(row.behind for row in rows):
        for build, title in _CALLED:
            changes = Changes(program)
            if build is checkpointer and len(whole.parts) < MANY:
                continue
            if build(changes, whole, rng, outer, program):
                found.append(changes.fix(title))
    return [fix for fix in found if fix is not None]


def _counting_itself(run: Run, program: Program) -> Run:
    """The run with the `while` loop around its loop, if that is the outermost: the loop that is taken up again."""
    outer = outermost(program, run.loop)
    return replace(run, loop=outer) if isinstance(outer, ast.While) else run


def _begins_data_anew(run: Run, program: Program) -> bool:
    """Whether the run is saved somewhere on the way through its data."""
    save = stmt_in_loop(run, program)
    halfway = save is not None and loops_around(program, save)[:1] != [run.loop]
    return halfway or any(
        program.index.inside(program.statement(call) or call, run.loop) for call in program.calls_of("builtins.next")
    )


def complete(runs: list[Run], missing: list[Part], program: Program, title: str) -> Fix | None:
    """The checkpoint completed where it is saved and where it is loaded; None where that cannot be done."""
    run = runs[0]
    told = by_trainer(run, program)
    if told is not None:
        return told
    if is_sharded(run, program):
        return by_all_ranks(run, missing, program, title)
    rows, left = rows_of(run, missing, program)
    if by_fabric(run, program):
        return None
    rng = _random_state(run, program)
    if any(p.name in left for p in missing) or not (rows or rng):
        return None
    if is_bare(run.site) and stays_bare(runs, program) and _better_place(runs, program):
        return None
    changes = Changes(program)
    loads = ((owner, load) for owner, load, _ in loads_of(program))
    # Who only wants the generators as well is not given another file.
    unwrapped, wrapped = unwrappings(run, loads, program) if missing else ([], [])
    if not save(changes, runs, rows, rng, program, values=new_texts(unwrapped)):
        return None
    put_back(changes, unwrapped)
    if unwrapped:
        title += f", and save {_told(((u.key, u.bare) for u in unwrapped), 'without')}"
    if _by_hand_on(rng, program):
        title += RANKS_LEFT
    late = ", ".join(f"`{row.name}`" for row in rows if row.behind or row.behind_with_result)
    if is_bare(run.site) and stays_bare(runs, program):
        title = f"{title}, in a file beside the weights"
        return changes.fix(f"{title} ({late}: to be stepped once after loading)" if late else title)
    places = load_places(run, program)
    if late and (not places or any(row.behind_with_result for row in rows)):
        title += f" ({late}: to be stepped once after loading)"
    if not places and program.training.resume_signs.all:  # it is read back somewhere, in a way that is not followed
        left += [row.name for row in rows] + (["the random generators"] if rng is not None else [])
    for place in places:
        left += [name for name in restore(changes, place, rows, rng, run, program) if name not in left]
    if wrapped:
        title += f" ({_told(iter(wrapped), 'keeps the names of its wrapper,')})"
    if left:
        title += f" ({', '.join(name if ' ' in name else f'`{name}`' for name in left)} to be restored by hand)"
    return changes.fix(title)


def _told(models: Iterator[tuple[str, Bare]], how: str) -> str:
    """``model` without `module.``: models by their keys, and what wrappers put before their names."""
    return " and ".join(f"`{key}` {how} `{''.join(model.prefixes)}`" for key, model in models)


def _better_place(runs: list[Run], program: Program) -> bool:
    """Whether another save of the program is the checkpoint that these weights are exported beside."""
    own = [run.site for run in runs]
    return any(
        site not in own and site.whole is None and site.states("module") and program.training.resumption.run_at(site)
        for site in program.training.checkpoints.saves
    )


def _random_state(run: Run, program: Program) -> RandomState | None:
    """The generators: those of every rank where there are several."""
    rngs = generators_of(program)
    if not rngs or _library_saves(program):
        return None
    if program.training.distributed.several:
        return of_each_rank(run, rngs, program)
    return random_state(run.site.owner, rngs, set(run.site.keys))


def _by_hand_on(rng: RandomState | None, program: Program) -> bool:
    """Whether several ranks have generators that this fix leaves out."""
    left = rng is None and program.training.distributed.several and not _library_saves(program)
    return left and bool(generators_of(program))


def _library_saves(program: Program) -> bool:
    """Whether Accelerate or Fabric run the processes, which have their own way to save the generators."""
    source = program.document.source
    return "Accelerator" in source or "Fabric" in source
