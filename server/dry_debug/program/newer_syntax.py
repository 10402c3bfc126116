"""Code for a newer Python than the one that runs Dry Debug, in the syntax of 3.11 (what `ast.parse` there reads).

Type parameters (PEP 695, 696), `type X = ...`, f-strings with their own quotes, backslashes, comments and lines in them
(PEP 701), t-strings (PEP 750), `except A, B:` (PEP 758). What is in the way is blanked: every line, and within a line
every byte offset (which is what `ast` counts in), stays. libcst reads all of it, but breaks down on deep nesting.
"""

from __future__ import annotations

import re

_SIGN = re.compile(
    r"^[ \t]*(?:type[ \t]+\w+\s*[\[=]|(?:async[ \t]+)?def[ \t]+\w+\s*\[|class[ \t]+\w+\s*\[|except\b[^:\n]*,)"
    r"|\b[fFtT][rR]?['\"]|\b[rR][fFtT]['\"]",
    re.MULTILINE,
)
_STOP = re.compile(r"['\"#\n()\[\]{}\\]")
_IN_TEXT = re.compile(r"['\"{}\\\n]")
_IN_EXPRESSION = re.compile(r"['\"#\n()\[\]{}:\\]")
_PREFIX = re.compile(r"(?<!\w)[a-zA-Z]{1,2}\Z")
_ALIAS = re.compile(r"type[ \t]+([^\W\d]\w*)[ \t]*(?=[\[=])")
_GENERIC = re.compile(r"(?:(?:async[ \t]+)?def|class)[ \t]+[^\W\d]\w*[ \t]*(?=\[)")
_EXCEPT = re.compile(r"except\b[ \t]*\*?")
_IN_HANDLER = re.compile(r"[,:'\"#\n()\[\]]")
_LONGEST = 1_000_000  # characters: longer files that do not parse are data, or hostile
_DEEPEST = 20  # f-strings in f-strings


def in_older_syntax(source: str) -> str | None:
    """`source` with what only newer Pythons read taken out; None if there is nothing of the kind.

    In UTF-8 the result has as many bytes in each line as `source`.
    """
    if len(source) > _LONGEST or _SIGN.search(source) is None:
        return None
    scanner = _Scanner(source)
    try:
        scanner.scan()
    except _Unfinished:
        return None
    return scanner.result() if scanner.edits else None


class _Unfinished(Exception):
    """A string or a bracket without an end: no Python reads that."""


