"""Where a checkpoint is loaded: the statement behind which more of it can be restored."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import indent_of
from dry_debug.program.reaching import reaching
from dry_debug.program.walks import names_in
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import LoadSite
    from dry_debug.program.program import Program

_READS = ("torch.load", "torch.hub.load_state_dict_from_url")


@dataclass(slots=True)
class LoadPlace:
    """Where a run is taken up: the variable that holds the checkpoint, and the statement behind which more is restored.

    `call` leads there from the program of the run, where that is another file or another function.
    """

    owner: Program
    load: LoadSite
    variable: str
    restore: ast.stmt  # where the model is restored
    last: ast.stmt  # the last statement of its block that looks at the checkpoint
    call: ast.Call | None
    generic: bool  # one statement restores whatever the file has


def place_at(owner: Program, load: LoadSite, call: ast.Call | None) -> LoadPlace | None:
    """Where more can be restored from what `load` has read, reached by `call`; None where that is not clear."""
    loaded = owner.training.checkpoints.loaded(load.node)
    stmt = owner.statement(load.node)
    if len(loaded.direct) != 1 or stmt is None:
        return None
    (variable,) = loaded.direct
    models = [c for value, c in load.restores if value.kind == "module"]
    others = [c for _, c in load.restores]
    restore = owner.statement((models or others)[0]) if others else None
    if restore is None:
        return None
    block = owner.index.parent.get(stmt)
    inner: ast.AST = restore
    for outer in owner.index.ancestors(restore):
        if outer is block:
            break
        inner = outer
    else:
        inner, block = restore, owner.index.parent.get(restore)
    if not isinstance(inner, ast.stmt) or block is None:
        return None
    body = next((b for name in ("body", "orelse", "finalbody") if inner in (b := getattr(block, name, []))), [])
    last = inner
    for after in body[body.index(inner) + 1 if inner in body else 0 :]:
        if variable in names_in(after):
            last = after
    held = reaching(owner.index, owner.scope(load.node).bindings.get(variable, []), last)
    if not all(isinstance(b.value, ast.Call) and owner.qualified(b.value) in _READS for b in held):
        return None  # it has come to hold something else
    if indent_of(owner, last) is None:
        return None
    generic = any(
        isinstance(c.args[0] if c.args else None, ast.Subscript) and not isinstance(c.args[0].slice, ast.Constant)  # type: ignore[attr-defined]
        and variable in names_in(c.args[0])
        for c in owner.method_calls("load_state_dict")
    )  # fmt: skip
    return LoadPlace(owner, load, variable, restore, last, call, generic)
