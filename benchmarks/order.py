"""Whether findings depend on what was analysed before: `python benchmarks/order.py FOLDER... [--sample N] [--seed N]`.

Checks each project as a whole, in another order, by two processes, and N of its files alone, each with a host that
knows nothing; prints the files whose findings differ. The exit status is 1 if there is one.
"""

from __future__ import annotations

import argparse
import os
import sys
from random import Random

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "server"), os.path.join(ROOT, "rules")]

from dry_debug.lint.settings import Settings  # noqa: E402
from dry_debug.project.run import Task, analyse_file, host_for  # noqa: E402
from dry_debug.project.workers import run_in_workers  # noqa: E402
from warm import python_files  # noqa: E402

EVERYTHING = Settings(preview=True, min_confidence="low")


def compare(folder: str, sample: int, seed: int) -> int:
    """Prints and counts the files of one project whose findings differ."""
    folder = os.path.abspath(folder)
    tasks = [Task(path, folder, EVERYTHING) for path in python_files(folder)]
    host_for.cache_clear()
    whole = {task.path: analyse_file(task, True).report.records for task in tasks}
    shuffled = list(tasks)
    Random(seed).shuffle(shuffled)
    host_for.cache_clear()
    others = {"in another order": {t.path: analyse_file(t, True).report.records for t in shuffled}}
    host_for.cache_clear()
    others["by two processes"] = {o.report.path: o.report.records for o in run_in_workers(shuffled, 2, True, False)}
    # Files with findings first: of those without, most have nothing that could go wrong.
    chosen = sorted(shuffled, key=lambda task: not whole[task.path])[:sample]
    alone = {}
    for task in chosen:
        host_for.cache_clear()
        alone[task.path] = analyse_file(task, True).report.records
    others["alone"] = alone
    wrong = 0
    for how, reports in others.items():
        for path, records in reports.items():
            if records != whole[path]:
                wrong += 1
                print(f"  {how}: {path}: {len(whole[path])} findings, then {len(records)}")
    total = sum(len(records) for records in whole.values())
    print(f"{folder}: {len(tasks)} files, {total} findings, {len(alone)} files alone; {wrong} differ", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return 1 if sum([compare(folder, given.sample, given.seed) for folder in given.folders]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
