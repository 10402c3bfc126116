"""URIs of files and their paths. A URI goes back to the client as the client wrote it, never rebuilt from its path."""

import os
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

# Where users write code. Other schemes show text that is not theirs to edit (git:, fugitive:) or single cells.
_EDITABLE = frozenset(("file", "untitled", "buffer"))


def is_editable(uri: str) -> bool:
    """Whether the document is one that its user writes, saved or not."""
    return urlsplit(uri).scheme in _EDITABLE


def path_of(uri: str) -> str | None:
    """The absolute path of a `file:` URI in the form of this operating system; None for any other URI."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    path = unquote(parts.path)
    if parts.netloc and parts.netloc != "localhost":
        path = f"//{parts.netloc}{path}"
    elif path[2:3] == ":" and path.startswith("/"):
        path = path[1:]
    return path.replace("/", os.sep)


def uri_of(path: str) -> str:
    """The `file:` URI of an absolute path."""
    return PurePath(path).as_uri()
