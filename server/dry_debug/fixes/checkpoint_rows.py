"""What is added to a checkpoint: one row for each part of the run, with the key that it gets in the file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.fixes.at_hand import bound_at, has_state
from dry_debug.fixes.completable import without_fix
from dry_debug.program.own_count import ahead, own_counts
from dry_debug.program.resume_signs import PROGRESS
from dry_debug.program.run_numbers import counters, outermost
from dry_debug.program.stateful_data import stateful_data
from dry_debug.program.stopping import stoppers
from dry_debug.program.values import Value
from dry_debug.records import dataclass

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
    holder: str | None = None  # the object that decides when the run stops, and that the row is about
    plus: int = 0  # what a number that is counted behind the save still lacks there

    def saved(self, name: str | None = None) -> str:
        """The expression that is saved."""
        name = name or self.name
        number = f"{name} + {self.plus}" if self.plus else name
        text = {"state": f"{name}.state_dict()", "number": number, "metric": f"float({name})"}[self.how]
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
    stmt = program.statement(run.site.node)
    for best in program.training.save_purpose.bests(run):
        if best is None or any(p.name == best.name for p in parts) or stmt is None:
            continue
        if bound_at(best.name, program, stmt):  # one may be there only where something is switched on
            parts.append(best)
    taken = set(run.site.keys)
    suffix = suffix_of(run)
    rows: list[Row] = []
    left: list[str] = []
    for part in parts:
        if without_fix(part, run, program):
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
    for name, counted in _counted_up(run, program):
        last = name.rpartition(".")[2].strip("_")
        if last in taken or any(row.name == name for row in rows) or _mentioned(name, run):
            continue
        if last.startswith("local_"):
            continue  # it counts what this process has done
        here = program.names.lookup(name.partition(".")[0], program.scope(run.site.node))
        there = program.names.lookup(name.partition(".")[0], program.scope(run.loop))
        local = here is not None and there is not None and (here[0] is there[0] or "." in name)
        if local and run.site.owner is program:
            taken.add(last)
            rows.append(Row(last, name, "number", plus=_behind(name, counted, run, program)))
    rows += _beside_the_parts(run, taken, suffix, program)
    return rows, left


def _counted_up(run: Run, program: Program) -> Iterator[tuple[str, ast.stmt]]:
    """(name, where it is counted) of the numbers that the run counts up, those of a `while` loop included."""
    seen: set[str] = set()
    outer = outermost(program, run.loop)
    own = own_counts(program, outer) if isinstance(outer, ast.While) else []
    for name, stmt in (*own, *counters(program, run.loop)):
        if name not in seen:
            seen.add(name)
            yield name, stmt


def _behind(name: str, counted: ast.stmt, run: Run, program: Program) -> int:
    """What the number lacks at the save: the round that is trained already and counted only behind it."""
    save = stmt_in_loop(run, program)
    if save is None or program.scope(save) is not program.scope(counted) or not PROGRESS.search(name):
        return 0
    return ahead(program, counted, save) or 0


def _beside_the_parts(run: Run, taken: set[str], suffix: str, program: Program) -> Iterator[Row]:
    """What decides when the run stops, and how far its data are where they can tell."""
    if run.site.owner is not program:
        return
    stmt = stmt_in_loop(run, program)
    for data in stateful_data(program, run.loop):
        halfway = data.within is None or (stmt is not None and program.index.inside(stmt, data.within))
        if halfway and not _saved_or_away(data.name, run, program):
            yield Row(_free(data.name, suffix, taken), data.name, "state", data.value)
    for stopper in stoppers(program, run.loop):
        if _saved_or_away(stopper.name, run, program):
            continue
        if has_state(stopper.value, "instance"):
            key = _free(stopper.name, suffix, taken)
            yield Row(key, stopper.name, "state", stopper.value, holder=stopper.name)
            continue
        for attribute, what in stopper.numbers.items():
            key = _free(f"{stopper.name}_{attribute}", "", taken)  # `counter` alone would say little
            row = Row(key, f"{stopper.name}.{attribute}", "number" if what in ("count", "moment") else "metric")
            row.optional, row.holder = what == "result or None", stopper.name
            yield row


def _free(name: str, suffix: str, taken: set[str]) -> str:
    """A key for `name`, which is the last of its parts; with the one before it where that is taken."""
    parts = [part.strip("_") for part in name.split(".")]
    key = parts[-1] + suffix
    if key in taken:
        key = "_".join(parts[-2:]) + suffix
    taken.add(key)
    return key


def _saved_or_away(name: str, run: Run, program: Program) -> bool:
    """Whether it is saved already, or is not the same thing, or not certain to be there, at the save."""
    stmt = program.statement(run.site.node)
    head = name.partition(".")[0]
    here, there = (program.names.lookup(head, program.scope(at)) for at in (run.site.node, run.loop))
    same = here is not None and there is not None and (here[0] is there[0] or "." in name)
    return not same or stmt is None or not bound_at(name, program, stmt) or _mentioned(name, run)


def _counted(run: Run) -> bool:
    return any(key is not None and PROGRESS.search(key) for key in run.site.keys)


def stepped_behind(part: Part, run: Run, program: Program) -> bool | None:
    """Whether the scheduler takes the step of the epoch after the save; None: with a result that a load has not."""
    if part.value is None:
        return False
    stmt = stmt_in_loop(run, program)
    steps = [e for e in program.events.of_kind("scheduler_step") if e.obj.base.ident == part.value.base.ident]
    late = [
        e for e in steps
        if stmt is not None and program.scope(e.stmt) is program.scope(stmt) and e.stmt.lineno > stmt.lineno
        and next((b for b in program.index.ancestors(e.stmt) if isinstance(b, ast.For | ast.While)), None) is run.loop
    ]  # fmt: skip
    if not late:
        return False
    return None if any(isinstance(e.node, ast.Call) and (e.node.args or e.node.keywords) for e in late) else True


def stmt_in_loop(run: Run, program: Program) -> ast.stmt | None:
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
