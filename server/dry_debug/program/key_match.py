"""Entries that are read from a checkpoint, against those that the saves of the same program write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.reaching import recovers
from dry_debug.program.restored import Loaded
from dry_debug.program.resume_gaps import loads_of
from dry_debug.program.saves_around import saves_around
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import LoadSite, SaveSite
    from dry_debug.program.payload import Entry
    from dry_debug.program.program import Program
    from dry_debug.program.saves_around import Around

_SUFFIX = re.compile(r"(_?state_?dict|_?states?|_?dict|_?weights)$", re.IGNORECASE)


class Mismatch(NamedTuple):
    """`read`, an entry of what `load` gives, that no save writes; `entry` of `site` is what it seems to mean.

    The call of `site` stands in `owner`.
    """

    load: LoadSite
    read: ast.Subscript
    key: str
    entry: Entry
    site: SaveSite
    owner: Program


def mismatches(program: Program) -> Iterator[Mismatch]:
    """Entries that are read under another key than the one that they are saved under."""
    own = [(program, site) for site in program.training.checkpoints.saves if site.whole is None and not site.sharded]
    seen: set[ast.AST] = set()
    for load in loads_of(program):
        if load.node in seen:
            continue
        seen.add(load.node)
        saves = own if any(set(site.keys) & set(load.keys) for _, site in own) else saves_around(program, load)
        if not saves:
            program.why(load.node, "no save that is known writes any of the entries that are read: it is another file")
            continue
        if any(site.open for _, site in saves):
            program.why(load.node, "what is saved may hold more than can be seen")
            continue
        found = list(_of(program, load, saves, {key for _, site in saves for key in site.keys}))
        if not found:
            program.why(load.node, "every entry that is read is written, asked for before, or of another kind of file")
        yield from found


def _of(program: Program, load: LoadSite, saves: list[Around], written: set[str]) -> Iterator[Mismatch]:
    for loaded in program.training.checkpoints.loaded(load.node).all():
        yield from _in(program, load, loaded, saves, written)


def _in(program: Program, load: LoadSite, loaded: Loaded, saves: list[Around], written: set[str]) -> Iterator[Mismatch]:
    parents = program.flow.parents(loaded.scope)
    kinds = {key: value.kind for _, key, value, _ in loaded.restores if isinstance(key, str)}
    for name in sorted(loaded.direct):
        if _filled(name, loaded, program):
            continue
        for read in program.flow.reads(name, loaded.scope):
            holder = parents.get(read)
            if (
                not isinstance(holder, ast.Subscript)
                or holder.value is not read
                or not isinstance(holder.ctx, ast.Load)
            ):
                continue
            key = holder.slice.value if isinstance(holder.slice, ast.Constant) else None
            if not isinstance(key, str) or key in written or _asked(key, read, name, loaded, program):
                continue
            meant = [
                (entry, site, owner) for owner, site in saves for entry in site.entries
                if entry.key is not None and entry.key not in load.keys and _alike(key, kinds.get(key), entry)
            ]  # fmt: skip
            if len({entry.key for entry, _, _ in meant}) == 1:
                yield Mismatch(load, holder, key, *meant[0])


def _filled(name: str, loaded: Loaded, program: Program) -> bool:
    """Whether entries are added to what was loaded, or another file is loaded into the variable."""
    bindings = loaded.scope.bindings.get(name, [])
    if len(bindings) != 1 or "update" in loaded.scope.receivers.get(name, set()):
        return True
    return any(
        isinstance(t, ast.Subscript) and isinstance(t.value, ast.Name) and t.value.id == name
        for a in program.index.assignments
        if isinstance(a, ast.Assign) and program.scope(a) is loaded.scope
        for t in a.targets
    )


def _asked(key: str, read: ast.Name, name: str, loaded: Loaded, program: Program) -> bool:
    """Whether the program asks for the entry before, or can do without it: `"k" in state`, a test of it, a `try`."""
    if re.search(
        rf"""["']{re.escape(key)}["']\s*(not\s+)?in\b|get\(\s*["']{re.escape(key)}["']""", program.document.source
    ):
        return True
    stmt = program.flow.statement_of(read, loaded.scope)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.ExceptHandler) or recovers(block):
            return True
        if isinstance(block, ast.If | ast.While) and any(
            isinstance(n, ast.Name) and n.id == name for n in nodes(block.test)
        ):
            return True
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            break
    return False


def _alike(key: str, kind: str | None, entry: Entry) -> bool:
    """Whether an entry that is saved seems to be what is read: by what it is, and by how both are called."""
    assert entry.key is not None
    saved = entry.value.base.kind if entry.value.kind == "state" else None
    if kind is not None and saved is not None and kind in ("optimizer", "scheduler", "scaler", "module"):
        return kind == saved
    one, other = _stem(key), _stem(entry.key)
    return one == other and len(one) > 1


def _stem(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _SUFFIX.sub("", key).lower())
