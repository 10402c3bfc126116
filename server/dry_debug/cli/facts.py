"""`dry-debug facts`: what programs are, as the model sees them."""

import argparse
import ast
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from dry_debug.cli.options import given_settings
from dry_debug.cli.output import near, say, tell, write_lines
from dry_debug.project.config import Configs
from dry_debug.project.read import Unreadable, document_of, read
from dry_debug.project.roots import root_of
from dry_debug.project.run import host_for
from dry_debug.text.document import Document, Problem

if TYPE_CHECKING:
    from dry_debug.project.host import ProjectHost


def run(options: argparse.Namespace) -> int:
    """Print the facts of the files; returns 2 if one of them cannot be read or does not parse.

    As JSON the facts of one file are the object of the contract; those of several, or of a folder, are a list of such
    objects, each with its `filename`.
    """
    try:
        configs = Configs(overrides=given_settings(options), given=options.paths)
    except ValueError as error:
        say(f"dry-debug: {error}")
        return 2
    problems: list[Problem] = []
    paths: list[str] = []
    alone = len(options.paths) == 1 and not os.path.isdir(options.paths[0])
    if options.paths == ["-"]:
        paths = ["-"]
    elif "-" in options.paths:
        say("dry-debug: - (standard input) goes with no other path")
        return 2
    elif alone:
        paths = [os.path.abspath(options.paths[0])]
    else:
        from dry_debug.project.files import discover

        found = discover(options.paths, configs)
        paths, problems = list(found.files), list(found.problems)
    hosts: dict[str, ProjectHost] = {}
    rows: list[dict[str, Any]] = []
    for path in paths:
        name = os.path.abspath(options.stdin_filename or "stdin.py") if path == "-" else path
        told = _facts_of(path, name, configs, hosts, problems)
        if told is not None:
            rows.append({"filename": name, **told})
    _print(rows, alone, options.format)
    for problem in problems:
        tell(problem)
    return 2 if problems else 0


def _print(rows: list[dict[str, Any]], alone: bool, format_name: str) -> None:
    if format_name == "json":
        if alone:
            rows = [{key: value for key, value in row.items() if key != "filename"} for row in rows]
            write_lines(json.dumps(row, indent=2) for row in rows)
        else:
            write_lines([json.dumps(rows, indent=2)])
        return
    from dry_debug.render.facts import lines

    for number, row in enumerate(rows):
        found = {key: value for key, value in row.items() if key != "filename"}
        write_lines([*([""] if number else []), *lines(found, near(row["filename"]))])


def _facts_of(
    path: str, name: str, configs: Configs, hosts: "dict[str, ProjectHost]", problems: list[Problem]
) -> dict[str, Any] | None:
    """The facts of one file (`-`: standard input, as if it were `name`); None where a problem says why not."""
    from dry_debug.program.facts import facts
    from dry_debug.program.parsing import parse, without_broken_cells
    from dry_debug.program.program import Program

    try:
        document = _document(path, name)
    except Unreadable as error:
        problems.append(Problem(str(error), name))
        return None
    tree: ast.Module | Problem = parse(document)
    broken: list[Problem] = []
    if isinstance(tree, Problem) and document.is_notebook:
        document, tree, broken = without_broken_cells(document, tree)
    if isinstance(tree, Problem):
        problems.append(_placed(tree, document, name))
        return None
    root = root_of(name, configs.of_file(name), configs.given)
    host = hosts.get(root)
    if host is None:
        host = hosts[root] = host_for(root, configs.of_file(name).settings.environment)
    host.begin()
    program = Program(document, tree, host)
    host.adopt(program)
    found = _below(facts(program), root.rstrip(os.sep) + os.sep)
    problems.extend(_placed(problem, document, name) for problem in broken)
    problems.extend((*document.problems, *program.problems))
    return found  # type: ignore[no-any-return]


def _placed(problem: Problem, document: Document, name: str) -> Problem:
    """A problem of the whole source, told with its place in the cell of a notebook."""
    place = document.position(document.span_of_line(problem.line).start) if problem.line is not None else None
    cell = f"cell {place.cell}: " if place is not None and place.cell is not None else ""
    return Problem(f"{cell}{problem.message}", name, place.line + 1 if place is not None else None)


def _document(path: str, name: str) -> Document:
    if path != "-":
        return read(path)
    return document_of(sys.stdin.buffer.read() if sys.stdin is not None else b"", name)


def _below(value: Any, root: str, key: str = "") -> Any:
    """The facts with the places in other files (`file`, `via`) told relative to the project, with forward slashes."""
    if isinstance(value, dict):
        return {name: _below(inner, root, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_below(inner, root) for inner in value]
    if key in ("file", "via") and isinstance(value, str) and value.startswith(root):
        return value.removeprefix(root).replace(os.sep, "/")
    return value
