"""How a file is laid out, and new lines in that layout: indentation, quotes, width, names that are free."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.program import Program

WIDE, WIDER = 100, 120


def indent_of(program: Program, stmt: ast.AST) -> str | None:
    """The white space before a statement; None where it shares its line with another before it."""
    source, start = program.document.source, program.span(stmt).start
    lead = source[source.rfind("\n", 0, start) + 1 : start]
    return lead if not lead.strip() else None


def unit_of(program: Program) -> str:
    """One step of indentation in this file."""
    for line in program.document.source.splitlines():
        body = line.lstrip(" \t")
        lead = line[: len(line) - len(body)]
        if lead and body and not body.startswith("#"):
            if lead[0] == "\t":
                return "\t"
            if len(lead) in (2, 4, 8):
                return lead
    return "    "


def width_of(program: Program) -> int:
    """How long lines of this file may be: what is usual, unless it has longer ones."""
    longest = max((len(line) for line in program.document.source.splitlines()), default=0)
    return WIDE if longest <= WIDE else WIDER


def quote_of(program: Program, node: ast.AST | None = None) -> str:
    """The quote that the keys of a dict or the arguments of a call have, else the one that the file uses more often."""
    given = [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else getattr(node, "keys", ())
    for key in given:
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and program.text(key)[0] in "'\"":
            return program.text(key)[0]
    source = program.document.source
    return "'" if source.count("'") > source.count('"') else '"'


def quoted(program: Program, text: str, node: ast.AST | None = None) -> str:
    quote = quote_of(program, node)
    return f"{quote}{text}{quote}"


def in_quotes(program: Program, text: str) -> str:
    """The text of a helper with the quotes that the file uses; docstrings keep theirs."""
    if quote_of(program) == '"' or "'" in text:
        return text
    return '"""'.join(part.replace('"', "'") for part in text.split('"""'))


def free_name(program: Program, *names: str) -> str | None:
    """The first of `names` that occurs nowhere in the file."""
    return next((n for n in names if not re.search(rf"\b{n}\b", program.document.source)), None)


def lines_after(
    changes: Changes, stmt: ast.stmt, lines: Sequence[str], program: Program, like: ast.stmt | None = None
) -> bool:
    """`lines` behind a statement, indented as it is (or as `like`); False where something else shares its last line.

    Steps of indentation inside `lines` are tabs; they become those of the file.
    """
    if not lines:
        return True
    indent = indent_of(program, like if like is not None else stmt)
    index, end = program.document.lines, program.span(stmt).end
    stop = index.line_end(index.line_of(end))
    rest = program.document.source[end:stop].strip()
    if indent is None or (rest and not rest.startswith("#")):
        return False
    newline = program.document.newline
    changes.insert(stop, "".join(newline + indent + _stepped(line, program) for line in lines), program)
    return True


def lines_before(changes: Changes, stmt: ast.stmt, lines: Sequence[str], program: Program) -> bool:
    """`lines` before a statement, indented as it is; False where another shares its line."""
    indent = indent_of(program, stmt)
    if not lines or indent is None:
        return not lines
    at = program.span(stmt).start - len(indent)
    newline = program.document.newline
    changes.insert(at, "".join(indent + _stepped(line, program) + newline for line in lines), program)
    return True


def _stepped(line: str, program: Program) -> str:
    body = line.lstrip("\t")
    return unit_of(program) * (len(line) - len(body)) + body


def behind(source: str, at: int, stop: int) -> int:
    """Behind the closing parentheses of the expression that ends at `at`, before a comma or a comment."""
    end = at
    while at < stop and source[at] not in ",#":
        at += 1
        if source[at - 1] == ")":
            end = at
    return end


def is_plain(program: Program, node: ast.AST) -> bool:
    """Whether the text of a node can be laid out anew: no comment, no string over several lines."""
    text = program.text(node)
    return "#" not in text and '"""' not in text and "'''" not in text and "\\\n" not in text
