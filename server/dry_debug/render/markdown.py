"""A report for a pull request or an issue: a section for each file, an item for each finding."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from dry_debug.render.formats import Context
from dry_debug.render.record import Record, shown
from dry_debug.render.summary import summary


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """The report, with the summary under its title."""
    yield "# Dry Debug"
    yield ""
    yield from summary(records, context)
    for path, group in groupby(records, key=lambda record: record["filename"]):
        yield ""
        yield f"## {code_span(context.shown_path(path))}"
        yield ""
        for record in group:
            cell = f"cell {record['cell']}, " if record["cell"] is not None else ""
            place = f"{cell}line {record['location']['row']}"
            yield f"- **{record['severity']}**, {place}: {record['message']} (`{record['name']}`)"
            if record["why"]:
                yield f"  - Why: {record['why']}"
            for step in record["related"]:
                other = f"{code_span(context.shown_path(step['filename']))} " if step["filename"] != path else ""
                inside = f"cell {step['cell']}, " if step["cell"] is not None else ""
                yield f"  - Evidence: {other}{inside}line {step['location']['row']}: {step['message']}"
            if shown(record)["fix_title"]:
                yield f"  - Fix: {shown(record)['fix_title']}"


def code_span(text: str) -> str:
    """`text` as inline code, whatever backticks are in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"
