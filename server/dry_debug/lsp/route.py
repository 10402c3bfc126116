"""The panel of "Where Do I Look?": a symptom routed, with the findings of the workspace that would explain it."""

import os
from collections.abc import Sequence

from dry_debug.lint.finding import Finding
from dry_debug.lint.manifest import find
from dry_debug.lint.triggers import triggered
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.uris import uri_of
from dry_debug.project.config import Configs
from dry_debug.project.scripts import python_files, scripts
from dry_debug.text.document import Document
from dry_debug.triage.report import as_markdown
from dry_debug.triage.routing import Routing, route
from dry_debug.triage.suspects import meant, site, suspects

_MOST_TEXT = 400_000  # code points: of a longer log the end counts, where it stopped
_MOST_SUSPECTS = 20
_MOST_NAMED = 12  # files of one traceback


def routed(text: str) -> Routing:
    """Where to look first for what `text` says: a message, a traceback, a log, a complaint."""
    return route(text[-_MOST_TEXT:])


def files_to_check(routing: Routing, folders: Sequence[str], opened: Sequence[str]) -> list[str]:
    """The files below `folders` in which the cause may lie: those that the traceback names, and the scripts about
    which a rule that would explain the symptom may have something to say. Without those in `opened`, which are known.

    Reads the disk. Nothing is looked at where a question is due, nor outside `folders`, whatever a traceback names.
    """
    if not routing.stops:
        return []
    known = set(opened)
    files = [path for path in python_files(folders, Configs()) if path not in known]
    rules = [info for stop in routing.stops for name in stop.rules if (info := find(name)) is not None]
    every = [*files, *opened]
    named = [path for shown in _shown(routing) if (path := _only(shown, every, folders)) and path not in known]
    others = [path for path in files if path not in named]
    return [*named[:_MOST_NAMED], *scripts(others, lambda text: any(triggered(info, text) for info in rules))]


def panel(routing: Routing, analyses: Sequence[Analysis]) -> str:
    """Markdown: where to look, with the suspects among the findings of `analyses` and a link to the user's frame."""
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
        path = _only(routing.frame.path, paths)
        frame = _link(path, routing.frame.line) if path is not None else None
    return as_markdown(routing, lines, frame)


def _line(path: str, document: Document, finding: Finding) -> str:
    row = document.position(finding.span.start).line + 1
    message = finding.message.replace("<", "\\<")
    return f"{_link(path, row)} {finding.severity}: {message} ({finding.rule})"


def _link(path: str, line: int) -> str:
    return f"[{os.path.basename(path)}:{line}]({uri_of(path)}#L{line})"


def _shown(routing: Routing) -> list[str]:
    """The paths of the user's own frames as the traceback shows them, innermost first, each once."""
    return list(dict.fromkeys(frame.path for frame in routing.frames))


def _only(shown: str, paths: Sequence[str], folders: Sequence[str] = ()) -> str | None:
    """The file that a traceback names, if it can be no other one: a relative path is first one from a folder."""
    same = meant(shown, paths)
    here = [path for folder in folders if (path := os.path.normpath(os.path.join(folder, shown))) in same]
    same = here or same
    return same[0] if len(same) == 1 else None
