"""Where the time of one analysis goes: its phases, and what a file has more of than others do."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dry_debug.lint import manifest
from dry_debug.lint.settings import Settings
from dry_debug.lint.triggers import awake
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.text.decode import decode
from dry_debug.text.document import Document

EVERYTHING = Settings(preview=True)
# What the cost grows with, as the explanation calls it.
COUNTS = ("events", "calls of own functions", "states walked", "loops", "optimizers", "saves and loads", "values asked")


@dataclass
class Shares:
    """One analysis, taken apart. `phases`: milliseconds, in the order in which they are asked for; what a part asks for
    first is on its account. `counts`: how much there is of what the cost grows with."""

    phases: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(self.phases.values())


def clock() -> float:
    """Seconds of this thread on the processor: what else the machine does must not count."""
    return time.thread_time()


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = clock()
    work()
    return clock() - began


def shares(path: str) -> Shares:
    """The phases of one analysis of the file at `path`, in milliseconds."""
    with open(path, "rb") as file:
        document = Document.from_text(decode(file.read(), path).source, path)
    result = Shares()
    tree = None

    def phase(name: str, work: Callable[[], object]) -> None:
        result.phases[name] = result.phases.get(name, 0.0) + timed(work) * 1000

    def parsed() -> None:
        nonlocal tree
        tree = parse(document)

    phase("parse", parsed)
    if not isinstance(tree, ast.Module):
        return result
    program = Program(document, tree, NullHost())
    wanted: list[manifest.RuleInfo] = []

    def triggers() -> None:
        wanted.extend(awake(manifest.selected(EVERYTHING), document))

    phase("triggers", triggers)
    if not wanted:
        return result
    phase("index", lambda: program.index)
    phase("names, calls", lambda: program.calls_of("torch.load"))
    if any(info.shape == "order" for info in wanted):
        phase("events", lambda: program.events.all)
    for info in wanted:
        phase(info.name, lambda info=info: list(manifest.load(info).check(program)))  # type: ignore[misc]
    result.counts = _counts(program)
    phase("release", program.release)
    return result


def _counts(program: Program) -> dict[str, int]:
    asked = len(program.evaluator._memo)  # before the questions below ask more
    found = (
        len(program.events.all),
        sum(len(trees) for trees in program.events._user_calls.values()),
        program.events.walked,
        sum(len(scope.loops) for scope in program.index.scopes.values()),
        sum(1 for c in program.training.components.all if c.kind == "optimizer"),
        len(program.training.checkpoints.saves) + len(program.training.checkpoints.loads),
        asked,
    )
    return dict(zip(COUNTS, found, strict=True))


def explanation(one: Shares, lines: int, usual: dict[str, float]) -> str:
    """Why a file is slow, in one line: its largest phase, and what it has many times more of than is usual.

    `usual` is the number of each thing on 100 lines, over the corpus.
    """
    name, most = max(((n, ms) for n, ms in one.phases.items() if n != "parse"), key=lambda row: row[1])
    times = {
        what: count * 100 / lines / usual[what] for what, count in one.counts.items() if count > 1 and usual.get(what)
    }
    more = sorted((what for what in times if times[what] >= 2), key=lambda what: -times[what])[:3]
    told = ", ".join(f"{one.counts[what]:,} {what} ({times[what]:.0f}x the usual)" for what in more)
    return f"{name} {100 * most / one.total:.0f} %; {told or 'of nothing more than twice the usual'}"
