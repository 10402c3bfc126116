"""One line a finding, the form that terminals and editors make links of: `path:row:column: CODE severity: message`."""

from collections.abc import Iterator, Sequence

from dry_debug.render.formats import Context, where
from dry_debug.render.record import Record, shown


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """One line for each record."""
    paint = context.paint
    for record in records:
        code = paint("code", record["code"])
        severity = paint(record["severity"], record["severity"])
        fixable = " [*]" if shown(record)["fixable"] else ""
        name = paint("dim", f"({record['name']})")
        yield f"{where(record, context)}: {code}{fixable} {severity}: {_one_line(record['message'])} {name}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
