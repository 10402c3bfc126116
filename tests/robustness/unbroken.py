"""What holds for every text there is: the analysis answers, in bounded time, and its edits lie inside the text."""

from __future__ import annotations

import ast
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dry_debug.lint.applier import apply_fixes
from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.explain import explain
from dry_debug.lint.settings import Settings
from dry_debug.program.facts import facts
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.render.explain import lines
from dry_debug.text.document import Document

EVERYTHING = Settings(preview=True, min_confidence="low")
SECONDS = 10.0  # a bound against hanging; texts here have at most some hundred lines


class Hangs(BaseException):
    """Over the bound; no `except Exception` may keep it."""


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """The block is broken off after `seconds`."""

    def stop(number: int, frame: object) -> None:
        raise Hangs(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def look(document: Document) -> Result:
    """Everything that can be asked of a document; asserts what has to hold."""
    with warnings.catch_warnings(), bounded():
        warnings.simplefilter("ignore")
        result = analyse(document, settings=EVERYTHING)
        length = len(document.source)
        for finding in result.with_fixes():
            assert 0 <= finding.span.start <= finding.span.end <= length
            for edit in finding.fix.edits if finding.fix else ():
                assert 0 <= edit.span.start <= edit.span.end <= length
        assert not [p for p in result.problems if "failed" in p.message], result.problems
        last = len(document.lines)
        for line in {(last + 1) // 2, *(document.lines.line_of(f.span.start) + 1 for f in result.findings[:1])}:
            told = list(lines(explain(document, None, EVERYTHING, line)))
            assert told and not any("the rule failed" in row for row in told), told
        tree = parse(document)
        if isinstance(tree, ast.Module):
            facts(Program(document, tree, NullHost()))
            for unsafe in (False, True):
                applied = apply_fixes(document, NullHost(), EVERYTHING, unsafe=unsafe)
                ast.parse(applied.source)
    return result
