"""Measures the four speed contracts and prints them as one table: `make benchmark`, or `python benchmarks/run.py`.

    --corpus FOLDER   run over these files instead of the generated ones
    --sample N        of these files, N that are always the same ones (for `warm`)
    --only PART       warm, save, cold, million; may be given several times
    --lines N         size of the large project (default: a million lines)
    --json FILE       write the numbers there too

Ratios are between times taken in the same run on the same machine. The exit status is 1 if a contract is missed.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from dataclasses import asdict, dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "server"), os.path.join(ROOT, "rules")]

import corpus  # noqa: E402
import installed  # noqa: E402
import latency  # noqa: E402
import processes  # noqa: E402
import warm  # noqa: E402
from shares import explanation  # noqa: E402

PARTS = ("warm", "save", "cold", "million")
MEGABYTE = 1024 * 1024


@dataclass
class Line:
    """One line of the table. `limit` is None for what is only told; `value` is in `unit`."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    strict: bool = True  # under the limit, not at it

    @property
    def met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value < self.limit if self.strict else self.value <= self.limit


def warm_part(folder: str, sample: int | None = None) -> Iterator[Line]:
    paths = warm.python_files(folder)
    result = warm.measure(paths if sample is None else warm.sampled(paths, sample, folder))
    count, long = len(result.rows), len(result.long)
    yield Line(f"whole analysis / ast.parse, mean of {count} files", result.mean, "x", 3.0, strict=False)
    yield Line("  the same, median", result.median, "x")
    yield Line("  the same, p95", result.p95, "x")
    yield Line(f"  the same, p99 of {long} files from {warm.LONG} lines up", result.p99, "x", 6.0, strict=False)
    yield Line("  the same, all time together", result.overall, "x")
    yield Line("  files with a problem of the analysis", result.problems, "", 1)
    phases = result.phases
    print(f"\nAll {count} files, {sum(row.lines for row in result.rows):,} lines:")
    for name, ms in phases.items():
        print(f"  {name:32} {ms:10,.0f} ms {100 * ms / sum(phases.values()):5.1f} % {ms / phases['parse']:6.2f}x parse")
    print(f"\nThe ten slowest of {warm.LONG} lines and more, in milliseconds:")
    for row in sorted(result.long, key=lambda row: -row.ratio)[:10]:
        parts = ", ".join(f"{name} {ms:.1f}" for name, ms in row.shares.phases.items() if ms >= 0.05)
        print(f"  {row.ratio:4.1f}x {row.lines:5} lines  {os.path.relpath(row.path, folder)}: {parts}")
        print(f"        {explanation(row.shares, row.lines, result.usual)}")
    print()


