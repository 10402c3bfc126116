"""Bytes of a Python file -> Document, the way CPython decodes source (PEP 263)."""

import codecs
import re

from dry_debug.text.document import Document, Problem

# PEP 263: a comment in line one or two.
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a PEP 263 comment in the first two lines names, or None."""
    for line in data[:4096].splitlines()[:2]:
        match = _COOKIE.match(line)
        if match:
            return match.group(1).decode("ascii")
        if not _BLANK.match(line):
            return None
    return None


def decode(data: bytes, path: str) -> Document:
    """The document of `data`. Never raises: what cannot be decoded is replaced and told in `problems`."""
    bom = data.startswith(codecs.BOM_UTF8)
    if bom:
        data = data[3:]
    name = declared_encoding(data) or "utf-8"
    problems: list[Problem] = []
    try:
        codec = codecs.lookup(name)
        if not codec._is_text_encoding:  # as `bytes.decode` checks it
            raise LookupError(name)
    except LookupError:
        problems.append(Problem(f"unknown source encoding {name!r}; read as UTF-8", path, 1))
        name = "utf-8"
    if name.lower().replace("_", "-") in ("utf8", "utf-8", "u8", "utf"):
        name = "utf-8"
    try:
        text = data.decode(name)
    except UnicodeError as error:  # some codecs give no position
        at = getattr(error, "start", 0)
        line = data.count(b"\n", 0, at) + 1
        problems.append(Problem(f"not valid {name} at byte {at}; unreadable bytes were replaced", path, line))
        try:
            text = data.decode(name, "replace")
        except UnicodeError:  # `undefined` and `idna` replace nothing
            name = "utf-8"
            text = data.decode(name, "replace")
    document = Document.from_text(text, path, name, bom)
    if problems:
        document = Document(path, document.source, document.cells, name, bom, tuple(problems))
    return document


def encode(document: Document, text: str) -> bytes:
    """The bytes of `text` in the document's own encoding and with its byte order mark; raises UnicodeEncodeError."""
    data = text.encode(document.encoding)
    return codecs.BOM_UTF8 + data if document.bom else data
