"""An analysis -> the diagnostics of each text document."""

from pathlib import Path

from lsprotocol import types

from dry_debug.lint.finding import UNUSED_SUPPRESSION, Finding, Place, Severity
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.client import Client
from dry_debug.lsp.pages import page_uri
from dry_debug.lsp.snapshot import Snapshot
from dry_debug.lsp.uris import uri_of
from dry_debug.text.lines import units
from dry_debug.text.spans import Span

SOURCE = "Dry Debug"

SEVERITY: dict[Severity, types.DiagnosticSeverity] = {
    "critical": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "suggestion": types.DiagnosticSeverity.Information,
}


def diagnostics(analysis: Analysis, client: Client) -> dict[str, list[types.Diagnostic]]:
    """The diagnostics of every text document of the analysis, by URI; a document without any has an empty list."""
    result: dict[str, list[types.Diagnostic]] = {uri: [] for uri in analysis.snapshot.uris}
    for finding in analysis.findings:
        uri = analysis.snapshot.uri_at(finding.span.start)
        result.setdefault(uri, []).append(_diagnostic(finding, uri, analysis.snapshot, client))
    return result


def _diagnostic(finding: Finding, uri: str, snapshot: Snapshot, client: Client) -> types.Diagnostic:
    related = [(step.message, _location(step.span, step.place, snapshot)) for step in finding.related]
    message = f"{finding.message}\n{finding.why}" if finding.why else finding.message
    if related and not client.related_information:
        message = "\n".join((message, *(_told(text, location, uri) for text, location in related)))
    page = page_uri(finding.rule) if client.code_description else None
    return types.Diagnostic(
        range=snapshot.range(finding.span),
        severity=SEVERITY[finding.severity],
        code=finding.rule,
        code_description=types.CodeDescription(page) if page else None,
        source=SOURCE,
        message=message,
        tags=[types.DiagnosticTag.Unnecessary]
        if client.unnecessary and finding.rule == UNUSED_SUPPRESSION[0]
        else None,
        related_information=[types.DiagnosticRelatedInformation(location, text) for text, location in related]
        if related and client.related_information
        else None,
        data={
            "rule": finding.rule,
            "fingerprint": finding.fingerprint,
            "version": snapshot.versions.get(uri),
        },
    )


def _location(span: Span | None, place: Place | None, snapshot: Snapshot) -> types.Location:
    if span is not None:
        return types.Location(snapshot.uri_at(span.start), snapshot.range(span))
    assert place is not None  # `Related`: exactly one of the two is set
    uri = uri_of(place.path) if Path(place.path).is_absolute() else snapshot.uri
    start = types.Position(place.line, units(place.before, snapshot.encoding))
    end = types.Position(place.end_line, units(place.end_before, snapshot.encoding))
    return types.Location(uri, types.Range(start, end))


def _told(text: str, location: types.Location, uri: str) -> str:
    """A step of the evidence in words, for a client that shows none."""
    line = location.range.start.line + 1
    return f"line {line}: {text}" if location.uri == uri else f"{location.uri.rsplit('/', 1)[-1]}, line {line}: {text}"
