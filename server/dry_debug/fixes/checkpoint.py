"""The complete checkpoint: from a save that leaves something out to a save and a resume that have it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.checkpoint_load import load_places, restore
from dry_debug.fixes.checkpoint_rows import rows_of
from dry_debug.fixes.checkpoint_save import is_bare, save, stays_bare
from dry_debug.fixes.random_state import generators_of, random_state
from dry_debug.lint.finding import Fix

if TYPE_CHECKING:
    from dry_debug.fixes.random_state import RandomState
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run


def complete(run: Run, missing: list[Part], program: Program, title: str) -> Fix | None:
    """The checkpoint completed where it is saved and where it is loaded; None where that cannot be done."""
    rows, left = rows_of(run, missing, program)
    rng = _random_state(run, program)
    if any(p.name in left for p in missing) or not (rows or rng):
        return None
    changes = Changes(program)
    if not save(changes, run, rows, rng, program):
        return None
    if is_bare(run.site) and stays_bare(run, program):
        return changes.fix(f"{title}, in a file beside the weights")
    for place in load_places(run, program):
        left += [name for name in restore(changes, place, rows, rng, run, program) if name not in left]
    if left:
        title += f" ({', '.join(name if ' ' in name else f'`{name}`' for name in left)} to be restored by hand)"
    return changes.fix(title)


def _random_state(run: Run, program: Program) -> RandomState | None:
    """The generators, unless each rank has its own."""
    rngs = generators_of(program)
    if not rngs or program.training.distributed.used:
        return None
    return random_state(run.site.owner, rngs, set(run.site.keys))
