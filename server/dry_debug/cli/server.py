"""`dry-debug server`: the language server."""

import argparse


def run(options: argparse.Namespace) -> int:
    """Serve until the client leaves; returns the exit status."""
    from dry_debug.lsp.main import serve  # the only way to pygls

    return serve(stdio=options.tcp is None, tcp=options.tcp)
