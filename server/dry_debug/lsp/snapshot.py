"""A document as it stands in the editor at one moment: what every request is answered from."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from lsprotocol import types

from dry_debug.lsp.pygls_patches import Buffers
from dry_debug.lsp.uris import is_editable, path_of
from dry_debug.records import dataclass
from dry_debug.text.document import Document
from dry_debug.text.lines import Encoding
from dry_debug.text.notebook import NotebookCell, from_cells
from dry_debug.text.spans import Span, TextEdit

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Snapshot:
    """The text of a document or notebook and its positions in the client's units.

    `uri` is the client's, of the notebook for a notebook. `path` is None for a buffer that was never saved. `versions`
    holds the version of each text document, by URI. `marked` says that the buffer itself begins with a byte order
    mark, which `Document.source` does not hold.
    """

    uri: str
    path: str | None
    document: Document
    versions: Mapping[str, int | None]
    encoding: Encoding
    marked: bool = False

    @cached_property
    def _cell_numbers(self) -> dict[str, int]:
        return {cell.uri: cell.number for cell in self.document.cells if cell.uri and cell.number is not None}

    @property
    def uris(self) -> list[str]:
        """The URIs under which diagnostics are shown: one for each cell of a notebook."""
        return list(self._cell_numbers) if self.document.is_notebook else [self.uri]

    def uri_at(self, offset: int) -> str:
        """The URI of the text document that holds `offset` of the source."""
        if self.document.is_notebook and self.document.cells:
            return self.document.cells[self.document.cell_at(offset)].uri or self.uri
        return self.uri

    def position(self, offset: int) -> types.Position:
        """Where `offset` of the source stands in its text document, in the client's units."""
        at = self.document.position(offset, self.encoding)
        shift = self._mark_width if at.line == 0 else 0
        return types.Position(at.line, at.column + shift)

    def range(self, span: Span) -> types.Range:
        """The range of `span`; one that runs past its cell ends at the end of the cell."""
        end = span.end
        if self.document.is_notebook and self.document.cells:
            end = min(end, self.document.cells[self.document.cell_at(span.start)].end)
        return types.Range(self.position(span.start), self.position(end))

    def offset(self, uri: str, position: types.Position) -> int:
        """The offset in the source of a position that the client has sent for text document `uri`."""
        shift = self._mark_width if position.line == 0 else 0
        cell = self._cell_numbers.get(uri)
        return self.document.offset(position.line, max(0, position.character - shift), self.encoding, cell)

    def span(self, uri: str, range_: types.Range) -> Span:
        """The span of a range that the client has sent for text document `uri`."""
        start, end = self.offset(uri, range_.start), self.offset(uri, range_.end)
        return Span(start, max(start, end))

    def edits(self, edits: Sequence[TextEdit]) -> dict[str, list[types.TextEdit]]:
        """The protocol's form of `edits`, by URI of the text document that they change."""
        result: dict[str, list[types.TextEdit]] = {}
        for edit in sorted(edits):
            uri = self.uri_at(edit.span.start)
            result.setdefault(uri, []).append(types.TextEdit(self.range(edit.span), edit.content))
        return result

    def carried(self, span: Span, old: "Snapshot") -> Span | None:
        """Where line and column of `span` in the text of `old` stand in this one, clipped to it; None if its cell is
        gone."""
        uri = old.uri_at(span.start)
        if uri not in self.uris:
            return None
        start, end = old.document.position(span.start), old.document.position(span.end)
        cell = self._cell_numbers.get(uri)
        first = self.document.offset(start.line, start.column, cell=cell)
        return Span(first, max(first, self.document.offset(end.line, end.column, cell=cell)))

    @cached_property
    def _mark_width(self) -> int:
        if not self.marked:
            return 0
        return 3 if self.encoding == "utf-8" else 1


def take(buffers: Buffers, uri: str) -> Snapshot | None:
    """The snapshot of open document `uri`, or of the notebook `uri` or that holds cell `uri`.

    None when it is not open or not Python.
    """
    notebook = buffers.notebook(uri)
    if notebook is not None:
        return _of_notebook(buffers, notebook)
    buffer = buffers.buffer(uri)
    if buffer is None or not is_editable(uri) or not _is_python(uri, buffer.language_id):
        return None
    path = path_of(uri)
    document = Document.from_text(buffer.source, path or uri)
    marked = buffer.source.startswith(BYTE_ORDER_MARK)
    return Snapshot(uri, path, document, {uri: buffer.version}, buffers.encoding, marked)


def _of_notebook(buffers: Buffers, notebook: types.NotebookDocument) -> Snapshot:
    cells: list[NotebookCell] = []
    versions: dict[str, int | None] = {}
    for number, cell in enumerate(notebook.cells, start=1):
        buffer = buffers.buffer(cell.document)
        if cell.kind is types.NotebookCellKind.Code and buffer is not None and buffer.language_id == "python":
            cells.append(NotebookCell(number, buffer.source, cell.document))
            versions[cell.document] = buffer.version
    path = path_of(notebook.uri)
    return Snapshot(notebook.uri, path, from_cells(cells, path or notebook.uri), versions, buffers.encoding)


def _is_python(uri: str, language: str | None) -> bool:
    return language == "python" or (not language and uri.endswith((".py", ".pyi")))


def overlay(buffers: Buffers) -> dict[str, str]:
    """The text of every open file, by path: what the host reads instead of the disk."""
    texts: dict[str, str] = {}
    for uri in buffers.open_uris():
        path, buffer = path_of(uri), buffers.buffer(uri)
        if path is not None and buffer is not None:
            texts[path] = buffer.source.removeprefix(BYTE_ORDER_MARK)
    return texts
