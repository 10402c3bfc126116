"""Runs training scripts with real PyTorch, each in a process of its own that starts with nothing but the imports.

Run as a script with a JSON list of jobs on standard input: `{"folder", "main", "argv", "ranks", "before"}`; `before` is
code that runs first in that process (to break a save in the middle). One JSON line goes out for each:
`{"code", "out", "ranks"}`, the exit status (of the worst rank), what the first rank printed, and what each of them
printed. A job with `ranks` gets a process group's environment, also for a single rank.
"""

import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

SECONDS = 60


def main() -> None:
    jobs = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w")
    import numpy  # noqa: F401  # once, for all of them
    import torch

    torch.set_num_threads(1)
    # What PyTorch imports when an optimizer is first made takes seconds; here it is done once.
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.Adam([parameter])
    torch.optim.lr_scheduler.StepLR(optimizer, 1)
    parameter.sum().backward()
    optimizer.step()
    torch.optim.swa_utils.AveragedModel(torch.nn.Linear(1, 1))
    for job in jobs:
        ranks = job.get("ranks", 1)
        port = _free_port()
        children = [_start(job, rank, ranks, port) for rank in range(ranks)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        outs = [_read(_output(job, rank)) for rank in range(ranks)]
        print(json.dumps({"code": max(codes, key=abs), "out": outs[0], "ranks": outs}), file=answers, flush=True)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _output(job: dict[str, Any], rank: int) -> str:
    return os.path.join(job["folder"], f".output-{rank}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _start(job: dict[str, Any], rank: int, ranks: int, port: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.alarm(SECONDS)  # ends a run that hangs
        os.chdir(job["folder"])
        sys.path.insert(0, job["folder"])
        if "ranks" in job:
            os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
            os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        file = os.open(_output(job, rank), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = [job["main"], *job["argv"]]
        space = {"__name__": "__main__", "__file__": job["main"]}
        exec(compile(job.get("before", ""), "<before>", "exec"), {})
        with open(job["main"], encoding="utf-8") as source:
            exec(compile(source.read(), job["main"], "exec"), space)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
