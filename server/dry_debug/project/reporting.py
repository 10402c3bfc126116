"""What a report needs of each file: its findings, and what became of the instructions for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dry_debug.lint.engine import analyse
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, read
from dry_debug.project.run import host_of, report_of, task_of
from dry_debug.records import dataclass, replace
from dry_debug.render.record import Record
from dry_debug.text.document import Problem

if TYPE_CHECKING:
    from dry_debug.lint.engine import Result
    from dry_debug.spec.rows import Row


@dataclass(frozen=True)
class FileAccount:
    """The findings and the comparison of one file (its absolute path)."""

    path: str
    records: list[Record]
    rows: list[Row]
    problems: list[Problem]


def accounts(files: Sequence[str], configs: Configs) -> Iterator[FileAccount]:
    """The accounts of `files` (absolute paths), in their order; one that cannot be read has a problem."""
    alone = len(files) == 1
    for path in files:
        task = task_of(path, configs)
        host = host_of(task)
        try:
            document = read(path)
            result = analyse(document, host, replace(task.settings, spec=task.settings.spec))
            records, problems = report_of(document, path, result, with_fixes=False)
            yield FileAccount(path, records, compared(result, alone), problems)
        except Unreadable as error:
            yield FileAccount(path, [], [], [Problem(str(error), path)])
        except Exception as error:
            problem = Problem(f"the analysis failed: {type(error).__name__}: {error}", path)
            yield FileAccount(path, [], [], [problem])
        finally:
            host.finish()


def compared(result: Result, alone: bool) -> list[Row]:
    """The rows of a result; none of a file, among several, that neither trains nor runs a model."""
    from dry_debug.spec.rows import rows

    program = result.program
    if program is None or not (alone or program.training.hyper.frameworks or program.training.is_training):
        return []
    return rows(program)
