"""Why there is a finding at a line, and why there is none.

Every rule that is asked runs once more, on a model of its own that writes down what it gives up (`program.why`).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Literal

from dry_debug.lint import manifest, suppress
from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.finding import Finding, Severity
from dry_debug.lint.manifest import RuleInfo
from dry_debug.lint.rule import CommentRule, Report
from dry_debug.lint.settings import Settings
from dry_debug.lint.triggers import triggered
from dry_debug.program.describe import describe_line
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.host import Host, NullHost
from dry_debug.program.links import Link
from dry_debug.program.program import Program
from dry_debug.program.reasons import Drop, Recorder
from dry_debug.records import dataclass, field
from dry_debug.text.document import Document
from dry_debug.text.spans import Span

Status = Literal[
    "reported", "suppressed", "low-confidence", "preview", "not-selected", "off", "folded",
    "silent", "not-triggered", "no-subject", "failed", "syntax-error",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """A place with its source line. `line` is one-based, in its cell if `cell` (one-based) is set."""

    path: str
    cell: int | None
    line: int
    source: str
    message: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was not reported, and the places that show it."""

    text: str
    points: tuple[Point, ...] = ()


@dataclass(slots=True)
class Told:
    """What one rule says of the line, or why it says nothing."""

    rule: str
    code: str
    status: Status
    text: str  # one sentence
    severity: Severity | None = None
    confidence: Confidence | None = None
    why: str = ""
    chain: list[Point] = field(default_factory=list)  # how the finding came about, its own place last
    links: list[Link] = field(default_factory=list)  # what the confidence is composed of
    reasons: list[Reason] = field(default_factory=list)


@dataclass(slots=True)
class Explanation:
    """All that there is to say of one line. `view`: what the model sees on it, in sentences."""

    path: str
    line: int
    cell: int | None
    source: str
    told: list[Told]
    view: list[str]


@dataclass(slots=True)
class _Run:
    """One rule on a model of its own."""

    info: RuleInfo
    program: Program
    reports: list[Report]
    drops: list[Drop]
    subjects: list[ast.AST]
    error: str = ""


def explain(
    document: Document,
    host: Host | None,
    settings: Settings,
    line: int,
    rule: str | None = None,
    origin: Mapping[str, str] | None = None,
) -> Explanation:
    """What is said, or not said, of one-based `line` (of the whole source), by all rules or by `rule` (a name).

    `origin` says for each setting where it was made (`pyproject.toml:12`, or a flag), by field name.
    """
    host = host if host is not None else NullHost()
    result = analyse(document, host, settings)
    document = result.document
    place = document.position(document.lines.starts[min(line, len(document.lines)) - 1])
    source = document.lines.line_text(line - 1).strip()
    answer = Explanation(document.path, place.line + 1, place.cell, source, [], [])
    infos = [i for i in manifest.rules() if rule in (None, i.name)]
    if result.program is None:
        answer.told.extend(_unread(result, document))
        return answer
    for finding in result.findings:
        if rule is None and manifest.find(finding.rule) is None and _covers(document, finding.span, line):
            answer.told.append(_bare(finding, document))  # a broken cell, an unused suppression
    for info in infos:
        if not triggered(info, _text_of(info, document)):
            if rule is not None:
                answer.told.append(Told(info.name, info.code, "not-triggered", _words(info)))
            continue
        run = _run(info, document, result.program, host, settings, result.findings)
        try:
            answer.told.extend(_of_rule(run, result, settings, line, rule is not None, origin or {}))
        except Exception as error:
            answer.told.append(Told(info.name, info.code, "failed", _failure(error)))
    answer.told.sort(key=lambda t: t.status == "silent")
    if rule is None or not any(t.status == "not-triggered" for t in answer.told):
        try:
            answer.view = describe_line(result.program, line)
        except Exception as error:
            answer.view = [_failure(error)]
    return answer


def _text_of(info: RuleInfo, document: Document) -> str:
    """The text in which the triggers of a rule are looked for: people write `TODO` and `todo`."""
    return document.source.lower() if info.shape == "comment" else document.source


