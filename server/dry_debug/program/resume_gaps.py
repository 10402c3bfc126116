"""What a checkpoint of the program holds and a run that goes on from it leaves in the file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program import done_elsewhere
from dry_debug.program.epoch_count import EpochCount
from dry_debug.program.evidence import Step
from dry_debug.program.reaching import reaching
from dry_debug.program.relations import given_by_maker
from dry_debug.program.restored import Loaded

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import LoadSite, SaveSite
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_RUNNING = re.compile(r"epoch|step|iter|best", re.IGNORECASE)  # what a run counts, or compares with
_SETTING = re.compile(r"max|num|n_|every|size|epochs$|steps$|iters$|path|name", re.IGNORECASE)  # what it is told
_RUN = ("optimizer", "scheduler", "scaler")


class Left(NamedTuple):
    """State of the run that `site` saves under `key` and the load does not take back."""

    key: str
    value: Value
    site: SaveSite


class ResumeGap(NamedTuple):
    """A load that a run goes on from, as `sign` shows, and what it leaves."""

    load: LoadSite
    model: ast.expr  # what is restored
    left: list[Left]
    sign: Step


def resume_gaps(program: Program) -> Iterator[ResumeGap]:
    """The loads of this file that take back a part of what its saves hold of the run."""
    told: set[ast.AST] = set()
    for load in loads_of(program):
        gap = _gap(program, load) if load.node not in told else None
        told.add(load.node)
        if gap is not None:
            yield gap


def loads_of(program: Program) -> Iterator[LoadSite]:
    """Every `torch.load` of the file, and the calls of functions that read a file and give back what it holds.

    What such a function takes from it before counts at its calls, too.
    """
    checkpoints = program.training.checkpoints
    for load in checkpoints.loads:
        yield load
        function = program.scope(load.node)
        if function.kind == "function" and program.flow.returned_by(load.node) is not None:
            for call in program.call_sites(function):
                back = checkpoints.read_back(call)
                if load.restores or load.keys:
                    back.keys = [*dict.fromkeys((*load.keys, *back.keys))]
                    back.restores = [*load.restores, *back.restores]
                    back.plain, back.before = back.plain or load.plain, load
                yield back
    if checkpoints.saves:
        for seen, _, _ in done_elsewhere.loads(program):
            if all(call in program.index.scope_of for _, call in seen.restores):
                yield seen


def _gap(program: Program, load: LoadSite) -> ResumeGap | None:
    why = program.why
    models = [call for value, call in load.restores if value.kind in ("module", "unknown")]
    model = models[0].func.value if models and isinstance(models[0].func, ast.Attribute) else None
    if model is None or not load.keys or load.plain:
        why(load.node, "no model is restored from an entry of it in this function")
        return None
    sites = [
        site for site in program.training.checkpoints.saves
        if not site.sharded and set(site.keys) & set(load.keys) and site.whole is None
    ]  # fmt: skip
    if not sites:
        why(load.node, "no save of this file is known to write the entries that are read")
        return None
    loaded = program.training.checkpoints.loaded(load.node)
    escape = _escape(program, loaded)
    if escape is None and load.before is not None:
        escape = _escape(program, program.training.checkpoints.loaded(load.before.node), returned=True)
    if escape is not None:
        why(load.node, "what is loaded goes on to other code: {}", escape, see=escape)
        return None
    sign = _sign(program, load, loaded)
    if sign is None:
        why(load.node, "nothing shows that a run goes on from it: it may be evaluated, or trained anew")
        return None
    left: dict[str, Left] = {}
    for site in sites:
        for entry in site.entries:
            inner = entry.value.wraps if entry.value.kind == "state" else None
            if entry.key is None or inner is None or inner.kind not in _RUN or entry.key in load.keys:
                continue
            if not _read_elsewhere(program, entry.key) and not _taken(inner, load):
                left.setdefault(entry.key, Left(entry.key, inner, site))
    if not left:
        why(load.node, "all that the file saves of the run is read again")
        return None
    return ResumeGap(load, model, list(left.values()), sign)


def _taken(value: Value, load: LoadSite) -> bool:
    """Whether the load restores this very object, from another entry."""
    ident = value.base.ident
    return any(v.known and (v.base.ident == ident or given_by_maker(v.base.ident, ident)) for v, _ in load.restores)


def _escape(program: Program, loaded: Loaded, returned: bool = False) -> ast.AST | None:
    """A use of the loaded dict as a whole: somebody else may take the rest of it; `returned`: but who gets it back."""
    if not loaded.direct or loaded.objects:
        return loaded.call
    parents = program.flow.parents(loaded.scope)
    for other in loaded.helpers:
        escape = _escape(program, other)
        if escape is not None:
            return escape
    for name in loaded.direct:
        for read in program.flow.reads(name, loaded.scope):
            parent = parents.get(read)
            if not loaded.holds(name, program.flow.statement_of(read, loaded.scope)):
                continue  # the next checkpoint, put together under the same name
            if isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
                continue
            if isinstance(parent, ast.Compare | ast.Delete) or _unread(program, parent, loaded):
                continue
            if returned and isinstance(parent, ast.Return):
                continue
            call = parent if isinstance(parent, ast.Call) else parents.get(parent) if parent is not None else None
            if any(other.call is call for other in loaded.helpers):
                continue
            if isinstance(parent, ast.Attribute) and parent.attr in ("get", "pop", "keys"):
                used = parents.get(parent)
                if not isinstance(used, ast.Call) or parent.attr == "keys" or not used.args:
                    continue
                if isinstance(used.args[0], ast.Constant):
                    continue
            return read
    return None


def _unread(program: Program, stmt: ast.AST | None, loaded: Loaded) -> bool:
    """`other = loaded`, where nobody reads the other name."""
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1 else None
    return isinstance(target, ast.Name) and not program.flow.reads(target.id, loaded.scope)


def _sign(program: Program, load: LoadSite, loaded: Loaded) -> Step | None:
    """What shows that the run goes on: another part of it is restored, or a training loop starts where it was."""
    for value, call in load.restores:
        if value.kind in _RUN:
            return Step(program, call, "another part of the run is restored here")
    parents = program.flow.parents(loaded.scope)
    for loop in program.training.loops.training:
        if not isinstance(loop.node, ast.For):
            continue
        start = EpochCount(program, loop.node).start()
        if start is not None and start.owner is program and start.node in parents and start.key in load.keys:
            return Step(program, loop.node.iter, "the run goes on from the epoch that is read here")
    return _counted_on(program, loaded)


def _counter(name: str) -> bool:
    return _RUNNING.search(name) is not None and _SETTING.search(name) is None


def _counted_on(program: Program, loaded: Loaded) -> Step | None:
    """Where a counter or a best result of the run is read, with which a training loop of the function counts on."""
    loops = [loop.node for loop in program.training.loops.training]
    loops = [node for node in loops if program.scope(node) is loaded.scope]
    for stmt, key in loaded.assigned() if loops else ():
        target = stmt.targets[0]
        if not isinstance(target, ast.Name) or not any(_counter(name) for name in (key, target.id)):
            continue
        for read in program.flow.reads(target.id, loaded.scope):
            at = program.flow.statement_of(read, loaded.scope)
            if at is None or program.index.inside(stmt, at) or not any(program.index.inside(at, n) for n in loops):
                continue
            bindings = loaded.scope.bindings.get(target.id, [])
            if any(b.stmt is stmt for b in reaching(program.index, bindings, at)):
                return Step(program, stmt, "the run goes on with what is read here")
    return None


def _read_elsewhere(program: Program, key: str) -> bool:
    """Whether the entry is read anywhere in the file, by whatever name the dict has there."""
    word = re.escape(key)
    source = program.document.source
    for match in re.finditer(rf"""(\[|(get|pop)\()\s*["']{word}["']\s*(\](?!\s*=[^=])|,|\))""", source):
        line = source[source.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not line.lstrip().startswith("#"):  # a line that is switched off reads nothing
            return True
    return False
