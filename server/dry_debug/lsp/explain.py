"""The text of `dry-debug explain` for a place in an open document."""

import os

from dry_debug.lint import explain as lint
from dry_debug.lsp.analysis import Analysis
from dry_debug.render.explain import lines


def explained(analysis: Analysis, offset: int) -> str:
    """Why something is, or is not, reported on the line of `offset`. Paths are relative to the project."""
    document, settings = analysis.snapshot.document, analysis.rules.settings
    root = (analysis.rules.root or "").rstrip(os.sep) + os.sep

    def shown(path: str) -> str:
        return path[len(root) :].replace(os.sep, "/") if path.startswith(root) else path

    line = document.lines.line_of(offset) + 1
    return "\n".join(lines(lint.explain(document, analysis.host, settings, line), shown)) + "\n"
