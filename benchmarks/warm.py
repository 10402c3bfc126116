"""Contract: the whole analysis of a file with every rule on, parse included, against `ast.parse` of the same text.

Warm, in one process, each document alone (no other files are read). Of every file both are timed three times in turn
and the shortest time counts. The cycle collector runs between the files, as the server has it; the command takes each
model apart when it is done with it, as is done here.
"""

from __future__ import annotations

import ast
import gc
import os
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dry_debug.lint import manifest
from dry_debug.lint.engine import analyse, triggered
from dry_debug.lint.settings import Settings
from dry_debug.program.host import NullHost
from dry_debug.program.program import Program, parse
from dry_debug.text.decode import decode
from dry_debug.text.document import Document

LONG = 200  # lines from which a file counts for the p99
EVERYTHING = Settings(preview=True)


@dataclass
class Row:
    """One file: seconds, and where they go."""

    path: str
    lines: int
    parse: float
    whole: float
    problems: int
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.whole / self.parse


@dataclass
class Warm:
    """What was measured over the corpus."""

    rows: list[Row]

    @property
    def mean(self) -> float:
        """Of the ratios of files that have code: an empty file has nothing to be in proportion to."""
        ratios = [row.ratio for row in self.rows if row.lines >= 10]
        return sum(ratios) / len(ratios) if ratios else 0.0

    @property
    def overall(self) -> float:
        return sum(row.whole for row in self.rows) / max(sum(row.parse for row in self.rows), 1e-9)

    @property
    def p99(self) -> float:
        ratios = sorted(row.ratio for row in self.long)
        return ratios[min(len(ratios) - 1, len(ratios) * 99 // 100)] if ratios else 0.0

    @property
    def long(self) -> list[Row]:
        return [row for row in self.rows if row.lines >= LONG]

    @property
    def problems(self) -> int:
        return sum(row.problems for row in self.rows)


def measure(paths: Iterable[str], rounds: int = 3) -> Warm:
    """Times every file of `paths` that parses."""
    gc.collect()
    gc.disable()
    for info in manifest.rules():
        manifest.load(info)
    rows = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number, path in enumerate(paths):
                if number % 20 == 0:
                    gc.collect()
                row = _row(path, rounds)
                if row is not None:
                    rows.append(row)
            for row in sorted((row for row in rows if row.lines >= LONG), key=lambda row: -row.ratio)[:10]:
                row.phases = min((phases(row.path) for _ in range(3)), key=lambda found: sum(found.values()))
    finally:
        gc.enable()
    return Warm(rows)


def _row(path: str, rounds: int) -> Row | None:
    with open(path, "rb") as file:
        document = decode(file.read(), path)
    source = document.source
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    best_parse = best_whole = float("inf")
    problems = 0
    for _ in range(rounds):
        best_parse = min(best_parse, _timed(lambda: ast.parse(source)))
        fresh = Document.from_text(source, path)
        began = time.perf_counter()
        result = analyse(fresh, None, EVERYTHING)
        best_whole = min(best_whole, time.perf_counter() - began)
        problems = len(result.problems)
        if result.program is not None:
            result.program.release()
    return Row(path, source.count("\n") + 1, best_parse, best_whole, problems)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def phases(path: str) -> dict[str, float]:
    """Milliseconds of each part of one analysis, in the order in which they are asked for; what a part asks for first
    is on its account."""
    with open(path, "rb") as file:
        document = Document.from_text(decode(file.read(), path).source, path)
    result: dict[str, float] = {}
    tree = None

    def timed(name: str, work: Callable[[], object]) -> None:
        result[name] = result.get(name, 0.0) + _timed(work) * 1000

    def parsed() -> None:
        nonlocal tree
        tree = parse(document)

    timed("parse", parsed)
    if not isinstance(tree, ast.Module):
        return result
    program = Program(document, tree, NullHost())
    occurs: dict[str, bool] = {}
    wanted = [info for info in manifest.selected(EVERYTHING) if triggered(info, document.source, occurs)]
    if not wanted:
        return result
    timed("index", lambda: program.index)
    timed("names, calls", lambda: program.calls_of("torch.load"))
    if any(info.shape == "order" for info in wanted):
        timed("events", lambda: [program.events.tree(root) for root in program.events.roots()])
    for info in wanted:
        timed(info.name, lambda info=info: list(manifest.load(info).check(program)))  # type: ignore[misc]
    return result


def python_files(folder: str) -> list[str]:
    """Every Python file below `folder`, sorted."""
    found = []
    for parent, _, names in os.walk(folder):
        found += [os.path.join(parent, name) for name in names if name.endswith(".py")]
    return sorted(found)
