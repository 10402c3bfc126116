"""Contract: the whole analysis of a file with every rule on, parse included, against `ast.parse` of the same text.

Warm, in one process, each document alone (no other files are read). Of every file both are timed three times in turn
and the shortest time counts, in time of the processor. The cycle collector runs between the files, as the server has
it; the command takes each model apart when it is done with it, as is done here.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from dry_debug.lint import manifest
from dry_debug.lint.engine import analyse
from dry_debug.text.decode import decode
from dry_debug.text.document import Document
from shares import COUNTS, EVERYTHING, Shares, clock, shares, timed

LONG = 200  # lines from which a file counts for the p99


@dataclass
class Row:
    """One file: seconds, and where they go."""

    path: str
    lines: int
    parse: float
    whole: float
    problems: int
    shares: Shares

    @property
    def ratio(self) -> float:
        return self.whole / self.parse


@dataclass
class Warm:
    """What was measured over the corpus."""

    rows: list[Row]

    @property
    def ratios(self) -> list[float]:
        """Of files that have code, ascending: an empty file has nothing to be in proportion to."""
        return sorted(row.ratio for row in self.rows if row.lines >= 10)

    @property
    def mean(self) -> float:
        return sum(self.ratios) / len(self.ratios) if self.ratios else 0.0

    @property
    def median(self) -> float:
        return _quantile(self.ratios, 50)

    @property
    def p95(self) -> float:
        return _quantile(self.ratios, 95)

    @property
    def overall(self) -> float:
        return sum(row.whole for row in self.rows) / max(sum(row.parse for row in self.rows), 1e-9)

    @property
    def p99(self) -> float:
        return _quantile(sorted(row.ratio for row in self.long), 99)

    @property
    def long(self) -> list[Row]:
        return [row for row in self.rows if row.lines >= LONG]

    @property
    def problems(self) -> int:
        return sum(row.problems for row in self.rows)

    @property
    def phases(self) -> dict[str, float]:
        """Milliseconds of each phase over all files, the largest first."""
        total: dict[str, float] = {}
        for row in self.rows:
            for name, ms in row.shares.phases.items():
                total[name] = total.get(name, 0.0) + ms
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    @property
    def usual(self) -> dict[str, float]:
        """How much there is on 100 lines of what the cost grows with, in files from LONG lines up that rules see."""
        rows = [row for row in self.long if row.shares.counts]
        lines = sum(row.lines for row in rows)
        return {name: sum(row.shares.counts[name] for row in rows) * 100 / lines for name in COUNTS} if lines else {}


def _quantile(ascending: list[float], percent: int) -> float:
    return ascending[min(len(ascending) - 1, len(ascending) * percent // 100)] if ascending else 0.0


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
                row.shares = min((shares(row.path) for _ in range(3)), key=lambda found: found.total)
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
        best_parse = min(best_parse, timed(lambda: ast.parse(source)))
        fresh = Document.from_text(source, path)
        began = clock()
        result = analyse(fresh, None, EVERYTHING)
        best_whole = min(best_whole, clock() - began)
        problems = len(result.problems)
        if result.program is not None:
            result.program.release()
    return Row(path, source.count("\n") + 1, best_parse, best_whole, problems, shares(path))


def sampled(paths: list[str], count: int, folder: str) -> list[str]:
    """`count` of the files, always the same ones: those whose paths below `folder` have the lowest hashes."""

    def rank(path: str) -> str:
        return hashlib.sha256(os.path.relpath(path, folder).encode()).hexdigest()

    return sorted(sorted(paths, key=rank)[:count])


def python_files(folder: str) -> list[str]:
    """Every Python file below `folder`, sorted."""
    found = []
    for parent, _, names in os.walk(folder):
        found += [os.path.join(parent, name) for name in names if name.endswith(".py")]
    return sorted(path for path in found if os.path.isfile(path))  # a link may lead nowhere
