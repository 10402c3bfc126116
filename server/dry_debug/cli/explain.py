"""`dry-debug explain`: why something is, or is not, reported at a line."""

import argparse
import os

from dry_debug.cli.output import say, tell, write_lines
from dry_debug.lint import manifest
from dry_debug.project.config import Configs, did_you_mean
from dry_debug.project.read import Unreadable, read
from dry_debug.project.run import host_for, task_of
from dry_debug.text.document import Problem


def run(options: argparse.Namespace) -> int:
    """Print the explanation; returns 2 if the place or the rule does not exist."""
    name, colon, number = options.place.rpartition(":")
    if not colon or not number.isdecimal() or int(number) < 1:
        say(f"dry-debug: {options.place!r} is not FILE:LINE")
        return 2
    rule = None
    if options.rule:
        info = manifest.find(options.rule)
        if info is None:
            known = [text for info in manifest.rules() for text in (info.name, info.code)]
            say(f"dry-debug: there is no rule `{options.rule}`{did_you_mean(options.rule, known)}")
            return 2
        rule = info.name
    from dry_debug.lint.engine import analyse
    from dry_debug.lint.explain import everything_of, explain

    path = os.path.abspath(name)
    configs = Configs(file=options.config, isolated=options.isolated)
    task = task_of(path, configs)
    try:
        document = read(path)
    except Unreadable as error:
        tell(Problem(str(error), name))
        return 2
    if int(number) > len(document.lines):
        say(f"dry-debug: {name} has only {len(document.lines)} lines")
        return 2
    result = analyse(document, host_for(task.root), task.settings)
    everything = analyse(document, host_for(task.root), everything_of(task.settings))
    write_lines(explain(result, everything, task.settings, int(number), rule).rstrip("\n").split("\n"))
    problems = (*configs.problems(), *result.problems)
    for problem in problems:
        tell(problem)
    return 2 if problems else 0
