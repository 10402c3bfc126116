"""Document x rules -> findings. Cannot fail: what goes wrong is a problem, and the other rules go on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dry_debug.lint import manifest, suppress
from dry_debug.lint.comments import words_near
from dry_debug.lint.finding import SEVERITIES, SYNTAX_ERROR, Finding, Fix, Place, Related, Severity
from dry_debug.lint.fingerprint import fingerprint, key
from dry_debug.lint.manifest import RuleInfo
from dry_debug.lint.settings import Settings
from dry_debug.lint.triggers import awake, triggered
from dry_debug.program.host import Host, NullHost
from dry_debug.program.parsing import parse, without_broken_cells
from dry_debug.program.program import Program
from dry_debug.text.document import Document, Problem
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.lint.rule import Report


class Cancelled(Exception):
    """The caller said, between two rules, that nobody waits for this result any more."""


class Result:
    """What the analysis of one document gave. Fixes are computed when they are asked for."""

    def __init__(
        self,
        document: Document,
        findings: Sequence[Finding],
        problems: Sequence[Problem],
        program: Program | None,
        asked: frozenset[str],
        fixers: dict[str, Callable[[], Fix | None]],
        hidden: Sequence[Finding] = (),
        varied: dict[str, Callable[[], list[Fix]]] | None = None,
    ) -> None:
        self.document = document
        self.findings = tuple(findings)
        self.hidden = tuple(hidden)  # found, but suppressed by a comment
        self.problems = tuple(problems)
        self.program = program
        self.asked = asked
        self._fixers = fixers
        self._varied = varied or {}

    def fix(self, finding: Finding) -> Fix | None:
        """The fix of one of `findings` (or None); a fix that fails to be made is no fix."""
        if finding.fix is not None:
            return finding.fix
        fixer = self._fixers.get(finding.fingerprint)
        if fixer is None:
            return None
        try:
            return fixer()
        except Exception as error:  # a fix must never take the finding down with it
            self._failed(finding, error)
            return None

    def fixes(self, finding: Finding) -> list[Fix]:
        """The fix of one of `findings` first, then the other ways to fix it that its rule offers."""
        first = self.fix(finding)
        found = [first] if first is not None else []
        others = self._varied.get(finding.fingerprint)
        try:
            return found + (others() if others is not None else [])
        except Exception as error:
            self._failed(finding, error)
            return found

    def _failed(self, finding: Finding, error: Exception) -> None:
        message = f"the fix of {finding.rule} failed: {type(error).__name__}: {error}"
        self.problems = (*self.problems, Problem(message, self.document.path))

    def with_fixes(self) -> tuple[Finding, ...]:
        """The findings with their fixes filled in."""
        return tuple(f.with_fix(self.fix(f)) if f.fixable else f for f in self.findings)


def analyse(
    document: Document,
    host: Host | None = None,
    settings: Settings = Settings(),  # noqa: B008  # frozen
    *,
    cancelled: Callable[[], bool] | None = None,
    rules: Sequence[RuleInfo] | None = None,
) -> Result:
    """Every finding of the selected rules in `document`.

    Raises Cancelled, and nothing else, when `cancelled()` becomes true between two rules.
    """
    if host is None:
        host = NullHost()
    else:
        host.begin()
    problems = list(document.problems)
    known = host.program_of(document)
    parsed = known.tree if known is not None else parse(document)
    broken: list[Finding] = []
    if not isinstance(parsed, ast.Module) and len(document.cells) > 1:
        document, parsed, broken = _without_broken_cells(document, parsed)
    if not isinstance(parsed, ast.Module):
        return _unparsed(document, parsed, problems)
    program = known if known is not None else Program(document, parsed, host)
    host.adopt(program)
    program.spec = settings.spec
    chosen = manifest.selected(settings) if rules is None else tuple(rules)
    raw: list[tuple[RuleInfo, Report]] = []
    doubtful: set[str] = set()  # a suppression of what is not shown anyway is not called unused
    shown = settings.min_confidences()
    for info in awake(chosen, document):
        if cancelled is not None and cancelled():
            raise Cancelled
        try:
            reports = list(manifest.load(info).check(program))
        except Exception as error:
            problems.append(_crash(info, error, document.path))
            doubtful.add(info.name)
            continue
        for report in reports:
            raw.append((info, report))
            if report.confidence not in shown:
                doubtful.add(info.name)
    ran = [info for info in chosen if info.name not in doubtful] if doubtful else chosen
    problems.extend(program.problems)
    fixers: dict[str, Callable[[], Fix | None]] = {}
    varied: dict[str, Callable[[], list[Fix]]] = {}
    findings = _findings(document, program, raw, settings, fixers, varied) if raw else []
    kept, hidden = suppress.apply(document, parsed, findings, ran)
    beside = _beside(chosen, kept, program, problems) if kept else []
    if beside:
        findings.extend(_findings(document, program, beside, settings, fixers, varied))
        kept, hidden = suppress.apply(document, parsed, findings, ran)
    kept.extend(broken)
    kept.sort(key=lambda f: f.sort_key)
    return Result(document, kept, problems, program, host.asked_for(document.path), fixers, hidden, varied)


def _beside(
    chosen: Sequence[RuleInfo], findings: Sequence[Finding], program: Program, problems: list[Problem]
) -> list[tuple[RuleInfo, Report]]:
    """What the rules about comments say beside `findings`, those that no comment suppresses."""
    found: list[tuple[RuleInfo, Report]] = []
    judges = [info for info in chosen if info.shape == "comment"]
    if not judges:
        return found
    # With the catalogue these rules cost a cold run a tenth of its time, and most comments say nothing of theirs.
    near = "#" + "\n".join(words_near(program.document, finding.span) for finding in findings).lower()
    from dry_debug.lint.rule import CommentRule

    for info in judges:
        if triggered(info, near):
            rule = manifest.load(info)
            assert isinstance(rule, CommentRule)
            try:
                found.extend((info, report) for report in rule.check_beside(program, findings))
            except Exception as error:
                problems.append(_crash(info, error, program.document.path))
    return found


def _crash(info: RuleInfo, error: Exception, path: str) -> Problem:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})" if trace else ""
    return Problem(f"rule {info.name} failed: {type(error).__name__}: {error}{where}", path)


def _unparsed(document: Document, error: Problem, problems: list[Problem]) -> Result:
    if error.line is None:  # not the code's fault: too deep, out of memory
        return Result(document, (), (*problems, error), None, frozenset(), {})
    if "{{" in document.path:  # a template that a generator turns into Python, as its name says
        return Result(document, (), problems, None, frozenset(), {})
    return Result(document, (_syntax_error(document, error, error.line),), problems, None, frozenset(), {})


def _without_broken_cells(document: Document, error: Problem) -> tuple[Document, ast.Module | Problem, list[Finding]]:
    """A notebook without the cells that do not parse, each of which is a finding; the other cells are analysed."""
    rest, parsed, problems = without_broken_cells(document, error)
    return rest, parsed, [_syntax_error(document, problem, problem.line or 1) for problem in problems]


def _syntax_error(document: Document, error: Problem, line: int) -> Finding:
    name, code = SYNTAX_ERROR
    span = document.span_of_line(line)
    return Finding(
        rule=name,
        code=code,
        severity="critical",
        confidence="high",
        message=error.message[:100].rstrip("."),
        why="Python cannot read this file, so nothing else in it can be checked.",
        span=span,
        cause=f"{name}@{line}",
        fingerprint=fingerprint(name, document, span, 0),
    )


def _findings(
    document: Document,
    program: Program,
    raw: list[tuple[RuleInfo, Report]],
    settings: Settings,
    fixers: dict[str, Callable[[], Fix | None]],
    varied: dict[str, Callable[[], list[Fix]]],
) -> list[Finding]:
    shown = settings.min_confidences()
    seen: dict[tuple[str, str, tuple[str, ...]], int] = {}
    by_cause: dict[str, Finding] = {}
    for info, report in raw:
        if report.confidence not in shown:
            continue
        span = report.at if isinstance(report.at, Span) else program.span(report.at)
        severity = _severity(info, report, settings)
        if severity is None:
            continue
        common = key(info.name, document, span)
        occurrence = seen[common] = seen.get(common, -1) + 1
        print_ = fingerprint(info.name, document, span, occurrence)
        rule = manifest.load(info)
        finding = Finding(
            rule=info.name,
            code=info.code,
            severity=severity,
            confidence=report.confidence,
            message=report.headline,
            why=report.why or rule.why,
            span=span,
            cause=report.cause or f"{info.name}@{span.start}",
            fingerprint=print_,
            fixable=report.fix is not None,
            fix_title=report.fix_title,
            related=(
                *(_related(program, step.program, step.node, step.message) for step in report.evidence),
                *report.related,
            ),
            quotes=report.quotes if report.quotes is not None else info.quotes,
            preview=info.status == "preview",
        )
        if report.fix is not None:
            fixers[print_] = report.fix
        if report.variants is not None:
            varied[print_] = report.variants
        first = by_cause.get(finding.cause)
        by_cause[finding.cause] = finding if first is None else _fold(first, finding)
    return list(by_cause.values())


def _fold(first: Finding, second: Finding) -> Finding:
    """One cause, one finding: the more severe leads (the first of equals), the other becomes evidence."""
    from dry_debug.records import replace

    if SEVERITIES.index(second.severity) < SEVERITIES.index(first.severity):
        first, second = second, first
    more = [each for each in second.related if each not in first.related]
    return replace(first, related=(*first.related, Related(second.message, span=second.span), *more))


def _severity(info: RuleInfo, report: Report, settings: Settings) -> Severity | None:
    chosen = settings.severity.get(info.name) or settings.severity.get(info.code)
    if chosen == "off":
        return None
    severity: Severity = chosen or report.severity or info.severity
    if severity == "critical" and report.confidence != "high" and not chosen:
        return "warning"  # a critical finding needs high confidence
    return severity


def _related(home: Program, program: Program, node: ast.AST, message: str) -> Related:
    if program is home:
        return Related(message, span=home.span(node))
    span, document = program.span(node), program.document
    start, end = document.position(span.start), document.position(span.end)
    before = [document.source[offset - at.column : offset] for offset, at in ((span.start, start), (span.end, end))]
    place = Place(document.path, start.line, start.column, end.line, end.column, start.cell, *before)
    return Related(message, place=place)
