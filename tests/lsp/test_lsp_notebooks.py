"""Notebooks: one analysis over all cells, diagnostics and edits in each cell."""

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from tests.lsp.editor import Editor, editor
from tests.lsp.snippets import FIXED_USE, HEAD, RULE, USE


class Notebook:
    """A notebook that is open in an editor. Cell URIs are like VS Code's: they differ only in quoted parts."""

    def __init__(self, one: Editor, path: Path, cells: Sequence[tuple[str, str]]) -> None:
        self.one = one
        self.uri = path.as_uri()
        self.made = 0
        items = [self._cell(text, language) for language, text in cells]
        self.cells = [item.uri for item in items]
        notebook = types.NotebookDocument(self.uri, "jupyter-notebook", 1, [self._entry(item) for item in items])
        one.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, items))

    def _cell(self, text: str, language: str = "python") -> types.TextDocumentItem:
        self.made += 1
        uri = f"vscode-notebook-cell://host{self.uri.removeprefix('file://')}#W{self.made}s%3D%3{self.made}"
        self.one.texts[uri], self.one.versions[uri] = text, 1
        return types.TextDocumentItem(uri, language, 1, text)

    @staticmethod
    def _entry(item: types.TextDocumentItem) -> types.NotebookCell:
        kind = types.NotebookCellKind.Code if item.language_id == "python" else types.NotebookCellKind.Markup
        return types.NotebookCell(kind, item.uri)

    def _changed(self, cells: types.NotebookDocumentCellChanges) -> None:
        version = types.VersionedNotebookDocumentIdentifier(2, self.uri)
        event = types.NotebookDocumentChangeEvent(cells=cells)
        self.one.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(version, event))

    def set_text(self, cell: str, text: str) -> None:
        self.one.texts[cell] = text
        self.one.versions[cell] += 1
        document = types.VersionedTextDocumentIdentifier(self.one.versions[cell], cell)
        whole = types.TextDocumentContentChangeWholeDocument(text)
        content = [types.NotebookDocumentCellContentChanges(document, [whole])]
        self._changed(types.NotebookDocumentCellChanges(text_content=content))

    def edit(self, cell: str, place: types.Range, new: str) -> None:
        self.one.versions[cell] += 1
        document = types.VersionedTextDocumentIdentifier(self.one.versions[cell], cell)
        part = types.TextDocumentContentChangePartial(place, new)
        content = [types.NotebookDocumentCellContentChanges(document, [part])]
        self._changed(types.NotebookDocumentCellChanges(text_content=content))

    def insert(self, index: int, text: str) -> str:
        item = self._cell(text)
        self.cells.insert(index, item.uri)
        array = types.NotebookCellArrayChange(index, 0, [self._entry(item)])
        structure = types.NotebookDocumentCellChangeStructure(array, did_open=[item])
        self._changed(types.NotebookDocumentCellChanges(structure=structure))
        return item.uri

    def delete(self, index: int) -> str:
        cell = self.cells.pop(index)
        array = types.NotebookCellArrayChange(index, 1)
        structure = types.NotebookDocumentCellChangeStructure(array, did_close=[types.TextDocumentIdentifier(cell)])
        self._changed(types.NotebookDocumentCellChanges(structure=structure))
        return cell

    async def checked(self, cell: str) -> Sequence[types.Diagnostic]:
        after = self.one.heard()
        params = types.DidSaveNotebookDocumentParams(types.NotebookDocumentIdentifier(self.uri))
        self.one.client.notebook_document_did_save(params)
        return await self.one.diagnostics(cell, after)

    def apply(self, edit: types.WorkspaceEdit | None) -> None:
        """Applies an edit of cells; its versions must be theirs."""
        before = dict(self.one.texts)
        sent, self.one.client.text_document_did_change = self.one.client.text_document_did_change, lambda params: None  # type: ignore[method-assign]
        self.one.apply(edit)
        self.one.client.text_document_did_change = sent  # type: ignore[method-assign]
        for cell in self.cells:
            if self.one.texts[cell] != before[cell]:
                self.one.versions[cell] -= 1
                self.set_text(cell, self.one.texts[cell])


CELLS = [
    ("markdown", "# torch.load without map_location"),
    ("python", f"%matplotlib inline\n{HEAD}"),
    ("python", f"s = '😀'; {USE}"),
    ("python", f"!pip install x\n{USE}\n"),
]


