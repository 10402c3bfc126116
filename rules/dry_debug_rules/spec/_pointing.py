"""How a finding points at the instruction that it rests on: the source by name, the line, what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.lint.finding import Place, Related

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.instruction import Instruction


def asked_here(asked: Instruction, program: Program) -> Related:
    """The line of an instruction, in the file itself or in the one that asks."""
    message = f"asked for here: {short(asked.text, 120)}"
    if asked.path == program.document.path:
        return Related(message, span=program.document.span_of_line(asked.line))
    text = asked.text[:400]
    return Related(message, place=Place(asked.path, asked.line - 1, 0, asked.line - 1, len(text), None, "", text))


def source_name(path: str, program: Program) -> str:
    """What a message calls a source: the file's name; the file's own comment or docstring."""
    if path == program.document.path:
        return "the comment in"
    return path.replace("\\", "/").rpartition("/")[2]


def short(text: str, limit: int) -> str:
    """The text on one line, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
