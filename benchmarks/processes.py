"""Child processes: how long they take and how much memory they have together."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence

_TICK = 0.05  # seconds between two looks at the memory


def best_of(commands: dict[str, Sequence[str]], rounds: int, cwd: str, env: dict[str, str]) -> dict[str, float]:
    """The shortest wall time in seconds of each command, run in turn so that a busy machine is busy for all."""
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def watched(command: Sequence[str], cwd: str, env: dict[str, str]) -> tuple[float, int, int, int]:
    """(seconds, exit status, peak of the summed RSS, peak of the summed PSS) of a command and its children; bytes.

    Linux only: elsewhere the memory is 0. RSS counts memory that the processes share once for each of them.
    """
    began = time.perf_counter()
    # A file, not a pipe: nobody reads before the end, and a command that tells more than a pipe holds would hang.
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=told)
        rss = pss = 0
        while process.poll() is None:
            family = _family(process.pid)
            rss = max(rss, sum(_kilobytes(pid, "status", "VmRSS:") for pid in family) * 1024)
            pss = max(pss, sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in family) * 1024)
            time.sleep(_TICK)
        seconds = time.perf_counter() - began
        told.seek(0)
        if error := told.read(2000).decode(errors="replace").strip():
            print(error)
    return seconds, process.returncode, rss, pss


def _family(pid: int) -> list[int]:
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                with open(f"/proc/{current}/task/{task}/children") as file:
                    queue += [int(child) for child in file.read().split()]
        except OSError:
            continue
    return found


def _kilobytes(pid: int, file_name: str, key: str) -> int:
    try:
        with open(f"/proc/{pid}/{file_name}") as file:
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
