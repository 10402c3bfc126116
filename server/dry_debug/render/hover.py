"""What an editor shows at a finding, as Markdown: what, what it costs, how we know, what people say, what to do."""

import os
from collections.abc import Sequence

from dry_debug.lint import manifest
from dry_debug.lint.finding import Finding, Related
from dry_debug.render.words import TRUST, quotations
from dry_debug.text.document import Document

_MOST_STEPS = 4  # of the evidence: a hover is read at a glance, the rest is in the related information
_LONGEST = 1500  # code points: what is longer loses evidence first, then the second quotation; the page has it all


def hover(
    finding: Finding, page: str | None, comments: str = "", brief: bool = False, document: Document | None = None
) -> str:
    """Markdown for `finding`. `page` is the URI of the rule's page; `comments` are the words of the comments near the
    finding (`lint.comments.words_near`), which choose the quotations. `brief` leaves out what an editor that shows
    the diagnostic in its hover says anyway: the headline, the reason and the evidence. With the `document` of the
    finding each step of the evidence says its line."""
    quoted = quotations(finding.rule, finding.quotes, comments)
    for steps, quotes in ((_MOST_STEPS, 2), (2, 2), (1, 2), (1, 1)):
        text = _hover(finding, page, quoted[:quotes], steps, brief, document)
        if len(text) <= _LONGEST:
            break
    return text


def _hover(
    finding: Finding,
    page: str | None,
    quoted: Sequence[tuple[str, str]],
    most: int,
    brief: bool,
    document: Document | None,
) -> str:
    parts = [] if brief else [f"**{finding.message}**"]
    if finding.why and not brief:
        parts.append(finding.why)
    steps = [_where(step, document) + step.message for step in finding.related if step.message]
    if steps and not brief:
        listed = [f"- {message}" for message in steps[:most]]
        if len(steps) > most:
            listed.append(f"- and {len(steps) - most} more")
        parts.append("\n".join(listed))
    quote = "\n>\n".join(_quoted(label, words) for label, words in quoted)
    to_do = [part for part in (_instead(finding), _fix(finding)) if part]
    # Below a diagnostic the hover's box is nearly full: what can be done has to be in sight.
    parts.extend(part for part in ((*to_do, quote) if brief else (quote, *to_do)) if part)
    name = f"[{finding.rule}]({page})" if page else f"`{finding.rule}`"
    confidence = "" if finding.confidence == "high" else f", {finding.confidence} confidence"
    preview = ", preview rule" if finding.preview else ""
    parts.append(f"{finding.severity}{confidence}{preview} · {finding.code} · {name}")
    return "\n\n".join(parts) + "\n"


def _where(step: Related, document: Document | None) -> str:
    """`line 12: `, or `model.py:12: ` for another file; lines count from one, in a notebook within their cell."""
    if step.place is not None:
        return f"{os.path.basename(step.place.path)}:{step.place.line + 1}: "
    if document is None or step.span is None:
        return ""
    return f"line {document.position(step.span.start).line + 1}: "


def _quoted(label: str, words: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in f"**{label.capitalize()}:** {words}".split("\n"))


def _instead(finding: Finding) -> str:
    info = manifest.find(finding.rule)
    return f"**Instead:** {info.instead}" if info is not None and info.instead else ""


def _fix(finding: Finding) -> str:
    if finding.fix is not None:
        return f"**Fix:** {finding.fix.title} ({TRUST[finding.fix.applicability]})"
    if finding.fix_title:
        return f"**{'Fix' if finding.fixable else 'To do'}:** {finding.fix_title}"
    return ""
