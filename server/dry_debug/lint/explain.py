"""`dry-debug explain FILE:LINE [RULE]`: why there is a finding, and why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dry_debug.lint import manifest
from dry_debug.lint.engine import Result, triggered
from dry_debug.lint.finding import Finding
from dry_debug.lint.settings import Settings
from dry_debug.program.describe import describe_line
from dry_debug.text.document import Document


def explain(result: Result, everything: Result, settings: Settings, line: int, rule: str | None = None) -> str:
    """What is said, or not said, of one-based `line` (of the whole source).

    `result` is the analysis with `settings`; `everything` the one of the same document with all rules, previews and
    confidences, whose surplus tells what the settings hold back.
    """
    parts: list[str] = []
    wanted = manifest.find(rule) if rule is not None else None
    if rule is not None and wanted is None:
        return f"There is no rule {rule!r}."
    for finding in result.findings:
        if _concerns(finding, result.document, line, wanted):
            parts.append(_told(finding, result.document))
    for finding in result.hidden:
        if _concerns(finding, result.document, line, wanted):
            parts.append(f"{finding.code} {finding.rule}: found, but a comment suppresses it.\n  {finding.message}")
    reported = {f.fingerprint for f in (*result.findings, *result.hidden)}
    for finding in everything.findings:
        if finding.fingerprint not in reported and _concerns(finding, everything.document, line, wanted):
            parts.append(_held_back(finding, settings))
    if not parts:
        parts.append(_silence(result, line, wanted))
    if result.program is not None:
        view = describe_line(result.program, line)
        if view:
            parts.append("What the model sees on this line:\n" + "\n".join(f"  - {sentence}" for sentence in view))
    return "\n\n".join(parts)


def everything_of(settings: Settings) -> Settings:
    """`settings` with nothing held back: all rules, previews and confidences."""
    return replace(
        settings, select=("ALL",), extend_select=(), ignore=(), severity={}, preview=True, min_confidence="low"
    )


def _concerns(finding: Finding, document: Document, line: int, wanted: manifest.RuleInfo | None) -> bool:
    first = document.lines.line_of(finding.span.start) + 1
    last = document.lines.line_of(finding.span.end) + 1
    return first <= line <= last and (wanted is None or finding.rule == wanted.name)


def _told(finding: Finding, document: Document) -> str:
    rows = [
        f"{finding.code} {finding.rule}: {finding.severity}, {finding.confidence} confidence",
        f"  {finding.message}",
    ]
    rows.append(f"  {finding.why}")
    for related in finding.related:
        if related.place is not None:
            rows.append(f"  - {related.place.path}:{related.place.line + 1}: {related.message}")
        elif related.span is not None:
            rows.append(f"  - line {document.position(related.span.start).line + 1}: {related.message}")
    return "\n".join(rows)


def _held_back(finding: Finding, settings: Settings) -> str:
    info = manifest.find(finding.rule)
    if finding.confidence not in settings.min_confidences():
        why = f"its confidence is {finding.confidence}, and --min-confidence is {settings.min_confidence}"
    elif info is not None and info.status == "preview":
        why = "the rule is a preview, and previews are off"
    else:
        why = "the settings turn the rule off"
    return f"{finding.code} {finding.rule}: not reported: {why}.\n  {finding.message}"


def _silence(result: Result, line: int, wanted: manifest.RuleInfo | None) -> str:
    if result.program is None:
        return "Nothing can be said of this line: Python cannot read the file."
    if wanted is not None:
        if not triggered(wanted, result.document.source):
            words = " and ".join(_either(group) for group in wanted.triggers)
            return f"{wanted.code} {wanted.name}: not reported: the file does not mention {words}."
        return f"{wanted.code} {wanted.name}: looked at the file and has nothing to say of this line."
    return f"No rule has anything to say of line {line}."


def _either(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
