"""The last hand on the facts: every item complete, once, in the order of the file; notebooks by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dry_debug.text.document import Document

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Components that the model knows and the contract does not name.
_INTERNAL = frozenset(("early_stopping",))


def settled(found: dict[str, Any]) -> dict[str, Any]:
    """The facts with each list in the order of the lines (what stands in other files last) and nothing twice."""
    found["components"] = [row for row in found["components"] if row["kind"] not in _INTERNAL]
    distributed = found["distributed"]
    for holder, kind in [*((found, kind) for kind in found), (distributed, "wrappers")]:
        if isinstance(holder[kind], list):
            holder[kind] = _rows(holder[kind])
    distributed["rank_guards"] = sorted(set(distributed["rank_guards"]))
    return found


def _rows(rows: list[Any]) -> list[Any]:
    once: list[Any] = []
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, dict):
            row.setdefault("confidence", "high")
        key = repr(sorted(row.items()) if isinstance(row, dict) else row)
        if key not in seen:
            seen.add(key)
            once.append(row)
    if once and isinstance(once[0], dict):
        once.sort(key=lambda row: (row.get("file") or "", row["line"]))
    return once


def plain(program: Program) -> Program:
    """The same program as one file without cells, whose lines are those of the whole source."""
    from dry_debug.program.program import Program

    document = Document.from_text(program.document.source, program.document.path)
    return Program(document, program.tree, program.host)


def in_cells(found: dict[str, Any], document: Document) -> dict[str, Any]:
    """The facts of `plain` with lines counted within the cell of the notebook, which each item names."""

    def place(line: int) -> tuple[int | None, int]:
        at = document.position(document.lines.starts[line - 1])
        return at.cell, at.line + 1

    distributed = found["distributed"]
    for rows in (*found.values(), distributed["wrappers"]):
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("file") is None:
                row["cell"], row["line"] = place(row["line"])
                if "end_line" in row:
                    row["end_line"] = place(row["end_line"])[1]
                via = row.get("via", "")
                if isinstance(via, str) and via.startswith(f"{document.path}:"):
                    cell, line = place(int(via.rpartition(":")[2]))
                    row["via"] = f"{document.path}:cell {cell}:{line}"
    distributed["rank_guards"] = [place(line)[1] for line in distributed["rank_guards"]]
    return found
