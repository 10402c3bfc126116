"""Code actions: what can be done about the findings at a place. Runs in a worker thread."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lsprotocol import types

from dry_debug.lint import manifest
from dry_debug.lint.applier import apply_fixes
from dry_debug.lint.finding import Finding, Fix
from dry_debug.lint.needs import NeedConflict, edits_of
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.client import Client
from dry_debug.lsp.diagnostics import SOURCE
from dry_debug.lsp.edits import changes, workspace_edit
from dry_debug.lsp.ignoring import ignoring
from dry_debug.lsp.offers import offers
from dry_debug.lsp.snapshot import Snapshot
from dry_debug.records import dataclass
from dry_debug.text.spans import Span, TextEdit

FIX_ALL = "source.fixAll.dryDebug"
FIX_ALL_NOTEBOOK = "notebook.source.fixAll.dryDebug"
QUICK_FIX = types.CodeActionKind.QuickFix.value
REWRITE = types.CodeActionKind.RefactorRewrite.value
KINDS: tuple[str, ...] = (QUICK_FIX, REWRITE, FIX_ALL, FIX_ALL_NOTEBOOK)

# A file of the project, by path: as it is open in the editor, or as it is on disk.
Lookup = Callable[[str], Snapshot | None]


@dataclass(frozen=True)
class Request:
    """What the client asks: the place, and the diagnostics that it shows there."""

    uri: str
    span: Span
    diagnostics: Sequence[types.Diagnostic]
    only: Sequence[str] | None
    automatic: bool = False  # the editor asks by itself, as when the cursor moves

    def wants(self, kind: str) -> bool:
        """Whether `only` lets actions of `kind` through: kinds are prefixes, parted by dots."""
        return self.only is None or any(not o or kind == o or kind.startswith(o + ".") for o in self.only)

    @property
    def named(self) -> dict[str, types.Diagnostic]:
        """Our diagnostics in the request, by fingerprint."""
        return {
            fingerprint: diagnostic
            for diagnostic in self.diagnostics
            if diagnostic.source == SOURCE and (fingerprint := _fingerprint(diagnostic.data))
        }


def code_actions(
    analysis: Analysis, shown: frozenset[str], request: Request, client: Client, lookup: Lookup
) -> list[types.CodeAction]:
    """What is offered: fixes (of one finding the preferred one first), then the same fix for the whole file, then
    suppression; last what can be done where nothing is wrong.

    `analysis` is of the buffer as it is now, `shown` the fingerprints of the findings that the user sees. Nothing is
    offered on a text that does not parse, and no fix for a finding that is not in it any more.
    """
    if not analysis.parses:
        return []
    actions: list[types.CodeAction] = []
    if request.wants(QUICK_FIX):
        found = _asked_about(analysis, shown, request)
        fixes = [(finding, fix) for finding in found if (fix := _fix(analysis, finding)) is not None]
        for finding in found:
            for fix in analysis.result.fixes(finding):
                action = _quick_fix(analysis, finding, fix, request, client, lookup)
                if action is not None:
                    actions.append(action)
        actions.extend(_whole_file(analysis, fixes, client, lookup))
        actions.extend(_ignores(analysis, found, request, client))
    if request.wants(REWRITE):
        actions.extend(_offers(analysis, request, client))
    actions.extend(_source_actions(analysis, request, client, lookup))
    return actions


def resolved(analysis: Analysis, data: Mapping[str, Any], client: Client, lookup: Lookup) -> types.WorkspaceEdit | None:
    """The edit of an action that was offered with `data` instead of an edit; None if nothing is left to change."""
    rule = data.get("rule")
    return _fix_all(analysis, rule if isinstance(rule, str) else None, bool(data.get("unsafe")), client, lookup)


def _asked_about(analysis: Analysis, shown: frozenset[str], request: Request) -> list[Finding]:
    named = request.named
    if named:
        return [finding for finding in analysis.findings if finding.fingerprint in named]
    return [
        finding
        for finding in analysis.findings
        if finding.fingerprint in shown
        and finding.span.start <= request.span.end
        and request.span.start <= finding.span.end
    ]


def _fix(analysis: Analysis, finding: Finding) -> Fix | None:
    fix = analysis.result.fix(finding) if finding.fixable else None
    return fix if fix is not None and fix.applicability != "display" else None


def _quick_fix(
    analysis: Analysis, finding: Finding, fix: Fix, request: Request, client: Client, lookup: Lookup
) -> types.CodeAction | None:
    if fix.applicability == "display":
        return None
    try:
        edits: list[tuple[Snapshot, Sequence[TextEdit]]] = [
            (analysis.snapshot, edits_of(analysis.snapshot.document, fix))
        ]
    except (NeedConflict, SyntaxError):  # what the fix needs cannot be had in this file
        return None
    for path, parts in fix.elsewhere:
        other = lookup(path)
        if other is None:
            return None
        edits.append((other, parts))
    return types.CodeAction(
        title=fix.title,
        kind=QUICK_FIX,
        diagnostics=_diagnostics(finding, request),
        is_preferred=fix.applicability == "safe",
        edit=workspace_edit(edits, client.document_changes),
    )


def _whole_file(
    analysis: Analysis, fixes: Sequence[tuple[Finding, Fix]], client: Client, lookup: Lookup
) -> Iterator[types.CodeAction]:
    """One action for each rule with a fix here and more than one finding to fix in the file."""
    where = "notebook" if analysis.snapshot.document.is_notebook else "file"
    for rule in dict.fromkeys(finding.rule for finding, _ in fixes):
        if sum(1 for finding in analysis.findings if finding.rule == rule and finding.fixable) < 2:
            continue
        unsafe = any(fix.applicability == "unsafe" for finding, fix in fixes if finding.rule == rule)
        action = _deferred(analysis, f"Fix all {rule} in this {where}", QUICK_FIX, rule, unsafe, client, lookup)
        if action is not None:
            yield action


def _ignores(
    analysis: Analysis, found: Sequence[Finding], request: Request, client: Client
) -> Iterator[types.CodeAction]:
    for finding in found:
        if manifest.find(finding.rule) is None:  # a finding of the tool itself
            continue
        edit = ignoring(analysis.snapshot.document, finding)
        yield types.CodeAction(
            title=f"Ignore {finding.rule} on this line",
            kind=QUICK_FIX,
            diagnostics=_diagnostics(finding, request),
            edit=workspace_edit([(analysis.snapshot, [edit])], client.document_changes),
        )


def _offers(analysis: Analysis, request: Request, client: Client) -> Iterator[types.CodeAction]:
    """What can be written at a place where nothing is wrong: the resume of a library's trainer."""
    program = analysis.result.program
    for fix in offers(program, request.span) if program is not None else ():
        try:
            edits = edits_of(analysis.snapshot.document, fix)
        except (NeedConflict, SyntaxError):  # what it needs cannot be had in this file
            continue
        edit = workspace_edit([(analysis.snapshot, edits)], client.document_changes)
        yield types.CodeAction(title=fix.title, kind=REWRITE, edit=edit)


