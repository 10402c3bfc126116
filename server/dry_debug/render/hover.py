"""What an editor shows at a finding, as Markdown: what, what it costs, how we know, what people say, what to do."""

from dry_debug.lint.finding import Finding
from dry_debug.render.words import TRUST, quotation

_MOST_STEPS = 4  # of the evidence: a hover is read at a glance, the rest is in the related information


def hover(finding: Finding, page: str | None, comments: str = "", brief: bool = False) -> str:
    """Markdown for `finding`. `page` is the URI of the rule's page; `comments` are the words of the comments near the
    finding (`render.record.comments_near`), which choose the quotation. `brief` leaves out what an editor that shows
    the diagnostic in its hover says anyway: the headline, the reason and the evidence."""
    name = f"[{finding.rule}]({page})" if page else f"`{finding.rule}`"
    parts = [] if brief else [f"**{finding.message}**"]
    if finding.why and not brief:
        parts.append(finding.why)
    steps = [step.message for step in finding.related if step.message]
    if steps and not brief:
        listed = [f"- {message}" for message in steps[:_MOST_STEPS]]
        if len(steps) > _MOST_STEPS:
            listed.append(f"- and {len(steps) - _MOST_STEPS} more")
        parts.append("\n".join(listed))
    quoted = quotation(finding.quotes, comments)
    quote = "\n".join(f"> {line}".rstrip() for line in quoted.split("\n")) if quoted else ""
    fix = _fix(finding)
    # Below a diagnostic the hover's box is nearly full: what can be done has to be in sight.
    parts.extend(part for part in ((fix, quote) if brief else (quote, fix)) if part)
    confidence = "" if finding.confidence == "high" else f", {finding.confidence} confidence"
    preview = ", preview rule" if finding.preview else ""
    parts.append(f"{finding.severity}{confidence}{preview} · {finding.code} · {name}")
    return "\n\n".join(parts) + "\n"


def _fix(finding: Finding) -> str:
    if finding.fix is not None:
        return f"**Fix:** {finding.fix.title} ({TRUST[finding.fix.applicability]})"
    if finding.fix_title:
        return f"**{'Fix' if finding.fixable else 'To do'}:** {finding.fix_title}"
    return ""
