"""Writing what the command says: findings to standard output or a file, problems to standard error."""

import os
import sys
from collections.abc import Iterable

from dry_debug.text.document import Problem


def write_lines(lines: Iterable[str]) -> None:
    """Print the lines. A reader that has gone away (`| head`) is no error: the rest is dropped."""
    out = sys.stdout
    if out is None:  # started without a standard output
        return
    try:
        for line in lines:
            out.write(line + "\n")
        out.flush()
    except BrokenPipeError:
        drop_output()


def write_bytes(data: bytes) -> None:
    """Write bytes as they are to standard output."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not complain when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(message: str) -> None:
    """A line for the person at the terminal, on standard error."""
    if sys.stderr is not None:
        try:
            print(message, file=sys.stderr, flush=True)
        except OSError:  # nobody listens
            return


def tell(problem: Problem) -> None:
    """A problem, with its place if it has one."""
    place = ""
    if problem.path:
        line = f":{problem.line}" if problem.line is not None else ""
        place = f"{near(problem.path)}{line}: "
    say(f"dry-debug: {place}{problem.message}")


def near(path: str) -> str:
    """`path` relative to the current folder if it lies below it."""
    here = os.getcwd().rstrip(os.sep) + os.sep
    return path[len(here) :] if path.startswith(here) and path != here else path
