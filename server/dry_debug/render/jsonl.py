"""One JSON object a line, each as in the JSON format."""

import json
from collections.abc import Iterator, Sequence

from dry_debug.render.formats import Context
from dry_debug.render.record import Record, contract


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """One line for each record."""
    for record in records:
        yield json.dumps(contract(record))
