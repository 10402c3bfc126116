"""`dry-debug check`: find, show, and say by the exit status what came of it."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from dry_debug import __version__
from dry_debug.cli.known import Known
from dry_debug.cli.options import given_settings
from dry_debug.cli.output import say, tell, write_lines
from dry_debug.cli.terminal import is_terminal, painter, with_progress
from dry_debug.lint.finding import SEVERITIES
from dry_debug.lint.settings import kebab_case
from dry_debug.project.config import Configs, did_you_mean, rule_names, unknown_selectors
from dry_debug.project.files import discover
from dry_debug.project.run import FileReport, check, default_jobs
from dry_debug.render.formats import WITH_FIXES, Context, plain, render
from dry_debug.render.record import Record
from dry_debug.render.summary import statistics, statistics_text, summary
from dry_debug.text.document import Problem


def run(options: argparse.Namespace) -> int:
    """Check what the options name and return the exit status."""
    complaint = _complaint(options)
    if complaint:
        say(f"dry-debug: {complaint}")
        return 2
    configs = configs_of(options)
    if reads_stdin(options):
        from dry_debug.cli.stdin import run_on_stdin

        return run_on_stdin(options, configs)
    found = discover(options.paths or ["."], configs)
    problems = found.problems
    if not found.files and not problems:
        say("dry-debug: no Python file or notebook found")
    if options.fix or options.diff:
        from dry_debug.cli.fixing import fix_files

        status = fix_files(found.files, configs, options, problems)
        if options.diff:
            return finish([], configs, options, problems, Known(configs), otherwise=status)
    if options.add_ignore:
        from dry_debug.cli.fixing import ignore_files

        ignore_files(found.files, configs, options, problems)
        return finish([], configs, options, problems, Known(configs))
    known = Known(configs)
    reports = list(checked(found.files, configs, options, with_fixes=needs_fixes(options)))
    problems += [problem for report in reports for problem in report.problems]
    known.write_new(reports, problems)
    records = [record for report in reports for record in report.records if not known.is_known(record)]
    show(records, found.files, problems, options)
    return finish(records, configs, options, problems, known)


def checked(
    files: Sequence[str], configs: Configs, options: argparse.Namespace, *, with_fixes: bool = False
) -> Iterator[FileReport]:
    """The reports of the files, with a progress bar where that takes long."""
    jobs = options.jobs or default_jobs()
    reports = check(files, configs, jobs=jobs, with_fixes=with_fixes, use_cache=not options.no_cache)
    return with_progress(reports, len(files), "Checking")


def configs_of(options: argparse.Namespace) -> Configs:
    """Config files and, over them, the settings given as flags."""
    values = given_settings(options)
    origin = {name: "--" + kebab_case(name) for name in values}
    return Configs(file=options.config, isolated=options.isolated, overrides=values, origin=origin, given=options.paths)


def reads_stdin(options: argparse.Namespace) -> bool:
    """Whether standard input is what shall be checked."""
    return options.stdin_filename is not None or options.paths == ["-"]


def _complaint(options: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, or None."""
    if options.config and options.isolated:
        return "--config and --isolated exclude each other"
    if options.config and not os.path.isfile(options.config):
        return f"there is no config file {options.config}"
    if "-" in options.paths and len(options.paths) > 1:
        return "standard input (-) cannot be checked together with files"
    if options.stdin_filename is not None and options.paths not in ([], ["-"]):
        return "--stdin-filename is for standard input, so no PATH can be given"
    if options.add_ignore and (options.fix or options.diff):
        return "--add-ignore excludes --fix and --diff"
    if options.add_ignore and reads_stdin(options):
        return "--add-ignore changes files, not standard input"
    if options.unsafe_fixes and not (options.fix or options.diff):
        return "--unsafe-fixes goes with --fix or --diff"
    if options.statistics and (options.format or "full") not in ("full", "concise", "json"):
        return "--statistics can be shown as full, concise or json"
    try:
        values = given_settings(options)
    except ValueError as error:
        return str(error)
    for name, selector in unknown_selectors(values):
        return f"--{kebab_case(name)} names the unknown rule `{selector}`{did_you_mean(selector, rule_names())}"
    return None


def format_of(options: argparse.Namespace) -> str:
    """The format asked for, or the one that suits where the output goes."""
    if options.format:
        return str(options.format)
    return "full" if is_terminal() and not options.output_file else "concise"


def needs_fixes(options: argparse.Namespace) -> bool:
    """Whether the output shows the changes that fixes would make."""
    return not options.statistics and format_of(options) in WITH_FIXES


def show(records: Sequence[Record], files: Sequence[str], problems: list[Problem], options: argparse.Namespace) -> None:
    """Write the findings where they shall go; what keeps them from being written is a problem."""
    name = format_of(options)
    context = Context(
        folder=os.getcwd(),
        version=__version__,
        paint=plain if options.output_file else painter(),
        files=tuple(files),
        problems=tuple(problems),
        rules=_summaries() if name == "sarif" else {},
        with_fixes=needs_fixes(options),
    )
    lines = _lines(name, records, context, options.statistics)
    if not options.output_file:
        write_lines(lines)
        return
    from dry_debug.project.read import write

    text = "".join(line + "\n" for line in lines)
    try:
        write(options.output_file, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        problems.append(Problem(f"cannot write the output: {error.strerror or error}", options.output_file))


def _lines(name: str, records: Sequence[Record], context: Context, as_statistics: bool) -> Iterator[str]:
    if as_statistics and name == "json":
        import json

        yield json.dumps(statistics(records), indent=2)
        return
    yield from statistics_text(records, context) if as_statistics else render(name, records, context)
    if name in ("full", "concise"):
        yield from summary(records, context)


def _summaries() -> dict[str, str]:
    from dry_debug.lint import manifest

    return {info.name: info.summary for info in manifest.rules()}


def finish(
    records: Sequence[Record],
    configs: Configs,
    options: argparse.Namespace,
    problems: Sequence[Problem],
    known: Known,
    otherwise: int = 0,
) -> int:
    """Tell the problems, after everything that was found, and return the exit status."""
    told = list(dict.fromkeys((*configs.problems(), *problems, *known.problems)))
    for problem in told:
        with suppress(OSError):
            tell(problem)
    sys.stderr.flush()
    if told:
        return 2
    if options.exit_zero:
        return 0
    failing = any(
        SEVERITIES.index(record["severity"]) <= SEVERITIES.index(configs.of_file(record["filename"]).settings.fail_on)
        for record in records
    )
    return 1 if failing else otherwise
