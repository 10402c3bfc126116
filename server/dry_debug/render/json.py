"""One JSON list, in the shape of ruff's: the contract for programs."""

import json
from collections.abc import Iterator, Sequence

from dry_debug.render.formats import Context
from dry_debug.render.record import Record, contract


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """The list, indented by two."""
    yield json.dumps([contract(record) for record in records], indent=2)
