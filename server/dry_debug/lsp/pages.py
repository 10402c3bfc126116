"""The page of a rule, on disk beside the rule."""

from pathlib import Path

from dry_debug.lint import manifest
from dry_debug.lsp.uris import uri_of


def page_uri(rule: str) -> str | None:
    """The `file:` URI of the page of `rule`; None for a finding of the tool itself, such as a syntax error."""
    info = manifest.find(rule)
    if info is None:
        return None
    path = Path(manifest.page_path(info)).absolute()
    return uri_of(str(path)) if path.is_file() else None
