"""The pages of the rules, on disk beside the rules."""

import functools
import os

from dry_debug.lint import manifest


@functools.cache
def page_url(rule: str) -> str | None:
    """The `file:` URL of the page of `rule`; None for a finding of the tool itself, such as a syntax error."""
    info = manifest.find(rule)
    if info is None:
        return None
    path = os.path.abspath(manifest.page_path(info)).replace(os.sep, "/")
    if not path.isascii() or any(char in path for char in " #?%"):
        from urllib.parse import quote  # rarely needed, and slow to import

        path = quote(path, safe="/:", errors="surrogateescape")
    return ("file://" if path.startswith("/") else "file:///") + path


def page_text(rule: str) -> str | None:
    """The Markdown of the page of `rule`, or None if there is no such rule or page."""
    info = manifest.find(rule)
    if info is None:
        return None
    try:
        with open(manifest.page_path(info), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None
