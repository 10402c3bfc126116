"""The panel of "Where Do I Look?": a symptom routed, with the findings of the open files that would explain it."""

import os
from collections.abc import Sequence

from dry_debug.lint.finding import Finding
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.uris import uri_of
from dry_debug.text.document import Document
from dry_debug.triage.report import as_markdown
from dry_debug.triage.routing import route
from dry_debug.triage.suspects import site, suspects

_MOST_TEXT = 400_000  # code points: of a longer log the end counts, where it stopped
_MOST_SUSPECTS = 20


def routed(text: str, analyses: Sequence[Analysis]) -> str:
    """Markdown: where to look first for what `text` says (a message, a traceback, a log, a complaint).

    `analyses` are of the open files, among which the traceback's own frame is looked for.
    """
    routing = route(text[-_MOST_TEXT:])
    found = [
        (path, analysis.snapshot.document, finding)
        for analysis in analyses
        if (path := analysis.snapshot.path) is not None
        for finding in analysis.findings
    ]
    lines = [_line(*one) for one in suspects(routing, found, lambda one: site(*one))[:_MOST_SUSPECTS]]
    frame = None
    if routing.frame is not None:
        paths = [path for analysis in analyses if (path := analysis.snapshot.path) is not None]
        path = _frame(routing.frame.path, paths)
        frame = _link(path, routing.frame.line) if path is not None else None
    return as_markdown(routing, lines, frame)


def _line(path: str, document: Document, finding: Finding) -> str:
    row = document.position(finding.span.start).line + 1
    message = finding.message.replace("<", "\\<")
    return f"{_link(path, row)} {finding.severity}: {message} ({finding.rule})"


def _link(path: str, line: int) -> str:
    return f"[{os.path.basename(path)}:{line}]({uri_of(path)}#L{line})"


def _frame(shown: str, paths: Sequence[str]) -> str | None:
    """The open file that a traceback names, perhaps as it lies on another machine: the last two parts agree."""
    wanted = [part for part in shown.replace("\\", "/").split("/") if part not in ("", ".", "~")]
    same = [path for path in paths if wanted and path.replace("\\", "/").split("/")[-len(wanted[-2:]) :] == wanted[-2:]]
    return same[0] if len(same) == 1 else None
