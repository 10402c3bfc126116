"""Whether an incomplete checkpoint can be completed, as far as it costs little to tell: how its finding is marked."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.at_hand import at_hand, has_state
from dry_debug.program.lightning import trained_by_trainer

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import SaveSite
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run


def completable(runs: list[Run], missing: list[Part], program: Program) -> bool:
    """Whether nothing shows that there is no fix."""
    run = runs[0]
    cls = program.scope(run.site.node).class_scope
    if is_sharded(run, program) or (cls is not None and trained_by_trainer(cls)):
        return True
    if by_fabric(run, program):
        return False  # what it is given are the objects, and each strategy takes them in its own way
    if run.site.dict_node is None and not all(is_bare(r.site) for r in runs):
        return False
    return not any(without_fix(part, run, program) for part in missing)


def without_fix(part: Part, run: Run, program: Program) -> bool:
    """Whether a part has no state that could be saved, or need not be there where the run is saved."""
    if part.value is not None and not has_state(part.value, part.kind):
        return True
    return part.local and not at_hand(part, run, program)


def is_bare(site: SaveSite) -> bool:
    """Whether the file is one state, not a dict of several."""
    return site.dict_node is None and site.whole is not None and site.whole.kind == "state" and site.via is None


def is_sharded(run: Run, program: Program) -> bool:
    """Whether each rank holds a part of the model, so that no rank has a state that could go into a dict."""
    return any(value.via == "fsdp" for _, value in run.models) or any(
        kind == "fsdp" and any(name == held for name, _ in run.models)
        for kind, held, _ in program.training.components.wrappers
    )


def by_fabric(run: Run, program: Program) -> bool:
    """Whether Fabric writes the file."""
    site = run.site
    call, writer = (site.via, site.via_owner or site.owner) if site.via is not None else (site.node, program)
    func = call.func
    return isinstance(func, ast.Attribute) and writer.value(func.value, call).kind == "fabric"