class _Scanner:
    """One pass over a text, from string to string and from line to line."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.edits: list[tuple[int, int, str]] = []  # start, end, text of as many bytes

    def result(self) -> str:
        parts, at = [], 0
        for start, end, text in sorted(self.edits):
            if start >= at:  # a string in type parameters is blanked with them
                parts += [self.source[at:start], text]
                at = end
        return "".join([*parts, self.source[at:]])

    def scan(self) -> None:
        at = depth = 0
        self._line(0)
        while (found := _STOP.search(self.source, at)) is not None:
            char, at = found.group(), found.end()
            if char in "'\"":
                at = self._string(found.start())
            elif char == "#":
                at = self._line_end(at)
            elif char == "\n":
                if depth == 0:
                    self._line(at)
            elif char == "\\":
                at += 1  # a line that goes on in the next one
            else:
                depth = max(0, depth + (1 if char in "([{" else -1))

    def _line(self, at: int) -> None:
        """What a statement that begins in this line opens with."""
        while at < len(self.source) and self.source[at] in " \t":
            at += 1
        head = _GENERIC.match(self.source, at)
        if head is not None:
            self._blank(head.end(), self._closed(head.end()))
        elif (head := _ALIAS.match(self.source, at)) is not None:
            name = head.group(1)
            start = head.end()
            if self.source[start] == "[":
                start = self._closed(start)
            self.edits.append((at, start, name + _joined(self.source[at:start])[len(name.encode()) :]))
        elif (head := _EXCEPT.match(self.source, at)) is not None:
            self._handler(head.end())

    def _handler(self, at: int) -> None:
        """`except A, B:` without what stands behind the first comma."""
        comma = None
        depth = 0
        while (found := _IN_HANDLER.search(self.source, at)) is not None:
            char, at = found.group(), found.end()
            if char in "([":
                depth += 1
            elif char in ")]":
                depth -= 1
            elif char == "," and depth == 0 and comma is None:
                comma = found.start()
            elif char == ":" and depth == 0:
                if comma is not None:
                    self._blank(comma, found.start())
                return
            elif char in "'\"#\n":
                return

    def _closed(self, at: int) -> int:
        """The offset behind the bracket that closes the one at `at`."""
        depth = 0
        while (found := _STOP.search(self.source, at)) is not None:
            char, at = found.group(), found.end()
            if char in "'\"":
                at = self._string(found.start())
            elif char == "#":
                at = self._line_end(at)
            elif char in "([{":
                depth += 1
            elif char in ")]}":
                depth -= 1
                if depth <= 0:
                    return at
        raise _Unfinished

    def _line_end(self, at: int) -> int:
        end = self.source.find("\n", at)
        return end if end >= 0 else len(self.source)

    def _blank(self, start: int, end: int) -> None:
        self.edits.append((start, end, _joined(self.source[start:end])))

    def _string(self, quote_at: int) -> int:
        """The offset behind the string whose first quote stands at `quote_at`."""
        prefix = _PREFIX.search(self.source, max(0, quote_at - 3), quote_at)
        start = prefix.start() if prefix is not None else quote_at
        letters = self.source[start:quote_at].lower()
        before = len(self.edits)
        end, newer = self._end(quote_at, letters, 0)
        if newer:
            del self.edits[before:]
            self.edits.append((start, end, _plain(self.source[start:end])))
        elif "t" in letters:
            self.edits.append((start, quote_at, self.source[start:quote_at].replace("t", "f").replace("T", "F")))
        return end

    def _end(self, quote_at: int, letters: str, level: int) -> tuple[int, bool]:
        """(the offset behind the string, whether only newer Pythons read what is in its braces)."""
        source = self.source
        quote = source[quote_at] * 3 if source.startswith(source[quote_at] * 3, quote_at) else source[quote_at]
        at = quote_at + len(quote)
        braces = "f" in letters or "t" in letters
        newer = False
        modes: list[str] = []  # of the open braces: `{` an expression, `:` its format, `(` a bracket in an expression
        while True:
            reads = bool(modes) and modes[-1] != ":"
            found = (_IN_EXPRESSION if reads else _IN_TEXT).search(source, at)
            if found is None:
                raise _Unfinished
            char, at = found.group(), found.end()
            if reads:
                if char in "'\"":
                    if level >= _DEEPEST:
                        raise _Unfinished
                    prefix = _PREFIX.search(source, max(0, at - 4), found.start())
                    newer = newer or (char == quote[0] and (len(quote) == 1 or source.startswith(quote, found.start())))
                    at, inner = self._end(found.start(), prefix.group().lower() if prefix else "", level + 1)
                    newer = newer or inner
                elif char in "#\\":
                    newer = True
                    at = self._line_end(at) if char == "#" else at
                elif char == "\n":
                    newer = newer or len(quote) == 1
                elif char == ":":
                    if modes[-1] == "{":
                        modes[-1] = ":"
                elif char in "([{":
                    modes.append("(")
                else:
                    modes.pop()
            elif char == "\\":
                at += 1
                newer = newer or level > 0
            elif char == "\n":
                if len(quote) == 1 and not modes:
                    raise _Unfinished
            elif char == "{" and braces:
                if not modes and source.startswith("{", at):
                    at += 1
                else:
                    modes.append("{")
            elif char == "}":
                if modes:
                    modes.pop()
            elif char in "'\"" and not modes and source.startswith(quote, found.start()):
                return found.start() + len(quote), newer


def _blanked(text: str) -> str:
    """As many spaces as `text` has bytes in UTF-8; its line ends stay."""
    return "".join(char if char in "\r\n" else " " * len(char.encode("utf-8", "surrogatepass")) for char in text)


def _joined(text: str) -> str:
    """`_blanked`, in lines that go on: a backslash stands at the end of each but the last."""
    lines = _blanked(text).split("\n")
    for number, line in enumerate(lines[:-1]):
        end = "\r" if line.endswith("\r") else ""
        blanks = line.removesuffix("\r")
        if not blanks:
            raise _Unfinished  # an empty line has no place for it
        lines[number] = f"{blanks[:-1]}\\{end}"
    return "\n".join(lines)


def _plain(text: str) -> str:
    """A string without braces, of as many bytes and lines as the literal `text`."""
    if text.endswith(('"""', "'''")):
        return f'"""{_blanked(text)[3:-3]}"""'
    return f'""{_joined(text)[2:]}'
