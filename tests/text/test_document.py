"""Documents: cells, decoding, edits."""

import ast
import time

import pytest
from dry_debug.text.decode import decode, encode
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, blank_magics, from_cells
from dry_debug.text.spans import OverlappingEdits, Span, TextEdit, apply_edits
from hypothesis import given
from hypothesis import strategies as st


def test_a_byte_order_mark_is_kept_out_of_the_source_and_comes_back() -> None:
    document = decode(b"\xef\xbb\xbfx = 1\n", "a.py")
    assert document.source == "x = 1\n"
    assert document.bom
    assert encode(document, document.source) == b"\xef\xbb\xbfx = 1\n"


@pytest.mark.parametrize("cookie", ["latin-1", "cp1252", "utf-8", "utf_8"])
def test_declared_encodings_are_obeyed(cookie: str) -> None:
    data = f"# -*- coding: {cookie} -*-\nname = 'é'\n".encode(cookie)
    document = decode(data, "a.py")
    assert "é" in document.source
    assert not document.problems
    assert encode(document, document.source) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"# coding: martian\nx = 1\n", "unknown source encoding 'martian'"),
        (b"# coding: rot13\nx = 1\n", "unknown source encoding 'rot13'"),
        (b"x = 1\ny = '\xff'\n", "not valid utf-8"),
    ],
)
def test_what_cannot_be_decoded_is_a_problem_and_the_rest_is_read(data: bytes, words: str) -> None:
    document = decode(data, "a.py")
    assert words in document.problems[0].message
    assert "x = 1" in document.source


def test_undecodable_bytes_are_told_with_their_line() -> None:
    assert decode(b"x = 1\ny = '\xff'\n", "a.py").problems[0].line == 2


@given(st.binary(max_size=80))
def test_any_bytes_give_a_document(data: bytes) -> None:
    assert isinstance(decode(data, "a.py").source, str)


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nx = 1",
        "!pip install torch\nx = 1",
        "if True:\n    !ls\nx = 1",
        "files = !ls\nx = 1",
        "%%bash\necho {x\n",
        "%%time\nx = 1",
        "model?\nx = 1",
        "?model\nx = 1",
        "!echo a \\\n  b\nx = 1",
        "out = !echo a \\\n  b\nx = 1",
    ],
)
def test_magics_become_blanks_of_the_same_length(cell: str) -> None:
    blanked = blank_magics(cell)
    assert len(blanked) == len(cell)
    assert [len(line) for line in blanked.split("\n")] == [len(line) for line in cell.split("\n")]
    ast.parse(blanked)


@pytest.mark.parametrize("cell", ["x = 7 % 3", "y = 'a?'", 'text = """\n%d items\n!"""', "a = b %\\\n  c"])
def test_python_is_not_taken_for_a_magic(cell: str) -> None:
    assert blank_magics(cell) == cell


def test_positions_in_a_notebook_are_those_of_the_cell() -> None:
    document = from_cells([NotebookCell(1, "x = 1\n"), NotebookCell(3, "😀 = 2\nz = call()")], "n.ipynb")
    at = document.source.index("call")
    position = document.position(at)
    assert (position.cell, position.line, position.column) == (3, 1, 4)
    assert document.offset(1, 4, cell=3) == at


def test_a_cell_of_comments_from_windows_is_read_at_once() -> None:
    text = "# model = Net()\r\n" * 2_000
    began = time.perf_counter()
    document = from_cells([NotebookCell(1, text), NotebookCell(2, text + "    x = 1")], "a.ipynb")
    assert time.perf_counter() - began < 1.0
    assert document.source == f"{text}\nif 1:\n{text}    x = 1"


def test_a_pasted_session_is_what_was_typed() -> None:
    cells = [NotebookCell(1, ">>> x = 1\n>>> if x:\n...     y = call(x)"), NotebookCell(2, "z = 3")]
    document = from_cells(cells, "n.ipynb")
    ast.parse(document.source)
    position = document.position(document.source.index("call"))
    assert (position.cell, position.line, position.column) == (1, 2, 12)
    assert blank_magics("x = [\n  1,\n...\n]") == "x = [\n  1,\n...\n]"


def test_a_cell_that_is_indented_as_a_whole_parses() -> None:
    document = from_cells([NotebookCell(1, "  x = 1\n  y = 2"), NotebookCell(2, "z = 3")], "n.ipynb")
    ast.parse(document.source)
    assert document.position(document.source.index("y")).line == 1
    assert document.position(document.source.index("z")).cell == 2


def test_empty_lines_with_two_characters_at_their_ends_take_no_time() -> None:
    """A cell magic whose body is made blank, from Windows: it once took two times as long for each line more."""
    text = "%%writefile train.sh\r\n" + "python train.py\r\n" * 200
    document = from_cells([NotebookCell(1, text), NotebookCell(2, "\r\n" * 200 + "  x = 1")], "n.ipynb")
    assert document.source.strip().endswith("x = 1")
    ast.parse(document.source)


def test_edits_are_split_by_cell() -> None:
    document = from_cells([NotebookCell(1, "x"), NotebookCell(2, "y")], "n.ipynb")
    edits = document.split_edits((TextEdit(Span(2, 3), "Y"), TextEdit(Span(0, 1), "X")))
    assert edits == {1: [TextEdit(Span(0, 1), "Y")], 0: [TextEdit(Span(0, 1), "X")]}


@pytest.mark.parametrize(("source", "newline"), [("a\nb", "\n"), ("a\r\nb", "\r\n"), ("a\rb", "\r"), ("a", "\n")])
def test_the_first_line_end_is_the_document_s(source: str, newline: str) -> None:
    assert Document.from_text(source).newline == newline


def test_edits_apply_at_once_and_equal_ones_count_once() -> None:
    edits = [TextEdit(Span(0, 1), "A"), TextEdit(Span(2, 2), "+"), TextEdit(Span(0, 1), "A")]
    assert apply_edits("abc", edits) == "Ab+c"


@pytest.mark.parametrize("second", [TextEdit(Span(1, 3), "x"), TextEdit(Span(0, 2), "y"), TextEdit(Span(1, 1), "z")])
def test_overlapping_edits_are_refused(second: TextEdit) -> None:
    with pytest.raises(OverlappingEdits):
        apply_edits("abcd", [TextEdit(Span(0, 2), "x"), second])


@pytest.mark.parametrize("name", ["undefined", "idna", "punycode", "utf-7", "utf-16", "raw_unicode_escape"])
def test_every_codec_gives_a_document(name: str) -> None:
    data = f"# coding: {name}\nx = 'é'\n".encode() + bytes(range(256))
    document = decode(data, "x.py")
    assert "coding" in document.source or document.problems
