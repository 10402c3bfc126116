"""Workflow commands of GitHub Actions, which shows them as annotations at the lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands: `%`, CR and LF are escaped in the
message, `:` and `,` too in a property. Columns are given only where start and end stand on one line.
"""

from collections.abc import Iterator, Sequence

from dry_debug.render.formats import Context
from dry_debug.render.record import Record

_COMMANDS = {"critical": "error", "warning": "warning", "suggestion": "notice"}


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """One command for each record."""
    for record in records:
        start, end = record["location"], record["end_location"]
        properties = {
            "title": f"Dry Debug ({record['code']} {record['name']})",
            "file": context.shown_path(record["filename"]),
        }
        if record["cell"] is None:  # a row of a cell is no line of the notebook's file
            properties |= {"line": str(start["row"]), "endLine": str(end["row"])}
            if start["row"] == end["row"]:
                properties |= {"col": str(start["column"]), "endColumn": str(end["column"])}
        cell = f"cell {record['cell']}, line {start['row']}: " if record["cell"] is not None else ""
        message = f"{cell}{record['message']}. {record['why']}".strip()
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        yield f"::{_COMMANDS[record['severity']]} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
