"""`dry-debug explain`: why something is, or is not, reported at a line."""

import argparse
import json
import os
import re

from dry_debug.cli.options import given_settings
from dry_debug.cli.output import near, say, tell, write_lines
from dry_debug.lint import manifest
from dry_debug.lint.settings import kebab_case
from dry_debug.project.config import Configs, did_you_mean
from dry_debug.project.read import Unreadable, read
from dry_debug.project.run import host_of, task_of
from dry_debug.text.document import Document, Problem

_PLACE = re.compile(r"(?P<file>.+?):(?:cell (?P<cell>\d+):)?(?P<line>\d+)(?::\d+)?")


def run(options: argparse.Namespace) -> int:
    """Print the explanation; returns 2 if the place or the rule does not exist."""
    match = _PLACE.fullmatch(options.place)
    if match is None or int(match["line"]) < 1:
        say(f"dry-debug: {options.place!r} is not FILE:LINE, nor FILE:cell N:LINE")
        return 2
    rule = None
    if options.rule:
        info = manifest.find(options.rule)
        if info is None:
            known = [text for info in manifest.rules() for text in (info.name, info.code)]
            say(f"dry-debug: there is no rule `{options.rule}`{did_you_mean(options.rule, known)}")
            return 2
        rule = info.name
    from dry_debug.lint.explain import explain
    from dry_debug.render.explain import data, lines

    name, path = match["file"], os.path.abspath(match["file"])
    try:
        values = given_settings(options)
    except ValueError as error:
        say(f"dry-debug: {error}")
        return 2
    origin = {field: "--" + kebab_case(field) for field in values}
    configs = Configs(file=options.config, isolated=options.isolated, overrides=values, origin=origin)
    task = task_of(path, configs)
    try:
        document = read(path)
    except Unreadable as error:
        tell(Problem(str(error), name))
        return 2
    line = _line(document, int(match["line"]), int(match["cell"]) if match["cell"] else None)
    if isinstance(line, str):
        say(f"dry-debug: {name} {line}")
        return 2
    places = {field: _near(place) for field, place in configs.of_file(path).origin.items()}
    told = explain(document, host_of(task), task.settings, line, rule, places)
    if options.format == "json":
        write_lines([json.dumps(data(told), indent=2)])
    else:
        write_lines(lines(told, near))
    problems = (*configs.problems(), *document.problems)
    for problem in problems:
        tell(problem)
    return 2 if problems else 0


def _line(document: Document, line: int, cell: int | None) -> int | str:
    """The one-based line in the whole source; or what is wrong with the place."""
    if not document.is_notebook:
        if cell is not None:
            return "is no notebook and has no cells"
        count = len(document.lines)
        return line if line <= count else f"has only {count} line{'s' if count != 1 else ''}"
    if cell is None:
        return f"is a notebook: say which cell, as in `{os.path.basename(document.path)}:cell 2:{line}`"
    found = next((c for c in document.cells if c.number == cell), None)
    if found is None:
        numbers = ", ".join(str(c.number) for c in document.cells[:20])
        return f"has no code cell {cell} (code cells: {numbers})"
    offset = document.offset(line - 1, 0, cell=cell)
    at = document.position(offset)
    if (at.cell, at.line) != (cell, line - 1):
        return f"has no line {line} in cell {cell}"
    return document.lines.line_of(offset) + 1


def _near(place: str) -> str:
    """`file:line`, or a flag, with the file relative to the current folder."""
    return place if place.startswith("--") else near(place)
