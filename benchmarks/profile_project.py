"""What share of a project's check goes where: `python benchmarks/profile_project.py FOLDER [--limit N]`.

One process, no cache, every file as `dry-debug check` has it. A timer of CPU time interrupts the work every
millisecond and books the time since the last look on the part that is at work then (by the innermost frame of ours),
and on whether it works on the file itself or on one that it imports. Nothing is instrumented, so nothing is distorted.

With `--cross` a project of so many lines is made and profiled in which every file has six random imports.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from types import FrameType

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "server"), os.path.join(ROOT, "rules")]

import corpus  # noqa: E402
from dry_debug.lint import manifest  # noqa: E402
from dry_debug.lint.settings import Settings  # noqa: E402
from dry_debug.project.run import Task, analyse_file, host_for  # noqa: E402
from warm import python_files  # noqa: E402

_PACKAGE = os.path.join(ROOT, "server", "dry_debug") + os.sep
_RULES = os.path.join(ROOT, "rules") + os.sep
_PARTS = {
    "program/program.py": "facade",
    "program/scopes.py": "scopes",
    "program/scope_index.py": "scopes",
    "program/names.py": "names",
    "program/reaching.py": "evaluation",
    "program/evaluate.py": "evaluation",
    "program/calls.py": "evaluation",
    "program/arguments.py": "evaluation",
    "program/library_calls.py": "evaluation",
    "program/parts.py": "evaluation",
    "program/tensor_values.py": "evaluation",
    "program/values.py": "evaluation",
    "program/environment.py": "evaluation",
    "program/host.py": "evaluation",
    "program/knowledge.py": "evaluation",
    "program/events.py": "events and trees",
    "program/event_kinds.py": "events and trees",
    "program/project_calls.py": "events and trees",
    "program/tree_builder.py": "events and trees",
    "program/trees.py": "events and trees",
    "program/guards.py": "events and trees",
    "program/relevance.py": "walks",
    "program/pruning.py": "walks",
    "program/walker.py": "walks",
    "program/automata.py": "walks",
    "program/paths.py": "walks",
    "project/host.py": "host",
    "project/modules.py": "host",
    "project/read.py": "read",
    "text": "read",
    "program": "training program",
    "project": "run",
    "render": "run",
    "lint": "lint",
}


class Sampler:
    """Books CPU time by part and by whose text is at work."""

    def __init__(self) -> None:
        self.shares: Counter[tuple[str, str]] = Counter()
        self.own = ""  # the file that is being checked
        self._collecting = False
        self._last = 0.0

    def __enter__(self) -> Sampler:
        gc.callbacks.append(self._gc)
        signal.signal(signal.SIGPROF, self._tick)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        return self

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        gc.callbacks.remove(self._gc)

    def _gc(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._book(sys._getframe(1), time.process_time())
            self._collecting = True
        else:
            self._book(None, time.process_time())
            self._collecting = False

    def _tick(self, number: int, frame: FrameType | None) -> None:
        self._book(frame, time.process_time())

    def _book(self, frame: FrameType | None, now: float) -> None:
        passed, self._last = now - self._last, now
        if self._collecting:
            self.shares["cycle collector", ""] += passed  # type: ignore[assignment]
            return
        part = whose = None
        while frame is not None:
            if part is None:
                part = self._part(frame)
            if whose is None:
                whose = self._whose(frame)
            if part is not None and whose is not None:
                break
            frame = frame.f_back
        self.shares[part or "other", whose or ""] += passed  # type: ignore[assignment]

    def _part(self, frame: FrameType) -> str | None:
        name = frame.f_code.co_filename
        if name.startswith(_RULES):
            return "rules"
        if not name.startswith(_PACKAGE):
            return None
        path = name[len(_PACKAGE) :]
        if path == "program/program.py" and frame.f_code.co_name == "parse":
            return "parse"
        return _PARTS.get(path) or _PARTS.get(path.partition("/")[0], "other")

    def _whose(self, frame: FrameType) -> str | None:
        """By the program that the innermost method belongs to."""
        values = frame.f_locals if frame.f_code.co_filename.startswith(_PACKAGE) else {}
        document = values.get("document")
        owner = values.get("self")
        for holder in (owner, getattr(owner, "program", None), values.get("program"), values.get("ev")):
            if document is not None:
                break
            document = getattr(holder, "document", None) or getattr(getattr(holder, "program", None), "document", None)
        path = getattr(document, "path", None)
        if path is None:
            return None
        return "own" if path == self.own else "imported"


def profile(folder: str, limit: int | None, settings: Settings) -> None:
    """Checks every file below `folder` and prints what share of the time went where."""
    folder = os.path.abspath(folder)
    paths = python_files(folder)[:limit]
    lines = size = found = 0
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        lines, size = lines + data.count(b"\n"), size + len(data)
    for info in manifest.rules():
        manifest.load(info)
    gc.set_threshold(200_000, 20, 20)
    sampler = Sampler()
    slowest: list[tuple[float, str]] = []
    began = time.process_time()
    with sampler:
        for path in paths:
            sampler.own = path
            start = time.process_time()
            found += len(analyse_file(Task(path, folder, settings), False).report.records)
            slowest.append((time.process_time() - start, path))
    whole = time.process_time() - began
    print(f"{folder}: {len(paths):,} files, {lines:,} lines, {size:,} bytes, {found:,} findings")
    print(f"{whole:.1f} s of CPU time in one process; peak memory {_peak():.0f} MB\n")
    print(f"{'':18}{'own file':>16}{'imported files':>18}{'neither':>16}{'together':>10}")
    parts = Counter[str]()
    for (part, _), seconds in sampler.shares.items():
        parts[part] += seconds  # type: ignore[assignment]
    for part, seconds in parts.most_common():
        row = [sampler.shares[part, whose] for whose in ("own", "imported", "")]
        cells = "".join(f"{value:9.1f} s {value / whose:4.0%}" for value, whose in zip(row, [whole] * 3, strict=True))
        print(f"{part:18}{cells}{seconds / whole:10.0%}")
    print("\nThe ten slowest files:")
    for seconds, path in sorted(slowest, reverse=True)[:10]:
        print(f"  {seconds:6.2f} s  {os.path.relpath(path, folder)}")
    print(f"\nhost: {host_for(folder).statistics()}" if hasattr(host_for(folder), "statistics") else "")


def _peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--cross", type=int, metavar="LINES")
    parser.add_argument("--preview", action="store_true")
    given = parser.parse_args()
    settings = Settings(preview=given.preview)
    if given.cross is not None:
        with tempfile.TemporaryDirectory() as made:
            folder = given.folder or made
            corpus.write_crossed(folder, given.cross)
            profile(folder, given.limit, settings)
    elif given.folder is None:
        parser.error("FOLDER or --cross is needed")
    else:
        profile(given.folder, given.limit, settings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
