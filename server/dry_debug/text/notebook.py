"""Cells of a notebook -> Document. Reading .ipynb JSON is `project/`'s business; the editor sends cells directly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dry_debug.text.document import Cell, Document

# IPython's line magics, shell escapes, help, and cell magics other than those whose body is Python.
_PYTHON_CELL_MAGIC = re.compile(r"\s*%%(?:time|timeit|capture|prun|python3?|debug)\b")
_LINE_ESCAPE = re.compile(r"^[ \t]*(?:[%!?]|[\w.]+\?{1,2}[ \t]*$)")
_ASSIGN_ESCAPE = re.compile(r"^([ \t]*[\w, \t]+=[ \t]*)([!%][^\r\n]*)$")


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """A code cell as the notebook holds it; `number` is one-based over all cells of the notebook."""

    number: int
    text: str
    uri: str | None = None


def from_cells(cells: Iterable[NotebookCell], path: str) -> Document:
    """The document of a notebook's code cells, in order, joined by one line feed each."""
    parts: list[str] = []
    result: list[Cell] = []
    at = 0
    for cell in cells:
        parts.append(blank_magics(cell.text))
        result.append(Cell(cell.number, at, at + len(cell.text), cell.text, cell.uri))
        at += len(cell.text) + 1
    return Document(path, "\n".join(parts), tuple(result))


def blank_magics(text: str) -> str:
    """`text` with magics and shell lines made blank, same length, so that it parses as Python.

    An indented one becomes the expression `0`, so that a block holding nothing else stays a block.
    """
    stripped = text.lstrip()
    if stripped.startswith("%%") and not _PYTHON_CELL_MAGIC.match(text):
        return re.sub(r"[^\r\n]", " ", text)
    if not re.search(r"[%!?]", text):
        return text
    lines = (
        text.splitlines(keepends=True)
        if not re.search(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text)
        else (re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z", text))
    )
    result: list[str] = []
    continued = False
    open_string: str | None = None
    for line in lines:
        body = line.rstrip("\r\n")
        end = line[len(body) :]
        if open_string is None and (continued or _LINE_ESCAPE.match(body)):
            result.append((" " * len(body) if continued else _blank(body)) + end)
            continued = body.endswith("\\")
            continue
        match = _ASSIGN_ESCAPE.match(body) if open_string is None else None
        if match:
            result.append(match.group(1) + "0".ljust(len(match.group(2))) + end)
            continue
        open_string = _string_state(body, open_string)
        result.append(line)
    return "".join(result)


def _blank(body: str) -> str:
    indent = len(body) - len(body.lstrip())
    if indent and len(body) > indent:
        return body[:indent] + "0".ljust(len(body) - indent)
    return " " * len(body)


def _string_state(body: str, state: str | None) -> str | None:
    """Whether a triple-quoted string is open after this line: its quote, or None."""
    at = 0
    while at < len(body):
        if state is None:
            if body[at] == "#":
                return None
            if body.startswith(('"""', "'''"), at):
                state = body[at : at + 3]
                at += 3
                continue
            if body[at] in "\"'":
                close = body.find(body[at], at + 1)
                at = close + 1 if close > 0 else len(body)
                continue
        elif body.startswith(state, at):
            at += 3
            state = None
            continue
        at += 2 if body[at] == "\\" else 1
    return state
