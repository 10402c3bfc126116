"""What launchers, engines, log collectors and mail programs put before every line, and whose line it then is."""

from __future__ import annotations

import re

_SOURCE = r"\[(?:default|rank) ?\d+\]:?|\([^()]{0,80}\bpid=\d+[^()]{0,80}\)"
# One blank belongs to a prefix, further ones are indentation.
_PREFIX = re.compile(
    rf"(?:({_SOURCE})|"
    r"(?:ERROR|INFO|WARNING|DEBUG|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d (?:\[[^\]]{1,120}\]|\S{1,120}\])|"
    r"\[?[EWI]?\d{3,4}[ -]\d\d:\d\d:\d\d[.\d]{0,8} {1,3}\d+ [^\]]{1,80}\]|>) ?"
)
_HEADER = "Traceback (most recent call last)"
_FIRST = frozenset("[(>EIWDC")
_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?")
_NUMBER = re.compile(r"\d+")
_END = re.compile(r"[\]:|)\dZ]$")
_PLAIN_WORD = re.compile(r"(?<![\w\[])[a-z]{2,}(?![\w\[=])")
_LONGEST = 120  # code points of a prefix
_MOST = 8  # shapes of prefixes that are learned from one text


class Prefixes:
    """Takes prefixes off the lines of one text, which are given in their order.

    Well-known ones are known; of another one the shape is learned where it stands before the header of a traceback.
    """

    def __init__(self) -> None:
        self._learned: dict[str, re.Pattern[str]] = {}

    def teaches(self, line: str) -> bool:
        """Whether the shape of a prefix may be learned from the line, so that the lines before it are cut as well."""
        return _HEADER in line

    def cut(self, line: str) -> tuple[str, str]:
        """Whose line it is (a rank, a process; empty: nobody's), and the line without what was put before it."""
        source = ""
        for _ in range(4):
            start = line.lstrip()
            found = _PREFIX.match(start) if start[:1] in _FIRST else None
            if found:
                source, line = source + (found[1] or ""), start[found.end() :]
                continue
            if _HEADER in line:
                self._learn(line[: line.index(_HEADER)])
            found = next((match for pattern in self._learned.values() if (match := pattern.match(line))), None)
            if found is None:
                break
            source, line = source + _TIME.sub("", found[0]).strip(), line[found.end() :]
        return source, line

    def _learn(self, before: str) -> None:
        """`before` stands before the header of a traceback. A notebook and some programs write words there."""
        bare = before.strip()
        if not bare or len(before) > _LONGEST or not _END.search(bare) or len(_PLAIN_WORD.findall(bare)) > 1:
            return
        shape = _NUMBER.sub("0", bare)
        if shape not in self._learned and len(self._learned) < _MOST:
            parts = [re.escape(part) for part in _NUMBER.split(before.rstrip())]
            self._learned[shape] = re.compile(r"\d{1,20}".join(parts) + " ?")
