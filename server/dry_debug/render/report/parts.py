"""The parts of the report as lines that say the same in every format: headings, entries, remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dry_debug.records import dataclass
from dry_debug.render.formats import Context, counted
from dry_debug.render.record import Record, shown
from dry_debug.render.report.account import Account, Critical, Over, named
from dry_debug.spec.rows import Row

MOST_WHILE_CRITICAL = 3  # remarks that are shown while there is something to fix first
MOST = 10
MOST_PLACES = 5  # of one rule of Part 3 that are named beside the first

# Fields about a choice are "used", the others are "specified" and "had".
_CHOSEN = frozenset("model method framework optimizer dataset hardware".split())


@dataclass(frozen=True, slots=True)
class Group:
    """A list of the compliance report: its mark and title, and its entries."""

    mark: str
    title: str
    entries: tuple[str, ...]


def place(file: str | None, line: int | None, cell: int | None, context: Context) -> str:
    """`train.py:45`; `N/A` where nothing in the code stands for it."""
    if file is None:
        return "N/A (architecture decision)"
    inside = f"cell {cell}:" if cell is not None else ""
    return f"{context.shown_path(file)}:{inside}{line}" if line is not None else context.shown_path(file)


def facts(one: Critical, context: Context) -> Iterator[tuple[str, str]]:
    """(label, text) of a critical error, in the order in which they are told."""
    yield "Line", place(one.file, one.line, one.cell, context)
    if one.row is not None:
        row = one.row
        source = f" ({place(row.source_file, row.source_line, None, context)})"
        chosen = row.field in _CHOSEN
        asked = f'"{row.source_text.strip()[:120]}"' if chosen and row.source_text else f"{row.field} = {one.asked}"
        yield "User asked for" if chosen else "User specified", asked + source
        yield "Code uses" if chosen else "Code has", one.has if chosen else f"{row.field} = {one.has}"
        if one.why:
            yield "Why this is wrong", one.why
    else:
        if one.has:
            yield "Code has", one.has
        if one.why:
            yield "Why this is wrong", one.why
    if one.fix:
        yield "Fix", one.fix


NOTHING_COMPARED = "The code could not be compared with any instructions: Python cannot read it."


def groups(account: Account) -> list[Group]:
    """The lists of the compliance report that have entries."""
    found = [
        Group("✅", "MATCHES INSTRUCTIONS", tuple(_match(row) for row in account.matches)),
        Group("❌", "DEVIATIONS FROM INSTRUCTIONS", tuple(_deviation(row) for row in account.deviations)),
        Group("⚠️", "ASSUMPTIONS MADE (Not in instructions)", tuple(_assumption(row) for row in account.assumptions)),
        Group("❓", "NOT IMPLEMENTED (Asked for, not found)", tuple(_missing(row) for row in account.not_implemented)),
        Group("🤷", "CANNOT TELL (Not visible in the code)", tuple(_unknown(row) for row in account.cannot_tell)),
    ]
    return [group for group in found if group.entries]


def _name(row: Row) -> str:
    text = named(row)
    return text[:1].upper() + text[1:]


def _match(row: Row) -> str:
    how = f" ({row.note})" if row.note else ""
    return f"{_name(row)}: {row.asked_text}{how} ✓"


def _deviation(row: Row) -> str:
    text = f"{_name(row)}: Asked {row.asked_text}, got {row.note if '=' in row.note else row.got_text}"
    if row.better:
        return f"Using {row.got_text} instead of asked {row.asked_text} (This is actually better - recommend keeping)"
    if row.justification:
        return f"{text} (Justified in the code: {row.justification.rstrip('.')})"
    return text if row.explicit else f"{text} (Asked for in passing, not in the instructions)"


def _assumption(row: Row) -> str:
    return f"Assumed {named(row)} = {row.got_text} (user didn't specify)"


def _missing(row: Row) -> str:
    return f"{_name(row)}: asked {row.asked_text}, nothing in the code sets it"


def _unknown(row: Row) -> str:
    return f"{_name(row)}: asked {row.asked_text}; the code does not show what it will be"


def evidence(over: Over, context: Context) -> str:
    """What a finding of Part 3 rests on, each sentence with its place; a file is named where it changes."""
    told: list[str] = []
    before: tuple[str, int | None] | None = None
    for text, file, line, cell in over.evidence:
        where = f"line {line}" if (file, cell) == before else place(file, line, cell, context)
        told.append(f"{text} ({where})" if text else where)
        before = (file, cell)
    return "; ".join(told)


def choices(account: Account, context: Context) -> Iterator[list[tuple[str, str]]]:
    """The findings of Part 3, each as (label, text); what one rule found in several places is told once."""
    by_rule: dict[str, list[Over]] = {}
    for over in account.overengineering:
        by_rule.setdefault(over.record["name"], []).append(over)
    for group in by_rule.values():
        first = group[0]
        told = [evidence(first, context)]
        others = [
            place(o.record["filename"], o.record["location"]["row"], o.record["cell"], context) for o in group[1:]
        ]
        if others:
            more = f" and {counted(len(others) - MOST_PLACES, 'more place')}" if len(others) > MOST_PLACES else ""
            told.append(f"the same in {', '.join(others[:MOST_PLACES])}{more}")
        rows = [("Issue", first.issue), ("Evidence", "; ".join(told)), ("Impact", first.impact)]
        yield [*rows, *([("Recommendation", first.recommendation)] if first.recommendation else [])]


def remarks(account: Account, context: Context) -> list[str]:
    """The warnings and suggestions as a conversation: brief, and briefer while something is critical."""
    by_rule: dict[tuple[str, str], list[Record]] = {}
    for record in (*account.warnings, *account.suggestions):
        by_rule.setdefault((record["severity"], record["name"]), []).append(record)
    found = [_remark(group, context) for group in by_rule.values()]
    most = MOST_WHILE_CRITICAL if account.critical else MOST
    if len(found) <= most:
        return found
    left = len(found) - (most - 1)
    when = "once the critical errors are fixed" if account.critical else "in `dry-debug check`"
    return [*found[: most - 1], f"... and {counted(left, 'more thing')} {when}"]


def _remark(group: Sequence[Record], context: Context) -> str:
    first = group[0]
    where = place(first["filename"], first["location"]["row"], first["cell"], context)
    others = f" and {counted(len(group) - 1, 'more place')}" if len(group) > 1 else ""
    fix = shown(first)["fix_title"]
    if fix:
        return f"You might want to {fix[:1].lower()}{fix[1:]}: {first['message']} ({where}{others})"
    return f"Consider looking at {where}{others}: {first['message']}"


def breakdown(account: Account) -> list[str]:
    """The severity breakdown."""
    return [
        f"Critical Errors: {len(account.critical)} (MUST FIX)",
        f"Deviations: {len(account.deviations)} (REVIEW WITH USER)",
        f"Warnings: {len(account.warnings) + len(account.suggestions)} (conversational)",
    ]
