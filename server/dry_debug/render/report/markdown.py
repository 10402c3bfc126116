"""The report as Markdown: for a pull request, or the preview of an editor."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.render.formats import Context
from dry_debug.render.report.account import Account
from dry_debug.render.report.parts import NOTHING_COMPARED, breakdown, choices, facts, groups, remarks


def render(account: Account, context: Context) -> Iterator[str]:
    """The four parts and the summary, line by line."""
    yield "# Dry Debug report"
    yield ""
    yield "## Part 1: Critical Errors (Must Fix)"
    if not account.critical:
        yield ""
        yield "None."
    for number, one in enumerate(account.critical, 1):
        yield ""
        yield f"### 🔴 CRITICAL ERROR #{number}: {safe(one.title)}"
        yield ""
        yield from (f"- **{label}:** {safe(text)}" for label, text in facts(one, context))
    yield ""
    yield "## Part 2: Instruction Compliance Report"
    if not account.asked:
        yield ""
        none = "No instructions were found (`INSTRUCTIONS.md`, `TASK.md`, `SPEC.md`, or `--spec FILE`)."
        yield NOTHING_COMPARED if account.unread else none
    for group in groups(account):
        yield ""
        yield f"### {group.mark} {group.title}"
        yield ""
        yield from (f"- {safe(entry)}" for entry in group.entries)
    if account.assumptions:
        yield ""
        yield "👉 User should confirm these assumptions are acceptable."
    yield ""
    yield "## Part 3: Overengineering Check"
    yield ""
    yield "🔧 OVERENGINEERING DETECTED:" if account.overengineering else "None."
    for rows in choices(account, context):
        yield ""
        yield from (f"- **{label}:** {safe(text)}" for label, text in rows)
    yield ""
    yield "## Part 4: Warnings & Suggestions"
    yield ""
    said = remarks(account, context)
    if said:
        yield "A few suggestions:"
        yield ""
        yield from (f"- {safe(line)}" for line in said)
    else:
        yield "None."
    yield ""
    yield "## Final Summary"
    yield ""
    yield "**SEVERITY BREAKDOWN:**"
    yield ""
    yield from (f"- {line}" for line in breakdown(account))
    if account.actions:
        yield ""
        yield "**ACTION REQUIRED:**"
        yield ""
        yield from (f"{number}. {safe(action)}" for number, action in enumerate(account.actions, 1))


def safe(text: str) -> str:
    """The text with the characters that Markdown or HTML would take for their own made harmless."""
    parts = text.split("`")
    outside = [re.sub(r"([\\*<>\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", part) if n % 2 == 0 or n == len(parts) - 1 else part
               for n, part in enumerate(parts)]  # fmt: skip
    return " ".join("`".join(outside).split())
