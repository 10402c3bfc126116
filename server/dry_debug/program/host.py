"""What the model asks of the outside. A Host answers from an index of the project; the null host answers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.instructions import Instruction


class Host(Protocol):
    """Answers about other files. Every question is recorded: what was asked is the cache's dependency key."""

    def module(self, name: str, importer: str, level: int = 0) -> Program | None:
        """The program of module `name` as `importer` (a path) would import it; `level` counts leading dots.

        None when the module is not part of the project. Never raises, never imports anything.
        """

    def config(self, path: str, importer: str) -> Any | None:
        """The parsed YAML, JSON or TOML file at `path` (relative to the importer's folder or the project)."""

    def version(self, package: str) -> str | None:
        """The declared or installed version of `package`, or None if that is not known."""

    def instructions(self, importer: str, named: str | None) -> list[Instruction]:
        """What the explicit instructions for `importer` ask for: those in the file `named`, else the nearest ones."""

    def asked_for(self, path: str) -> frozenset[str]:
        """The questions that the analysis of the file at `path` asked so far, directly and through other modules."""


class NullHost:
    """Knows nothing: the analysis of a file on its own."""

    def module(self, name: str, importer: str, level: int = 0) -> Program | None:
        return None

    def config(self, path: str, importer: str) -> Any | None:
        return None

    def version(self, package: str) -> str | None:
        return None

    def instructions(self, importer: str, named: str | None) -> list[Instruction]:
        return []

    def asked_for(self, path: str) -> frozenset[str]:
        return frozenset()
