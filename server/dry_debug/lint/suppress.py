"""Suppression comments: `# noqa: CODE`, `# dry-debug: ignore[rule] reason`, `# dry-debug: file-ignore[rule] reason`.

Markers are found by one regular expression; only a file that has one naming a rule of ours is tokenised, which tells
comments from strings and gives the logical lines. Rules are named by name or code; at least one must be named, and
names of other tools' rules (`# noqa: E501`) are nobody's business here.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Collection, Container, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from dry_debug.lint import manifest
from dry_debug.lint.finding import UNUSED_SUPPRESSION, Finding, Fix
from dry_debug.lint.fingerprint import fingerprints
from dry_debug.records import dataclass, field
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.lint.logical_lines import Comment, LogicalLines

_NAME = r"[A-Za-z][A-Za-z0-9_-]*"
# After `noqa:` a comma goes on with the list, a space only before another code: what follows may be a reason.
_MARKER = (
    rf"#[ \t]*(?i:noqa)[ \t]*:[ \t]*(?P<noqa>{_NAME}(?:[ \t]*,[ \t]*{_NAME}|[ \t]+[A-Z]+[0-9]+\b)*)"
    rf"|#[ \t]*dry-debug[ \t]*:[ \t]*(?P<file>file-)?ignore\b(?:[ \t]*\[(?P<ignore>[^\]\r\n]*)\])?"
)
_WORD = re.compile(_NAME)


@functools.cache
def _marker() -> re.Pattern[str]:
    # Compiled for the first file with a comment that looks like one of these.
    return re.compile(_MARKER)


# One of these identifiers stands in every text with such a comment.
_SIGNS = frozenset(("dry", *map("".join, itertools.product("nN", "oO", "qQ", "aA"))))


class RuleName(Protocol):
    """What is asked of a rule here: `lint.manifest.RuleInfo` has it."""

    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str: ...


@dataclass(slots=True)
class _Marker:
    """One suppression. `names` are the rules as written, with the offsets of each in the source."""

    kind: str  # "noqa", "ignore" or "file"
    span: Span  # from its number sign to the end of its reason
    comment: Comment
    names: list[tuple[str, Span]]
    lines: range  # zero-based lines whose findings it hides; empty for "file"
    used: set[str] = field(default_factory=set)

    def hides(self, finding: Finding, at: int, last: int) -> str | None:
        """The name by which it hides a finding at line `at`, whose logical line ends at line `last`."""
        if self.kind == "noqa" and self.comment.line not in (at, last):
            return None
        if self.kind == "ignore" and at not in self.lines:
            return None
        wanted = (finding.rule, finding.code.lower())
        return next((name for name, _ in self.names if name.lower() in wanted), None)


def apply(
    document: Document, tree: ast.AST | None, findings: Sequence[Finding], ran: Collection[RuleName]
) -> tuple[list[Finding], list[Finding]]:
    """(`findings` that stay, with one more for each suppression that hides nothing; those that are hidden).

    `ran` are the rules that were asked about this file, whether or not their triggers occur in it: only of these can
    it be said that a suppression is unused. `findings` should be all that they said, before severities and
    confidences are applied. A file that does not parse (`tree` is None) has no suppressions.
    """
    source = document.source
    if tree is None or _SIGNS.isdisjoint(document.identifiers):
        return list(findings), []
    words = _words_of(ran).union(*((finding.code.lower(), finding.rule) for finding in findings))
    if not any(_is_ours(match, words) for match in _marker().finditer(source)):
        return list(findings), []
    codes = {rule.code.lower(): rule.name for rule in ran} | {rule.name: rule.name for rule in ran}
    codes |= {finding.code.lower(): finding.rule for finding in findings}
    codes |= {finding.rule: finding.rule for finding in findings}
    codes |= {UNUSED_SUPPRESSION[1].lower(): UNUSED_SUPPRESSION[0], UNUSED_SUPPRESSION[0]: UNUSED_SUPPRESSION[0]}
    from dry_debug.lint.logical_lines import logical_lines  # loads `tokenize`

    lines = logical_lines(document)
    markers = list(_markers(document, lines, codes))
    kept: list[Finding] = []
    hidden: list[Finding] = []
    for finding in findings:
        (hidden if _hide(document, lines, markers, finding) else kept).append(finding)
    for finding in _unused(document, markers, codes):
        (hidden if _hide(document, lines, markers, finding) else kept).append(finding)
    return kept, hidden


_last: tuple[Collection[RuleName], frozenset[str]] = ((), frozenset())


def _words_of(ran: Collection[RuleName]) -> frozenset[str]:
    """What comments may name of these rules, and of what is said of comments. That of the last ones is remembered."""
    global _last
    known = _last
    if known[0] is not ran:
        names = (name for rule in ran for name in (rule.code.lower(), rule.name))
        known = _last = (ran, frozenset((*names, UNUSED_SUPPRESSION[1].lower(), UNUSED_SUPPRESSION[0])))
    return known[1]


def hiding(document: Document, finding: Finding) -> list[int]:
    """The one-based lines (of the whole source) of the comments that hide `finding`."""
    from dry_debug.lint.logical_lines import logical_lines

    lines = logical_lines(document)
    codes = {finding.code.lower(): finding.rule, finding.rule: finding.rule}
    at = document.lines.line_of(finding.span.start)
    markers = _markers(document, lines, codes)
    return [m.comment.line + 1 for m in markers if m.hides(finding, at, lines.last_line(at)) is not None]


def _is_ours(match: re.Match[str], codes: Container[str]) -> bool:
    listed = match.group("noqa")
    return listed is None or any(word.lower() in codes for word in _WORD.findall(listed))


def _hide(document: Document, lines: LogicalLines, markers: list[_Marker], finding: Finding) -> bool:
    at = document.lines.line_of(finding.span.start)
    last = lines.last_line(at)
    found = False
    for marker in markers:
        name = marker.hides(finding, at, last)
        if name is not None:
            marker.used.add(name)
            found = True
    return found


def _markers(document: Document, lines: LogicalLines, codes: dict[str, str]) -> Iterator[_Marker]:
    for comment in lines.comments:
        matches = list(_marker().finditer(document.source, comment.span.start, comment.span.end))
        for index, match in enumerate(matches):
            if not _is_ours(match, codes):
                continue
            # A reason goes to the next number sign: a second marker or another tool's comment begins there.
            sign = document.source.find("#", match.end(), comment.span.end)
            end = comment.span.end if sign < 0 else sign
            if index + 1 < len(matches):
                end = min(end, matches[index + 1].start())
            group = "noqa" if match.group("noqa") is not None else "ignore"
            kind = "noqa" if group == "noqa" else "file" if match.group("file") else "ignore"
            listed = match.group(group) or ""
            names = [
                (word.group(), Span(match.start(group) + word.start(), match.start(group) + word.end()))
                for word in _WORD.finditer(listed)
            ]
            reach = range(0) if kind == "file" else lines.reach(document, comment)
            yield _Marker(kind, Span(match.start(), end), comment, names, reach)


def _unused(document: Document, markers: list[_Marker], codes: dict[str, str]) -> list[Finding]:
    said: list[tuple[_Marker, str, list[tuple[str, Span]]]] = []
    for marker in markers:
        ours = [item for item in marker.names if codes.get(item[0].lower()) not in (None, UNUSED_SUPPRESSION[0])]
        unused = [item for item in ours if item[0] not in marker.used]
        unknown = [item for item in marker.names if marker.kind != "noqa" and not _exists(item[0], codes)]
        if not marker.names:
            said.append((marker, "Suppression names no rule, so it hides nothing", []))
        elif unknown:
            names = ", ".join(name for name, _ in unknown)
            said.append((marker, f"Suppression names what is no rule: {names}", unknown))
        elif unused:
            said.append((marker, f"Unused suppression of {', '.join(name for name, _ in unused)}", unused))
    prints = fingerprints(document, [(UNUSED_SUPPRESSION[0], marker.span) for marker, _, _ in said])
    return [
        _finding(document, marker, message, unused, print_)
        for (marker, message, unused), print_ in zip(said, prints, strict=True)
    ]


def _exists(name: str, codes: dict[str, str]) -> bool:
    return name.lower() in codes or manifest.find(name) is not None


def _finding(
    document: Document, marker: _Marker, message: str, unused: list[tuple[str, Span]], fingerprint: str
) -> Finding:
    fix = Fix("Remove the unused suppression", "safe", (_removal(document, marker, unused),))
    end = marker.span.start + len(document.source[marker.span.start : marker.span.end].rstrip())
    return Finding(
        rule=UNUSED_SUPPRESSION[0],
        code=UNUSED_SUPPRESSION[1],
        severity="suggestion",
        confidence="high",
        message=message[:100],
        why="It hides nothing today, and will hide the next real finding of this rule here.",
        span=Span(marker.span.start, end),
        cause=f"{UNUSED_SUPPRESSION[0]}@{marker.span.start}",
        fingerprint=fingerprint,
        fixable=True,
        fix_title=fix.title,
        fix=fix,
    )


def _removal(document: Document, marker: _Marker, unused: list[tuple[str, Span]]) -> TextEdit:
    """Takes the unused names out; with the last name the whole marker and its reason, and a line left empty by it."""
    source, comment = document.source, marker.comment
    rest = [item for item in marker.names if item not in unused]
    if unused and rest:
        names = Span(marker.names[0][1].start, marker.names[-1][1].end)
        return TextEdit(names, ", ".join(name for name, _ in rest))
    start, end = marker.span.start, marker.span.end
    before, after = source[comment.span.start : start].strip(), source[end : comment.span.end].strip()
    if after:
        return TextEdit(Span(start, end), "")
    lines = document.lines
    line_start = lines.starts[comment.line]
    if not before and comment.alone:
        last = comment.line + 1 >= len(lines)
        cell = document.cells[document.cell_at(start)]
        stop = min(comment.span.end if last else lines.starts[comment.line + 1], cell.end)
        return TextEdit(Span(line_start, stop), "")
    kept = source[line_start:start].rstrip(" \t")
    return TextEdit(Span(line_start + len(kept), comment.span.end), "")
