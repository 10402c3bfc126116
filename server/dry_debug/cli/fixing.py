"""`check --fix`, `--diff` and `--add-ignore`: changing files, or showing what would be changed."""

import argparse
import difflib
import os
from collections.abc import Iterator, Sequence

from dry_debug.cli.check import checked
from dry_debug.cli.known import Known
from dry_debug.cli.output import near, say, write_lines
from dry_debug.lint.applier import Applied, apply_fixes, edited
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, changed_bytes, document_of, read_bytes, write
from dry_debug.project.run import Task, host_for, host_of, task_of
from dry_debug.text.document import Document, Problem
from dry_debug.text.spans import OverlappingEdits, TextEdit


def fix_files(files: Sequence[str], configs: Configs, options: argparse.Namespace, problems: list[Problem]) -> int:
    """Apply the fixes of all files, or with --diff print what that would change. Returns 1 if --diff shows anything."""
    fixed_count = 0
    different = False
    for path in _with_fixable(files, configs, options):
        task = task_of(path, configs)
        try:
            data, document = _load(path)
            applied = _apply(document, task, options.unsafe_fixes)
        except Unreadable as error:
            problems.append(Problem(str(error), path))
            continue
        except Exception as error:  # one file must not keep the others from being fixed
            problems.append(Problem(f"its fixes could not be made: {type(error).__name__}: {error}", path))
            continue
        for finding, why in applied.refused:
            line = document.lines.line_of(finding.span.start) + 1
            say(f"{near(path)}:{line}: not fixed ({finding.rule}): {why}")
        changes = [(path, data, document, applied.document)] if applied.document != document else []
        changes += _changes_elsewhere(applied.elsewhere, problems)
        if options.diff:
            for name, _, before, after in changes:
                lines = list(diff_lines(before, after, near(name)))
                different = different or bool(lines)
                write_lines(lines)
            continue
        for name, old, before, after in changes:
            _write(name, old, before, after, problems)
        if changes:
            fixed_count += len(applied.fixed)
            host_for.cache_clear()  # what it knows of the changed files is old
    if not options.diff:
        say(f"Fixed {fixed_count} finding{'' if fixed_count == 1 else 's'}.")
    return 1 if different else 0


def ignore_files(files: Sequence[str], configs: Configs, options: argparse.Namespace, problems: list[Problem]) -> None:
    """Add a suppression comment for every finding that is not in the baseline."""
    from dry_debug.lint.engine import analyse
    from dry_debug.lint.ignoring import ignoring

    known = Known(configs)
    comments = changed = 0
    for report in checked(files, configs, options):
        problems += report.problems
        if not report.records:
            continue
        task = task_of(report.path, configs)
        try:
            data, document = _load(report.path)
        except Unreadable as error:
            problems.append(Problem(str(error), report.path))
            continue
        host = host_of(task)
        findings = [
            finding
            for finding in analyse(document, host, task.settings).findings
            if not known.lists(report.path, finding.fingerprint, finding.rule)
        ]
        edits = ignoring(document, findings)
        if edits and _write(report.path, data, document, edited(document, edits), problems):
            comments += len(edits)
            changed += 1
    problems += known.problems
    say(f"Added {comments} suppression{'' if comments == 1 else 's'} in {changed} file{'' if changed == 1 else 's'}.")


def fixed(document: Document, task: Task, unsafe: bool) -> tuple[Document, list[Problem]]:
    """`document` with its fixes applied; a fix that would change another file is a problem, for here is only one."""
    applied = _apply(document, task, unsafe)
    problems = [Problem("a fix changes this file too; run --fix on it", path) for path in applied.elsewhere]
    return applied.document, problems


def diff_lines(before: Document, after: Document, name: str) -> Iterator[str]:
    """A unified diff, cell by cell for a notebook."""
    if not before.is_notebook:
        yield from _diff(before.source, after.source, name)
        return
    for old, new in zip(before.cells, after.cells, strict=True):
        yield from _diff(old.text, new.text, f"{name}:cell {old.number}")


def _diff(old: str, new: str, name: str) -> Iterator[str]:
    old_lines, new_lines = old.split("\n"), new.split("\n")
    # The empty piece after a last line end is no line; without that line end, diff says so below the line.
    for line in difflib.unified_diff(_marked(old_lines), _marked(new_lines), name, name, lineterm=""):
        yield from line.rstrip("\r").split("\0")


def _marked(lines: list[str]) -> list[str]:
    if not lines[-1]:
        return lines[:-1]
    return [*lines[:-1], lines[-1] + "\0\\ No newline at end of file"]


def _with_fixable(files: Sequence[str], configs: Configs, options: argparse.Namespace) -> list[str]:
    reports = checked(files, configs, options)
    return [report.path for report in reports if any(item["shown"]["fixable"] for item in report.records)]


def _load(path: str) -> tuple[bytes, Document]:
    data = read_bytes(path)
    return data, document_of(data, path)


def _apply(document: Document, task: Task, unsafe: bool) -> Applied:
    host = host_of(task)
    return apply_fixes(document, host, task.settings, unsafe=unsafe)


def _changes_elsewhere(
    elsewhere: dict[str, list[TextEdit]], problems: list[Problem]
) -> list[tuple[str, bytes, Document, Document]]:
    changes = []
    for path, edits in elsewhere.items():
        try:
            data, document = _load(os.path.abspath(path))
            changes.append((os.path.abspath(path), data, document, edited(document, edits)))
        except (Unreadable, OverlappingEdits) as error:
            problems.append(Problem(f"not fixed: {error}", path))
    return changes


def _write(path: str, data: bytes, before: Document, after: Document, problems: list[Problem]) -> bool:
    """Writes the changed file; whether that worked."""
    if before.problems:
        problems.append(Problem("not changed: its text could not be decoded", path))
        return False
    try:
        write(path, changed_bytes(data, before, after))
    except UnicodeEncodeError as error:
        problems.append(Problem(f"not changed: {before.encoding} has no {error.object[error.start]!r}", path))
    except (OSError, Unreadable) as error:
        problems.append(Problem(f"not changed: {error}", path))
    else:
        return True
    return False
