"""The random generators of several ranks in one checkpoint: gathered by all of them before one of them writes.

One file holds them all, so that it is moved into place with the weights that belong to them: with a file for each rank
a crash could leave the generators of one epoch beside the weights of another. The gathering is a collective, so it
stands where every rank comes by, outside of every test for the rank, and only there.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.layout import free_name, indent_of, lines_before
from dry_debug.fixes.modules import module_name
from dry_debug.fixes.passing import pass_in
from dry_debug.fixes.random_state import Gathered, RandomState, helper, random_state
from dry_debug.fixes.rank_guard import always
from dry_debug.program.every_rank import every_rank, may_draw_between
from dry_debug.program.randomness import Rng
from dry_debug.records import replace

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import SaveSite
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run
    from dry_debug.program.walks import LoopNode

_KEYS = ("rng_states", "rank_rng_states", "random_states")
_VARIABLES = ("rng_states", "rank_rng_states", "random_states")


def of_each_rank(run: Run, rngs: tuple[Rng, ...], program: Program) -> RandomState | None:
    """The generators of every rank for the checkpoint of `run`; None where they cannot be gathered safely."""
    if not _can_gather(program) or any(x.kind == "batch" and x.node is run.loop for x in program.training.loops.all):
        return None
    state = in_file(program, rngs, set(run.site.keys), program)
    held = free_name(program, *_VARIABLES)
    if state is None or held is None or held in run.site.owner.document.source:
        return None
    place = _place(run, f"{held} = {state.save}", held, program)
    if place is None or indent_of(place.program, place.before) is None:
        return None
    return replace(state, save=held, gathered=place)


def put_before(changes: Changes, rng: RandomState | None) -> None:
    """Writes what every rank does before the save, with the imports and helpers that it needs."""
    where = rng.gathered if rng is not None else None
    if rng is None or where is None:
        return
    changes.need(*rng.saving, program=where.program)
    lines_before(changes, where.before, [where.line], where.program)


def handed_on(changes: Changes, rng: RandomState | None, owner: Program) -> RandomState | None:
    """The generators under the name that they have where `owner` puts the checkpoint together."""
    where = rng.gathered if rng is not None else None
    if rng is None or where is None or where.through is None or where.callee is None:
        return rng
    name = pass_in(changes, where.callee, owner, where.through, where.program, rng.save)
    return replace(rng, save=name) if name is not None else None


def in_file(owner: Program, rngs: tuple[Rng, ...], taken: set[str], program: Program) -> RandomState | None:
    """How `owner` gathers the generators and gives each rank its own back; `program` sets up the processes."""
    one = random_state(owner, rngs, taken)
    dist, needs = module_name("torch.distributed", owner)
    key = next((k for k in _KEYS if k not in taken), None)
    if one is None or dist is None or key is None:
        return None
    sure = owner is program and _always_several(program)
    gather = helper(owner, lambda name: _gather(name, one.save, dist, sure), "gather_rng_states", "all_rng_states")
    back = helper(owner, lambda name: _give_back(name, one.restore, dist, sure), "restore_rng_state", "own_rng_state")
    if gather is None or back is None:
        return None
    return RandomState(
        key, f"{gather.name}()", (f"{back.name}({{}})",), (*needs, *one.saving, gather), (*needs, *one.restoring, back),
        rngs, of_ranks=True,
    )  # fmt: skip


def _always_several(program: Program) -> bool:
    """Whether the process group is certainly there wherever the program saves or loads."""
    inits = program.training.distributed.inits
    if not inits or not all(always(call, program) for call in inits):
        return False
    loads = program.training.checkpoints.loads
    return all(
        any(program.scope(i) is program.scope(load.node) and i.lineno < load.node.lineno for i in inits)
        for load in loads
    )


def _gather(name: str, save: str, dist: str, sure: bool) -> str:
    lines = [
        f"def {name}():",
        '    """The state of the random generators of each rank. A collective: every rank has to call it."""',
        *([] if sure else [f"    if not {dist}.is_initialized():", f"        return [{save}]"]),
        f"    states = [None] * {dist}.get_world_size()",
        f"    {dist}.all_gather_object(states, {save})",
        "    return states",
    ]
    return "\n".join(lines)


def _give_back(name: str, restore: tuple[str, ...], dist: str, sure: bool) -> str:
    rank = f"{dist}.get_rank()" if sure else "rank"
    ranks = f"{dist}.get_world_size()" if sure else "ranks"
    there = f"if {dist}.is_initialized() else"
    asked = [f"    rank = {dist}.get_rank() {there} 0", f"    ranks = {dist}.get_world_size() {there} 1"]
    lines = [
        f"def {name}(states):",
        '    """Gives this rank its own state back. With another number of ranks each goes on from its seed."""',
        *([] if sure else asked),
        f"    if len(states) == {ranks}:",
        *(f"        {line.format(f'states[{rank}]')}" for line in restore),
    ]
    return "\n".join(lines)


def _can_gather(program: Program) -> bool:
    """Whether objects can be gathered: NCCL sends them through the current device, which each rank has to have set."""
    distributed = program.training.distributed
    if distributed.backend in ("gloo", "mpi") or "cuda" not in program.document.source:
        return True
    if any(k.arg == "device_id" for call in distributed.inits for k in call.keywords):
        return True
    sources = [program.document.source]
    sources += [v.program.document.source for v in distributed.reached_functions() if v.program is not None]
    return any(
        word in source
        for source in sources
        for word in ("set_device(", 'environ["CUDA_VISIBLE', "environ['CUDA_VISIBLE")
    )


def _place(run: Run, line: str, held: str, program: Program) -> Gathered | None:
    """Where every rank comes by in the rounds in which one saves, and nothing is drawn from there to the save."""
    site, loop = run.site, run.loop
    built = _built(site)
    if built is None:
        return None
    scope = site.owner.scope(built)
    if site.owner is program and scope is program.scope(loop):
        return _in(built, line, loop, program)
    if scope.kind != "function" or not isinstance(scope.node, ast.FunctionDef):
        return None
    if site.owner is program:
        calls = program.call_sites(scope)
        stmts = [program.statement(call) for call in calls]
        if calls and all(s is not None and _all_come_to(s, loop, program) for s in stmts):
            found = every_rank(program, built, loop, in_function=True)
            if found is not None and not may_draw_between(program, found, built):
                return Gathered(line, found, program)
    else:
        calls = [site.node]
    if (
        len(calls) != 1
        or (stmt := program.statement(calls[0])) is None
        or program.scope(stmt) is not program.scope(loop)
    ):
        return None
    if may_draw_between(site.owner, scope.node.body[0], built):
        return None
    where = _in(stmt, line, loop, program)
    if where is None or pass_in(Changes(program), scope, site.owner, calls[0], program, held) is None:
        return None
    where.through, where.callee = calls[0], scope
    return where


def _in(stmt: ast.stmt, line: str, loop: LoopNode, program: Program) -> Gathered | None:
    found = every_rank(program, stmt, loop)
    if found is None or may_draw_between(program, found, stmt):
        return None
    return Gathered(line, found, program)


def _all_come_to(stmt: ast.stmt, loop: LoopNode, program: Program) -> bool:
    """Whether every rank makes the call in `stmt`, in the loop or behind it in the same function."""
    if program.scope(stmt) is not program.scope(loop):
        return False
    return every_rank(program, stmt, loop, in_function=True) is stmt


def _built(site: SaveSite) -> ast.stmt | None:
    """The statement in which the checkpoint is put together."""
    if site.dict_node is None:
        return site.owner.statement(site.node)
    calls = [n for n in ast.walk(site.dict_node) if isinstance(n, ast.Call)]
    return site.owner.statement(calls[0]) if calls else site.owner.statement(site.node)
