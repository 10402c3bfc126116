"""Applying fixes to a document until nothing is left to fix, and refusing those that do harm."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.finding import SEVERITIES, SYNTAX_ERROR, UNUSED_SUPPRESSION, Finding, Fix
from dry_debug.lint.needs import NeedConflict, combined, resolve_needs
from dry_debug.lint.settings import Settings
from dry_debug.program.host import Host
from dry_debug.records import dataclass, field, replace
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells
from dry_debug.text.spans import OverlappingEdits, TextEdit, apply_edits, overlap

_NO_OVERLAP = "its changes overlap with those of another fix"


@dataclass(frozen=True)
class Applied:
    """What came of applying fixes.

    `document` is the text after it, `fixed` the findings whose fix was applied (spans in the text of their round),
    `remaining` what is found afterwards (spans in `document`), `refused` the fixes that were not applied and why,
    `elsewhere` the edits of other files by path, with spans in those files' texts as they were read.
    """

    document: Document
    fixed: list[Finding]
    remaining: tuple[Finding, ...]
    refused: list[tuple[Finding, str]]
    elsewhere: dict[str, list[TextEdit]]

    @property
    def source(self) -> str:
        """The whole text; of a notebook, its Python cells joined (`document.cells` has them one by one)."""
        return self.document.source


@dataclass
class _Run:
    """The state of one call of `apply_fixes`."""

    host: Host | None
    settings: Settings
    result: Result
    fixed: list[Finding] = field(default_factory=list)
    refused: dict[str, tuple[Finding, str]] = field(default_factory=dict)  # by fingerprint
    elsewhere: dict[str, list[TextEdit]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)  # fingerprints fixed by changes in other files only or too

    def refuse(self, finding: Finding, why: str) -> None:
        self.refused[finding.fingerprint] = (finding, why)


def apply_fixes(
    document: Document,
    host: Host | None,
    settings: Settings,
    *,
    unsafe: bool,
    only: Collection[str] | None = None,
    max_rounds: int = 10,
) -> Applied:
    """Applies all safe fixes (unsafe ones too if `unsafe`; `display` ones never) of the rules in `only` (names or
    codes; None means all), round after round, each followed by a new analysis.

    Fixes that overlap wait for the next round. A round that no longer parses or that brings a finding that was not
    there is taken back and its fixes are tried one by one, so that only the culprit is refused.
    """
    run = _Run(host, settings, analyse(document, host, settings))
    for _ in range(max_rounds):
        batch = _batch(run, unsafe, only)
        if not batch:
            break
        _round(run, batch)
    remaining = tuple(finding for finding in run.result.findings if finding.fingerprint not in run.settled)
    return Applied(run.result.document, run.fixed, remaining, list(run.refused.values()), run.elsewhere)


def _batch(run: _Run, unsafe: bool, only: Collection[str] | None) -> list[tuple[Finding, Fix]]:
    """The fixes of this round: those that may be applied and do not touch each other."""
    allowed = {"safe", "unsafe"} if unsafe else {"safe"}
    batch: list[tuple[Finding, Fix]] = []
    taken: list[TextEdit] = []
    taken_elsewhere = {path: list(edits) for path, edits in run.elsewhere.items()}
    for finding in run.result.findings:
        if finding.fingerprint in run.refused or finding.fingerprint in run.settled or not finding.fixable:
            continue
        if only is not None and finding.rule not in only and finding.code not in only:
            continue
        fix = finding.fix or run.result.fix(finding)
        if fix is None or fix.applicability not in allowed or not (fix.edits or fix.elsewhere or fix.needs):
            continue
        if overlap(fix.edits, taken):
            continue
        if any(overlap(edits, taken_elsewhere.get(path, [])) for path, edits in fix.elsewhere):
            if any(overlap(edits, run.elsewhere.get(path, [])) for path, edits in fix.elsewhere):
                run.refuse(finding, _NO_OVERLAP)
            continue
        taken.extend(fix.edits)
        for path, edits in fix.elsewhere:
            taken_elsewhere.setdefault(path, []).extend(edits)
        batch.append((finding, fix))
    return batch


def _round(run: _Run, batch: list[tuple[Finding, Fix]]) -> None:
    """Applies `batch`, whole or, if that would do harm, one by one. At least one fix is applied or refused."""
    after, why = _try(run, batch)
    if after is not None:
        _accept(run, batch, after)
        return
    if len(batch) == 1:
        run.refuse(batch[0][0], why)
        return
    # One fix at a time, each against the text that the ones before it left: spans are those of a new analysis.
    waiting = {finding.fingerprint for finding, _ in batch}
    while waiting:
        single = next(
            (finding for finding in run.result.findings if finding.fingerprint in waiting and finding.fixable), None
        )
        if single is None:
            return
        waiting.discard(single.fingerprint)
        fix = single.fix or run.result.fix(single)
        if fix is None:
            continue
        after, why = _try(run, [(single, fix)])
        if after is None:
            run.refuse(single, why)
        else:
            _accept(run, [(single, fix)], after)


def _try(run: _Run, batch: Sequence[tuple[Finding, Fix]]) -> tuple[Result | None, str]:
    """(the analysis of the text with `batch` applied, "") or (None, why it must not be applied)."""
    before = run.result
    edits = [edit for _, fix in batch for edit in fix.edits]
    try:
        needs = resolve_needs(before.document, [need for _, fix in batch for need in fix.needs])
        edits = list(combined(edits, needs))
        document = edited(before.document, edits)
    except NeedConflict as conflict:
        return None, str(conflict)
    except OverlappingEdits:
        return None, _NO_OVERLAP
    after = analyse(document, run.host, run.settings)
    was, now = _counts(before.findings), _counts(after.findings)
    if now[SYNTAX_ERROR[0]] > was[SYNTAX_ERROR[0]]:
        return None, "the code would no longer parse"
    worse = [rule for rule in now if now[rule] > was[rule]]
    if worse:
        known = {finding.fingerprint for finding in before.findings}
        new = next((f for f in after.findings if f.rule in worse and f.fingerprint not in known), None)
        return None, f"it would bring a new finding: {new.message if new else worse[0]}"
    for finding, fix in batch:
        tried = sum(1 for other, offer in batch if other.rule == finding.rule and not offer.elsewhere)
        if not fix.elsewhere and now[finding.rule] > was[finding.rule] - tried and _still(finding, edits, after):
            return None, "the finding would still be there"
    return after, ""


def _still(finding: Finding, edits: Iterable[TextEdit], after: Result) -> bool:
    """Whether `after` has the finding: by fingerprint, or one of its rule in the text that its span has become.

    A milder one does not count: the fix has done its work, and what is left is another, smaller matter.
    """
    milder = SEVERITIES[SEVERITIES.index(finding.severity) + 1 :]
    start, end = finding.span.start, finding.span.end
    for edit in edits:
        grown = len(edit.content) - (edit.span.end - edit.span.start)
        if edit.span.end <= finding.span.start:
            start += grown
        if edit.span.start < finding.span.end:
            end += grown
    return any(
        other.rule == finding.rule
        and (
            other.fingerprint == finding.fingerprint
            or (start <= other.span.start < max(end, start + 1) and other.severity not in milder)
        )
        for other in after.findings
    )


def _accept(run: _Run, batch: Iterable[tuple[Finding, Fix]], after: Result) -> None:
    for finding, fix in batch:
        run.fixed.append(replace(finding, fix=fix))
        if fix.elsewhere:
            # The host still shows the other files as they were, so that the finding may well be found again.
            run.settled.add(finding.fingerprint)
        for path, edits in fix.elsewhere:
            known = run.elsewhere.setdefault(path, [])
            known.extend(edit for edit in edits if edit not in known)
    run.result = after


def _counts(findings: Iterable[Finding]) -> Counter[str]:
    """How many findings each rule has. A suppression that a fix has made unused is no harm done by it."""
    return Counter(finding.rule for finding in findings if finding.rule != UNUSED_SUPPRESSION[0])


def edited(document: Document, edits: Iterable[TextEdit]) -> Document:
    """`document` with `edits` applied, cell by cell in a notebook. Raises OverlappingEdits, also for an edit that
    reaches over the end of a cell."""
    if not document.is_notebook:
        text = apply_edits(document.source, edits)
        return Document.from_text(text, document.path, document.encoding, document.bom)
    by_cell = document.split_edits(tuple(edits))
    cells: list[NotebookCell] = []
    for index, cell in enumerate(document.cells):
        local = by_cell.get(index, [])
        if any(edit.span.end > len(cell.text) for edit in local):
            raise OverlappingEdits(f"an edit reaches over the end of cell {cell.number}")
        cells.append(NotebookCell(cell.number or index + 1, apply_edits(cell.text, local), cell.uri))
    return from_cells(cells, document.path)
