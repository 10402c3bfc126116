"""What the code chose without being asked for it, line by line: what an editor shows above the lines."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.records import dataclass
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.compare import Item
    from dry_debug.text.spans import Span

_LONGEST = 60  # characters of a value that are shown


@dataclass(frozen=True, slots=True)
class Assumed:
    """The assumptions of one line of the program: `span` is that of the first value, `text` names them all."""

    span: Span
    text: str


def assumed(program: Program) -> list[Assumed]:
    """The assumptions of `program` in the order of its lines, where it is compared with instructions that somebody has
    written down for it; without such instructions every value would be one. Values that stand in other files are not
    among them: no line of this one sets them."""
    explicit = [source for source in sources_of(program) if source.explicit]
    hyper = program.training.hyper
    if not explicit or not (hyper.frameworks or program.training.is_training):
        return []
    from dry_debug.spec.compare import compliance

    every = compliance(program)
    asking = {asked.path for asked in every.asked if asked.explicit}
    source = next((source for source in explicit if source.path in asking), None)
    if source is None:
        return []  # the file asks for nothing that could be compared
    lines: dict[int, list[tuple[Span, str]]] = {}
    for item in every.items:
        node = _node(item, program)
        if node is not None:
            span = program.span(node)
            line = program.document.position(span.start)
            lines.setdefault(program.document.offset(line.line, 0, cell=line.cell), []).append(
                (span, _said(item, node, program))
            )
    name = source.path.replace("\\", "/").rpartition("/")[2]
    found: list[Assumed] = []
    for _, values in sorted(lines.items()):
        values.sort(key=lambda value: value[0].start)
        found.append(Assumed(values[0][0], f"not in {name}: {', '.join(dict.fromkeys(text for _, text in values))}"))
    return found


def _node(item: Item, program: Program) -> ast.AST | None:
    """The expression of this program that decides an assumption."""
    got = item.got
    if item.verdict != "assumption" or got is None or got.place(program)[0] != program.document.path:
        return None
    node = item.node(program)
    return node if hasattr(node, "lineno") else None


def _said(item: Item, node: ast.AST, program: Program) -> str:
    """`weight_decay 0.01`: a number as the code writes it, everything else in words."""
    from dry_debug.spec.shown import got_text

    assert item.got is not None
    number = isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)
    text = program.text(node) if number else " ".join(got_text(item.got).split())
    role = f" ({item.got.role})" if item.got.role else ""
    return f"{item.field}{role} {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}"
