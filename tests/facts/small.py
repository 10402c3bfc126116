"""The facts of small programs."""

from __future__ import annotations

from typing import Any

from dry_debug.program.facts import facts

from tests.program.model import program


def of(kind: str, source: str, files: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The rows of one `kind` (a key of `dry-debug facts`) for a program; `files` are the others of its project."""
    rows: list[dict[str, Any]] = facts(program(source, files))[kind]
    return rows


def told(source: str, files: dict[str, str] | None = None) -> dict[str, Any]:
    """All facts of a small program and of the files that it imports."""
    return facts(program(source, files))
