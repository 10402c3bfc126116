# ruff: noqa: E402  # as a script it has to say where the product is
"""The analysis over every Python file of folders: crashes, files that take too long, the slowest ten.

    python tests/robustness/sweep.py [--imports] [--findings FILE] [--limit SECONDS] FOLDER...

Nothing of what is read is imported or run. A folder of many packages is made from the pinned list:

    pip install --no-deps --only-binary :all: --no-compile --target DIR -r tests/robustness/packages.txt
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if __name__ == "__main__":
    sys.path[:0] = [os.path.join(_REPOSITORY, "server"), os.path.join(_REPOSITORY, "rules")]

from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.program.describe import describe_line
from dry_debug.program.facts import facts
from dry_debug.program.host import Host, NullHost
from dry_debug.project.host import ProjectHost
from dry_debug.text.decode import decode
from dry_debug.text.document import Document

SETTINGS = Settings(preview=True, min_confidence="low")
# Seconds of this process for one file: a bound against hanging.
SECONDS = 5.0
PER_LINE = 0.001
# Of what the analysis looked into beyond the file; the parse alone takes 20 to 40 microseconds each.
PER_IMPORTED_LINE = 0.0001


class TooLong(BaseException):
    """The analysis of one file ran over the limit; no `except Exception` may keep it."""


@dataclass
class Swept:
    """What a sweep saw. Times are seconds of this process, of check, facts and explain together."""

    packages: set[str] = field(default_factory=set)
    files: int = 0
    lines: int = 0
    imported: int = 0  # lines of other files that the analyses looked into, again for each of them
    seconds: float = 0.0
    unparsed: int = 0
    crashes: list[str] = field(default_factory=list)  # path: what
    hanging: list[str] = field(default_factory=list)
    slowest: list[tuple[float, int, int, str]] = field(default_factory=list)  # seconds, lines, imported lines, path
    findings: list[str] = field(default_factory=list)  # path:line: what


def files_of(folder: str) -> Iterator[str]:
    """Every Python file below `folder`, in a fixed order; nested site-packages and caches are left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("site-packages", "__pycache__"))
        yield from (os.path.join(parent, name) for name in sorted(names) if name.endswith(".py"))


def sweep(
    folder: str, imports: bool = False, limit: float = SECONDS, into: Swept | None = None, every: int = 1
) -> Swept:
    """Everything that the product says about each file of `folder`, or every so many of them.

    `imports`: with the files that they import.
    """
    swept = into if into is not None else Swept()
    host: Host = NullHost()
    project = ProjectHost(folder) if imports else None
    signal.signal(signal.SIGPROF, _alarm)
    for path in list(files_of(folder))[::every]:
        with open(path, "rb") as file:
            document = decode(file.read(), path)
        if project is not None:
            host = project
            project.begin()
        lines = len(document.lines)
        allowed = limit + lines * PER_LINE
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, allowed * 8)  # far above the limit, to go on with the next file
        try:
            _look(document, host, swept, release=project is None)
        except TooLong:
            swept.hanging.append(f"{path}: no answer after {allowed * 8:.0f} s")
        except Exception as error:
            swept.crashes.append(f"{path}: {type(error).__name__}: {error}{_where(error)}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        took = time.process_time() - began
        imported = project.lines_beyond(path) if project is not None else 0
        allowed += imported * PER_IMPORTED_LINE
        swept.packages.add(os.path.relpath(path, folder).split(os.sep)[0])
        swept.files += 1
        swept.lines += lines
        swept.imported += imported
        swept.seconds += took
        swept.slowest = sorted([*swept.slowest, (took, lines, imported, path)], reverse=True)[:10]
        if took > allowed and not any(path in line for line in swept.hanging):
            swept.hanging.append(f"{path}: {took:.1f} s")
    return swept


def _alarm(number: int, frame: object) -> None:
    raise TooLong


def _look(document: Document, host: Host, swept: Swept, release: bool) -> None:
    result = analyse(document, host, SETTINGS)
    found = result.with_fixes()
    # A file that cannot be read as Python is a finding or a problem; what failed is a crash.
    swept.crashes += [f"{document.path}: {problem.message}" for problem in result.problems if "fail" in problem.message]
    for finding in found:
        line = document.position(finding.span.start).line + 1
        level = f"{finding.severity}/{finding.confidence}"
        swept.findings.append(f"{document.path}:{line}: {level} {finding.code} {finding.message}")
    if result.program is None:
        swept.unparsed += 1
        return
    facts(result.program)
    last = len(document.lines)
    for line in {1, last // 2 or 1, *(document.lines.line_of(f.span.start) + 1 for f in found[:3])}:
        describe_line(result.program, line)
    if release:
        result.program.release()


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})" if trace else ""


def shown(swept: Swept) -> Iterator[str]:
    """The report, line by line."""
    yield f"packages {len(swept.packages)}, files {swept.files}, lines {swept.lines:,}, seconds {swept.seconds:.1f}"
    if swept.imported:
        yield f"lines of imported files, again for each file that came to them: {swept.imported:,}"
    yield f"cannot be read as Python {swept.unparsed}, findings of any confidence {len(swept.findings)}"
    yield "slowest ten:"
    for took, lines, imported, path in swept.slowest:
        yield f"  {took:7.2f} s {lines:7,} lines, {imported:7,} imported  {path}"
    yield f"too long: {len(swept.hanging)}"
    yield from (f"  {line}" for line in swept.hanging)
    yield f"crashes: {len(swept.crashes)}"
    yield from (f"  {line}" for line in swept.crashes)


def main(arguments: Sequence[str]) -> int:
    """1 if something crashed or took too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--imports", action="store_true", help="look into the files that a file imports, too")
    parser.add_argument("--findings", metavar="FILE", help="write every finding there, one a line")
    parser.add_argument(
        "--limit",
        type=float,
        default=SECONDS,
        help="seconds for one file; on top come 1 ms a line and 0.1 ms an imported line",
    )
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    swept = Swept()
    for folder in options.folders:
        sweep(os.path.abspath(folder), options.imports, options.limit, swept)
    print("\n".join(shown(swept)))
    if options.findings:
        with open(options.findings, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in swept.findings)
    return 1 if swept.crashes or swept.hanging else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
