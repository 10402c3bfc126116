"""A rule: data first, then what it asks of the model. One class a file; its page stands beside it.

There are four shapes. A *site* rule looks at calls with certain qualified names, an *order* rule gives an automaton
over events of one object, a *whole* rule asks what the training program has and lacks. `check` is the only way in and
`Report` the only way out. A *comment* rule comes after the others: it is given what they found (`check_beside`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from dry_debug.lint.finding import Confidence, Finding, Fix, Related, Severity
from dry_debug.records import dataclass, field
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.program.evidence import Step
    from dry_debug.program.links import Link
    from dry_debug.program.program import Program

Shape = Literal["site", "order", "whole", "comment"]
Status = Literal["stable", "preview"]
FixKind = Literal["safe", "unsafe", "display", "none"]


@dataclass(slots=True)
class Report:
    """What a rule says about one place; the engine makes a Finding of it."""

    at: ast.AST | Span
    headline: str
    confidence: Confidence
    why: str | None = None  # None: the rule's own sentence
    severity: Severity | None = None  # None: the rule's own
    evidence: list[Step] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)  # places in files that are no Python
    cause: str = ""  # "": this rule at this place
    # Called only when somebody asks for the fix; that there is one says that asking gives one (`ready_fix`).
    fix: Callable[[], Fix | None] | None = None
    fix_title: str = ""
    variants: Callable[[], list[Fix]] | None = None  # other ways to fix it, the likeliest first; called as `fix` is
    quotes: tuple[str, ...] | None = None  # None: the rule's own
    links: Callable[[], list[Link]] | None = None  # what the confidence is the weakest of; called only to explain it


def ready_fix(fix: Fix | None) -> Callable[[], Fix | None] | None:
    """A fix that costs little and is made already, as a report takes it: none where there is none."""
    return (lambda: fix) if fix is not None else None


class Rule:
    """Base of all rules. Subclasses fill the data and `check`."""

    name: ClassVar[str]
    code: ClassVar[str]
    shape: ClassVar[Shape]
    severity: ClassVar[Severity]
    status: ClassVar[Status] = "stable"
    fix_kind: ClassVar[FixKind] = "none"
    # A file is looked at only if every group has a member that occurs in its text.
    triggers: ClassVar[tuple[tuple[str, ...], ...]]
    why: ClassVar[str]
    quotes: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[str] = ""  # what to do, in one imperative sentence: the hover says it below the quotations
    depends_on_names: ClassVar[bool] = False
    looks_at: ClassVar[str]  # what it judges, in a few words: "calls of `torch.load`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        """The places that the rule judges, for `dry-debug explain`: of each it says something, or why it does not."""
        raise NotImplementedError

    def check(self, program: Program) -> Iterator[Report]:
        """Everything that this rule has to say about `program`."""
        raise NotImplementedError


class SiteRule(Rule):
    """Looks at each call whose canonical qualified name is in `calls`."""

    shape = "site"
    calls: ClassVar[tuple[str, ...]] = ()

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for name in self.calls:
            yield from program.calls_of(name)

    def check(self, program: Program) -> Iterator[Report]:
        for name in self.calls:
            for call in program.calls_of(name):
                yield from self.check_call(call, program)

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        """What is wrong with this call."""
        raise NotImplementedError


class OrderRule(Rule):
    """Judges the order of events; `program.run` walks the automaton that the rule gives it."""

    shape = "order"


class WholeRule(Rule):
    """Judges what the training program as a whole has and lacks (`program.training`)."""

    shape = "whole"


class CommentRule(Rule):
    """Judges comments beside what the other rules have found, after them."""

    shape = "comment"

    def check(self, program: Program) -> Iterator[Report]:
        """Nothing: alone, a comment is nobody's business."""
        return iter(())

    def check_beside(self, program: Program, findings: Sequence[Finding]) -> Iterator[Report]:
        """Everything that this rule has to say, given the findings of the other rules that are shown."""
        raise NotImplementedError
