"""Distributed set-up: the process group, and whether a place is reached by one rank only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.arguments import argument
from dry_debug.program.events import CallTree
from dry_debug.program.rank_tests import RankTests, only_main
from dry_debug.program.reaching import side, terminates
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_MARKERS = ("init_process_group", "DistributedDataParallel", "FullyShardedDataParallel", "fully_shard",
            "init_distributed", "init_distributed_mode", "deepspeed.initialize")  # fmt: skip
_INIT = ("torch.distributed.init_process_group", "torch.distributed.distributed_c10d.init_process_group",
         "deepspeed.init_distributed")  # fmt: skip
_SPAWN = ("torch.multiprocessing.spawn", "torch.multiprocessing.spawn.spawn", "torch.multiprocessing.start_processes",
          "torch.multiprocessing.Process", "multiprocessing.Process")  # fmt: skip

MAX_FUNCTIONS, MAX_DEPTH = 200, 3  # functions that are looked at for the process group


class Distributed:
    """What the file does to run on several processes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.doubtful: dict[ast.expr, bool] = {}  # tests, and whether they may be about the process; see all_ranks
        self._alone: dict[ast.AST, bool] = {}  # statements and blocks, and whether only one rank gets to them

    @cached_property
    def used(self) -> bool:
        """Whether the file sets up or wraps for several processes."""
        source = self.program.document.source
        return any(marker in source for marker in _MARKERS)

    @cached_property
    def collectives(self) -> list[ast.Call]:
        """Every call in this file that all ranks of its group have to make."""
        from dry_debug.program.rank_sides import find_collectives

        return list(find_collectives(self.program))

    @cached_property
    def several(self) -> bool:
        """Whether a call in the file does so: no import and no comment alone."""
        names = {marker.rpartition(".")[2] for marker in _MARKERS}
        return self.used and any(
            last in names and (last != "initialize" or name.startswith("deepspeed."))
            for call in self.program.index.calls
            for name in (self.program.qualified(call) or dotted(call.func) or "",)
            for last in (name.rpartition(".")[2],)
        )

    @cached_property
    def backend(self) -> str | None:
        """The backend that `init_process_group` is given: a literal or a default, here or in a called helper."""
        found = self.own_backend
        if found is not None:
            return found
        return next((text for value in self.reached_functions() if (text := _backend_in(value)) is not None), None)

    def reached_functions(self) -> Iterator[Value]:
        """The functions of other files that this file calls or starts in new processes, and what those call."""
        seen: set[object] = set()
        queue: list[tuple[Program, Scope | None, int]] = [(self.program, None, 0)]
        while queue and len(seen) < MAX_FUNCTIONS:
            program, scope, depth = queue.pop(0)
            called = [tree.function for stmt, rows in program.events._user_calls.items() for _, tree in rows
                      if isinstance(tree, CallTree) and (scope is None or program.scope(stmt) is scope)]  # fmt: skip
            for value in (*called, *(program.training.distributed._started() if scope is None else ())):
                owner, callee = value.program, value.scope
                if owner is None or callee is None or callee in seen:
                    continue
                seen.add(callee)
                if owner is not self.program and "dist" in owner.document.source:
                    yield value
                    if depth < MAX_DEPTH:
                        queue.append((owner, callee, depth + 1))

    def _started(self) -> list[Value]:
        """The functions that this file starts in new processes."""
        found = []
        for name in _SPAWN:
            for call in self.program.calls_of(name):
                expr = argument(call, 99 if name.endswith("Process") else 0, "fn", "target")
                value = self.program.value(expr, call) if expr is not None else UNKNOWN
                if value.kind == "function":
                    found.append(value)
        return found

    @cached_property
    def own_backend(self) -> str | None:
        """The backend that a call in this very file names."""
        return next((text for call in self.inits if (text := self._named_in(call)) is not None), None)

    @cached_property
    def inits(self) -> list[ast.Call]:
        """The calls in this file that set up the process group."""
        return [call for name in _INIT for call in self.program.calls_of(name)]

    def _named_in(self, call: ast.Call) -> str | None:
        expr = argument(call, 0, "backend", "dist_backend")
        return self._text_of(expr, call) if expr is not None else None

    def _text_of(self, expr: ast.expr, call: ast.Call) -> str | None:
        """The text that an argument holds: a literal, what the file puts into `args.backend`, or a default."""
        value = self.program.value(expr, call)
        if value.kind == "const" and isinstance(value.const, str):
            return value.const
        path = dotted(expr) if isinstance(expr, ast.Attribute) else None
        if path is not None:
            texts = {
                a.value.value if isinstance(a.value, ast.Constant) else None
                for a in self.program.index.assignments
                if isinstance(a, ast.Assign) and any(dotted(t) == path for t in a.targets)
            }
            if len(texts) == 1:
                (text,) = texts
                return text if isinstance(text, str) else None
        default = self.program.training.hyper.default_of(expr)
        return default if isinstance(default, str) else None

    @cached_property
    def guards(self) -> list[ast.If]:
        """The `if` statements that one rank alone passes: into its block, into its `else`, or beyond its `return`."""
        found = []
        for stmt in self.program.index.parent:
            if isinstance(stmt, ast.If):
                test = self.ranks.test(stmt.test, stmt)
                if test or (test is False and (stmt.orelse or terminates(stmt.body))):
                    found.append(stmt)
        return sorted(found, key=lambda s: s.lineno)

    @cached_property
    def ranks(self) -> RankTests:
        """What the tests of this file say of the rank."""
        started = {id(v.node) for v in self._started() if v.program is self.program}
        return RankTests(self.program, frozenset(started))

    def one_rank(self, node: ast.AST, depth: int = 0) -> bool:
        """Whether only one rank gets to `node`: a guard around it, an early return before it, or guarded callers."""
        program = self.program
        stmt = program.statement(node)
        if stmt is None:
            return False
        current: ast.AST = stmt
        passed: list[ast.AST] = []  # what holds of the block that is come to holds of all of them
        answer = False
        for block in program.index.ancestors(stmt):
            if current in self._alone and depth == 0:
                answer = self._alone[current]
                break
            passed.append(current)
            if self._guards(block, current):
                answer = True
                break
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
                answer = any(only_main(d.func if isinstance(d, ast.Call) else d) for d in block.decorator_list)
                if not answer and depth < 5:
                    sites = program.call_sites(program.index.scopes[block])
                    answer = bool(sites) and all(self.one_rank(site, depth + 1) for site in sites)
                break
            current = block
        if depth == 0:
            self._alone.update(dict.fromkeys(passed, answer))
        return answer

    def _guards(self, block: ast.AST, inner: ast.AST) -> bool:
        """Whether `block` lets one rank alone come to `inner` in it: by its test, or by a return before `inner`."""
        where = side(block, inner)
        if isinstance(block, ast.If):
            test = self.ranks.test(block.test, block)
            if test is not None and test == (where == "body"):
                return True
        body = getattr(block, where, [])
        for before in body if isinstance(body, list) else ():
            if before is inner:
                break
            if isinstance(before, ast.If) and terminates(before.body) and self.ranks.test(before.test, before) is False:
                return True
        return False


def _backend_in(function: Value) -> str | None:
    """The backend that a function sets the process group up with."""
    if function.program is None:
        return None
    theirs = function.program.training.distributed
    calls = [c for c in theirs.inits if function.program.scope(c) is function.scope]
    return next((text for call in calls if (text := theirs._named_in(call)) is not None), None)
