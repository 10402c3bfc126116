"""Starts the Dry Debug that lies in `libs` beside this file: `python -I -S launch.py server --stdio`.

The extension's build copies this file to `bundled/launch.py`. The bundled packages come before everything that the
interpreter has, so nothing needs to be installed in it and nothing of it is used but the standard library.
"""

import sys
from pathlib import Path


def main() -> int | None:
    """Runs the command line that follows; the exit status is its own."""
    # Not only in this process: the ones that multiprocessing starts are given this sys.path.
    sys.path.insert(0, str(Path(__file__).resolve().parent / "libs"))
    from dry_debug.cli.main import main as command

    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