def judged(document: Document, host: Host | None, info: RuleInfo, settings: Settings) -> list[int]:
    """The one-based lines (of the whole source) with something that the rule judges."""
    result = analyse(document, host, settings, rules=[] if info.shape != "comment" else None)
    if result.program is None or not triggered(info, _text_of(info, result.document)):
        return []
    run = _run(info, result.document, result.program, host or NullHost(), settings, result.findings)
    assert not run.error, run.error
    places = [*run.subjects, *(r.at for r in run.reports if isinstance(r.at, ast.AST))]
    if info.shape == "comment":  # it judges comments; of those without a finding it tells at the statement below
        places = [drop.at for drop in run.drops if drop.at is not None]
    spans = [run.program.span(place) for place in places]
    return sorted({result.document.lines.line_of(span.start) + 1 for span in spans})


# -- running -----------------------------------------------------------------------------------------------------------


def _run(
    info: RuleInfo,
    document: Document,
    known: Program,
    host: Host,
    settings: Settings,
    findings: Sequence[Finding],
) -> _Run:
    program = Program(document, known.tree, host)
    program.spec = settings.spec
    recorder = program.why = Recorder(program)
    host.begin()
    host.adopt(program)
    rule = manifest.load(info)
    run = _Run(info, program, [], recorder.drops, [])
    try:
        said = rule.check_beside(program, findings) if isinstance(rule, CommentRule) else rule.check(program)
        run.reports = list(said)
        run.subjects = list(rule.subjects(program))
    except Exception as error:  # as in the engine: one rule must not take the others down
        run.error = _failure(error)
    return run


def _failure(error: Exception) -> str:
    return f"this failed, which is a defect of Dry Debug: {type(error).__name__}: {error}"


def _of_rule(
    run: _Run, result: Result, settings: Settings, line: int, named: bool, origin: Mapping[str, str]
) -> list[Told]:
    info = run.info
    if run.error:
        return [Told(info.name, info.code, "failed", run.error)]
    told = [
        _report(run, report, result, settings, origin) for report in run.reports if _at(run.program, report.at, line)
    ]
    said = {id(report.at) for report in run.reports}
    held = _not_run(info, settings, origin)
    here = [s for s in run.subjects if _at(run.program, s, line) and id(s) not in said]
    drops = [d for d in run.drops if d.at is not None and id(d.at) not in said and _at(run.program, d.at, line)]
    if told and not drops:
        return told
    if not here and not drops:
        if not named:
            return told
        return [Told(info.name, info.code, "no-subject", _elsewhere(run, line))]
    drops = drops or [d for d in run.drops if d.at is None]
    reasons = [Reason(d.reason, tuple(_point(s) for s in d.steps)) for d in drops]
    if held is not None:
        status, text = held
        return [*told, Told(info.name, info.code, status, f"not reported: {text}", reasons=reasons)]
    text = "not reported" if reasons else "not reported: it was looked at, and nothing is wrong with it"
    return [*told, Told(info.name, info.code, "silent", text, reasons=reasons)]


# -- what is found -----------------------------------------------------------------------------------------------------


def _report(run: _Run, report: Report, result: Result, settings: Settings, origin: Mapping[str, str]) -> Told:
    info, program = run.info, run.program
    span = report.at if isinstance(report.at, Span) else program.span(report.at)
    told = Told(
        info.name,
        info.code,
        "reported",
        report.headline,
        report.severity or info.severity,
        report.confidence,
        report.why or manifest.load(info).why,
        [_point(step) for step in report.evidence],
        report.links() if report.links is not None else [],
    )
    told.chain.append(_here(program, span, "this place"))
    same = next((f for f in result.findings if f.rule == info.name and f.span == span), None)
    hidden = next((f for f in result.hidden if f.rule == info.name and f.span == span), None)
    held = _not_run(info, settings, origin)
    cause = report.cause or f"{info.name}@{span.start}"
    lead = next((f for f in (*result.findings, *result.hidden) if f.cause == cause and f is not same), None)
    if same is not None:
        told.severity = same.severity
    elif hidden is not None:
        lines = suppress.hiding(result.document, hidden)
        where = f" in line {_line(result.document, lines[0])}" if lines else ""
        told.status, told.reasons = "suppressed", [Reason(f"a comment{where} suppresses it")]
    elif held is not None:
        told.status, told.reasons = held[0], [Reason(held[1])]
    elif report.confidence not in settings.min_confidences():
        weak = "; ".join(x.reason for x in told.links if x.confidence == report.confidence)
        limit = f"--min-confidence is {settings.min_confidence}{_made(origin, 'min_confidence')}"
        because = f", because {weak}" if weak else ""
        told.status = "low-confidence"
        told.reasons = [Reason(f"below {limit}: its confidence is {report.confidence}{because}")]
    elif lead is not None:
        told.status = "folded"
        line = result.document.position(lead.span.start).line + 1
        told.reasons = [Reason(f"it has one cause with, and is told by, {lead.code} {lead.rule} at line {line}")]
    return told


