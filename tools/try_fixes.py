"""Applies every fix of some rules to every repository below a folder, each alone, and looks at what comes of it.

    python tools/try_fixes.py RULE[,RULE] [--root FOLDER] [--diffs FOLDER] [--variants] [REPOSITORY|FILE ...]

RULE is a name or a code. For each fix that would be applied it checks: the result parses, every byte outside of the
edits is as it was, the finding is gone (or milder), and no finding of any rule came. Of each finding without a fix it
tells whether it is marked as one with a fix. With --variants the other ways to
fix a finding are tried as well. With --diffs a diff of each goes into that folder. Nothing below --root is changed.

One line for each fix that is wrong and a table at the end; the exit status is 1 if one is wrong.
"""

import argparse
import difflib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from dry_debug.lint import manifest
from dry_debug.lint.applier import edited
from dry_debug.lint.engine import Result, analyse, triggered
from dry_debug.lint.finding import SEVERITIES, SYNTAX_ERROR, UNUSED_SUPPRESSION, Finding, Fix
from dry_debug.lint.manifest import RuleInfo
from dry_debug.lint.needs import NeedConflict, edits_of
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.project.read import Unreadable, changed_bytes, document_of
from dry_debug.text.document import Document
from dry_debug.text.spans import OverlappingEdits, Span, TextEdit

SETTINGS = Settings(preview=True)
MAX_BYTES = 2_000_000


