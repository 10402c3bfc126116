"""Notebooks are read as nbformat reads them, and written with every other byte as it was."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from dry_debug.project.read import Unreadable, changed_bytes, document_of, read
from dry_debug.records import replace
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells
from hypothesis import given
from hypothesis import strategies as st

LINES = ["import torch\n", "\n", "x = torch.load('p')"]


def notebook(*sources: Any, **metadata: Any) -> dict[str, Any]:
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": source,
            "id": f"c{number}",
        }
        for number, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def with_text(document: Document, number: int, text: str) -> Document:
    cells = [NotebookCell(c.number or 0, text if c.number == number else c.text) for c in document.cells]
    return from_cells(cells, document.path)


@given(st.lists(st.text("ab=\n\r\x0c\u2028é😀%!#'\"\\ ", max_size=12), max_size=4), st.booleans())
def test_cells_are_those_that_nbformat_reads(sources: list[str], as_lines: bool) -> None:
    node = notebook(*(source.splitlines(True) if as_lines else source for source in sources))
    node["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "# t", "id": "m"})
    text = json.dumps(node)
    expected = [cell.source for cell in nbformat.reads(text, 4).cells if cell.cell_type == "code"]
    document = document_of(text.encode(), "n.ipynb")
    assert [cell.text for cell in document.cells] == expected
    assert [cell.number for cell in document.cells] == list(range(2, len(sources) + 2))


def test_notebooks_of_version_3_are_read() -> None:
    cell = {"cell_type": "code", "input": ["a = 1\n", "b"], "language": "python", "metadata": {}, "outputs": []}
    node = {"metadata": {}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [cell, cell], "metadata": {}}]}
    data = json.dumps(node).encode()
    document = document_of(data, "n.ipynb")
    assert [(c.number, c.text) for c in document.cells] == [(1, "a = 1\nb"), (2, "a = 1\nb")]
    after = json.loads(changed_bytes(data, document, with_text(document, 2, "c\n")))
    assert [c["input"] for c in after["worksheets"][0]["cells"]] == [["a = 1\n", "b"], ["c\n"]]


def test_a_notebook_in_another_language_has_no_cells() -> None:
    for metadata in ({"kernelspec": {"name": "ir", "language": "R"}}, {"language_info": {"name": "julia"}}):
        assert document_of(json.dumps(notebook("x <- 1", **metadata)).encode(), "n.ipynb").cells == ()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"nbformat": "x"}', b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_notebook_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable, match="not a notebook"):
        document_of(data, "n.ipynb")


@pytest.mark.parametrize(
    "cells", [None, 3, [None], [{}], [{"cell_type": "code"}], [{"cell_type": "code", "source": 3}]]
)
def test_odd_cells_do_no_harm(cells: Any) -> None:
    document = document_of(json.dumps({"nbformat": 4, "cells": cells}).encode(), "n.ipynb")
    assert all(cell.text == "" for cell in document.cells)


@pytest.mark.parametrize("layout", [{"indent": 1}, {"indent": 2}, {"indent": "\t"}, {}, {"separators": (",", ":")}])
@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_writing_keeps_every_other_byte(layout: dict[str, Any], end: str, ascii_only: bool) -> None:
    data = (json.dumps(notebook(LINES, "y = 'é'", []), ensure_ascii=ascii_only, **layout) + end).encode()
    document = document_of(data, "n.ipynb")
    assert changed_bytes(data, document, document) == data
    changed = with_text(document, 1, "import torch\n\nx = 'ü'\n")
    expected = (
        json.dumps(notebook(["import torch\n", "\n", "x = 'ü'\n"], "y = 'é'", []), ensure_ascii=ascii_only, **layout)
        + end
    ).encode()
    assert changed_bytes(data, document, changed) == expected
    assert changed_bytes(expected, changed, with_text(changed, 1, "".join(LINES))) == data
    as_text = json.loads(changed_bytes(data, document, with_text(document, 2, "z\nw")))
    assert as_text["cells"][1]["source"] == "z\nw"
    filled = json.loads(changed_bytes(data, document, with_text(document, 3, "z\nw")))
    assert filled["cells"][2]["source"] == ["z\n", "w"]


def test_a_notebook_with_a_byte_order_mark_and_crlf_keeps_both() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(notebook(LINES), indent=1).replace("\n", "\r\n").encode()
    document = document_of(data, "n.ipynb")
    after = changed_bytes(data, document, with_text(document, 1, "a\nb\nc"))
    assert after.startswith(b"\xef\xbb\xbf{\r\n") and after.count(b"\r\n") == data.count(b"\r\n") == after.count(b"\n")


def test_a_python_file_keeps_its_encoding_and_its_mark(tmp_path: Path) -> None:
    for data in (b"\xef\xbb\xbfx = 1\r\n", "# coding: latin-1\nx = 'é'\n".encode("latin-1")):
        document = document_of(data, "a.py")
        assert changed_bytes(data, document, document) == data
    latin = document_of(b"# coding: latin-1\n", "a.py")
    with pytest.raises(UnicodeEncodeError):
        changed_bytes(b"", latin, replace(latin, source="😀"))
    with pytest.raises(Unreadable, match="cannot read the file: No such file"):
        read(str(tmp_path / "gone.py"))
