"""The comparison as plain data that outlives the program: what a report is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dry_debug.records import dataclass
from dry_debug.spec.compare import Item, Verdict, compare, compliance
from dry_debug.spec.instruction import FIELDS
from dry_debug.spec.shown import asked_text, got_text, plain, plain_asked, replacement
from dry_debug.spec.wording import advice, reason

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the compliance report. Lines are one-based; what is None is not there.

    `asked` and `got` are values as JSON has them, `asked_text` and `got_text` the same in words. `why` and `fix` are
    sentences; `note` says how a value came about ("8 x 4 accumulated = 32").
    """

    verdict: Verdict
    field: str
    role: str
    asked: Any
    got: Any
    asked_text: str
    got_text: str
    justification: str
    better: str
    explicit: bool
    file: str | None
    line: int | None
    cell: int | None
    source_file: str | None
    source_line: int | None
    source_text: str
    why: str = ""
    fix: str = ""
    note: str = ""
    written: str = ""  # how the code calls it: `batch_size = 32`

    @property
    def is_critical(self) -> bool:
        """Whether it must be fixed, or confirmed, before the program is run."""
        return self.verdict == "deviation" and self.explicit and not self.justification and not self.better

    @property
    def asks(self) -> tuple[str, str, str, str | None, int | None]:
        """What tells instructions apart."""
        return (self.field, self.role, self.asked_text, self.source_file, self.source_line)


def rows(program: Program) -> list[Row]:
    """The rows of one program."""
    found = compliance(program)
    return [_row(item, program) for item in (found.items if found.asked else compare([], program))]


def _row(item: Item, program: Program) -> Row:
    asked, got = item.instruction, item.got
    file: str | None = None
    line: int | None = None
    cell: int | None = None
    if got is not None and not (got.implied and item.verdict == "match"):
        file, line = got.place(program)
        if file == program.document.path and hasattr(got.anchor(program), "lineno"):
            position = program.document.position(program.span(got.anchor(program)).start)
            line, cell = position.line + 1, position.cell
    value = plain(item.field, got.value) if got is not None and got.known else None
    if asked is not None and asked.unit == "effective" and item.note and value is not None:
        total = re.search(r"= (\d+)\Z", item.note)
        value = int(total[1]) if total else value
    change = replacement(item, program) if item.verdict == "deviation" else None
    return Row(
        item.verdict,
        item.field,
        asked.role if asked is not None else got.role if got is not None else "",
        plain_asked(asked) if asked is not None else None,
        value,
        asked_text(asked) if asked is not None else "",
        got_text(got) if got is not None else "",
        item.justification,
        item.better,
        asked.explicit if asked is not None else False,
        file,
        line,
        cell,
        asked.path if asked is not None else None,
        asked.line if asked is not None else None,
        asked.text if asked is not None else "",
        reason(item) if item.verdict == "deviation" else "",
        advice(item, change, program) if item.verdict == "deviation" else "",
        item.note,
        _written(item, program),
    )


def _written(item: Item, program: Program) -> str:
    """`per_device_train_batch_size=32`, as the code has it."""
    got = item.got
    if got is None or got.implied or (got.traced is not None and got.traced.file is not None):
        return ""
    owner = got.traced.program if got.traced is not None else program
    node = got.traced.node if got.traced is not None else got.use
    return owner.short(node, 60) if hasattr(node, "lineno") else ""


def merged(groups: Iterable[Iterable[Row]]) -> list[Row]:
    """The rows of several files as one: what one of them does is done; each deviation is told once, where it is."""
    every = [row for group in groups for row in group]
    done = {row.asks for row in every if row.verdict in ("match", "deviation")}
    said = done | {row.asks for row in every if row.verdict == "cannot_tell"}
    asked = {row.field for row in every if row.verdict != "assumption"}
    kept: dict[tuple[Any, ...], Row] = {}
    for row in every:
        if row.verdict == "cannot_tell" and row.asks in done:
            continue
        if row.verdict == "not_implemented" and row.asks in said:
            continue
        if row.verdict == "assumption" and row.field in asked:
            continue
        where = (row.file, row.line) if row.verdict in ("deviation", "assumption") else ()
        kept.setdefault((row.verdict, row.asks if row.source_file else (row.field, row.got_text), where), row)
    return sorted(kept.values(), key=lambda row: (FIELDS.index(row.field), row.role, row.source_line or 0))
