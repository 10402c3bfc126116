"""One rank writes: a guard around a save that every rank reaches, and a barrier behind it where all of them come by."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import is_plain
from dry_debug.fixes.modules import module_name
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.lint.finding import Need
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run

_SETTINGS = frozenset(("args", "opt", "opts", "cfg", "config", "hparams", "conf", "params", "flags"))


def guard(run: Run, program: Program) -> tuple[str, list[str], list[Need]] | None:
    """(the test for one rank, the lines of the barrier, imports) for a save that every rank reaches; else None."""
    site, distributed = run.site, program.training.distributed
    stmt = program.statement(site.node)
    if stmt is None or not distributed.inits or site.via is not None or distributed.one_rank(site.node):
        return None
    if not is_plain(program, stmt) or program.qualified(site.node) != "torch.save":
        return None
    name, needs = module_name("torch.distributed", program, program.scope(stmt))
    if name is None:
        return None
    sure = all(_always(call, program) for call in distributed.inits)
    test = f"if {name}.get_rank() == 0:" if sure else f"if not {name}.is_initialized() or {name}.get_rank() == 0:"
    barrier = [f"{name}.barrier()"] if sure else [f"if {name}.is_initialized():", f"\t{name}.barrier()"]
    return test, barrier if _all_come_by(stmt, run, program) else [], needs


def _always(call: ast.Call, program: Program) -> bool:
    """Whether the process group is set up in every run: no test around it but that for the main script."""
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.If) and getattr(getattr(block.test, "left", None), "id", "") != "__name__":
            return False
        if isinstance(block, ast.FunctionDef):
            sites = program.call_sites(program.index.scopes[block])
            return all(_always(site, program) for site in sites) if len(sites) < 3 else False
    return True


def _all_come_by(stmt: ast.stmt, run: Run, program: Program) -> bool:
    """Whether every rank takes the same way to the save: tests of the epoch and of settings alone, none of results."""
    loop = run.loop
    if program.scope(loop) is not program.scope(stmt):
        return False
    counted = {n.id for n in nodes(loop.target) if isinstance(n, ast.Name)} if isinstance(loop, ast.For) else set()
    for block in program.index.ancestors(stmt):
        if block is loop:
            return True
        if isinstance(block, ast.If):
            for node in nodes(block.test):
                if isinstance(node, ast.Call) or (isinstance(node, ast.Name) and not _same_on_all(node.id, counted)):
                    return False
        elif not isinstance(block, ast.With):
            return False
    return False


def _same_on_all(name: str, counted: set[str]) -> bool:
    return name in counted or name in _SETTINGS or name.isupper()
