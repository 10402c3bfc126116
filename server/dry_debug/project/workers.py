"""Worker processes that analyse files. One that dies takes only the file with it that it had in hand."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from dry_debug.project.run import FileReport, Outcome, Task, analyse_file
from dry_debug.records import dataclass, field
from dry_debug.text.document import Problem

_BATCH = 8  # files handed out at once; small enough that no worker sits idle at the end


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    waiting: deque[int] = field(default_factory=deque)  # tasks handed out and not answered, in order


def run_in_workers(tasks: Sequence[Task], count: int, with_fixes: bool, keep: bool) -> Iterator[Outcome]:
    """The outcomes of `tasks` in their order, made by at most `count` processes, which end with the iteration."""
    # fork shares what is loaded; it is unsafe only beside threads, of which the command has none when it starts work.
    forks = sys.platform == "linux"
    context = multiprocessing.get_context("fork") if forks else multiprocessing.get_context("spawn")
    todo = deque(range(len(tasks)))
    workers: list[_Worker] = []
    done: dict[int, Outcome] = {}

    def start() -> None:
        ours, theirs = context.Pipe()
        inherited = [worker.pipe for worker in workers] + [ours] if forks else []
        process = context.Process(target=_work, args=(tasks, with_fixes, keep, theirs, inherited), daemon=True)
        process.start()
        theirs.close()
        workers.append(_Worker(process, ours))
        hand_out(workers[-1])

    def hand_out(worker: _Worker) -> None:
        batch = [todo.popleft() for _ in range(min(_BATCH, -(-len(todo) // (2 * count))))]
        if batch:
            worker.waiting.extend(batch)
            with suppress(OSError):  # it died meanwhile: reading from it will say so
                worker.pipe.send(batch)

    def bury(worker: _Worker) -> None:
        worker.process.join()
        workers.remove(worker)
        worker.pipe.close()
        if worker.waiting:
            index = worker.waiting.popleft()
            how = _ending(worker.process.exitcode)
            path = tasks[index].path
            problem = Problem(f"the analysis of this file ended its process ({how})", path)
            done[index] = Outcome(FileReport(path, [], [problem]))
            todo.extendleft(reversed(worker.waiting))
        if todo:
            start()

    try:
        gc.freeze()
        for _ in range(count):
            if todo:
                start()
        for index in range(len(tasks)):
            while index not in done:
                for pipe in wait([worker.pipe for worker in workers]):
                    worker = next(worker for worker in workers if worker.pipe is pipe)
                    try:
                        number, outcome = worker.pipe.recv()
                    except (EOFError, OSError):
                        bury(worker)
                        continue
                    done[number] = outcome
                    worker.waiting.remove(number)
                    if not worker.waiting:
                        hand_out(worker)
            yield done.pop(index)
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
        gc.unfreeze()


def _ending(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return signal.Signals(-exitcode).name
        except ValueError:
            return f"signal {-exitcode}"
    return f"status {exitcode}"


def _work(
    tasks: Sequence[Task], with_fixes: bool, keep: bool, pipe: Connection, inherited: Sequence[Connection]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its workers
    for other in inherited:  # a copy kept open here would hide the end of another worker
        other.close()
    gc.set_threshold(200_000, 20, 20)
    try:
        while True:
            for index in pipe.recv():
                pipe.send((index, analyse_file(tasks[index], with_fixes, keep)))
    except (EOFError, OSError):
        return
