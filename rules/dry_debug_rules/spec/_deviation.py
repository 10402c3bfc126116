"""What the rules about deviations share: a diagnostic on the code's value, the instruction's line, the fix."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from dry_debug.lint.finding import Fix, Place, Related
from dry_debug.lint.rule import FixKind, Report, WholeRule
from dry_debug.program.links import Link
from dry_debug.spec.sources import sources_of
from dry_debug.text.spans import TextEdit

from dry_debug_rules.spec._pointing import asked_here, short, source_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.compare import Item

TRIGGERS = (("torch", "transformers", "vllm", "sglang", "lightning"),)


class DeviationRule(WholeRule):
    """A rule about some fields. A deviation from an explicit source is critical, from another one a warning, one that
    a comment justifies or that is better than what was asked a note."""

    triggers = TRIGGERS
    fix_kind: ClassVar[FixKind] = "unsafe"
    depends_on_names = True  # `weight_decay = 0.001` is a hyperparameter by what it is called
    fields: ClassVar[frozenset[str]]

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        from dry_debug.spec.compare import compare

        items = self._items(program) or [i for i in compare([], program) if i.field in self.fields]
        return (node for item in items if (node := item.node(program)) is not None)

    def check(self, program: Program) -> Iterator[Report]:
        if not sources_of(program):  # as for most programs: nothing else is loaded
            program.why(None, "there are no instructions for this file (SPEC.md, or the file that `spec` names)")
            return
        items = self._items(program)
        if program.why.listens:
            _tell(items, program)
        seen: set[ast.AST] = set()
        for item in items:
            node = item.node(program)
            if item.verdict == "deviation" and node is not None and node not in seen:
                seen.add(node)
                yield self._report(item, node, program)

    def _items(self, program: Program) -> list[Item]:
        from dry_debug.spec.compare import compliance

        return [item for item in compliance(program).items if item.field in self.fields]

    def _report(self, item: Item, node: ast.AST, program: Program) -> Report:
        from dry_debug.spec.instruction import in_words
        from dry_debug.spec.shown import asked_text, got_text, replacement

        asked, got = item.instruction, item.got
        assert asked is not None and got is not None
        name = source_name(asked.path, program)
        title = f"Use what was asked for, {short(asked_text(asked), 50)}"
        field = in_words(item.field)
        headline = (
            f"{field} is {short(got_text(got), 34)}, but {name} line {asked.line} asks for "
            f"{short(asked_text(asked), 34)}"
        )
        if "=" in item.note:
            headline = f"{field} is {item.note}, but {name} line {asked.line} asks for {short(asked_text(asked), 34)}"
        note = item.better or (
            f"The comment gives a reason: {item.justification.rstrip('.')}" if item.justification else ""
        )
        change = replacement(item, program)
        return Report(
            at=node,
            headline=short(headline, 100),
            confidence="high",
            links=lambda: [
                Link("resolution", "high", f"the code sets it to {short(got_text(got), 40)} and to nothing else")
            ],
            severity="suggestion" if item.is_note else None if asked.explicit else "warning",
            why=f"{note}." if note else None,
            related=[*places(item, program)],
            fix=(lambda: Fix(title, "unsafe", (TextEdit(program.span(change[0]), change[1]),)))
            if change is not None
            else None,
            fix_title=title if change is not None else "",
        )


def places(item: Item, program: Program) -> Iterator[Related]:
    """The line of the instruction, and the line of the configuration file that gives the value."""
    asked, got = item.instruction, item.got
    if asked is not None:
        yield asked_here(asked, program)
    one = got.traced if got is not None else None
    if one is not None and one.file is not None and one.line is not None:
        yield Related("the value stands here", place=Place(one.file, one.line - 1, 0, one.line - 1, 0))
    elif one is not None and one.program is not program and hasattr(one.node, "lineno"):
        owner = one.program
        start, end = (owner.document.position(at) for at in (owner.span(one.node).start, owner.span(one.node).end))
        place = Place(owner.document.path, start.line, start.column, end.line, end.column, start.cell)
        yield Related("the value stands here", place=place)


def _tell(items: list[Item], program: Program) -> None:
    """Tells of each value what the instructions say of it."""
    from dry_debug.spec.shown import asked_text

    told: set[ast.AST] = set()
    for item in items:
        node = item.node(program)
        if node is None or item.verdict == "deviation" or node in told:
            continue
        told.add(node)
        if item.instruction is None:
            program.why(node, f"the instructions do not mention `{item.field}`")
            continue
        asked = item.instruction
        text = f"{source_name(asked.path, program)} line {asked.line} asks for {asked_text(asked)}"
        if item.verdict == "match":
            program.why(node, f"{text}, and the code does that")
        else:
            program.why(node, f"{text}; the code sets several values, or one that cannot be read")
