"""New entries in a dict that stands in the code, `{...}` or `dict(...)`, in its own layout."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import behind, indent_of, is_plain, quote_of, unit_of, width_of

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.payload import DictNode
    from dry_debug.program.program import Program

Entry = tuple[str, str]  # key, expression


def add_entries(
    changes: Changes, node: DictNode, entries: Sequence[Entry], program: Program, values: Mapping[ast.expr, str]
) -> bool:
    """Puts `entries` behind the last one: each in a line of its own where the others are, or where the line that holds
    them all would become too long. `values` are new texts of values that are there. False where a key cannot be
    written."""
    source, whole = program.document.source, program.span(node)
    brackets = ("{", "}")
    if isinstance(node, ast.Call):
        if not all(key.isidentifier() and not iskeyword(key) for key, _ in entries):
            return False
        rows = [f"{key}={value}" for key, value in entries]
        there: list[tuple[ast.AST | None, ast.expr]] = [(k if k.arg else None, k.value) for k in node.keywords]
        brackets = (f"{program.text(node.func)}(", ")")
    else:
        quote = quote_of(program, node)
        rows = [f"{quote}{key}{quote}: {value}" for key, value in entries]
        there = list(zip(node.keys, node.values, strict=True))
    if not there:
        changes.replace(whole, display(rows, node, program, brackets), program)
        return True
    first = there[-1][0] or there[-1][1]
    line = source.rfind("\n", 0, program.span(first).start) + 1
    lead = source[line : program.span(first).start]
    end = program.span(there[-1][1]).end
    tail = behind(source, end, whole.end - 1)
    one_line = "\n" not in source[whole.start : whole.end]
    opened = "\n" in source[whole.start : program.span(first).start]
    if opened and not lead.strip():
        _put(changes, values, program)
        _in_lines(changes, rows, tail, whole.end, lead, program)
        return True
    row_length = len(source[line : source.find("\n", whole.end)]) if "\n" in source[whole.end :] else whole.end - line
    if one_line and is_plain(program, node) and row_length + sum(len(r) + 2 for r in rows) > width_of(program):
        old = [_entry(k, v, program, values.get(v)) for k, v in there]
        changes.replace(whole, display([*old, *rows], node, program, brackets), program)
        return True
    _put(changes, values, program)
    changes.insert(tail, ", " + ", ".join(rows), program)
    return True


def _put(changes: Changes, values: Mapping[ast.expr, str], program: Program) -> None:
    for value, text in values.items():
        changes.replace(program.span(value), text, program)


def _in_lines(changes: Changes, rows: Sequence[str], tail: int, stop: int, lead: str, program: Program) -> None:
    """One row a line behind the entry that ends at `tail`, whose comment stays with it."""
    source, newline = program.document.source, program.document.newline
    index = program.document.lines
    end = index.line_end(index.line_of(tail))
    rest = source[tail:end].strip()
    comma = rest.startswith(",")
    if end < stop and (not rest.lstrip(",").strip() or rest.lstrip(",").strip().startswith("#")):
        if not comma:
            changes.insert(tail, ",", program)
        text = ",".join(f"{newline}{lead}{row}" for row in rows)
        changes.insert(end, text + ("," if comma else ""), program)
    else:
        changes.insert(tail, "".join(f",{newline}{lead}{row}" for row in rows), program)


def display(rows: Sequence[str], at: ast.AST, program: Program, brackets: tuple[str, str] = ("{", "}")) -> str:
    """A dict with `rows` at the place of `at`: in one line if it fits there, else one row a line."""
    source, span = program.document.source, program.span(at)
    opened, closed = brackets
    text = opened + ", ".join(rows) + closed
    line = source.rfind("\n", 0, span.start) + 1
    end = source.find("\n", span.end)
    rest = source[span.end : end if end >= 0 else len(source)]
    if span.start - line + len(text) + len(rest) <= width_of(program):
        return text
    stmt = next((s for s in _around(at, program)), None)
    indent = indent_of(program, stmt) if stmt is not None else None
    if not source[line : span.start].strip():
        indent = source[line : span.start]
    if indent is None:
        return text
    newline = program.document.newline
    inner = "".join(f"{newline}{indent}{unit_of(program)}{row}," for row in rows)
    return opened + inner + newline + indent + closed


def _around(at: ast.AST, program: Program) -> Sequence[ast.stmt]:
    """The statement that holds the expression `at`."""
    span = program.span(at)
    found = [
        s for s in program.index.parent
        if isinstance(s, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return)
        and program.span(s).start <= span.start and span.end <= program.span(s).end
    ]  # fmt: skip
    return found[-1:]


def _entry(key: ast.AST | None, value: ast.expr, program: Program, text: str | None) -> str:
    if key is None:
        return f"**{program.text(value)}"
    start, at = program.span(key).start, program.span(value)
    whole = _balanced(program.document.source, start, at.end)
    return whole if text is None else whole[: at.start - start] + text + whole[at.end - start :]


def _balanced(source: str, start: int, end: int) -> str:
    """The text from `start` to `end` with the parentheses around the value that close behind it."""
    text = source[start:end]
    while text.count("(") > text.count(")") and source[end : end + 1] in (")", " "):
        end += 1
        text = source[start:end]
    return text
