"""The report as one HTML page without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from dry_debug.render.formats import Context
from dry_debug.render.report.account import Account
from dry_debug.render.report.parts import NOTHING_COMPARED, breakdown, choices, facts, groups, remarks

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section.critical { border-left: 4px solid #d33; padding: 0 0 0 1rem; margin: 1rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
h2 { border-bottom: 1px solid #8885; padding-bottom: .2rem; margin-top: 2rem; }
"""


def render(account: Account, context: Context) -> Iterator[str]:
    """The page, line by line."""
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"><title>Dry Debug report</title>'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<style>{_STYLE}</style></head><body>"
    yield "<h1>Dry Debug report</h1>"
    yield "<h2>Part 1: Critical Errors (Must Fix)</h2>"
    if not account.critical:
        yield "<p>None.</p>"
    for number, one in enumerate(account.critical, 1):
        yield f'<section class="critical"><h3>🔴 CRITICAL ERROR #{number}: {escape(one.title)}</h3>'
        yield from _pairs(facts(one, context))
        yield "</section>"
    yield "<h2>Part 2: Instruction Compliance Report</h2>"
    if not account.asked:
        none = "No instructions were found (INSTRUCTIONS.md, TASK.md, SPEC.md, or --spec FILE)."
        yield f"<p>{NOTHING_COMPARED if account.unread else none}</p>"
    for group in groups(account):
        yield f"<h3>{group.mark} {escape(group.title)}</h3>"
        yield from _list(group.entries)
    if account.assumptions:
        yield "<p>👉 User should confirm these assumptions are acceptable.</p>"
    yield "<h2>Part 3: Overengineering Check</h2>"
    yield "<p>🔧 OVERENGINEERING DETECTED:</p>" if account.overengineering else "<p>None.</p>"
    for rows in choices(account, context):
        yield from _pairs(rows)
    yield "<h2>Part 4: Warnings &amp; Suggestions</h2>"
    said = remarks(account, context)
    yield "<p>A few suggestions:</p>" if said else "<p>None.</p>"
    yield from _list(said)
    yield "<h2>Final Summary</h2><h3>SEVERITY BREAKDOWN:</h3>"
    yield from _list(breakdown(account))
    if account.actions:
        yield "<h3>ACTION REQUIRED:</h3>"
        yield from _list(account.actions, "ol")
    yield "</body></html>"


def _list(entries: Iterable[str], tag: str = "ul") -> Iterator[str]:
    items = [f"<li>{escape(entry)}</li>" for entry in entries]
    if items:
        yield f"<{tag}>{''.join(items)}</{tag}>"


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs) + "</dl>"
