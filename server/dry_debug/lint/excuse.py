"""The base of the rules that mark an excuse in a comment: only where a mistake that it excuses stands in its block."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dry_debug.lint import manifest
from dry_debug.lint.comments import block, comments_of, words_near
from dry_debug.lint.finding import Finding
from dry_debug.lint.rule import CommentRule, Report
from dry_debug.program.describe import statements_at
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug_rules.catalogue.excuses import Excuse

    from dry_debug.program.program import Program

_LONGEST = 36  # code points of the user's words in the headline


class ExcuseRule(CommentRule):
    """Subclasses give name, code and `why`; the words and the answers stand in the catalogue under the rule's name."""

    severity = "suggestion"
    looks_at = "comments in the block of a finding of another rule"

    @property
    def excuse(self) -> Excuse:
        """The words that this rule looks for and the entries that answer them."""
        from dry_debug_rules.catalogue.excuses import EXCUSES

        return EXCUSES[self.name]

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        """None: what is judged are comments, which `check_beside` goes through."""
        return iter(())

    def check_beside(self, program: Program, findings: Sequence[Finding]) -> Iterator[Report]:
        document = program.document
        near = [f for f in findings if self._answered(f) and self._maybe(words_near(document, f.span))]
        told: set[Span] = set()
        for line, span, text in comments_of(document) if near or program.why.listens else ():
            words = self.excuse.said_in(text)
            if words is None:
                continue
            here = [f for f in near if line in block(document, f.span) and _one_scope(f, line, program)]
            if not here:
                if program.why.listens:
                    self._tell(line, findings, program)
            elif span not in told:
                told.add(span)
                yield self._report(span, words, here[0], program)

    def _answered(self, finding: Finding) -> bool:
        info = manifest.find(finding.rule)
        return info is not None and info.shape != "comment" and bool(self.excuse.answers_for(info.family))

    def _maybe(self, words: str) -> bool:
        return any(self.excuse.said_in(line) for line in words.splitlines())

    def _report(self, span: Span, words: str, finding: Finding, program: Program) -> Report:
        info = manifest.find(finding.rule)
        line = program.document.position(finding.span.start).line + 1
        said = " ".join(words.split())
        said = said if len(said) <= _LONGEST else said[: _LONGEST - 3].rstrip() + "..."
        statements = statements_at(program, program.document.lines.line_of(finding.span.start) + 1)
        return Report(
            at=span,
            headline=f'"{said}" stands beside {finding.rule} in line {line}'[:100],
            confidence="high",
            evidence=[Step(program, statement, finding.message) for statement in statements[:1]],
            links=lambda: [Link("kind", "high", f"{finding.code} was found in the same block")],
            cause=f"{self.name}@{span.start}",
            quotes=self.excuse.answers_for(info.family if info is not None else ""),
        )

    def _tell(self, line: int, findings: Sequence[Finding], program: Program) -> None:
        for statement in _statement_of(line, program):
            around = [f for f in findings if line in block(program.document, f.span)]
            if around:
                program.why(statement, "the catalogue has no answer to these words for {}", around[0].rule)
            else:
                program.why(statement, "no finding of another rule stands in the block of the comment")


def _statement_of(line: int, program: Program) -> list[ast.stmt]:
    """The statement on a zero-based line, else the next one below in the same block of lines."""
    lines = program.document.lines
    while line < len(lines) and lines.line_text(line).strip():
        found = statements_at(program, line + 1)
        if found:
            return found[:1]
        line += 1
    return []


def _one_scope(finding: Finding, line: int, program: Program) -> bool:
    """Whether the comment does not stand in another function than the finding."""
    at = program.document.lines.line_of(finding.span.start)
    low, high = sorted((at, line))
    return not any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and low < node.lineno - 1 <= high
        for node in program.index.scopes
    )
