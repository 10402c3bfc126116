"""The report on an open document, and the instructions that it rests on."""

import os
import re
from importlib import import_module

import dry_debug
from dry_debug.lint.engine import analyse
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.uris import uri_of
from dry_debug.project import instructions
from dry_debug.project.reporting import compared
from dry_debug.project.run import report_of
from dry_debug.render.formats import Context
from dry_debug.render.report.account import Account, account
from dry_debug.render.report.markdown import safe

FORMATS = ("markdown", "html", "json", "text")


def reported(analysis: Analysis, format_name: str) -> str:
    """The report of `dry-debug report` on the document as it stands in the editor; in Markdown its places are links."""
    document, rules = analysis.snapshot.document, analysis.rules
    result = analyse(document, analysis.host, rules.settings)
    path = analysis.snapshot.path or document.path
    records, _ = report_of(document, path, result, with_fixes=False)
    whole = account(records, [compared(result, alone=True)], 1)
    context = Context(rules.root or "", dry_debug.__version__)
    name = format_name if format_name in FORMATS else "markdown"
    text = "\n".join(import_module(f"dry_debug.render.report.{name}").render(whole, context)) + "\n"
    return linked(text, _files(whole, path), context) if name == "markdown" else text


def linked(text: str, files: set[str], context: Context) -> str:
    """Markdown in which each place in one of `files` (`train.py:9`) is a link that an editor can open."""
    shown = {safe(context.shown_path(file)): file for file in files}
    if not shown:
        return text
    names = "|".join(re.escape(name) for name in sorted(shown, key=len, reverse=True))
    place = re.compile(rf"(?<![\w/\\.-])({names}):(\d+)\b")
    parts = text.split("`")  # every other part is code, in which a link would be none
    for index in range(0, len(parts), 2):
        parts[index] = place.sub(lambda m: f"[{m[0]}]({uri_of(shown[m[1]])}#L{m[2]})", parts[index])
    return "`".join(parts)


def _files(whole: Account, path: str) -> set[str]:
    """The files with a line in the report: the document, where its values stand, where the instructions stand."""
    rows = (*whole.matches, *whole.deviations, *whole.assumptions, *whole.not_implemented, *whole.cannot_tell)
    files = {path, *(row.file for row in rows), *(row.source_file for row in rows)}
    return {file for file in files if file is not None and os.path.isabs(file)}


def stored(root: str, text: str) -> dict[str, object]:
    """Writes the instructions of the project at `root`: `path` is where they stand, `offerIgnore` whether git would
    take them along, `error` why they could not be written."""
    try:
        path = instructions.store(root, text)
    except OSError as error:
        return {"path": None, "offerIgnore": False, "error": error.strerror or str(error)}
    return {"path": path, "offerIgnore": instructions.is_tracked(root), "error": None}


def ignored(root: str) -> str | None:
    """Adds the instructions to the project's .gitignore; why that did not work, or None."""
    try:
        instructions.ignore(root)
    except OSError as error:
        return error.strerror or str(error)
    return None
