"""A Document: the text that the analysis reads, with the cells and files that it came from.

A plain file is one cell. A notebook is its Python cells one after the other; magics and shell lines are blanks of the
same length, so that every offset of `source` is an offset of the text that the user sees in that cell.
"""

from typing import NamedTuple

from dry_debug.once import cached_property
from dry_debug.records import dataclass, field
from dry_debug.text.lines import Encoding, LineIndex
from dry_debug.text.spans import Span, TextEdit

_LETTERS = bytes(c if chr(c).isalnum() or c == ord("_") else 32 for c in range(128)) + b" " * 128


class Problem(NamedTuple):
    """Something that kept the analysis from doing its whole work; never a finding about the code."""

    message: str
    path: str = ""
    line: int | None = None  # one-based


class Cell(NamedTuple):
    """One piece of a document: `number` is one-based in a notebook (counting all cells) and None in a plain file."""

    number: int | None
    start: int  # offset of the cell's first code point in Document.source
    end: int  # offset after its last one; the line end that joins it to the next cell is not part of it
    text: str  # as the user sees it: magics not blanked
    uri: str | None = None  # the editor's name of a notebook cell, opaque


class Position(NamedTuple):
    """Where an offset stands for a person or an editor. `line` and `column` are zero-based."""

    cell: int | None
    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """The text of one file and where its parts come from. `source` holds no byte order mark."""

    path: str
    source: str
    cells: tuple[Cell, ...]
    encoding: str = "utf-8"
    bom: bool = False
    problems: tuple[Problem, ...] = field(default=())

    @staticmethod
    def from_text(text: str, path: str = "<string>", encoding: str = "utf-8", bom: bool = False) -> "Document":
        """A plain file of one cell. A leading U+FEFF is the byte order mark and goes into `bom`."""
        if text.startswith("\ufeff"):
            text, bom = text[1:], True
        return Document(path, text, (Cell(None, 0, len(text), text),), encoding, bom)

    @cached_property
    def lines(self) -> LineIndex:
        """The line index of the whole source, all cells together."""
        return LineIndex(self.source)

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """The runs of ASCII letters, digits and underscores in `source`, each once: in names, strings and comments."""
        return frozenset(self.source.encode("utf-8", "surrogatepass").translate(_LETTERS).decode("ascii").split())

    @cached_property
    def is_notebook(self) -> bool:
        return self.cells[0].number is not None if self.cells else self.path.endswith(".ipynb")

    @cached_property
    def _cell_lines(self) -> dict[int, LineIndex]:
        return {index: LineIndex(cell.text) for index, cell in enumerate(self.cells)}

    def cell_at(self, offset: int) -> int:
        """Index into `cells` of the cell that holds `offset`."""
        for index, cell in enumerate(self.cells):
            if offset <= cell.end:
                return index
        return max(0, len(self.cells) - 1)

    def position(self, offset: int, encoding: Encoding = "utf-32") -> Position:
        """Where `offset` stands inside its cell; the column counts code units of `encoding`."""
        if not self.is_notebook:
            return Position(None, *self.lines.position(offset, encoding))
        if not self.cells:
            return Position(None, 0, 0)
        index = self.cell_at(offset)
        cell = self.cells[index]
        line, column = self._cell_lines[index].position(max(0, offset - cell.start), encoding)
        return Position(cell.number, line, column)

    def offset(self, line: int, column: int, encoding: Encoding = "utf-32", cell: int | None = None) -> int:
        """Offset of a zero-based position, in the notebook cell whose one-based number is `cell` if there is one."""
        if cell is None:
            return self.lines.offset(line, column, encoding)
        for index, candidate in enumerate(self.cells):
            if candidate.number == cell:
                return candidate.start + self._cell_lines[index].offset(line, column, encoding)
        return len(self.source)

    def span_of_line(self, line: int) -> Span:
        """The span of one-based `line` of the whole source, its line ending not included."""
        index = self.lines
        line = max(0, min(line - 1, len(index) - 1))
        return Span(index.starts[line], index.line_end(line))

    @cached_property
    def newline(self) -> str:
        """The line ending that the document uses (the first one decides; LF where there is none)."""
        at = self.source.find("\n")
        if at > 0 and self.source[at - 1] == "\r":
            return "\r\n"
        return "\r" if at < 0 and "\r" in self.source else "\n"

    def split_edits(self, edits: tuple[TextEdit, ...]) -> dict[int, list[TextEdit]]:
        """Edits by index of the cell that they change, with spans relative to that cell's text."""
        result: dict[int, list[TextEdit]] = {}
        for edit in edits:
            index = self.cell_at(edit.span.start)
            start = self.cells[index].start if self.cells else 0
            local = TextEdit(Span(edit.span.start - start, edit.span.end - start), edit.content)
            result.setdefault(index, []).append(local)
        return result