class Wrong(Exception):
    """What is wrong with a fix."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", help="names or codes, with commas between")
    parser.add_argument("repositories", nargs="*", help="folders or files below --root; all by default")
    parser.add_argument("--root", type=Path, default=Path("/work/foreign"))
    parser.add_argument("--diffs", type=Path, help="a folder for one diff a fix")
    parser.add_argument("--variants", action="store_true", help="try the other ways to fix a finding as well")
    options = parser.parse_intermixed_args()
    wanted = options.rules.split(",")
    infos = [info for info in manifest.rules() if info.name in wanted or info.code in wanted]
    if len(infos) != len(wanted):
        parser.error(f"not a rule: {', '.join(set(wanted) - {n for i in infos for n in (i.name, i.code)})}")
    if options.diffs:
        options.diffs.mkdir(parents=True, exist_ok=True)
    tally: Counter[str] = Counter()
    repository, host = None, ProjectHost(str(options.root))
    for name in options.repositories or sorted(os.listdir(options.root)):
        for path in files(options.root / name):
            if repository != Path(name).parts[0]:
                repository = Path(name).parts[0]
                host = ProjectHost(str(options.root / repository))
            try_file(path, options.root, host, infos, options.diffs, options.variants, tally)
    for what, count in sorted((+tally).items()):
        print(f"{count:6} {what}")
    return 1 if any(what.startswith("wrong") for what in tally) else 0


def files(folder: Path) -> Iterator[Path]:
    """The Python files and notebooks below `folder` that are not data; `folder` itself if it is a file."""
    if folder.is_file():
        yield folder
        return
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if name.endswith((".py", ".ipynb")) and path.is_file() and path.stat().st_size < MAX_BYTES:
                yield path


def try_file(
    path: Path,
    root: Path,
    host: ProjectHost,
    infos: Sequence[RuleInfo],
    diffs: Path | None,
    variants: bool,
    tally: Counter[str],
) -> None:
    data = path.read_bytes()
    try:
        document = document_of(data, str(path))
    except Unreadable:
        return
    triggering = [info for info in infos if triggered(info, document.source)]
    if not triggering:
        return
    host.refresh({})
    result = analyse(document, host, SETTINGS, rules=triggering)
    found = [f for f in result.findings if f.rule in {info.name for info in triggering}]
    # All of them before the next analysis: what the host knows belongs to this one.
    offers = {f.fingerprint: result.fixes(f) if variants else [x for x in [result.fix(f)] if x] for f in found}
    for problem in result.problems:
        print(f"{path}: {problem.message}")
        tally["wrong: a fix could not be made"] += problem.message.startswith("the fix of")
    for finding in found:
        tally[f"{finding.rule}: findings"] += 1
        line = document.position(finding.span.start).line + 1
        where = f"{path.relative_to(root)}:{line}"
        offered = offers[finding.fingerprint]
        if not offered:
            tally[f"{finding.rule}: no fix"] += 1
            print(f"{where}: {finding.rule}: no fix{', although it is marked as fixable' if finding.fixable else ''}")
            tally[f"{finding.rule}: marked as fixable without a fix"] += finding.fixable
        for number, fix in enumerate(offered):
            kind = "fixes" if number == 0 else f"variants, {fix.title.partition(' `')[0]}"
            if fix.applicability == "display":
                tally[f"{finding.rule}: display only"] += 1
                continue
            tally[f"{finding.rule}: {kind}"] += 1
            try:
                changed = checked(document, data, finding, fix, host)
            except Wrong as error:
                print(f"{where}: {finding.rule}: {fix.title}: {error.args[0]}")
                tally[f"wrong: {finding.rule}: {error.args[0].partition(':')[0]}"] += 1
                changed = error.args[1] if len(error.args) > 1 else {}
            if diffs:
                name = f"{finding.rule}-{where.replace('/', '+')}-{number}.diff"
                (diffs / name).write_text(f"# {finding.message}\n# {fix.title}\n" + diff(changed), "utf-8")


def checked(
    document: Document, data: bytes, finding: Finding, fix: Fix, host: ProjectHost
) -> dict[str, tuple[Document, Document]]:
    """The files before and after the fix, by path. Raises Wrong."""
    changed: dict[str, tuple[Document, Document]] = {}
    try:
        parts = {document.path: (data, document, edits_of(document, fix))}
    except NeedConflict as conflict:
        raise Wrong(f"not possible: {conflict}") from None
    for path, edits in fix.elsewhere:
        other = Path(path).read_bytes()
        parts[path] = (other, document_of(other, path), tuple(edits))
    for path, (before_bytes, before, edits) in parts.items():
        try:
            after = edited(before, edits)
        except OverlappingEdits as error:
            raise Wrong(f"its edits overlap: {error}") from None
        changed[path] = (before, after)
        untouched(before, after, before_bytes, edits)
    overlay = {path: after.source for path, (_, after) in changed.items()}
    host.refresh({})
    before_result = analyse(document, host, SETTINGS)
    for path, (_, after) in changed.items():
        host.refresh(overlay)
        after_result = analyse(after, host, SETTINGS)
        was, now = (sum(f.rule == SYNTAX_ERROR[0] for f in r.findings) for r in (before_result, after_result))
        if now > (was if path == document.path else 0):  # a notebook may have cells that are no Python
            raise Wrong("the result does not parse", changed)
        if path == document.path:
            compare(before_result, after_result, finding, parts[path][2], changed)
    return changed


def untouched(before: Document, after: Document, data: bytes, edits: Sequence[TextEdit]) -> None:
    """Every byte outside of the edits is as it was, byte order mark and line ends included."""
    if before.is_notebook or before.problems:
        return
    written = changed_bytes(data, before, after)
    source = before.source
    at, offset = 0, len(data) - len(source.encode(before.encoding))  # what stands before the text: a byte order mark
    pieces: list[bytes] = [data[:offset]]
    for edit in sorted(set(edits)):
        size = len(source[at : edit.span.start].encode(before.encoding))
        pieces += [data[offset : offset + size], edit.content.encode(before.encoding)]
        offset += size + len(source[edit.span.start : edit.span.end].encode(before.encoding))
        at = edit.span.end
    pieces.append(data[offset:])
    if b"".join(pieces) != written:
        raise Wrong("bytes outside of the edits changed", {before.path: (before, after)})


def compare(
    before: Result,
    after: Result,
    finding: Finding,
    edits: Sequence[TextEdit],
    changed: dict[str, tuple[Document, Document]],
) -> None:
    """The finding is gone or milder, and nothing came."""
    was = Counter(f.rule for f in before.findings if f.rule != UNUSED_SUPPRESSION[0])
    now = Counter(f.rule for f in after.findings if f.rule != UNUSED_SUPPRESSION[0])
    for rule in now:
        if now[rule] > was[rule]:
            known = {f.fingerprint for f in before.findings}
            new = next((f for f in after.findings if f.rule == rule and f.fingerprint not in known), None)
            raise Wrong(f"a new finding: {rule}: {new.message if new else ''}", changed)
    if now[finding.rule] < was[finding.rule]:
        return
    span = moved(finding.span, edits)
    milder = SEVERITIES[SEVERITIES.index(finding.severity) + 1 :]
    for other in after.findings:
        if other.rule == finding.rule and span.start <= other.span.start <= span.end and other.severity not in milder:
            raise Wrong(f"the finding is still there: {other.message}", changed)


def moved(span: Span, edits: Sequence[TextEdit]) -> Span:
    """Where the text of `span` is after the edits."""
    start, end = span.start, span.end
    for edit in edits:
        grown = len(edit.content) - (edit.span.end - edit.span.start)
        if edit.span.end <= span.start:
            start += grown
        if edit.span.start < span.end:
            end += grown
    return Span(start, max(start, end))


def diff(changed: dict[str, tuple[Document, Document]]) -> str:
    lines: list[str] = []
    for path, (before, after) in changed.items():
        old, new = (d.source.replace("\r\n", "\n").splitlines() for d in (before, after))
        lines += difflib.unified_diff(old, new, path, path, lineterm="", n=6)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