def save_part(folder: str, rounds: int = 40) -> Iterator[Line]:
    script = corpus.script(1500)
    lines = script.count("\n")
    after_edit = (
        (latency.AT_ONCE, f"{latency.AT_ONCE * 1000:.0f} ms after the edit", 60.0),
        (latency.IN_REST, f"{latency.IN_REST * 1000:.0f} ms after the edit", 60.0),
        (latency.SAME_TIME, "with the edit", None),
    )
    for after, when, limit in after_edit:
        times, found = latency.measure(script, folder, environment(), rounds, after)
        p95, median = times[-(-len(times) * 95 // 100) - 1], times[len(times) // 2]
        what = f"didSave {when} to diagnostics, p95 of {rounds}, {lines} lines, {found} found"
        yield Line(what, p95 * 1000, "ms", limit)
        yield Line("  median", median * 1000, "ms")
    parse = min(timeit.repeat(lambda: ast.parse(script), number=1, repeat=20))
    yield Line("  ast.parse of the same text (9 ms where the contract was made)", parse * 1000, "ms")
    # A virtual machine wakes up slowly: what comes after a pause, as a save does, is to be seen against this one.
    paused = sorted(_after_a_pause(script) for _ in range(rounds))
    yield Line("  the same, p95 after such pauses as between the saves", paused[rounds * 95 // 100 - 1] * 1000, "ms")


def _after_a_pause(script: str) -> float:
    time.sleep(latency.PAUSE)
    return timeit.timeit(lambda: ast.parse(script), number=1)


def cold_part(folder: str, rounds: int = 15) -> Iterator[Line]:
    env = environment(path=False)
    python = installed.ours(os.path.join(folder, "environment"))
    for lines in (1500, 240):
        path = os.path.join(folder, f"script_{lines}.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(corpus.script(lines))
        parse = f"import ast; ast.parse(open({path!r}, encoding='utf-8').read())"
        command = "import sys; from dry_debug.cli.main import command; sys.exit(command())"
        commands = {"bare": [python, "-c", parse], "ours": [python, "-c", command, "check", path]}
        if lines == 1500:
            if (ruff := installed.ruff()) is not None:
                commands["ruff"] = [ruff, "check", "--no-cache", "--isolated", "--select", "ALL", path]
            if (torchfix := installed.torchfix()) is not None:
                commands["TorchFix"] = [torchfix, "--select", "ALL", path]
        best = processes.best_of(commands, rounds if lines < 1000 else max(5, rounds // 2), folder, env)
        bare, length = best["bare"], corpus.script(lines).count("\n")
        yield Line(f"check FILE cold / bare parse, {length} lines", best["ours"] / bare, "x", 6.0)
        yield Line("  bare python -c 'ast.parse'", bare * 1000, "ms")
        for name in ("ours", "ruff", "TorchFix"):
            if name in best:
                called = "dry-debug check" if name == "ours" else f"{name} on the same file (all its rules)"
                yield Line(f"  {called}", best[name] * 1000, "ms")
        if lines == 1500 and "TorchFix" not in best:
            print("TorchFix could not be installed: it is not in the table", file=sys.stderr)


def million_part(folder: str, lines: int, given: str | None) -> Iterator[Line]:
    python = installed.ours(os.path.join(folder, "environment"))
    project = given
    if project is None:
        project = os.path.join(folder, "project")
        count, lines = corpus.write(project, lines, seed=2)
    else:
        paths = warm.python_files(project)
        count, lines = len(paths), sum(_lines_of(path) for path in paths)
    env = {**environment(path=False), "DRY_DEBUG_CACHE_DIR": os.path.join(folder, "cache")}
    command = "import sys; from dry_debug.cli.main import command; sys.exit(command())"
    check = [python, "-c", command, "check", "--jobs", "2", "--isolated", "--format", "concise", project]
    scale = lines / 1_000_000
    cold, status, rss, pss = processes.watched(check, folder, env)
    told = f"{lines:,} lines in {count:,} files"
    yield Line(f"{told}: cold, two processes", cold, "s", 30.0 * scale, strict=False)
    again, again_status, again_rss, again_pss = processes.watched(check, folder, env)
    yield Line("  nothing changed", again, "s", 3.0 * scale)
    yield Line("  memory of all processes, cold (summed RSS)", max(rss, again_rss) / MEGABYTE, "MB", 500.0)
    yield Line("  the same, shared memory counted once (summed PSS)", max(pss, again_pss) / MEGABYTE, "MB")
    if status not in (0, 1) or again_status not in (0, 1):
        print(f"the check ended with status {status}, then {again_status}", file=sys.stderr)
    began = time.perf_counter()
    if (ruff := installed.ruff()) is not None:
        subprocess.run([ruff, "check", "--no-cache", "--isolated", "--quiet", project], stdout=subprocess.DEVNULL)
        yield Line("  ruff check --no-cache on the same project", time.perf_counter() - began, "s")


def _lines_of(path: str) -> int:
    with open(path, "rb") as file:
        return file.read().count(b"\n")


def environment(path: bool = True) -> dict[str, str]:
    """The environment for child processes; with `path` they find the packages of this checkout."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DRY_DEBUG"))}
    if path:
        env["PYTHONPATH"] = os.pathsep.join((os.path.join(ROOT, "server"), os.path.join(ROOT, "rules")))
    return env


def show(lines: list[Line]) -> None:
    width = max(len(line.what) for line in lines)
    print(f"{'':{width}}  {'measured':>12}  {'contract':>10}")
    for line in lines:
        value = f"{line.value:,.2f}" if line.value < 100 and line.unit else f"{line.value:,.0f}"
        sign = "<" if line.strict else "<="
        limit = "" if line.limit is None else f"{sign} {line.limit:.3g} {line.unit}"
        verdict = {None: "", True: "met", False: "MISSED"}[line.met]
        print(f"{line.what:{width}}  {value:>9} {line.unit:<2}  {limit:>10}  {verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", metavar="FOLDER")
    parser.add_argument("--sample", type=int, metavar="N")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    parts = given.only or PARTS
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}, {platform.system()}")
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as base:
        folder = os.path.realpath(base)

        def place(name: str) -> str:
            os.makedirs(os.path.join(folder, name))
            return os.path.join(folder, name)

        if "warm" in parts:
            files = given.corpus
            if files is None:
                files = place("warm")
                corpus.write(files, 60_000)
            lines += warm_part(files, given.sample)
        if "save" in parts:
            lines += save_part(place("save"))
        if "cold" in parts:
            lines += cold_part(place("cold"))
        if "million" in parts:
            lines += million_part(place("million"), given.lines, given.corpus)
        show(lines)
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump([{**asdict(line), "met": line.met} for line in lines], file, indent=1)
    return 1 if any(line.met is False for line in lines) else 0


if __name__ == "__main__":
    raise SystemExit(main())
