"""Which saves of a program a `torch.load` of the same program reads back."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.saves_around import saves_around
from dry_debug.program.shape import shape
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import LoadSite, SaveSite
    from dry_debug.program.program import Program

_ENOUGH = 2  # entries that a load reads and a save writes, by which both mean one file


def saves_behind(load: LoadSite, program: Program) -> tuple[list[SaveSite], str]:
    """The saves that `load` reads back, and how that shows; none where nothing ties the two together."""
    sites = [site for site in program.training.checkpoints.saves if not site.sharded]
    wanted = _told(load.path, program)
    same = [site for site in sites if wanted & _told(site.path, program)]
    if same:
        return same, "the load names the file that is saved"
    keys = list(load.keys)
    function = program.scope(load.node)
    if function.kind == "function" and program.flow.returned_by(load.node) is not None:
        for call in program.call_sites(function):
            keys += program.training.checkpoints.read_back(call).keys
    shared = {id(site): len(set(keys) & set(site.keys)) for site in sites}
    most = max(shared.values(), default=0)
    if most < _ENOUGH:
        around = [site for _, site in saves_around(program, load)]
        return around, "the load reads the entries that are saved in another file" if around else ""
    return [site for site in sites if shared[id(site)] == most], "the load reads the entries that are saved"


def _told(path: ast.expr | None, program: Program) -> frozenset[str]:
    """What the path says that names one file: its text, the file name in it, the attribute that holds it."""
    if path is None:
        return frozenset()
    if isinstance(path, ast.Name):
        home = program.names.lookup(path.id, program.scope(path))
        bindings = home[1] if home is not None else []
        made = bindings[0] if len(bindings) == 1 else None
        if home is None or made is None or made.kind != "assign" or made.value is None or made.path:
            return frozenset()
        return frozenset((f"{path.id}@{id(made)}",)) | _told_by(made.value)
    return _told_by(path)


def _told_by(path: ast.expr) -> frozenset[str]:
    parts = list(nodes(path))
    names = {n.value.rpartition("/")[2] for n in parts if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    files = {name for name in names if len(name.rpartition(".")[0]) > 1}
    fixed = isinstance(path, ast.Constant | ast.Attribute) or not any(isinstance(n, ast.Name) for n in parts)
    literal = isinstance(path, ast.Constant) and not isinstance(path.value, str)
    return frozenset(files | ({shape(path)} if fixed and not literal else set()))
