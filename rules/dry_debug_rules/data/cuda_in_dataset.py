"""DATA001: a data set, or what a loader runs in its workers, works with CUDA: a forked worker cannot."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, Rule
from dry_debug.program import settings
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.literals import literal
from dry_debug.program.worker_cuda import CudaWork, WorkerSearch, run_by_workers, used_in_parent
from dry_debug.program.worker_seeds import loaders

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What starts workers that have a CUDA of their own, or keeps the work out of them.
_OTHER_START = ("set_start_method", "multiprocessing_context", "forkserver", "get_worker_info")


class CudaInDataset(Rule):
    name = "cuda-in-dataset"
    code = "DATA001"
    shape = "site"
    severity = "critical"
    triggers = (("DataLoader",), ("num_workers",))
    why = (
        "The workers are forked from a process that uses CUDA already, and the first batch ends in `Cannot "
        "re-initialize CUDA in forked subprocess`."
    )
    instead = "Return CPU tensors from the workers, and move the batch to the GPU in the loop."
    quotes = ("DBG-CODE-4", "DBG-EC-1")
    looks_at = "calls of `DataLoader`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return loaders(program)

    def check(self, program: Program) -> Iterator[Report]:
        seen: set[ast.AST] = set()
        for call in loaders(program):
            work = self._work(call, program)
            if work is None:
                continue
            if work.node in seen:
                program.why(call, "it is told at another loader of the same data set")
                continue
            seen.add(work.node)
            if work.owner is program:
                program.why(call, "what its workers do is told at {}", work.node)
            yield _report(call, work, program)

    @staticmethod
    def _work(call: ast.Call, program: Program) -> CudaWork | None:
        """The CUDA work in the workers of a loader; None, with the reason, if there is none for certain."""
        workers = argument(call, 5, "num_workers")
        if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
            program.why(call, "what it is given is not all spelled out")
            return None
        if workers is None or not _some(workers, call, program):
            program.why(call, "it is not certain that it has workers")
            return None
        if program.in_test(call):
            program.why(call, "it is part of a test")
            return None
        start = next((word for word in _OTHER_START if word in program.document.source), None)
        if start is not None:
            program.why(call, "{} may start the workers in another way than by a fork", start)
            return None
        for name, value in run_by_workers(call, program):
            owner = value.program
            if owner is None or value.scope is None or any(word in owner.document.source for word in _OTHER_START):
                continue
            found = WorkerSearch(owner, value, program).found()
            if found is not None:
                node, moved = found
                return CudaWork(owner, node, name, moved)
        program.why(call, "nothing that its workers run is seen to use CUDA")
        return None


def _report(call: ast.Call, work: CudaWork, program: Program) -> Report:
    parent = work.moved if work.moved is not None else used_in_parent(program, work)
    here = work.owner is program
    steps = [Step(program, call, "this loader forks workers")]
    if work.moved is not None:
        steps.insert(0, Step(work.owner, work.moved, "it is put on the GPU here"))
    elif parent is not None:
        steps.insert(0, Step(program, parent, "the parent process uses CUDA"))
    if not here:
        steps.append(Step(work.owner, work.node, "the workers run this"))
    used = work.owner.short(work.node, 36)
    sure = parent is not None
    return Report(
        at=work.node if here else call,
        headline=f"{work.where} uses CUDA in a worker of the loader: `{used}`",
        severity="critical" if sure else "warning",
        confidence="high" if sure else "medium",
        evidence=steps,
        links=lambda: [
            Link("kind", "high", f"{work.where} runs in the workers of this loader"),
            Link("path", "high", "the parent process has begun to use CUDA")
            if sure
            else Link("path", "medium", "the parent process is not seen to use CUDA before"),
        ],
    )


def _some(workers: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether the number of workers is known, if only by a default, and above 0."""
    known, number = literal(program, workers, call)
    if not known:
        known, number = settings.plain(program.value(workers, call))
    return known and isinstance(number, int) and not isinstance(number, bool) and number > 0
