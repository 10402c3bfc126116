"""One analysis of one snapshot, and what stays on screen while the text does not parse. Runs in a worker thread."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.finding import Finding, Related
from dry_debug.lsp.project import Rules
from dry_debug.lsp.snapshot import Snapshot
from dry_debug.program.host import Host
from dry_debug.records import dataclass, replace


@dataclass(frozen=True)
class Analysis:
    """What is known of `snapshot`. While it does not parse, `kept` is the last analysis of this document that did.

    `answers` is there where the analysis waits to be published: what the host's answers came from, by question.
    """

    snapshot: Snapshot
    rules: Rules
    host: Host
    result: Result
    kept: "Analysis | None" = None
    answers: Mapping[str, str] | None = None

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is shown, with spans in this snapshot: while the text does not parse, the syntax error and after it
        the findings of the last text that did, where they were."""
        known = self.rules.known
        own = tuple(finding for finding in self.result.findings if known is None or finding not in known)
        if self.kept is None:
            return own
        carried = (_carried(finding, self.kept.snapshot, self.snapshot) for finding in self.kept.findings)
        return (*own, *(finding for finding in carried if finding is not None))

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """Of everything that is shown."""
        return frozenset(finding.fingerprint for finding in self.findings)

    def for_later(self) -> "Analysis":
        """The same, which can say whether it holds when it is published. Other files have not changed meanwhile."""
        return replace(self, answers=_answers(self.host, self.result.asked))

    def holds(self, host: Host) -> bool:
        """Whether the same analysis with `host` would come out the same; False for one that was not kept for later."""
        return self.answers is not None and _answers(host, self.answers) == self.answers

    @property
    def parses(self) -> bool:
        return self.result.program is not None

    @property
    def good(self) -> "Analysis | None":
        """The last analysis that parsed: this one, or the one whose findings are kept."""
        return self if self.parses else self.kept


def run(
    snapshot: Snapshot,
    rules: Rules,
    host: Host,
    previous: Analysis | None,
    cancelled: Callable[[], bool] | None = None,
) -> Analysis:
    """Analyse `snapshot`. Raises lint.engine.Cancelled when `cancelled` says so between two rules."""
    result = analyse(snapshot.document, host, rules.settings, cancelled=cancelled)
    kept = previous.good if result.program is None and previous is not None else None
    return Analysis(snapshot, rules, host, result, kept)


def _answers(host: Host, asked: Iterable[str]) -> Mapping[str, str]:
    return {question: host.answer_key(question) for question in asked}


def _carried(finding: Finding, old: Snapshot, new: Snapshot) -> Finding | None:
    span = new.carried(finding.span, old)
    if span is None:
        return None
    related: list[Related] = []
    for step in finding.related:
        place = new.carried(step.span, old) if step.span is not None else None
        if place is not None or step.span is None:
            related.append(step._replace(span=place))
    return replace(finding, span=span, related=tuple(related), fix=None, fixable=False)
