"""Edits of one or several files that are made together: from what a builder wants to a Fix that can be applied."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Applicability, Fix, Need
from dry_debug.lint.needs import NeedConflict, edits_of
from dry_debug.program.parsing import parse
from dry_debug.records import dataclass, field, replace
from dry_debug.text.spans import OverlappingEdits, Span, TextEdit, apply_edits

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(slots=True)
class _File:
    program: Program
    edits: list[TextEdit] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)


class Changes:
    """What a fix changes: of `program` itself, and of other files of the project."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._files: dict[str, _File] = {}

    def __bool__(self) -> bool:
        return any(file.edits for file in self._files.values())

    def _file(self, program: Program | None) -> _File:
        program = program or self.program
        return self._files.setdefault(program.document.path, _File(program))

    def replace(self, span: Span, text: str, program: Program | None = None) -> None:
        self._file(program).edits.append(TextEdit(span, text))

    def insert(self, at: int, text: str, program: Program | None = None) -> None:
        """`text` at the offset `at`, behind what was inserted there before."""
        edits = self._file(program).edits
        for index, edit in enumerate(edits):
            if edit.span == Span(at, at):
                edits[index] = TextEdit(edit.span, edit.content + text)
                return
        edits.append(TextEdit(Span(at, at), text))

    def inserted(self, at: int, program: Program | None = None) -> str:
        """What is inserted at the offset `at` so far."""
        return "".join(e.content for e in self._file(program).edits if e.span == Span(at, at))

    def need(self, *needs: Need, program: Program | None = None) -> None:
        self._file(program).needs.extend(need for need in needs if need not in self._file(program).needs)

    def indent(self, span: Span, unit: str, program: Program | None = None) -> None:
        """Every line of `span` one step further in, what is inserted there included; the first line starts there."""
        file = self._file(program)
        source = file.program.document.source
        file.edits = [
            TextEdit(e.span, e.content.replace("\n", f"\n{unit}"))
            if span.start <= e.span.start and e.span.end <= span.end
            else e
            for e in file.edits
        ]
        at = source.find("\n", span.start, span.end)
        while at >= 0:
            if source[at + 1 : at + 2] not in ("\n", "\r", ""):
                self.insert(at + 1, unit, program)
            at = source.find("\n", at + 1, span.end)

    def fix(self, title: str, applicability: Applicability = "unsafe") -> Fix | None:
        """The fix; None where its parts overlap, a name that it needs is taken, or a file would not parse."""
        own: _File = self._file(None)
        elsewhere = []
        try:
            for file in self._files.values():
                fix = Fix(title, applicability, tuple(sorted(file.edits)), tuple(file.needs))
                edits = edits_of(file.program.document, fix)
                after = replace(file.program.document, source=apply_edits(file.program.document.source, edits))
                if not isinstance(parse(after), ast.Module):
                    return None
                if file is not own and edits:
                    elsewhere.append((file.program.document.path, edits))
        except (NeedConflict, OverlappingEdits, SyntaxError, ValueError):
            return None
        return Fix(title, applicability, tuple(sorted(own.edits)), tuple(own.needs), tuple(elsewhere))
