"""Replacements for the parts of pygls 2.1 that lose or leak the user's text.

Each was found by running it (read `pygls/workspace/*.py`, `pygls/protocol/json_rpc.py`):

- `TextDocument.lines` splits at form feeds, U+2028 and other characters that end no line in the protocol, so that an
  incremental change on a later line overwrites a line ending: the server's copy of the document is corrupted.
- `PositionCodec.position_from_client_units` takes a column past the end of the last line as one before its last
  character.
- `TextDocument.source` and `Workspace.get_text_document` read the disk for a document that is not open.
- `Workspace.text_documents` is keyed by the unquoted URI; the URIs of notebook cells differ only in quoted parts.
- A change of a document that is not open raises, and an error in a notification handler becomes a popup.
- Errors are logged with the whole message, hence with source text.
"""

import logging
from collections.abc import Sequence
from pathlib import PurePath
from typing import cast

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from dry_debug.text.lines import Encoding, LineIndex

logger = logging.getLogger(__name__)


def encoding_of(kind: types.PositionEncodingKind | str | None) -> Encoding:
    """The negotiated position encoding; UTF-16 where nothing was negotiated (LSP 3.17, `PositionEncodingKind`)."""
    value = kind.value if isinstance(kind, types.PositionEncodingKind) else kind
    return cast("Encoding", value) if value in ("utf-8", "utf-16", "utf-32") else "utf-16"


class Buffer(TextDocument):
    """An open document. Its text is what the client sent, never what is on disk."""

    @property
    def encoding(self) -> Encoding:
        return encoding_of(self.position_codec.encoding)

    @property
    def source(self) -> str:
        return self._source or ""

    @property
    def lines(self) -> Sequence[str]:
        index = LineIndex(self.source)
        ends = [*index.starts[1:], len(index.text)]
        return tuple(index.text[start:end] for start, end in zip(index.starts, ends, strict=True) if start < end)

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        text, index = self.source, LineIndex(self.source)
        start = index.offset(change.range.start.line, change.range.start.character, self.encoding)
        end = index.offset(change.range.end.line, change.range.end.character, self.encoding)
        self._source = text[:start] + change.text + text[max(start, end) :]


class Buffers(Workspace):
    """The open documents and notebooks, keyed by the URI exactly as the client wrote it."""

    @staticmethod
    def instead_of(workspace: Workspace) -> "Buffers":
        """A replacement for the workspace that pygls has made from the `initialize` request."""
        return Buffers(
            workspace.root_uri,
            types.TextDocumentSyncKind.Incremental,
            list(workspace.folders.values()),
            workspace.position_encoding,
        )

    @property
    def encoding(self) -> Encoding:
        return encoding_of(self.position_encoding)

    def buffer(self, uri: str) -> Buffer | None:
        """The open document `uri`, or None; the disk is not asked."""
        document = self._text_documents.get(uri)
        return document if isinstance(document, Buffer) else None

    def notebook(self, uri: str) -> types.NotebookDocument | None:
        """The open notebook `uri`, or the one that holds the cell `uri`, or None."""
        return self._notebook_documents.get(self._cell_in_notebook.get(uri, uri))

    def open_uris(self) -> list[str]:
        """URIs of all open text documents that are not notebook cells, and of all open notebooks."""
        return [uri for uri in self._text_documents if uri not in self._cell_in_notebook] + [*self._notebook_documents]

    def folder_uris(self) -> list[str]:
        """URIs of the workspace folders as the client wrote them; the root where there are none."""
        uris = [folder.uri for folder in self._folders.values()]
        return uris or ([self._root_uri] if self._root_uri else [])

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> Buffer:
        return Buffer(
            doc_uri,
            source=source or "",
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    def get_text_document(self, doc_uri: str) -> TextDocument:
        return self._text_documents.get(doc_uri) or self._create_text_document(doc_uri)

    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        uri = text_document.uri
        self._text_documents[uri] = self._create_text_document(
            uri, text_document.text, text_document.version, text_document.language_id
        )
        if notebook_uri is not None:
            self._cell_in_notebook[uri] = notebook_uri

    def remove_text_document(self, doc_uri: str) -> None:
        self._text_documents.pop(doc_uri, None)
        self._cell_in_notebook.pop(doc_uri, None)

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        document = self._text_documents.get(text_doc.uri)
        if document is None:
            logger.warning("ignored a change of a document that is not open")
            return
        document.apply_change(change)
        document.version = text_doc.version

    def put_notebook_document(self, params: types.DidOpenNotebookDocumentParams) -> None:
        notebook = params.notebook_document
        self._notebook_documents[notebook.uri] = notebook
        for cell in params.cell_text_documents:
            self.put_text_document(cell, notebook_uri=notebook.uri)

    def remove_notebook_document(self, params: types.DidCloseNotebookDocumentParams) -> None:
        self._notebook_documents.pop(params.notebook_document.uri, None)
        for cell in params.cell_text_documents:
            self.remove_text_document(cell.uri)

    def get_notebook_document(
        self, *, notebook_uri: str | None = None, cell_uri: str | None = None
    ) -> types.NotebookDocument | None:
        return self.notebook(notebook_uri or cell_uri or "")

    def update_notebook_document(self, params: types.DidChangeNotebookDocumentParams) -> None:
        uri, cells = params.notebook_document.uri, params.change.cells
        notebook = self._notebook_documents.get(uri)
        if notebook is None:
            logger.warning("ignored a change of a notebook that is not open")
            return
        notebook.version = params.notebook_document.version
        if cells is None:
            return
        if cells.structure is not None:
            array = cells.structure.array
            after = notebook.cells[array.start + array.delete_count :]
            notebook.cells = [*notebook.cells[: array.start], *(array.cells or ()), *after]
            for closed in cells.structure.did_close or ():
                self.remove_text_document(closed.uri)
            for opened in cells.structure.did_open or ():
                self.put_text_document(opened, notebook_uri=uri)
        changed = {cell.document: cell for cell in cells.data or ()}
        if changed:  # a cell becomes Markdown or code again
            notebook.cells = [changed.get(cell.document, cell) for cell in notebook.cells]
        for content in cells.text_content or ():
            for change in content.changes:
                self.update_text_document(content.document, change)


class Discreet(logging.Formatter):
    """Log lines without source text: of what others log, the template, the kind of error and where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name.startswith("dry_debug"):
            return super().format(record)
        line = f"{record.levelname} {record.name}: {str(record.msg).splitlines()[0]}"
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return line
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        at = f" at {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        return f"{line} [{type(error).__name__}{at}]"
