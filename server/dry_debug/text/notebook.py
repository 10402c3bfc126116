"""Cells of a notebook -> Document. Reading .ipynb JSON is `project/`'s business; the editor sends cells directly."""

import re
from collections.abc import Collection, Iterable

from dry_debug.records import dataclass, replace
from dry_debug.text.document import Cell, Document

# IPython's line magics, shell escapes, help, and cell magics other than those whose body is Python.
_PYTHON_CELL_MAGIC = re.compile(r"\s*%%(?:time|timeit|capture|prun|python3?|debug)\b")
# `pip install x` without `%` is a magic too ("automagic"), and no Python.
_LINE_ESCAPE = re.compile(r"^[ \t]*(?:[%!?]|[\w.]+\?{1,2}[ \t]*$|(?:pip|conda|mamba)[ \t]+(?:un)?install\b)")
# IPython takes the prompts of a pasted session away, from all lines if the first or second one has them.
_PROMPTED = re.compile(r">>>(?: |$)|[^\r\n]*(?:\r\n|\n|\r)(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)
_PROMPT = re.compile(r"^(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)
_ASSIGN_ESCAPE = re.compile(r"^([ \t]*[\w, \t]+=[ \t]*)([!%][^\r\n]*)$")


# Nothing is given back (`*+`, `?>`): a hundred empty lines that end in `\r\n` can be cut up in 2**100 ways.
_INDENTED = re.compile(r"(?:[ \t]*+(?:#[^\r\n]*+)?(?>\r\n|\n|\r))*+[ \t]+[^\s#]")
_HEADER = "if 1:\n"


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
        text = blank_magics(cell.text)
        if _INDENTED.match(text):
            # IPython takes a whole cell's indentation away; a header of our own between the cells keeps the offsets.
            parts.append(_HEADER)
            at += len(_HEADER)
        parts.append(text + "\n")
        result.append(Cell(cell.number, at, at + len(text), cell.text, cell.uri))
        at += len(text) + 1
    return Document(path, "".join(parts)[:-1], tuple(result))


def without_broken_cells(document: Document, broken: Collection[int]) -> Document:
    """The notebook with the cells at these indices of `cells` made blank, same length, so that the rest parses."""
    source = document.source
    for index in broken:
        cell = document.cells[index]
        source = source[: cell.start] + re.sub(r"[^\r\n]", " ", source[cell.start : cell.end]) + source[cell.end :]
        header = cell.start - len(_HEADER)
        if header >= 0 and source[header : cell.start] == _HEADER:
            source = source[:header] + " " * (len(_HEADER) - 1) + "\n" + source[cell.start :]
    return replace(document, source=source)


def blank_magics(text: str) -> str:
    """`text` with magics, shell lines and prompts made blank, same length, so that it parses as Python.

    An indented one becomes the expression `0`, so that a block holding nothing else stays a block.
    """
    stripped = text.lstrip()
    if stripped.startswith("%%") and not _PYTHON_CELL_MAGIC.match(text):
        return re.sub(r"[^\r\n]", " ", text)
    if _PROMPTED.match(text):
        text = _PROMPT.sub(lambda found: " " * len(found[0]), text)
    if not re.search(r"[%!?]|\binstall\b", text):
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
            continued = body.endswith("\\")
            result.append(match.group(1) + "0".ljust(len(match.group(2))) + end)
            continue
        open_string = _string_state(body, open_string)
        result.append(line)
    return "".join(result)


# A script of cells: what an editor runs cell by cell, magics included.
_PERCENT = re.compile(r"^#[ \t]*(?:%%|In\[|COMMAND -{5})", re.MULTILINE)
# What nbconvert and Databricks write for each cell of a notebook that they export.
_EXPORTED = re.compile(r"^#[ \t]*(?:In\[[ \d]*\]:|COMMAND -{5})", re.MULTILINE)
# Lines that are plainly no Python: markup, templates, a shell's prompt, commands of a shell, prose.
_MARKUP = re.compile(r"</?[A-Za-z!]|\{[{%]|[$>#] \S|\|.*\||```|={4,}|-{4,}|[*+] \S")
_COMMAND = re.compile(
    r"(?:sudo|cd|ls|ll|mkdir|rmdir|cp|mv|rm|cat|head|tail|pwd|echo|git|wget|curl|unzip|tar|apt|apt-get|pip|pip3|conda|"
    r"python|python3|bash|sh|chmod|export|kaggle|gdown|nvidia-smi)(?:[ \t]+(?:[^\s=.(,\[:].*|\.\.?(?:[/\s].*)?))?\Z"
)
_PROSE = re.compile(r"[^\W\d_][\w'’-]*[,;:]?(?: [\w'’\"“”(),;:.!?%/&+-]+)+\Z")
_STATEMENT = re.compile(
    r"(?:if|elif|else|for|while|with|def|class|return|import|from|raise|try|except|finally|assert|del|print|exec|global|"
    r"nonlocal|lambda|yield|async|await|pass|break|continue|not|match|case|type)\b"
)


def is_percent_script(source: str) -> bool:
    """Whether a plain file is made of cells (`# %%`), among whose lines magics can be."""
    return _PERCENT.search(source) is not None


def is_exported_notebook(source: str) -> bool:
    """Whether a plain file was written from a notebook, and is there to be read or run as one."""
    return _EXPORTED.search(source) is not None


def plainly_no_python(text: str) -> bool:
    """Whether nothing in a cell that does not parse was meant to be Python: shell, markup, prose, pasted output."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not re.match(r"#(?!!)", line)]
    if not lines:
        return True
    if lines[0].startswith("%%"):
        return True  # a cell magic under a comment
    return all(_no_python(line) for line in lines)


def _no_python(line: str) -> bool:
    if line[0] in "%!?" or _MARKUP.match(line) or _COMMAND.match(line):
        return True
    if not line.isascii() and not re.search(r"[=(\[{]", line):
        return True  # prose in another script
    words = line.split()
    return len(words) >= 3 and not _STATEMENT.match(line) and _PROSE.match(line) is not None


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