def _source_actions(analysis: Analysis, request: Request, client: Client, lookup: Lookup) -> Iterator[types.CodeAction]:
    """Fix-on-save. A notebook asks once for each cell, so only the notebook's own kind is answered there.

    Not where the editor asks by itself for anything: all fixes of the file would be made at each move of the cursor.
    """
    if request.automatic and request.only is None:
        return
    notebook = analysis.snapshot.document.is_notebook
    kind = FIX_ALL_NOTEBOOK if notebook else FIX_ALL
    if not request.wants(kind):
        return
    if not any(_is_safe(analysis, finding) for finding in analysis.findings):
        return
    action = _deferred(analysis, "Apply all safe fixes of Dry Debug", kind, None, False, client, lookup)
    if action is not None:
        yield action


def _is_safe(analysis: Analysis, finding: Finding) -> bool:
    fix = _fix(analysis, finding)
    return fix is not None and fix.applicability == "safe"


def _deferred(
    analysis: Analysis, title: str, kind: str, rule: str | None, unsafe: bool, client: Client, lookup: Lookup
) -> types.CodeAction | None:
    """An action on the whole file. Its edit takes several analyses, so it is made when the action is chosen, where
    the client can ask for it then."""
    if client.resolves_edits:
        data = {"uri": analysis.snapshot.uri, "rule": rule, "unsafe": unsafe}
        return types.CodeAction(title=title, kind=kind, data=data)
    edit = _fix_all(analysis, rule, unsafe, client, lookup)
    return types.CodeAction(title=title, kind=kind, edit=edit) if edit is not None else None


def _fix_all(
    analysis: Analysis, rule: str | None, unsafe: bool, client: Client, lookup: Lookup
) -> types.WorkspaceEdit | None:
    snapshot = analysis.snapshot
    only = None if rule is None else (rule,)
    applied = apply_fixes(snapshot.document, analysis.host, analysis.rules.settings, unsafe=unsafe, only=only)
    edits: list[tuple[Snapshot, Sequence[TextEdit]]] = [(snapshot, changes(snapshot.document, applied.document))]
    for path, parts in applied.elsewhere.items():
        other = lookup(path)
        if other is None:
            return None
        edits.append((other, parts))
    edits = [(changed, parts) for changed, parts in edits if parts]
    return workspace_edit(edits, client.document_changes) if edits else None


def _diagnostics(finding: Finding, request: Request) -> list[types.Diagnostic] | None:
    diagnostic = request.named.get(finding.fingerprint)
    return [diagnostic] if diagnostic is not None else None


def _fingerprint(data: object) -> str | None:
    value = data.get("fingerprint") if isinstance(data, Mapping) else getattr(data, "fingerprint", None)
    return value if isinstance(value, str) else None
