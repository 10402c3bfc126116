"""`dry-debug facts`: what a program is, as the model sees it."""

import argparse
import json
import os

from dry_debug.cli.output import tell, write_lines
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, read
from dry_debug.project.roots import root_of
from dry_debug.project.run import host_for
from dry_debug.text.document import Problem


def run(options: argparse.Namespace) -> int:
    """Print the facts of one file; returns 2 if it cannot be read or does not parse."""
    from dry_debug.program.facts import facts
    from dry_debug.program.program import Program, parse

    path = os.path.abspath(options.file)
    try:
        document = read(path)
    except Unreadable as error:
        tell(Problem(str(error), options.file))
        return 2
    tree = parse(document)
    if isinstance(tree, Problem):
        tell(Problem(tree.message, options.file, tree.line))
        return 2
    program = Program(document, tree, host_for(root_of(path, Configs().of_file(path))))
    found = facts(program)
    for problem in (*document.problems, *program.problems):
        tell(problem)
    if options.format == "json":
        write_lines([json.dumps(found, indent=2)])
    else:
        from dry_debug.render.facts import lines

        write_lines(lines(found))
    return 2 if document.problems or program.problems else 0
