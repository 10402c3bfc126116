"""`dry-debug server`: runs the language server until its client leaves."""

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import BinaryIO


def serve(stdio: bool = True, tcp: tuple[str, int] | None = None) -> int:
    """Serves one client over standard input and output, or over TCP at `tcp` (host, port). Blocks.

    Returns the exit status: 0 after an orderly shutdown, 1 when the client went away without one.
    """
    _forget_working_directory()
    _log_to_stderr()
    from dry_debug.lsp.server import Server

    server = Server()
    if tcp is not None:
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            server.start_tcp(*tcp)
    else:
        server.start_io(*_streams())
    return server.exit_status


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """The protocol's streams: copies of standard input and output, which pygls closes when it ends. What else is
    written to standard output goes to the log: a stray print must not end up between two messages."""
    given, taken = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return given, taken


def _forget_working_directory() -> None:
    """Takes the working directory off the import path: it is a workspace, and nothing of it may be imported.

    `python -m dry_debug` puts it there. It stays where the server itself is installed in it.
    """
    home = Path(__file__).resolve().parents[2]
    here = Path(os.path.abspath(os.curdir)).resolve()
    if here != home:
        sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != here]


def _log_to_stderr() -> None:
    from dry_debug.lsp.pygls_patches import Discreet

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
