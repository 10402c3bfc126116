"""`dry-debug route`: from an error message, a log or a complaint to where to look first."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from dry_debug import __version__
from dry_debug.cli.output import say, tell, write_lines
from dry_debug.cli.terminal import painter, with_progress
from dry_debug.project.config import Configs
from dry_debug.project.files import discover
from dry_debug.project.run import check, default_jobs
from dry_debug.render.concise import render
from dry_debug.render.formats import Context
from dry_debug.render.record import Record, contract
from dry_debug.text.document import Problem
from dry_debug.triage.report import as_data, as_lines
from dry_debug.triage.routing import Routing, route
from dry_debug.triage.suspects import Site, suspects


def run(options: argparse.Namespace) -> int:
    """Print where to look; returns 0 when routed or a question is asked, 2 if a path could not be looked at."""
    if options.config and options.isolated:
        say("dry-debug: --config and --isolated exclude each other")
        return 2
    if options.config and not os.path.isfile(options.config):
        say(f"dry-debug: there is no config file {options.config}")
        return 2
    text, paths = _text_and_paths(options.words)
    routing = route(_standard_input() if text is None else text)
    as_json = options.format == "json"
    problems: list[Problem] = []
    found = _suspects(routing, paths, options, problems, with_fixes=as_json) if paths else []
    if as_json:
        write_lines([json.dumps(as_data(routing, [contract(item) for item in found]), indent=2)])
    else:
        context = Context(os.getcwd(), __version__, painter())
        write_lines(as_lines(routing, list(render(found, context)), context.paint))
    for problem in problems:
        tell(problem)
    return 2 if problems else 0


def _text_and_paths(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The text (None: it is on standard input) and the paths. A first argument that is a path is no text."""
    if not words:
        return None, []
    first, *others = words
    if first == "-":
        return None, others
    if os.path.exists(first):
        return None, [first, *others]
    return first, others


def _standard_input() -> str:
    """All of standard input. Logs hold bytes of every kind, so what is not UTF-8 is replaced and nothing is refused."""
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        say("Paste the message, the traceback or the log; end with Ctrl-D (Windows: Ctrl-Z and Enter).")
    data = sys.stdin.buffer.read()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what PowerShell writes to a file
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _suspects(
    routing: Routing, paths: Sequence[str], options: argparse.Namespace, problems: list[Problem], *, with_fixes: bool
) -> list[Record]:
    """The findings in the paths that would explain the symptom; what cannot be looked at is added to the problems."""
    configs = Configs(file=options.config, isolated=options.isolated)
    files = discover(paths, configs)
    reports = check(files.files, configs, jobs=default_jobs(), with_fixes=with_fixes)
    records: list[Record] = []
    problems += files.problems
    for report in with_progress(reports, len(files.files), "Checking"):
        records += report.records
        problems += report.problems
    problems += configs.problems()
    return suspects(routing, records, _site)


def _site(item: Record) -> Site:
    return Site(
        item["name"],
        item["filename"],
        item["location"]["row"],
        item["end_location"]["row"],
        item["severity"],
        item["confidence"],
    )