def _not_run(info: RuleInfo, settings: Settings, origin: Mapping[str, str]) -> tuple[Status, str] | None:
    """Why the settings do not let the rule run; None where they do."""
    if info in manifest.selected(settings):
        return None
    for name in ("ignore", "per_file_ignores"):
        if any(manifest.matches(info, s) for s in settings.ignore) and (name in origin or name == "per_file_ignores"):
            return "not-selected", f"the rule is ignored{_made(origin, name)}"
    if settings.severity.get(info.name) == "off" or settings.severity.get(info.code) == "off":
        return "off", f"the severity of the rule is set to off{_made(origin, 'severity')}"
    chosen = (*settings.select, *settings.extend_select)
    if not any(manifest.matches(info, s) for s in chosen):
        return "not-selected", f"the rule is not among the selected ones{_made(origin, 'select')}"
    return "preview", "the rule is a preview, and previews are off (`--preview` or `preview = true` turns them on)"


def _made(origin: Mapping[str, str], name: str) -> str:
    """` (by pyproject.toml:12)`."""
    return f" ({origin[name]})" if name in origin else ""


def _bare(finding: Finding, document: Document) -> Told:
    chain = [_here_in(document, finding.span, "this place")]
    return Told(
        finding.rule,
        finding.code,
        "reported",
        finding.message,
        finding.severity,
        finding.confidence,
        finding.why,
        chain,
    )


def _unread(result: Result, document: Document) -> list[Told]:
    """A file that cannot be read has one finding, wherever one looks."""
    rows = [_bare(finding, document) for finding in result.findings]
    for row in rows:
        row.status = "syntax-error"
    if not rows:
        reason = "; ".join(problem.message for problem in result.problems) or "it is a template"
        rows.append(Told("syntax-error", "DRY000", "syntax-error", f"nothing can be said of this file: {reason}"))
    return rows


# -- silence -----------------------------------------------------------------------------------------------------------


def _words(info: RuleInfo) -> str:
    """The groups of trigger words of which the file has none."""
    groups = " and ".join(" or ".join(f"`{word}`" for word in group) for group in info.triggers)
    return f"not reported: the rule looks only at files that mention {groups}, and this one does not"


def _elsewhere(run: _Run, line: int) -> str:
    looks = f"this rule looks at {manifest.load(run.info).looks_at}"
    lines = sorted({run.program.line(s) for s in run.subjects})
    if not lines:
        reasons = [d.reason for d in run.drops if d.at is None]
        because = f" ({reasons[0]})" if reasons else ""
        return f"not reported: {looks}; there is none in this file{because}"
    shown = ", ".join(map(str, lines[:8])) + (", ..." if len(lines) > 8 else "")
    return f"not reported: {looks}; there is none on this line (line{'s' if len(lines) > 1 else ''} {shown})"


# -- places ------------------------------------------------------------------------------------------------------------


def _at(program: Program, place: ast.AST | Span, line: int) -> bool:
    """Whether the place, or the simple statement that it is part of, touches the line."""
    document = program.document
    if isinstance(place, Span):
        return _covers(document, place, line)
    if not hasattr(place, "lineno"):
        return False
    stmt = program.statement(place)
    whole = stmt if stmt is not None and not getattr(stmt, "body", None) else place
    first, last = whole.lineno, getattr(whole, "end_lineno", None) or whole.lineno
    body = getattr(whole, "body", None)
    if isinstance(body, list) and body:
        last = max(first, body[0].lineno - 1)
    return bool(first <= line <= last)


def _covers(document: Document, span: Span, line: int) -> bool:
    return document.lines.line_of(span.start) + 1 <= line <= document.lines.line_of(span.end) + 1


def _point(step: Step) -> Point:
    return _here(step.program, step.program.span(step.node), step.message)


def _here(program: Program, span: Span, message: str) -> Point:
    return _here_in(program.document, span, message)


def _here_in(document: Document, span: Span, message: str) -> Point:
    at = document.position(span.start)
    source = document.lines.line_text(document.lines.line_of(span.start)).strip()
    return Point(document.path, at.cell, at.line + 1, source, message)


def _line(document: Document, line: int) -> str:
    """One-based line of the whole source as the user counts it."""
    at = document.position(document.lines.starts[line - 1])
    return f"{at.line + 1} of cell {at.cell}" if at.cell is not None else str(at.line + 1)
