"""A document to its tree: Python's own parser, and what a file needs before that reads it."""

from __future__ import annotations

import ast
import warnings

from dry_debug.text.document import Document, Problem


def parse(document: Document) -> ast.Module | Problem:
    """The tree of a document, or why there is none.

    `Problem.line` is set (one-based) for a syntax error and None when the parser itself gave up.
    """
    _hush()
    try:
        return ast.parse(document.source)
    except SyntaxError as error:
        tree = _without_magics(document) or _of_newer(document)
        if tree is not None:
            return tree
        line = max(1, min(error.lineno or 1, len(document.lines)))
        return Problem(f"syntax error: {error.msg}", document.path, line)
    except ValueError as error:  # null bytes, in Python 3.11
        at = document.source.find("\0")
        line = document.lines.line_of(max(at, 0)) + 1
        return Problem(f"syntax error: {error}", document.path, line)
    except (RecursionError, MemoryError) as error:
        return Problem(f"not analysed: the code is nested too deeply ({type(error).__name__})", document.path)


_filter: object = None


def _hush() -> None:
    """Keeps the parser from warning of what it reads: invalid escapes are the user's business, not ours to print.

    The filter stays, for texts without a name only: to set and take it back for each costs as much as a small file.
    """
    global _filter
    if _filter is None or not warnings.filters or warnings.filters[0] is not _filter:
        warnings.filterwarnings("ignore", module="<unknown>$")
        _filter = warnings.filters[0]


def without_broken_cells(document: Document, error: Problem) -> tuple[Document, ast.Module | Problem, list[Problem]]:
    """A notebook (that does not parse, for `error`) without the cells that are at fault, and a problem for each.

    Cells that were never meant to be Python are left out without a problem. Problems have lines of the whole source.
    """
    from dry_debug.text import notebook

    problems: list[Problem] = []
    broken: list[int] = []
    for index, cell in enumerate(document.cells):
        others = [i for i in range(len(document.cells)) if i != index]
        problem = parse(notebook.without_broken_cells(document, others)) if cell.text.strip() else None
        if isinstance(problem, Problem) and problem.line is not None:
            broken.append(index)
            if not notebook.plainly_no_python(cell.text):
                problems.append(problem)
    if not broken:
        return document, error, []
    rest = notebook.without_broken_cells(document, broken)
    return rest, parse(rest), problems


def _without_magics(document: Document) -> ast.Module | None:
    """The tree of a script of cells (`# %%`) whose magics and shell lines are what does not parse."""
    from dry_debug.text.notebook import blank_magics, is_percent_script

    if document.is_notebook or not is_percent_script(document.source):
        return None
    try:
        return ast.parse(blank_magics(document.source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of_newer(document: Document) -> ast.Module | None:
    """The tree of code for a newer Python than this one."""
    from dry_debug.program.newer_syntax import in_older_syntax

    older = in_older_syntax(document.source)
    try:
        return ast.parse(older) if older is not None else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
