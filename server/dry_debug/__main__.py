"""`python -m dry_debug` is the same as the `dry-debug` command."""

from dry_debug.cli.main import command

command()
