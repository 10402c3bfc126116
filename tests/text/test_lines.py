"""LineIndex: positions agree with the parser, and survive there and back in every encoding."""

import ast

import pytest
from dry_debug.text.lines import Encoding, LineIndex
from hypothesis import given
from hypothesis import strategies as st

# Everything that some tool somewhere takes for a line end, and characters of one to four UTF-8 bytes.
TEXT = st.text(alphabet="ab \t\r\n\f\v\x1c\x85\u2028é€😀", max_size=40)
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")


@given(TEXT, st.sampled_from(ENCODINGS))
def test_every_offset_survives_there_and_back(text: str, encoding: Encoding) -> None:
    index = LineIndex(text)
    for offset in range(len(text) + 1):
        line, column = index.position(offset, encoding)
        back = index.offset(line, column, encoding)
        # Offsets inside a line ending come back as the end of their line: no editor can point there.
        assert back == min(offset, index.line_end(line))


@given(TEXT)
def test_lines_are_split_where_python_splits_them(text: str) -> None:
    expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    index = LineIndex(text)
    assert [index.line_text(line) for line in range(len(index))] == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "# form\ffeed", "'\u2028'", "# 😀 é"])
def test_positions_agree_with_the_parser(before: str, end: str) -> None:
    source = end.join([before, "x = '😀é'; y = call(1)", "z = 2"])
    index = LineIndex(source)
    call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    start = index.offset_of_ast(call.lineno, call.col_offset)
    stop = index.offset_of_ast(call.end_lineno or 0, call.end_col_offset or 0)
    assert source[start:stop] == "call(1)"


@pytest.mark.parametrize(
    ("encoding", "column"),
    [("utf-8", 10), ("utf-16", 7), ("utf-32", 6)],
)
def test_columns_count_the_units_of_the_encoding(encoding: Encoding, column: int) -> None:
    text = "'é😀' = x"
    offset = text.index("x") - 1
    assert LineIndex(text).position(offset, encoding) == (0, column)


def test_positions_outside_the_text_are_clipped() -> None:
    index = LineIndex("ab\ncd")
    assert index.offset(0, 99) == 2
    assert index.offset(99, 0) == 5
    assert index.offset(-1, 0) == 0
    assert index.offset(0, -5) == 0


def test_a_column_inside_a_code_point_is_its_start() -> None:
    assert LineIndex("😀x").offset(0, 1, "utf-16") == 0
    assert LineIndex("😀x").offset(0, 3, "utf-8") == 0
