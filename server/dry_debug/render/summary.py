"""The lines after the findings: how many of which severity, how many can be fixed; and the statistics by rule."""

from collections import Counter
from collections.abc import Iterator, Sequence

from dry_debug.lint.finding import SEVERITIES
from dry_debug.render.formats import Context, counted
from dry_debug.render.record import Record, shown


def summary(records: Sequence[Record], context: Context) -> Iterator[str]:
    """What was found, in one or two lines; `Nothing found.` only if everything could be checked."""
    paint = context.paint
    if not records:
        checked = counted(len(context.files), "file")
        yield f"Nothing found in {'what was checked of ' if context.problems else ''}{checked}."
        return
    severities = Counter(record["severity"] for record in records)
    parts = [paint(name, f"{severities[name]} {name}") for name in SEVERITIES if severities[name]]
    yield f"Found {counted(len(records), 'finding')} ({', '.join(parts)}) in {counted(len(context.files), 'file')}."
    safe = sum(1 for record in records if applicability(record) == "safe")
    unsafe = sum(1 for record in records if applicability(record) == "unsafe")
    open_ = sum(1 for record in records if applicability(record) == "unknown")
    if safe:
        yield f"{safe} fixable with `--fix`" + (f", {unsafe} more with `--fix --unsafe-fixes`." if unsafe else ".")
    elif unsafe:
        yield f"{unsafe} fixable with `--fix --unsafe-fixes`."
    elif open_:
        yield f"[*] {open_} with a fix: `--diff --unsafe-fixes` shows it, `--fix` applies what keeps the meaning."


def applicability(record: Record) -> str:
    """safe, unsafe or display; `unknown` where a fix is offered but was not made, `none` where there is none."""
    if record["fix"] is not None:
        return record["fix"]["applicability"]
    return "unknown" if shown(record)["fixable"] else "none"


def statistics(records: Sequence[Record]) -> list[dict[str, str | int]]:
    """How often each rule was found, the most frequent first: code, name, severity, count, and how many have a fix."""
    rows: dict[str, dict[str, str | int]] = {}
    for record in records:
        row = rows.setdefault(
            record["code"],
            {"code": record["code"], "name": record["name"], "severity": record["severity"], "count": 0, "fixable": 0},
        )
        row["count"] = int(row["count"]) + 1
        row["fixable"] = int(row["fixable"]) + shown(record)["fixable"]
        if SEVERITIES.index(record["severity"]) < [*SEVERITIES].index(row["severity"]):  # type: ignore[arg-type]
            row["severity"] = record["severity"]
    return sorted(rows.values(), key=lambda row: (-int(row["count"]), str(row["code"])))


def statistics_text(records: Sequence[Record], context: Context) -> Iterator[str]:
    """The statistics as lines."""
    rows = statistics(records)
    width = max((len(str(row["count"])) for row in rows), default=0)
    code = max((len(str(row["code"])) for row in rows), default=0)
    for row in rows:
        severity = context.paint(str(row["severity"]), f"{row['severity']:<10}")
        mark = "  [*]" if row["fixable"] else ""
        yield f"{row['count']:>{width}}  {row['code']:<{code}}  {severity}  {row['name']}{mark}"
