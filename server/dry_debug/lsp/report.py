"""The report on an open document, and the instructions that it rests on."""

from importlib import import_module

import dry_debug
from dry_debug.lint.engine import analyse
from dry_debug.lsp.analysis import Analysis
from dry_debug.project import instructions
from dry_debug.project.reporting import compared
from dry_debug.project.run import report_of
from dry_debug.render.formats import Context
from dry_debug.render.report.account import account

FORMATS = ("markdown", "html", "json", "text")


def reported(analysis: Analysis, format_name: str) -> str:
    """The report of `dry-debug report` on the document as it stands in the editor."""
    document, rules = analysis.snapshot.document, analysis.rules
    result = analyse(document, analysis.host, rules.settings)
    path = analysis.snapshot.path or document.path
    records, _ = report_of(document, path, result, with_fixes=False)
    whole = account(records, [compared(result, alone=True)], 1)
    context = Context(rules.root or "", dry_debug.__version__)
    name = format_name if format_name in FORMATS else "markdown"
    lines = import_module(f"dry_debug.render.report.{name}").render(whole, context)
    return "\n".join(lines) + "\n"


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
