"""Hover: the explanation of the findings at a place, and nothing elsewhere. Runs in a worker thread."""

from lsprotocol import types

from dry_debug.lint.comments import words_near
from dry_debug.lint.finding import Finding
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.client import Client
from dry_debug.lsp.pages import page_uri
from dry_debug.render.hover import hover as rendered


def hover(analysis: Analysis, shown: frozenset[str], offset: int, client: Client) -> types.Hover | None:
    """The explanation of the shown findings that hold `offset` of the source, the narrowest first.

    `analysis` is of the buffer as it is now, `shown` the fingerprints of the findings that the user sees.
    """
    here = [finding for finding in analysis.findings if finding.fingerprint in shown and offset in finding.span]
    if not here:
        return None
    here.sort(key=lambda finding: (finding.span.end - finding.span.start, finding.sort_key))
    if client.markdown:
        text = "\n\n---\n\n".join(_markdown(finding, analysis, client.shows_in_hover) for finding in here)
        content = types.MarkupContent(types.MarkupKind.Markdown, text)
    else:
        content = types.MarkupContent(types.MarkupKind.PlainText, "\n\n".join(map(_plain, here)))
    return types.Hover(content, analysis.snapshot.range(here[0].span))


def _markdown(finding: Finding, analysis: Analysis, brief: bool) -> str:
    document = analysis.snapshot.document
    comments = words_near(document, finding.span)
    return rendered(finding, page_uri(finding.rule), comments, brief, document).strip()


def _plain(finding: Finding) -> str:
    lines = [f"{finding.message} [{finding.rule}]", finding.why, *(step.message for step in finding.related)]
    return "\n".join(line for line in lines if line)
