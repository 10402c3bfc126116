"""`dry-debug check -`: one file from standard input, under the name that --stdin-filename gives."""

import argparse
import os
import sys

from dry_debug.cli.check import finish, needs_fixes, show
from dry_debug.cli.known import Known
from dry_debug.cli.output import say, write_bytes, write_lines
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, changed_bytes, document_of
from dry_debug.project.run import Task, file_settings, host_of, report_of
from dry_debug.render.formats import Context, render
from dry_debug.text.document import Problem


def run_on_stdin(options: argparse.Namespace, configs: Configs) -> int:
    """Check standard input and return the exit status. With --fix the fixed text goes to standard output and what is
    left to standard error; with --diff only the difference is printed."""
    name = options.stdin_filename
    path = os.path.abspath(name) if name else "-"
    config = configs.of_file(path)
    task = Task(path, config.root, file_settings(config, path))
    known = Known(configs)
    problems: list[Problem] = []
    data = sys.stdin.buffer.read() if sys.stdin is not None else b""
    try:
        document = document_of(data, path)
    except Unreadable as error:
        return finish([], configs, options, [Problem(str(error), name or "standard input")], known)
    host = host_of(task)
    if options.fix or options.diff:
        from dry_debug.cli.fixing import diff_lines, fixed

        after, refused = fixed(document, task, options.unsafe_fixes)
        problems += refused
        if options.diff:
            lines = list(diff_lines(document, after, name or "-"))
            write_lines(lines)
            return finish([], configs, options, problems, known, otherwise=1 if lines else 0)
        write_bytes(changed_bytes(data, document, after) if after != document else data)
        document = after
    from dry_debug.lint.engine import analyse

    result = analyse(document, host, task.settings)
    records, found = report_of(document, path, result, needs_fixes(options))
    problems += [problem._replace(path=name or "standard input") for problem in found]
    records = [record for record in records if not known.is_known(record)]
    if options.fix:
        for line in render("concise", records, Context(os.getcwd(), "")):
            say(line)
    else:
        show(records, [path], problems, options)
    return finish(records, configs, options, problems, known)
