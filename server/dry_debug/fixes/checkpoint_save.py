"""The save side of a checkpoint: the new entries, the file written aside, one rank that writes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dry_debug.fixes.beside import second_file, write_beside
from dry_debug.fixes.checkpoint_rows import Row
from dry_debug.fixes.completable import is_bare
from dry_debug.fixes.dict_entries import Entry, add_entries, display
from dry_debug.fixes.file_writes import is_own_statement, written_aside
from dry_debug.fixes.layout import indent_of, lines_after, lines_before, quote_of, quoted, unit_of
from dry_debug.fixes.passing import pass_in
from dry_debug.fixes.rank_guard import guard
from dry_debug.fixes.rank_random import handed_on, put_before
from dry_debug.fixes.unwrapping import bare, is_state
from dry_debug.program.run_parts import Run

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.fixes.random_state import RandomState
    from dry_debug.program.checkpoints import SaveSite
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


def save(
    changes: Changes,
    runs: list[Run],
    rows: list[Row],
    rng: RandomState | None,
    program: Program,
    named: bool = False,
    values: Mapping[ast.expr, str] | None = None,
) -> bool:
    """Puts `rows` and the generators into the checkpoint that `runs` save: one dict that is written once or several
    times, or files of one state each (`named`: the variable for the second file is there). `values` are new texts of
    what is saved already. False where that cannot be done."""
    run = runs[0]
    site = run.site
    owner = site.owner
    put_before(changes, rng)
    if len({id(r.site.dict_node) for r in runs}) > 1:
        return False
    if site.dict_node is not None:
        entries = _entries(changes, rows, run, program)
        if entries is None:
            return False
        entries = _with(entries, handed_on(changes, rng, owner))
        if not add_entries(changes, site.dict_node, entries, owner, values or {}):
            return False
    elif all(is_bare(r.site) for r in runs):
        rows = [row for row in rows if row.local or row.how == "state"]
        if not all(row.local for row in rows) or any(r.site.owner is not program for r in runs):
            return False
        entries = _with([*model_entries(runs, program), *((r.key, r.saved()) for r in rows)], rng)
        if stays_bare(runs, program):
            file = second_file(runs[-1], program)
            return file is not None and write_beside(changes, runs, entries, rng, file, program, named)
        mark = quote_of(program)
        held = [f"{mark}{key}{mark}: {value}" for key, value in entries]
        changes.replace(program.span(site.payload), display(held, site.payload, program), program)
    else:
        return False
    if rng is not None and rng.gathered is None:
        changes.need(*rng.saving, program=owner)
    written: set[ast.Call] = set()
    for one in runs:
        call = one.site.via or one.site.node
        if call not in written:
            _write(changes, one, program)
        written.add(call)
    return True


def _write(changes: Changes, run: Run, program: Program) -> None:
    """The call that writes: beside the path, and on one rank."""
    site = run.site
    call, writer = (site.via, site.via_owner or site.owner) if site.via is not None else (site.node, program)
    stmt = writer.statement(call)
    if stmt is None or not is_own_statement(call, writer):
        return
    before, after = written_aside(changes, call, writer) or ([], [])
    alone = guard(run, program)
    if alone is not None:
        test, barrier, needs = alone
        changes.need(*needs, program=writer)
        changes.indent(writer.span(stmt), unit_of(writer), writer)
        before = [test, *(f"\t{line}" for line in before)]
        after = [*(f"\t{line}" for line in after), *barrier]
    lines_before(changes, stmt, before, writer)
    if alone is not None:
        at = writer.span(stmt).start - len(indent_of(writer, stmt) or "")
        changes.insert(at, unit_of(writer), writer)
    lines_after(changes, stmt, after, writer)


def _with(entries: list[Entry], rng: RandomState | None) -> list[Entry]:
    return [*entries, (rng.key, rng.save)] if rng is not None else entries


def _entries(changes: Changes, rows: list[Row], run: Run, program: Program) -> list[Entry] | None:
    """The entries under the names that hold where the dict stands; None where one of them cannot get there."""
    site = run.site
    if site.owner is program and same_place(site, program):
        if any(not row.local and row.how == "state" for row in rows):
            return None
        return [(row.key, row.saved()) for row in rows if row.local]
    callee = callee_of(site, program)
    if callee is None or not rows:
        return [] if callee is not None else None
    entries: list[Entry] = []
    for row in rows:
        name = pass_in(changes, callee, site.owner, site.node, program, row.name)
        if name is None:
            return None
        row.optional = True
        entries.append((row.key, row.saved(name)))
    return entries


def callee_of(site: SaveSite, program: Program) -> Scope | None:
    """The function that the site calls, where the dict stands in it."""
    target = program.target(site.node)
    if target.kind != "function" or target.scope is None or target.program is not site.owner:
        return None
    return target.scope if site.dict_node in site.owner.flow.parents(target.scope) else None


def same_place(site: SaveSite, program: Program) -> bool:
    """Whether the dict stands where the names of the site hold."""
    if site.dict_node is None:
        return False
    scope = program.scope(site.node)
    return site.dict_node in program.flow.parents(scope) and program.flow.scope_inside(site.dict_node, scope) is scope


def one_each(runs: list[Run]) -> list[Run]:
    """One run for each model: one that is saved in two branches (`model.module` or `model`) is there once, under the
    shorter name, which both branches know."""
    found: list[Run] = []
    for run in sorted(runs, key=lambda r: len(ast.unparse(r.site.payload))):
        if not any(_same_model(run, other) for other in found):
            found.append(run)
    return sorted(found, key=runs.index)


def _same_model(a: Run, b: Run) -> bool:
    if not a.models or not b.models:
        return False
    (name, value), (other, another) = a.models[0], b.models[0]
    return name == other or (value.base.ident is not None and value.base.ident == another.base.ident)


def model_entries(runs: list[Run], program: Program) -> list[Entry]:
    """The states of the models, each without the wrappers that its model has: nobody reads this file yet."""
    distinct = one_each(runs)
    if len(distinct) == 1:
        return [("model", _unwrapped(distinct[0], runs, program))]
    found: list[Entry] = []
    for run in distinct:
        name = run.models[0][0].rpartition(".")[2].strip("_") if run.models else "model"
        taken = [key for key, _ in found]
        found.append((name if name not in taken else f"{name}_{len(found)}", _unwrapped(run, runs, program)))
    return found


def _unwrapped(run: Run, runs: list[Run], program: Program) -> str:
    payload = run.site.payload
    model = bare(payload.func.value, run.site.node, program) if is_state(payload) else None  # type: ignore[attr-defined]
    text = f"{model.text}.state_dict()" if model is not None else program.text(payload)
    held = text.removesuffix(".state_dict()")
    inner = f"{held}.module.state_dict()"  # what another branch saves, where the model is wrapped
    if any(program.text(other.site.payload) == inner for other in runs if other is not run and _same_model(run, other)):
        return f"getattr({held}, {quoted(program, 'module')}, {held}).state_dict()"
    return text


def stays_bare(runs: list[Run], program: Program) -> bool:
    """Whether a file of weights is left as it is, for who reads it: only what is there to go on from becomes a dict."""
    if len(runs) > 1:
        return True
    run = runs[0]
    purpose, site = program.training.save_purpose, run.site
    exported = purpose.series(site) or purpose.keeps_best(site, run.loop) or not purpose.to_go_on(site)
    return exported or _taken_bare(site, program)


def _taken_bare(site: SaveSite, program: Program) -> bool:
    """Whether somebody reads the file as a bare state, or another save writes one to the same path."""
    if site.path is None or any(load.plain for load in program.training.checkpoints.loads):
        return True
    path = program.text(site.path)
    others = (s for s in program.training.checkpoints.saves if s is not site and s.whole is not None)
    return any(s.path is not None and s.owner is program and program.text(s.path) == path for s in others)
