"""Checking files: each read, analysed and turned into records, by several processes where there is enough to do."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.settings import Settings
from dry_debug.project.config import Config, Configs
from dry_debug.project.pages import page_url
from dry_debug.project.read import Unreadable, document_of, read, read_bytes
from dry_debug.project.roots import root_of
from dry_debug.records import dataclass, replace
from dry_debug.render.record import Record, record
from dry_debug.text.document import Document, Problem

if TYPE_CHECKING:
    from dry_debug.project.cache import Cache
    from dry_debug.project.host import ProjectHost

# Below this, starting processes costs more than it saves; a worker is worth starting for each such amount.
_BYTES_FOR_A_WORKER = 250_000
# A few files are analysed in less time than a cache of the whole project takes to load.
_FILES_FOR_THE_CACHE = 8


@dataclass(frozen=True)
class FileReport:
    """What was found in one file (its absolute path), and what kept the analysis from its whole work."""

    path: str
    records: list[Record]
    problems: list[Problem]


@dataclass(frozen=True)
class Task:
    """One file to check: `root` is the folder of its project."""

    path: str
    root: str
    settings: Settings


@dataclass(frozen=True)
class Outcome:
    """A report, and what the cache has to know of the file as it was read."""

    report: FileReport
    mtime_ns: int = 0
    size: int = 0
    digest: str = ""
    asked: dict[str, str] | None = None  # None: not to be kept


def task_of(path: str, configs: Configs) -> Task:
    """The task of checking `path` (absolute) under its own config."""
    config = configs.of_file(path)
    return Task(path, root_of(path, config, configs.given), file_settings(config, path))


def file_settings(config: Config, path: str) -> Settings:
    """The settings for one file: what `per-file-ignores` says of it is among the ignored rules."""
    settings = config.settings
    if not settings.per_file_ignores:
        return settings
    from dry_debug.project.files import matches_any

    extra = [
        selector
        for pattern, selectors in settings.per_file_ignores.items()
        if matches_any(config.root, (pattern,), path)
        for selector in selectors
    ]
    return replace(settings, ignore=(*settings.ignore, *extra), per_file_ignores={})


def check(
    files: Sequence[str], configs: Configs, *, jobs: int = 1, with_fixes: bool = False, use_cache: bool = True
) -> Iterator[FileReport]:
    """The reports of `files` (absolute paths), in the order given, each as soon as those before it are there.

    A file that cannot be read or that ends its process is a report with a problem; the others go on.
    """
    tasks = [task_of(path, configs) for path in files]
    if not use_cache or len(tasks) < _FILES_FOR_THE_CACHE:
        yield from (outcome.report for outcome in _outcomes(tasks, jobs, with_fixes, keep=False))
        return
    from dry_debug.project.cache import Cache, Entry

    caches: dict[str, Cache] = {}
    known: dict[int, FileReport] = {}
    for index, task in enumerate(tasks):
        cache = caches.get(task.root) or caches.setdefault(task.root, Cache(task.root))
        entry = cache.get(task.path, settings_key(task.settings), functools.partial(_answer_key, task))
        if entry is not None and entry.serves(with_fixes):
            known[index] = FileReport(task.path, entry.records, entry.problems)
    fresh = _outcomes([task for index, task in enumerate(tasks) if index not in known], jobs, with_fixes, keep=True)
    try:
        for index, task in enumerate(tasks):
            report = known.pop(index, None)
            if report is None:
                outcome = next(fresh)
                report = outcome.report
                if outcome.asked is not None:
                    entry = Entry(
                        outcome.mtime_ns,
                        outcome.size,
                        outcome.digest,
                        settings_key(task.settings),
                        outcome.asked,
                        with_fixes,
                        report.records,
                        report.problems,
                    )
                    caches[task.root].put(task.path, entry)
            yield report
    finally:
        fresh.close()
        for root, cache in caches.items():
            cache.save(task.path for task in tasks if task.root == root)


def _outcomes(tasks: Sequence[Task], jobs: int, with_fixes: bool, keep: bool) -> Generator[Outcome, None, None]:
    workers = min(jobs, len(tasks), _total_size(tasks, jobs) // _BYTES_FOR_A_WORKER)
    if workers > 1:
        from dry_debug.project.workers import run_in_workers

        yield from run_in_workers(tasks, workers, with_fixes, keep)
        return
    with _no_collector(len(tasks)):
        for task in tasks:
            yield analyse_file(task, with_fixes, keep)


def _total_size(tasks: Sequence[Task], jobs: int) -> int:
    if jobs < 2 or len(tasks) < 2:
        return 0
    total = 0
    for task in tasks:
        try:
            total += os.path.getsize(task.path)
        except OSError:
            continue
        if total >= jobs * _BYTES_FOR_A_WORKER:
            break
    return total


class _no_collector:
    """The cycle collector finds nothing in the trees of one file and costs a third of the time to build them."""

    def __init__(self, files: int) -> None:
        self._files = files

    def __enter__(self) -> None:
        self._was = gc.isenabled(), gc.get_threshold()
        if self._files < _FILES_FOR_THE_CACHE:
            gc.disable()
        else:
            gc.set_threshold(200_000, 20, 20)

    def __exit__(self, *error: object) -> None:
        enabled, threshold = self._was
        gc.set_threshold(*threshold)
        if enabled:
            gc.enable()


def analyse_file(task: Task, with_fixes: bool, keep: bool = False) -> Outcome:
    """Read and analyse one file. Never raises: what goes wrong is a problem of its report.

    With `keep` the outcome holds what the cache needs.
    """
    host = host_of(task)
    try:
        mtime = _mtime_ns(task.path)  # before reading, so that a change in between is seen next time
        data = read_bytes(task.path)
        document = document_of(data, task.path)
        result = analyse(document, host, task.settings)
        records, problems = report_of(document, task.path, result, with_fixes)
        report = FileReport(task.path, records, problems)
        outcome = Outcome(report)
        if keep and not problems:  # what failed is tried again
            from dry_debug.project.cache import digest_of

            asked = {question: host.answer_key(question) for question in sorted(host.asked_for(task.path))}
            outcome = Outcome(report, mtime, len(data), digest_of(data), asked)
        return outcome
    except Unreadable as error:
        return Outcome(FileReport(task.path, [], [Problem(str(error), task.path)]))
    except Exception as error:
        problem = Problem(f"the analysis failed: {type(error).__name__}: {error}", task.path)
        return Outcome(FileReport(task.path, [], [problem]))
    finally:
        host.finish()


def _mtime_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0  # reading it will say why


def report_of(document: Document, path: str, result: Result, with_fixes: bool) -> tuple[list[Record], list[Problem]]:
    """The records and the problems of a result. Making a fix may add a problem."""
    findings = result.with_fixes() if with_fixes else result.findings
    records = [record(document, path, finding, page_url(finding.rule), open_quietly) for finding in findings]
    return records, list(result.problems)


def open_quietly(path: str) -> Document | None:
    """The document of another file, or None where it cannot be read."""
    try:
        return read(path)
    except Unreadable:
        return None


@functools.lru_cache(maxsize=8)
def host_for(root: str, environment: str | None = None) -> ProjectHost:
    """The host of the project at `root` with the packages of an `environment`, one in each process."""
    from dry_debug.project.host import ProjectHost

    return ProjectHost(root, environment=environment)


def host_of(task: Task) -> ProjectHost:
    """The host that answers for the file of a task."""
    return host_for(task.root, task.settings.environment)


def _answer_key(task: Task, question: str) -> str:
    return host_of(task).answer_key(question)


def settings_key(settings: Settings) -> str:
    """A text that is equal for settings under which a file has the same findings."""
    return repr(
        (
            settings.select,
            settings.extend_select,
            settings.ignore,
            settings.preview,
            sorted(settings.severity.items()),
            settings.min_confidence,
            settings.spec,
        )
    )


def default_jobs() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
