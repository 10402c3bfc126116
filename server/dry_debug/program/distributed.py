"""Distributed set-up: the process group, and whether a place is reached by one rank only."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from dry_debug.program.reaching import side, terminates
from dry_debug.program.scopes import dotted
from dry_debug.program.values import UNKNOWN

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_MAIN_WORDS = ("is_main_process", "is_master", "is_rank_zero", "is_local_main_process", "is_global_zero",
               "is_world_process_zero", "master_process", "main_process", "is_primary", "is_main", "on_main_process",
               "is_first_rank", "rank_zero", "args.should_save", "is_master_node",
               "is_main_node", "is_root")  # fmt: skip
_MARKERS = ("init_process_group", "DistributedDataParallel", "FullyShardedDataParallel", "fully_shard",
            "init_distributed", "init_distributed_mode", "deepspeed.initialize")  # fmt: skip


class Distributed:
    """What the file does to run on several processes."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def used(self) -> bool:
        """Whether the file sets up or wraps for several processes."""
        source = self.program.document.source
        return any(marker in source for marker in _MARKERS)

    @cached_property
    def backend(self) -> str | None:
        """The backend that `init_process_group` is given: a literal or a default, here or in a called helper."""
        found = self.own_backend
        if found is not None:
            return found
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                owner = getattr(tree, "function", UNKNOWN).program
                if owner is not None and owner is not self.program and "init_process_group" in owner.document.source:
                    return owner.training.distributed.own_backend
        return None

    @cached_property
    def own_backend(self) -> str | None:
        """The backend that a call in this very file names."""
        for call in self.program.calls_of("torch.distributed.init_process_group"):
            expr = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "backend"), None)
            if expr is not None:
                value = self.program.value(expr, call)
                if value.kind == "const" and isinstance(value.const, str):
                    return value.const
                default = self.program.training.hyper.default_of(expr)
                if isinstance(default, str):
                    return default
        return None

    @cached_property
    def guards(self) -> list[ast.If]:
        """The `if` statements that one rank alone passes: into its block, into its `else`, or beyond its `return`."""
        found = []
        for stmt, _ in self.program.index.parent.items():
            if isinstance(stmt, ast.If):
                test = rank_test(stmt.test)
                if test or (test is False and (stmt.orelse or terminates(stmt.body))):
                    found.append(stmt)
        return sorted(found, key=lambda s: s.lineno)

    def one_rank(self, node: ast.AST, depth: int = 0) -> bool:
        """Whether only one rank gets to `node`: a guard around it, an early return before it, or guarded callers."""
        program = self.program
        stmt = program.statement(node)
        if stmt is None:
            return False
        current: ast.AST = stmt
        for block in program.index.ancestors(stmt):
            if isinstance(block, ast.If):
                test = rank_test(block.test)
                if test is not None and test == (side(block, current) == "body"):
                    return True
            body = getattr(block, side(block, current), [])
            if isinstance(body, list):
                for before in body:
                    if before is current:
                        break
                    if isinstance(before, ast.If) and rank_test(before.test) is False and terminates(before.body):
                        return True
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
                if any(word in (dotted(d.func if isinstance(d, ast.Call) else d) or "") for d in block.decorator_list
                       for word in (*_MAIN_WORDS, "rank_zero_only")):  # fmt: skip
                    return True
                sites = program.call_sites(program.index.scopes[block])
                return depth < 5 and bool(sites) and all(self.one_rank(site, depth + 1) for site in sites)
            current = block
        return False


def rank_test(test: ast.expr) -> bool | None:
    """True if `test` holds on one rank only, False if it holds on the others only, None if it says nothing of ranks."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = rank_test(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        found = [r for r in (rank_test(v) for v in test.values) if r is not None]
        # `not distributed or rank == 0`: without several processes there is one rank.
        return found[0] if found else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = _text(test.left), test.comparators[0]
        zero = isinstance(right, ast.Constant) and right.value in (0, -1)
        gpu = left.endswith("gpu") and not left.endswith(
            ("n_gpu", "num_gpu", "ngpu", "count_gpu")
        )  # how many there are
        if zero and ("rank" in left or gpu or left.endswith("process_index")):
            if isinstance(test.ops[0], ast.Eq | ast.LtE):
                return True
            return False if isinstance(test.ops[0], ast.NotEq | ast.Gt) else None
        if isinstance(test.ops[0], ast.In) and "rank" in left:
            return True
        return None
    text = _text(test)
    if text and any(text.endswith(word) for word in _MAIN_WORDS):
        return True
    if isinstance(test, ast.BinOp):
        return None
    return None


def _text(expr: ast.expr) -> str:
    if isinstance(expr, ast.Call):
        return (dotted(expr.func) or "").lower()
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Mod):  # `rank % ngpus == 0`
        return _text(expr.left)
    return (dotted(expr) or "").lower()
