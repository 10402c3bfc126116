"""What the model asks of the outside. A Host answers from an index of the project; the null host answers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.instructions import Instruction
    from dry_debug.text.document import Document


class Evaluation:
    """How deep the questions about values are, over all files of a host: they ask one another across files."""

    __slots__ = ("calls", "cuts", "depth", "fuel")

    def __init__(self) -> None:
        self.depth = 0  # nested questions
        self.calls = 0  # of the project's functions, entered one from another
        self.cuts = 0  # questions cut short because they were already being asked, or too deep
        self.fuel = FUEL

    def start(self) -> None:
        """A new analysis begins."""
        self.depth = self.calls = 0
        self.fuel = FUEL


# Expressions looked at in one analysis; a hostile file must not run for ever.
FUEL = 60_000


class Host(Protocol):
    """Answers about other files. Every question is recorded: what was asked is the cache's dependency key."""

    evaluation: Evaluation

    def program_of(self, document: Document) -> Program | None:
        """The model of this very text, if another file has asked for it."""

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

    def __init__(self) -> None:
        self.evaluation = Evaluation()

    def program_of(self, document: Document) -> Program | None:
        return None

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