async def test_each_cell_has_its_own_diagnostics(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS)
        _, first, second, third = notebook.cells
        assert await one.diagnostics(first) == ()
        for cell in (second, third):
            (found,) = await one.diagnostics(cell)
            assert found.code == RULE
            assert one.text_at(cell, found.range) in USE
            assert found.data["version"] == 1
        assert notebook.uri not in {params.uri for params in one.published}


async def test_quick_fix_changes_its_cell_only(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS)
        cell = notebook.cells[2]
        found = await one.diagnostics(cell)
        actions = await one.actions(cell, found[0].range, found, ["quickfix"])
        assert f"Fix all {RULE} in this notebook" in [action.title for action in actions]
        hover = await one.hover(cell, found[0].range.start)
        assert hover is not None and hover.range == found[0].range
        notebook.apply(actions[0].edit)
        assert one.texts[cell] == f"s = '😀'; {FIXED_USE}"
        assert await notebook.checked(cell) == ()
        assert one.rules(await one.diagnostics(notebook.cells[3])) == [RULE]


async def test_fix_all_is_the_notebook_s_own_kind_and_covers_all_cells(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS)
        first = notebook.cells[1]
        await one.diagnostics(notebook.cells[3])
        top = types.Range(types.Position(0, 0), types.Position(0, 0))
        assert await one.actions(first, top, [], ["source.fixAll"]) == []
        (action,) = await one.actions(first, top, [], ["notebook.source.fixAll"])
        assert action.kind == "notebook.source.fixAll.dryDebug"
        notebook.apply((await one.resolve(action)).edit)
        assert [one.texts[cell] for cell in notebook.cells] == [text.replace(USE, FIXED_USE) for _, text in CELLS]


async def test_suppression_goes_into_the_cell(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS)
        cell = notebook.cells[2]
        found = await one.diagnostics(cell)
        actions = await one.actions(cell, found[0].range, found, ["quickfix"])
        notebook.apply(actions[-1].edit)
        assert one.texts[cell] == f"# dry-debug: ignore[{RULE}]\ns = '😀'; {USE}"
        assert await notebook.checked(cell) == ()


async def test_nothing_new_is_shown_before_the_save(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS[:2])
        cell = notebook.cells[1]
        assert await one.diagnostics(cell) == ()
        notebook.set_text(cell, HEAD + USE)
        await one.settle(cell)
        assert one.heard() == 1
        assert one.rules(await notebook.checked(cell)) == [RULE]


async def test_cells_that_come_and_go(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS[:2])
        await one.diagnostics(notebook.cells[1])
        new = notebook.insert(2, USE)
        assert one.rules(await notebook.checked(new)) == [RULE]
        after = one.heard()
        assert notebook.delete(2) == new
        assert await notebook.checked(new) == ()
        assert one.published[after].uri == new


async def test_edits_below_a_form_feed_in_a_cell(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", [("python", f"{HEAD}# \x0c\u2028\ny = 2\n")])
        (cell,) = notebook.cells
        await one.diagnostics(cell)
        place = one.range_of(cell, "y = 2")
        notebook.edit(cell, place, USE)
        one.texts[cell] = one.texts[cell].replace("y = 2", USE)
        (found,) = await notebook.checked(cell)
        assert one.text_at(cell, found.range) in USE


async def test_syntax_error_in_one_cell_keeps_the_findings_of_the_others(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS)
        _, first, second, third = notebook.cells
        await one.diagnostics(third)
        notebook.set_text(third, "if (\n")
        after = one.heard()
        assert one.rules(await notebook.checked(second)) == [RULE]
        found = await one.diagnostics(third, after)
        assert "syntax-error" in one.rules(found)
        assert await one.diagnostics(first, after) == ()


async def test_closing_takes_all_diagnostics_away(tmp_path: Path) -> None:
    async with editor() as one:
        notebook = Notebook(one, tmp_path / "n.ipynb", CELLS)
        await one.diagnostics(notebook.cells[3])
        after = one.heard()
        cells = [types.TextDocumentIdentifier(cell) for cell in notebook.cells]
        params = types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(notebook.uri), cells)
        one.client.notebook_document_did_close(params)
        for cell in notebook.cells[2:]:
            assert await one.diagnostics(cell, after) == ()


async def test_client_without_notebooks_is_offered_none() -> None:
    async with editor("neovim") as one:
        assert one.result is not None
        assert one.result.capabilities.notebook_document_sync is None
