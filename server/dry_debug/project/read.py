"""Files <-> Documents: Python files, and notebooks as the JSON that nbformat describes.

A notebook is read without nbformat: importing that costs more than the whole run, and all that is needed of it is where
versions 3 and 4 keep the source of a code cell. Writing changes the `source` values of the changed cells in the file's
own text; every other byte stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.text.decode import decode, encode
from dry_debug.text.document import Document

if TYPE_CHECKING:
    from dry_debug.text.notebook import NotebookCell


class Unreadable(Exception):
    """The file cannot be read, or is no notebook; the message says why, in words for the user."""


def read(path: str) -> Document:
    """The document of the file `path`. Raises Unreadable."""
    return document_of(read_bytes(path), path)


def read_bytes(path: str) -> bytes:
    """The content of the file `path`. Raises Unreadable."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unreadable(f"cannot read the file: {error.strerror or error}") from error


def document_of(data: bytes, path: str) -> Document:
    """The document of a file's bytes; the ending of `path` says whether it is a notebook. Raises Unreadable."""
    if not path.endswith(".ipynb"):
        return decode(data, path)
    from dry_debug.text.notebook import from_cells

    try:
        text = data.decode("utf-8-sig")
        notebook = json.loads(text)
        cells = list(_code_cells(notebook))
    except UnicodeDecodeError as error:
        raise Unreadable(f"not a notebook: not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"not a notebook: line {error.lineno} is not valid JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not a notebook: {error}") from error
    return from_cells(cells, path)


def _code_cells(notebook: Any) -> Iterator[NotebookCell]:
    """The Python cells, numbered from one over all cells. nbformat 4: `cells`, `source`; 3: `worksheets`, `input`."""
    from dry_debug.text.notebook import NotebookCell

    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise ValueError("it has no `nbformat` number")
    if not _is_python(notebook.get("metadata")):
        return
    sheets = notebook.get("worksheets", []) if notebook["nbformat"] < 4 else [notebook]
    number = 0
    for sheet in sheets if isinstance(sheets, list) else []:
        cells = sheet.get("cells", []) if isinstance(sheet, dict) else []
        for cell in cells if isinstance(cells, list) else []:
            number += 1
            if isinstance(cell, dict) and cell.get("cell_type") == "code":
                source = cell.get("source", cell.get("input", ""))
                parts = source if isinstance(source, list) else [source]
                yield NotebookCell(number, "".join(part for part in parts if isinstance(part, str)))


def _is_python(metadata: Any) -> bool:
    if not isinstance(metadata, dict):
        return True
    for key in ("language_info", "kernelspec"):
        about = metadata.get(key)
        language = about.get("name" if key == "language_info" else "language") if isinstance(about, dict) else None
        if isinstance(language, str):
            return language.lower() in ("python", "ipython")
    return True


def changed_bytes(data: bytes, before: Document, after: Document) -> bytes:
    """The bytes of a file whose document was `before` (read from `data`) and shall be `after`, the same cells with
    other text. Raises UnicodeEncodeError where the file's encoding lacks a character, Unreadable for a file that is
    not laid out as `before` says."""
    if not before.is_notebook:
        return encode(after, after.source)
    bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    text = data.decode("utf-8-sig")
    places = dict(_sources(text))
    new = {cell.number: cell.text for cell in after.cells}
    parts: list[str] = []
    at = 0
    for cell in before.cells:
        if cell.number is None or new.get(cell.number, cell.text) == cell.text:
            continue
        if cell.number not in places:
            raise Unreadable(f"cell {cell.number} was not found in the notebook's text")
        start, end = places[cell.number]
        parts += [text[at:start], _source_json(text[start:end], new[cell.number], text)]
        at = end
    return bom + ("".join(parts) + text[at:]).encode("utf-8", "surrogatepass")


def _source_json(old: str, source: str, whole: str) -> str:
    """`source` as JSON in the manner of `old`: one string, or a list of lines with its indentation."""
    escape = whole.isascii() and "\\u" in whole
    if not old.startswith("["):
        return json.dumps(source, ensure_ascii=escape)
    lines = [line for line in _kept_lines(source) if line]
    if not lines:
        return "[]"
    newline = "\r\n" if "\r\n" in whole else "\n"
    items = list(_items(old, 0))
    if items:
        gap = old[1 : items[0]]
        separator = old[_value_end(old, items[0]) : items[1]] if len(items) > 1 else "," + (gap or " ")
        tail = old[_value_end(old, items[-1]) : -1]
    else:  # nbformat's own layout
        gap, separator, tail = newline + "    ", "," + newline + "    ", newline + "   "
    return "[" + gap + separator.join(json.dumps(line, ensure_ascii=escape) for line in lines) + tail + "]"


def _kept_lines(source: str) -> list[str]:
    lines = source.split("\n")
    return [line + "\n" for line in lines[:-1]] + lines[-1:]


def _sources(text: str) -> Iterator[tuple[int, tuple[int, int]]]:
    """(number of the cell, span in `text` of the JSON value of its source) of every cell, in order."""
    number = 0
    for _, sheets in _members(text, _skip(text, 0), ("worksheets", "cells")):
        starts = [sheets]
        if text[sheets] == "[" and _is_worksheets(text, sheets):
            starts = [at for sheet in _items(text, sheets) for _, at in _members(text, sheet, ("cells",))]
        for start in starts:
            for cell in _items(text, start):
                number += 1
                for _, at in _members(text, cell, ("source", "input")):
                    yield number, (at, _value_end(text, at))


def _is_worksheets(text: str, at: int) -> bool:
    first = next(iter(_items(text, at)), None)
    return first is not None and any(True for _ in _members(text, first, ("cells",)))


_decoder = json.JSONDecoder(strict=False)


def _value_end(text: str, at: int) -> int:
    return _decoder.raw_decode(text, at)[1]


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _members(text: str, at: int, wanted: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """(key, offset of its value) of the members of the JSON object at `at` whose key is wanted."""
    if text[at] != "{":
        return
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _decoder.raw_decode(text, at)
        value = at = _skip(text, _skip(text, at) + 1)
        at = _skip(text, _value_end(text, at))
        if key in wanted:
            yield key, value
        at = _skip(text, at + 1) if text[at] == "," else at


def _items(text: str, at: int) -> Iterator[int]:
    """Offsets of the items of the JSON array at `at`."""
    if text[at] != "[":
        return
    at = _skip(text, at + 1)
    while text[at] != "]":
        yield at
        at = _skip(text, _value_end(text, at))
        at = _skip(text, at + 1) if text[at] == "," else at


def write(path: str, data: bytes) -> None:
    """Puts `data` in the file `path` in one step: a crash leaves the old file or the new one. Raises OSError."""
    path = os.path.realpath(path)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        if os.path.exists(path):
            os.chmod(temporary, os.stat(path).st_mode & 0o7777)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
