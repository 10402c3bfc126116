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


def moved_before(program: Program, stmt: ast.stmt, other: ast.stmt) -> tuple[TextEdit, ...]:
    """`stmt`, a line of its own, moved before the statement of its block that holds `other`; () if that cannot be."""
    spot = _beside(program, stmt, other)
    taken = program.flow.whole_statement(stmt)
    if spot is None or taken is None or hasattr(stmt, "body") or "\n" in program.text(stmt):
        return ()
    return line_before(program, spot, program.text(stmt)), TextEdit(taken, "")


def moved_behind(program: Program, stmt: ast.stmt, other: ast.stmt) -> tuple[TextEdit, ...]:
    """`stmt`, a line of its own, moved behind the statement of its block that holds `other`; () if that cannot be."""
    spot = _beside(program, stmt, other)
    taken = program.flow.whole_statement(stmt)
    if spot is None or taken is None or hasattr(stmt, "body") or "\n" in program.text(stmt):
        return ()
    edit = line_behind(program, spot, program.text(stmt))
    return (TextEdit(taken, ""), edit) if edit is not None else ()


def _beside(program: Program, stmt: ast.stmt, other: ast.stmt) -> ast.stmt | None:
    """The statement in the same block as `stmt` that is `other` or holds it."""
    parent = program.index.parent.get(stmt)
    found: ast.AST = other
    for block in program.index.ancestors(other):
        if block is parent:
            break
        found = block
    same = found is not stmt and isinstance(found, ast.stmt) and program.index.parent.get(found) is parent
    return found if same and isinstance(found, ast.stmt) else None


def indented(program: Program, stmt: ast.stmt, header: str) -> tuple[TextEdit, ...]:
    """`header` in a line of its own before `stmt`, which becomes its block; () if something else shares its lines."""
    source, lines = program.document.source, program.document.lines
    span = program.span(stmt)
    indent = _indent(program, span.start)
    first, last = lines.line_of(span.start), lines.line_of(span.end)
    rest = source[span.end : lines.line_end(last)].strip()
    if indent is None or (rest and not rest.startswith("#")):
        return ()
    unit = _unit(program, stmt, indent)
    inside: set[int] = set()  # lines that begin inside a text
    for node in ast.walk(stmt):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            text = program.span(node)
            inside.update(range(lines.line_of(text.start) + 1, lines.line_of(text.end) + 1))
    edits = [TextEdit(Span(span.start, span.start), f"{header}{program.document.newline}{indent}{unit}")]
    for line in range(first + 1, last + 1):
        if line not in inside and lines.line_text(line).strip():
            at = lines.offset(line, 0)
            edits.append(TextEdit(Span(at, at), unit))
    return tuple(edits)


def _unit(program: Program, stmt: ast.stmt, indent: str) -> str:
    """By how much the file indents."""
    body = getattr(stmt, "body", None)
    if isinstance(body, list) and body:
        inner = _indent(program, program.span(body[0]).start)
        if inner is not None and inner.startswith(indent) and len(inner) > len(indent):
            return inner[len(indent) :]
    return "\t" if indent.startswith("\t") else "    "


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
