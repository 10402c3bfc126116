"""Findings that are known: what the baselines of the configs list is not shown, and a new baseline is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dry_debug.cli.output import near, say
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, read_bytes, write
from dry_debug.project.run import FileReport
from dry_debug.render.record import Record
from dry_debug.text.document import Problem

if TYPE_CHECKING:
    from dry_debug.lint.baseline import Baseline


class Known:
    """The baselines, each read once. `problems` are those of reading them."""

    def __init__(self, configs: Configs) -> None:
        self._configs = configs
        self._read: dict[str, Baseline | None] = {}
        self._missing: str | None = None
        self.problems: list[Problem] = []

    def is_known(self, record: Record) -> bool:
        """Whether the baseline of the record's file lists it."""
        return self.lists(record["filename"], record["fingerprint"], record["name"])

    def lists(self, path: str, fingerprint: str, rule: str) -> bool:
        """Whether the baseline lists this finding of the file `path`."""
        name = self._name(path)
        baseline = self._baseline(name) if name else None
        if baseline is None or name is None:
            return False
        return baseline.files.get(_relative(path, name), {}).get(fingerprint) == rule

    def write_new(self, reports: Sequence[FileReport], problems: list[Problem]) -> None:
        """Write the file that `--baseline` names if it does not exist, with everything that was found in it."""
        name = next((self._name(report.path) for report in reports), None)
        if name is None or os.path.exists(name) or not self._by_flag(reports[0].path):
            return
        from dry_debug.lint import baseline

        files = {_relative(report.path, name): report.records for report in reports if report.records}
        try:
            write(name, baseline.render_entries(_entries(files)).encode())
        except OSError as error:
            problems.append(Problem(f"cannot write the baseline: {error.strerror or error}", name))
            return
        self._read.pop(name, None)
        count = sum(len(records) for records in files.values())
        say(f"dry-debug: wrote {count} known finding{'' if count == 1 else 's'} to {near(name)}")

    def _name(self, path: str) -> str | None:
        name = self._configs.of_file(path).settings.baseline
        return os.path.abspath(name) if name else None

    def _by_flag(self, path: str) -> bool:
        return self._configs.of_file(path).origin.get("baseline") == "--baseline"

    def _baseline(self, name: str) -> Baseline | None:
        if name not in self._read:
            from dry_debug.lint import baseline

            self._read[name] = None
            try:
                self._read[name] = baseline.parse(read_bytes(name).decode(), near(name))
            except Unreadable as error:
                self.problems.append(Problem(f"the baseline is not used: {error}", name))
            except ValueError as error:  # BaselineError, or not UTF-8
                self.problems.append(Problem(f"{error}"))
        return self._read[name]


def _relative(path: str, baseline: str) -> str:
    return os.path.relpath(path, os.path.dirname(baseline)).replace(os.sep, "/")


def _entries(files: dict[str, list[Record]]) -> dict[str, dict[str, str]]:
    return {path: {record["fingerprint"]: record["name"] for record in records} for path, records in files.items()}
