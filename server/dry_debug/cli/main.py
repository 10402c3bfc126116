"""The command `dry-debug`: arguments in, exit status out (0 nothing found, 1 findings, 2 could not do its work)."""

import gc
import os
import sys
from importlib import import_module
from typing import NoReturn

from dry_debug.cli.options import parser


def main(argv: list[str] | None = None) -> int:
    """Run the command with the arguments `argv` (the process's own by default) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A path or a message with a character that the terminal's encoding lacks must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has printed its help or its complaint
        return int(leaving.code or 0)
    try:
        status = import_module(options.command_module).run(options)
    except KeyboardInterrupt:
        print("dry-debug: interrupted", file=sys.stderr)
        return 130
    return int(status)


def command() -> NoReturn:
    """Run the command and end the process with its exit status: what the installed `dry-debug` calls."""
    # Loading modules and building trees makes no garbage worth looking for, and looking takes a tenth of a short run.
    gc.set_threshold(200_000, 20, 20)
    status = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            status = status or 2
    # Without taking the heap apart object by object: the system frees it at once.
    os._exit(status)


if __name__ == "__main__":
    command()
