"""`dry-debug facts`: what a program is, as the model sees it."""

import argparse
import ast
import json
import os
from typing import Any

from dry_debug.cli.output import tell, write_lines
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, read
from dry_debug.project.roots import root_of
from dry_debug.project.run import host_for
from dry_debug.text.document import Problem


def run(options: argparse.Namespace) -> int:
    """Print the facts of one file; returns 2 if it cannot be read or does not parse."""
    from dry_debug.program.facts import facts
    from dry_debug.program.program import Program, parse, without_broken_cells

    path = os.path.abspath(options.file)
    try:
        document = read(path)
    except Unreadable as error:
        tell(Problem(str(error), options.file))
        return 2
    tree: ast.Module | Problem = parse(document)
    broken: list[Problem] = []
    if isinstance(tree, Problem) and document.is_notebook:
        document, tree, broken = without_broken_cells(document, tree)
    if isinstance(tree, Problem):
        tell(Problem(tree.message, options.file, tree.line))
        return 2
    root = root_of(path, Configs().of_file(path))
    program = Program(document, tree, host_for(root))
    found = _below(facts(program), root.rstrip(os.sep) + os.sep)
    for problem in broken:
        at = document.position(document.lines.starts[(problem.line or 1) - 1])
        tell(Problem(f"cell {at.cell}, line {at.line + 1}: {problem.message}", options.file))
    for problem in (*document.problems, *program.problems):
        tell(problem)
    if options.format == "json":
        write_lines([json.dumps(found, indent=2)])
    else:
        from dry_debug.render.facts import lines

        write_lines(lines(found))
    return 2 if document.problems or program.problems or broken else 0


def _below(value: Any, root: str, key: str = "") -> Any:
    """The facts with the places in other files (`file`, `via`) told relative to the project, with forward slashes."""
    if isinstance(value, dict):
        return {name: _below(inner, root, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_below(inner, root) for inner in value]
    if key in ("file", "via") and isinstance(value, str) and value.startswith(root):
        return value.removeprefix(root).replace(os.sep, "/")
    return value
