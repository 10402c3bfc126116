"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from dry_debug.render.formats import Context
from dry_debug.render.report.account import Account
from dry_debug.render.report.parts import NOTHING_COMPARED, breakdown, choices, facts, groups, remarks


def render(account: Account, context: Context) -> Iterator[str]:
    """The four parts and the summary, line by line."""
    paint = context.paint
    for number, one in enumerate(account.critical, 1):
        yield paint("critical", f"🔴 CRITICAL ERROR #{number}: {one.title}")
        for label, text in facts(one, context):
            yield f"{paint('bold', label + ':')} {text}"
        yield ""
    if not account.critical:
        yield "No critical errors."
        yield ""
    yield paint("bold", "INSTRUCTION COMPLIANCE")
    if not account.asked:
        none = "No instructions were found (INSTRUCTIONS.md, TASK.md, SPEC.md, or --spec FILE)."
        yield NOTHING_COMPARED if account.unread else none
    for group in groups(account):
        yield ""
        yield f"{group.mark} {group.title}:"
        yield from (f"- {entry}" for entry in group.entries)
    if account.assumptions:
        yield ""
        yield "👉 User should confirm these assumptions are acceptable."
    yield ""
    yield paint("bold", "OVERENGINEERING CHECK")
    if account.overengineering:
        yield "🔧 OVERENGINEERING DETECTED:"
    else:
        yield "Nothing found that is more complicated than the task needs."
    for rows in choices(account, context):
        yield ""
        yield from (f"{label}: {text}" for label, text in rows)
    said = remarks(account, context)
    yield ""
    yield paint("bold", "WARNINGS & SUGGESTIONS")
    yield "A few suggestions:" if said else "Nothing else to mention."
    yield from (f"- {line}" for line in said)
    yield ""
    yield paint("bold", "SEVERITY BREAKDOWN:")
    yield from (f"- {line}" for line in breakdown(account))
    if account.actions:
        yield ""
        yield paint("bold", "ACTION REQUIRED:")
        yield from (f"{number}. {action}" for number, action in enumerate(account.actions, 1))
