"""`dry-debug report`: the four-part report on what was asked for and what the code does."""

import argparse
import os
from importlib import import_module

from dry_debug import __version__
from dry_debug.cli.check import configs_of
from dry_debug.cli.output import say, tell, write_lines
from dry_debug.cli.terminal import painter, with_progress
from dry_debug.project.files import discover
from dry_debug.project.reporting import accounts
from dry_debug.render.formats import Context, plain
from dry_debug.render.report.account import account
from dry_debug.text.document import Problem


def run(options: argparse.Namespace) -> int:
    """Print the report; returns 0 if there is nothing to do, 1 if there is, 2 if a file could not be looked at."""
    if options.config and options.isolated:
        say("dry-debug: --config and --isolated exclude each other")
        return 2
    for name in ("config", "spec"):
        file = getattr(options, name)
        if file and not os.path.isfile(file):
            say(f"dry-debug: there is no {'config file' if name == 'config' else 'file'} {file}")
            return 2
    try:
        configs = configs_of(options)
    except ValueError as error:
        say(f"dry-debug: {error}")
        return 2
    found = discover(options.paths or ["."], configs)
    problems = list(found.problems)
    if not found.files and not problems:
        say("dry-debug: no Python file or notebook found")
    every = list(with_progress(accounts(found.files, configs), len(found.files), "Reading"))
    problems += [problem for one in every for problem in one.problems]
    whole = account([r for one in every for r in one.records], [one.rows for one in every], len(every))
    paint = painter() if options.format == "text" and not options.output_file else plain
    context = Context(os.getcwd(), __version__, paint)
    lines = list(import_module(f"dry_debug.render.report.{options.format}").render(whole, context))
    if options.output_file:
        from dry_debug.project.read import write

        try:
            write(options.output_file, "".join(line + "\n" for line in lines).encode("utf-8", "backslashreplace"))
        except OSError as error:
            problems.append(Problem(f"cannot write the output: {error.strerror or error}", options.output_file))
    else:
        write_lines(lines)
    for problem in dict.fromkeys((*configs.problems(), *problems)):
        tell(problem)
    if configs.problems() or problems:
        return 2
    return 1 if whole.found and not options.exit_zero else 0
