"""The command `dry-debug`: arguments in, exit status out (0 nothing found, 1 findings, 2 could not do its work)."""

import sys
from importlib import import_module

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


if __name__ == "__main__":
    raise SystemExit(main())
