"""Edits that put a new statement before or behind a statement, in its own line, with its indentation and line end."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def line_before(program: Program, stmt: ast.stmt, code: str) -> TextEdit:
    """`code` in lines of its own before `stmt`; in the same line where `stmt` shares its line with another.

    Further lines of `code` stand behind line feeds, indented as if the first one were not.
    """
    source = program.document.source
    start = program.span(stmt).start
    decorators = getattr(stmt, "decorator_list", [])
    if decorators:
        start = min(start, source.rfind("@", 0, program.span(decorators[0]).start))
    indent = _indent(program, start)
    if indent is None:
        return TextEdit(Span(start, start), f"{code}; ")
    lines = (f"{line}{program.document.newline}{indent}" for line in code.split("\n"))
    return TextEdit(Span(start, start), "".join(lines))


def line_after(program: Program, stmt: ast.stmt, code: str) -> TextEdit | None:
    """`code` in a line of its own behind `stmt`, a simple statement; None for a block."""
    if hasattr(stmt, "body"):
        return None
    source, span = program.document.source, program.span(stmt)
    lines = program.document.lines
    end = lines.line_end(lines.line_of(span.end))
    rest = source[span.end : end].strip()
    indent = _indent(program, span.start)
    if indent is None or (rest and not rest.startswith("#")):
        return TextEdit(Span(span.end, span.end), f"; {code}")
    return TextEdit(Span(end, end), f"{program.document.newline}{indent}{code}")


def line_behind(program: Program, stmt: ast.stmt, code: str) -> TextEdit | None:
    """`code` in a line of its own behind a whole statement, a block too; None where something else shares its lines."""
    if not hasattr(stmt, "body"):
        return line_after(program, stmt, code)
    source, span = program.document.source, program.span(stmt)
    lines = program.document.lines
    end = lines.line_end(lines.line_of(span.end))
    rest = source[span.end : end].strip()
    indent = _indent(program, span.start)
    if indent is None or (rest and not rest.startswith("#")):
        return None
    return TextEdit(Span(end, end), f"{program.document.newline}{indent}{code}")


def _indent(program: Program, start: int) -> str | None:
    """The white space before the statement at `start`; None if something else stands there."""
    lines = program.document.lines
    line = lines.line_of(start)
    prefix = program.document.source[lines.offset(line, 0) : start]
    return prefix if not prefix.strip() else None


def under(program: Program, stmt: ast.stmt, head: str) -> tuple[TextEdit, ...]:
    """Edits that put `stmt` into a block of its own below the line `head` (`if rank == 0:`); () where they cannot.

    They cannot where the statement shares its line with another, or holds a text of several lines.
    """
    source, span, lines = program.document.source, program.span(stmt), program.document.lines
    indent = _indent(program, span.start)
    last = lines.line_of(span.end)
    rest = source[span.end : lines.line_end(last)].strip()
    if indent is None or (rest and not rest.startswith("#")) or _texts_over_lines(stmt):
        return ()
    step = _step(program, stmt, indent)
    edits = [TextEdit(Span(span.start, span.start), f"{head}{program.document.newline}{indent}{step}")]
    for line in range(lines.line_of(span.start) + 1, last + 1):
        start = lines.offset(line, 0)
        if source[start : lines.line_end(line)].strip():
            edits.append(TextEdit(Span(start, start), step))
    return tuple(edits)


def _texts_over_lines(stmt: ast.stmt) -> bool:
    return any(
        isinstance(n, ast.JoinedStr | ast.Constant) and n.end_lineno is not None and n.end_lineno > n.lineno
        for n in ast.walk(stmt)
    )


def _step(program: Program, stmt: ast.stmt, indent: str) -> str:
    """What one more level of indentation is, by the block around the statement."""
    for block in program.index.ancestors(stmt):
        if not isinstance(block, ast.Module):
            outer = _indent(program, program.span(block).start)
            if outer is not None and indent.startswith(outer) and indent != outer:
                return indent[len(outer) :]
    return "\t" if indent.startswith("\t") else "    "
