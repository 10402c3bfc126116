"""One rank writes: a guard around a save that every rank reaches, and a barrier behind it where all of them come by."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import is_plain
from dry_debug.fixes.modules import module_name
from dry_debug.program.every_rank import every_rank
from dry_debug.program.walks import is_main_test

if TYPE_CHECKING:
    from dry_debug.lint.finding import Need
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run


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
    sure = all(always(call, program) for call in distributed.inits)
    test = f"if {name}.get_rank() == 0:" if sure else f"if not {name}.is_initialized() or {name}.get_rank() == 0:"
    barrier = [f"{name}.barrier()"] if sure else [f"if {name}.is_initialized():", f"\t{name}.barrier()"]
    return test, barrier if _all_come_by(stmt, run, program) else [], needs


def always(call: ast.Call, program: Program) -> bool:
    """Whether the process group is set up in every run: no test around it but that for the main script."""
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.If) and not is_main_test(block.test):
            return False
        if isinstance(block, ast.FunctionDef):
            sites = program.call_sites(program.index.scopes[block])
            return all(always(site, program) for site in sites) if len(sites) < 3 else False
    return True


def _all_come_by(stmt: ast.stmt, run: Run, program: Program) -> bool:
    """Whether every rank takes the same way to the save: tests of the epoch and of settings alone, none of results."""
    return program.scope(run.loop) is program.scope(stmt) and every_rank(program, stmt, run.loop) is stmt
