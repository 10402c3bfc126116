"""Line starts of a source text, and columns in the units that parsers and editors use.

Lines end as Python's tokenizer ends them: at CRLF, LF or CR and nowhere else. A form feed, U+2028 or U+0085 does not
end a line (`str.splitlines` would say so; CPython Parser/tokenizer.c `translate_newlines` does not).
"""

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n|\r|\n")


class LineIndex:
    """Maps between offsets (code points from the start of the text) and zero-based (line, column) pairs."""

    __slots__ = ("_ascii", "starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._ascii = text.isascii()
        if "\r" in text:
            self.starts = [0, *(m.end() for m in _LINE_END.finditer(text))]
        else:
            self.starts = [0, *accumulate(map((1).__add__, map(len, text.split("\n"))))]
            self.starts.pop()  # the last line ends with the text

    def __len__(self) -> int:
        return len(self.starts)

    def line_of(self, offset: int) -> int:
        """The zero-based line that holds the code point at `offset`."""
        return bisect_right(self.starts, offset) - 1

    def line_end(self, line: int) -> int:
        """Offset of the end of zero-based `line`, its line ending not included."""
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        text = self.text
        if end > self.starts[line] and text[end - 1] == "\n" and line + 1 < len(self.starts):
            end -= 1
        if end > self.starts[line] and text[end - 1] == "\r" and line + 1 < len(self.starts):
            end -= 1
        return end

    def line_text(self, line: int) -> str:
        """The text of zero-based `line` without its line ending."""
        return self.text[self.starts[line] : self.line_end(line)]

    def position(self, offset: int, encoding: Encoding = "utf-32") -> tuple[int, int]:
        """Zero-based (line, column) of `offset`; the column counts code units of `encoding` (utf-32: code points)."""
        offset = max(0, min(offset, len(self.text)))
        line = self.line_of(offset)
        start = self.starts[line]
        if self._ascii or encoding == "utf-32":
            return line, offset - start
        return line, units(self.text[start:offset], encoding)

    def offset(self, line: int, column: int, encoding: Encoding = "utf-32") -> int:
        """Offset of zero-based (`line`, `column`), the column in code units of `encoding`.

        A line past the end is the end of the text, a column past the end of its line is the end of that line, and a
        column inside a code point is the start of it: editors send all three.
        """
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start, end = self.starts[line], self.line_end(line)
        if self._ascii or encoding == "utf-32":
            return min(start + max(column, 0), end)
        text, at = self.text, start
        while at < end:
            width = units(text[at], encoding)
            if column < width:
                break
            column -= width
            at += 1
        return at

    def offset_of_ast(self, lineno: int, col_offset: int) -> int:
        """Offset of a position as `ast` gives it: one-based line, column in UTF-8 bytes."""
        if self._ascii:
            return self.starts[lineno - 1] + col_offset
        start = self.starts[lineno - 1]
        line = self.text[start : self.line_end(lineno - 1)]
        if line.isascii():
            return start + col_offset
        return start + len(line.encode("utf-8", "surrogatepass")[:col_offset].decode("utf-8", "ignore"))


def units(text: str, encoding: Encoding) -> int:
    """The length of `text` in code units of `encoding`."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)
    return len(text.encode("utf-8", "surrogatepass"))
