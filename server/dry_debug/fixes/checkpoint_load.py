"""The load side of a checkpoint: what is saved now is put back where the program loads, if the file has it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.fixes.at_hand import bound_at
from dry_debug.fixes.checkpoint_resume import LATE
from dry_debug.fixes.checkpoint_rows import Row
from dry_debug.fixes.later import before_loop
from dry_debug.fixes.layout import lines_after, lines_before, quoted
from dry_debug.fixes.load_place import LoadPlace, place_at
from dry_debug.fixes.passing import pass_in
from dry_debug.fixes.random_state import random_state, splits_after
from dry_debug.fixes.rank_random import in_file
from dry_debug.fixes.start import add_one, start_at
from dry_debug.program.reaching import reaching
from dry_debug.program.resume_signs import PROGRESS
from dry_debug.program.run_numbers import outermost
from dry_debug.program.run_parts import Run

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.fixes.random_state import RandomState
    from dry_debug.program.checkpoints import LoadSite
    from dry_debug.program.program import Program


def load_places(run: Run, program: Program) -> list[LoadPlace]:
    """The places that load what `run` saves, to go on from it."""
    found: dict[tuple[str, int, str], LoadPlace] = {}
    for owner, load, call in loads_of(program):
        if not set(load.keys) & set(run.site.keys) or not _goes_on(load, owner):
            continue
        if owner.scope(load.node) is program.scope(run.loop) and load.node.lineno > run.loop.lineno:
            continue  # it is read when training is over
        place = place_at(owner, load, call)
        if place is not None:
            found.setdefault((owner.document.path, id(owner.scope(load.node)), place.variable), place)
    return list(found.values())


def loads_of(program: Program) -> Iterator[tuple[Program, LoadSite, ast.Call | None]]:
    """(file, load, the one call of the function that it stands in) of what the program loads, helpers included."""
    for load in program.training.checkpoints.loads:
        scope = program.scope(load.node)
        calls = program.call_sites(scope) if scope.kind == "function" else []
        yield program, load, calls[0] if len(calls) == 1 else None
    for tree in program.training.resume_signs.foreign_calls():
        owner, callee = tree.function.program, tree.function.scope
        if owner is not None and "torch.load" in owner.document.source:
            for load in owner.training.checkpoints.loads:
                if owner.scope(load.node) is callee:
                    yield owner, load, tree.call


def _goes_on(load: LoadSite, owner: Program) -> bool:
    """Whether a run goes on from there: more than the model is taken from the file."""
    if any(value.kind in ("optimizer", "scheduler", "scaler") for value, _ in load.restores):
        return True
    return any(PROGRESS.search(key) for key in load.keys)


def restore(
    changes: Changes, place: LoadPlace, rows: list[Row], rng: RandomState | None, run: Run, program: Program
) -> list[str]:
    """Writes the restoring lines at one place; the names of what cannot be restored there."""
    owner, held = place.owner, place.variable
    lines: list[str] = []
    after: list[str] = []  # what has to wait until the loop is about to begin
    left: list[str] = []
    later = before_loop(place.restore, held, run.loop, program) if owner is program else None
    for row in rows:
        key = quoted(owner, row.key)
        if row.how == "state":
            if place.generic:
                continue
            name, optional = _name_at(changes, row, place, run, program)
            if name is not None:
                lines += _state(row, name, optional, held, key)
                continue
            name = _name_at_loop(row, run, program) if later is not None else None
            if name is not None:
                after += _state(row, name, row.optional, held, key)
            elif not _beside_another(changes, row, place, key):
                left.append(row.name)
        elif row.how == "number" and run.site.owner is program and row.name == _counter(run):
            started = start_at(changes, row, place.restore, held, key, run, program) if owner is program else None
            if started is None:
                left.append(row.name)
            else:
                lines += started
        elif owner is program and _can_set(row.holder or row.name, place, run, program):
            lines.append(f"{row.name} = {held}.get({key}, {row.name})")
        elif later is not None and "." not in (at := row.holder or row.name) and bound_at(at, program, run.loop):
            after.append(f"{row.name} = {held}.get({key}, {row.name})")
        else:
            left.append(row.name)
    if owner is program:
        add_one(changes, place.load, held, run, program)
    if rng is not None:
        mine = _generators(rng, place, run, program)
        wait = _draws_between(place, run, program)
        if mine is None or (wait and later is None):
            left.append("the random generators")
        else:
            key = quoted(owner, rng.key)
            handed_on = rng.gathered is not None and rng.gathered.through is not None  # another caller may not do so
            test = f"if {held}.get({key}) is not None:" if handed_on else f"if {key} in {held}:"
            put = [test, *(f"\t{line.format(f'{held}[{key}]')}" for line in mine.restore)]
            (after if wait or after else lines).extend(put)
            changes.need(*mine.restoring, program=owner)
    if after and later is not None:
        block = [f"if {later.test}:", *(f"\t{line}" for line in after)] if later.test else after
        lines_before(changes, later.before, block, program)
    if isinstance(place.last, ast.Return | ast.Delete):
        done = lines_before(changes, place.last, lines, owner)
    else:
        done = lines_after(changes, place.last, lines, owner)
    return left if done else [row.name for row in rows]


def _beside_another(changes: Changes, row: Row, place: LoadPlace, key: str) -> bool:
    """Puts one state back behind another one that is put back later, when the thing of `row` is there."""
    owner, held, scope = place.owner, place.variable, place.owner.scope(place.load.node)
    name = owner.training.components.name_at(row.value, scope) if row.value is not None else None
    for _, call in place.load.restores if name is not None else ():
        stmt = owner.statement(call)
        if (
            not isinstance(stmt, ast.Expr)
            or stmt is place.restore
            or owner.scope(call) is not owner.scope(place.load.node)
        ):
            continue
        if name is not None and bound_at(name, owner, stmt) and _holds(place, stmt):
            return lines_after(changes, stmt, _state(row, name, row.optional, held, key), owner)
    return False


def _holds(place: LoadPlace, stmt: ast.stmt) -> bool:
    """Whether the variable holds at `stmt` what was loaded."""
    owner = place.owner
    made = reaching(owner.index, owner.scope(place.load.node).bindings.get(place.variable, []), stmt)
    return bool(made) and all(b.value is place.load.node for b in made)


def _generators(rng: RandomState, place: LoadPlace, run: Run, program: Program) -> RandomState | None:
    """How the generators are put back in the file that loads; None where not every rank comes by."""
    owner = place.owner
    if not rng.of_ranks:
        return rng if owner is run.site.owner else random_state(owner, rng.rngs, set())
    alone = owner.training.distributed.one_rank(place.load.node)
    if place.call is not None and place.owner is not program:
        alone = alone or program.training.distributed.one_rank(place.call)
    return None if alone else in_file(owner, rng.rngs, set(), program)


def _state(row: Row, name: str, optional: bool, held: str, key: str) -> list[str]:
    """The lines that put back one state, if the file has it."""
    test = f"if {key} in {held}:"
    if optional or row.optional:
        there = f"{held}.get({key}) is not None"
        test = f"if {name} is not None and {there}:" if optional else f"if {there}:"
    late = [f"\t{name}.step()  {LATE}"] if row.behind else []
    return [test, f"\t{name}.load_state_dict({held}[{key}])", *late]


def _name_at_loop(row: Row, run: Run, program: Program) -> str | None:
    if row.value is None:
        return None
    name = row.holder or program.training.components.name_at(row.value, program.scope(run.loop))
    return name if name is not None and bound_at(name, program, run.loop) else None


def _counter(run: Run) -> str | None:
    loop = run.loop
    return loop.target.id if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) else None


def _name_at(changes: Changes, row: Row, place: LoadPlace, run: Run, program: Program) -> tuple[str | None, bool]:
    """What the thing of `row` is called at `place`, and whether it may be None there by what is done here."""
    if row.value is None:
        return None, False
    owner = place.owner
    if row.holder is not None:
        return (row.holder if owner is program and _can_set(row.holder, place, run, program) else None), False
    if owner is program:
        name = program.training.components.name_at(row.value, program.scope(place.load.node))
        if name is not None:
            return (name, row.optional and "." not in name) if bound_at(name, program, place.last) else (None, False)
    if place.call is None:
        return None, False
    at_call = program.training.components.name_at(row.value, program.scope(place.call))
    stmt = program.statement(place.call)
    if at_call is None or stmt is None or not bound_at(at_call, program, stmt):
        return None, False
    return pass_in(changes, owner.scope(place.load.node), owner, place.call, program, at_call), True


def _can_set(name: str, place: LoadPlace, run: Run, program: Program) -> bool:
    """Whether assigning `name` at the load gives the loop its value: it is set before, and not again until the loop."""
    scope, loop_scope = program.scope(place.load.node), program.scope(run.loop)
    if "." in name:
        cls = scope.class_scope
        return cls is not None and cls is loop_scope.class_scope and name.partition(".")[0] == scope.self_name and (
            _set_first(name, place, run, program)
        )  # fmt: skip
    if scope is not loop_scope or not bound_at(name, program, place.last):
        return False
    start, end = place.load.node.lineno, outermost(program, run.loop).lineno
    return not any(b.stmt is not None and start < b.stmt.lineno < end for b in scope.bindings.get(name, []))


def _set_first(name: str, place: LoadPlace, run: Run, program: Program) -> bool:
    """Whether an attribute that `__init__` sets is set before the load: not where `__init__` itself loads earlier."""
    scope = program.scope(place.load.node)
    cls = scope.class_scope
    if cls is None:
        return False
    for b in cls.attributes.get(name.partition(".")[2], []):
        if b.scope.name != "__init__" or b.kind == "aug":
            continue
        lines = [place.load.node.lineno] if b.scope is scope else [
            c.lineno for c in program.call_sites(scope) if program.scope(c) is b.scope
        ]  # fmt: skip
        if b.stmt is not None and all(b.stmt.lineno < line for line in lines):
            return True
    return False


def _draws_between(place: LoadPlace, run: Run, program: Program) -> bool:
    at: ast.AST | None = place.load.node if place.owner is program else place.call
    return at is None or splits_after(program, at, run.loop)
