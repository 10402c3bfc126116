"""Text edits -> the protocol's workspace edits, and the smallest edits between two texts."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from lsprotocol import types

from dry_debug.lsp.snapshot import Snapshot
from dry_debug.text.document import Document
from dry_debug.text.lines import LineIndex
from dry_debug.text.spans import Span, TextEdit


def workspace_edit(edits: Sequence[tuple[Snapshot, Sequence[TextEdit]]], document_changes: bool) -> types.WorkspaceEdit:
    """The edit of several documents: with their versions where the client takes them, so that it refuses an edit of
    a text that has changed since."""
    by_uri: dict[str, list[types.TextEdit]] = {}
    versions: dict[str, int | None] = {}
    for snapshot, parts in edits:
        for uri, converted in snapshot.edits(parts).items():
            by_uri.setdefault(uri, []).extend(converted)
            versions[uri] = snapshot.versions.get(uri)
    if not document_changes:
        return types.WorkspaceEdit(changes=by_uri)
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, versions[uri]), list(parts))
            for uri, parts in by_uri.items()
        ]
    )


def changes(old: Document, new: Document) -> list[TextEdit]:
    """Edits of whole lines that turn the text of `old` into that of `new`, a later state of the same document."""
    if not old.is_notebook:
        return _difference(old.source, new.source, 0)
    texts = {cell.number: cell.text for cell in new.cells}
    edits: list[TextEdit] = []
    for cell in old.cells:
        edits.extend(_difference(cell.text, texts.get(cell.number, cell.text), cell.start))
    return edits


def _difference(old: str, new: str, start: int) -> list[TextEdit]:
    """The edits between two texts; `start` is the offset of `old` in its document."""
    if old == new:
        return []
    before, after = _lines(old), _lines(new)
    offsets = [start]
    for line in before:
        offsets.append(offsets[-1] + len(line))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [
        TextEdit(Span(offsets[i], offsets[j]), "".join(after[k:m]))
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    ]


def _lines(text: str) -> list[str]:
    index = LineIndex(text)
    ends = [*index.starts[1:], len(text)]
    return [text[start:end] for start, end in zip(index.starts, ends, strict=True) if start < end]
