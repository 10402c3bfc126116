"""A run that is taken up again where nothing does so yet: the checkpoint read back before the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.fixes.checkpoint_whole import Whole
from dry_debug.fixes.layout import free_name, lines_before, quoted
from dry_debug.fixes.modules import module_name
from dry_debug.fixes.start import begin_at, range_of

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.fixes.random_state import RandomState
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run

# Behind the step of a scheduler that was saved before the step of its epoch.
LATE = "# it was saved before the step of its epoch"


def resume(changes: Changes, whole: Whole, rng: RandomState | None, run: Run, program: Program) -> bool:
    """Puts `if os.path.exists(path): ...` before the loop, which then starts behind the last finished epoch."""
    scope = program.scope(run.loop)
    os_name, needs = module_name("os", program, scope)
    torch_name, more = module_name("torch", program, scope)
    held = free_name(program, "checkpoint", "ckpt", "saved")
    if os_name is None or torch_name is None or held is None:
        return False
    cpu = quoted(program, "cpu")
    lines = first_lines(whole)
    lines.append(f"if {os_name}.path.exists({whole.path}):")
    lines.append(f"\t{held} = {torch_name}.load({whole.path}, map_location={cpu}, weights_only=True)")
    for key, name in whole.parts:
        text = f"{name}.load_state_dict({held}[{quoted(program, key)}])"
        put = [text, *([f"{name}.step()  {LATE}"] if key in whole.late else [])]
        optional = key in whole.optional
        lines += [f"\tif {name} is not None:"] if optional else []
        lines += [f"\t\t{line}" if optional else f"\t{line}" for line in put]
    lines += [f"\t{n.name} = {n.put_back(f'{held}[{quoted(program, n.key)}]')}" for n in whole.numbers]
    if whole.counted:
        lines.append(f"\t{whole.start} = {held}[{quoted(program, whole.counted)}] + 1")
    if rng is not None:
        lines += [f"\t{line.format(f'{held}[{quoted(program, rng.key)}]')}" for line in rng.restore]
        changes.need(*rng.restoring)
    changes.need(*needs, *more)
    start_loop(changes, whole, run, program)
    return lines_before(changes, whole.before, lines, program)


def first_lines(whole: Whole) -> list[str]:
    return [f"{whole.start} = {whole.first}"] if whole.first is not None else []


def start_loop(changes: Changes, whole: Whole, run: Run, program: Program) -> None:
    over = range_of(run, program)
    if whole.first is not None and over is not None:
        begin_at(changes, over, whole.start, program)
