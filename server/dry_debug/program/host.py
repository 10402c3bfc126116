"""What the model asks of the outside. A Host answers from an index of the project; the null host answers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from dry_debug.program.reach import Reach

if TYPE_CHECKING:
    from dry_debug.program.config_tree import Entry
    from dry_debug.program.program import Program
    from dry_debug.spec.instruction import Source
    from dry_debug.text.document import Document


class Evaluation:
    """The questions about values that are being asked, over all files of a host: they ask one another across files.

    A question that leads to itself is cut short with "not known". Every answer that this touched holds only as long as
    the question it was cut at is open: `low` is the lowest level of the stack that the current question was cut at, and
    answers above it are provisional (as in Tarjan's search for strongly connected components).
    """

    __slots__ = ("busy", "calls", "floor", "fuel", "low", "provisional", "stack")

    def __init__(self) -> None:
        self.stack: list[object] = []  # open questions, outermost first
        self.busy: dict[object, int] = {}  # their levels in the stack
        self.low = NEVER
        self.provisional: dict[tuple[int, object], tuple[Any, object, int]] = {}
        self.calls = 0  # of the project's functions, entered one from another
        self.fuel = FUEL
        self.floor = 0  # where the question that is open has had its share of the fuel

    def share(self) -> None:
        """A question that no other asked begins: it may have its share, and leaves the rest to those after it."""
        self.floor = self.fuel - SHARE if self.fuel > SHARE else 0

    def cut(self, level: int = 0) -> None:
        """The current answer rests on a question that was cut short at `level`."""
        if level < self.low:
            self.low = level

    def open(self, key: object) -> int:
        """Begin a question; returns what `close` needs."""
        if not self.stack:
            self.share()
        self.busy[key] = len(self.stack)
        self.stack.append(key)
        low, self.low = self.low, NEVER
        return low

    def close(self, key: object, outer: int) -> bool:
        """End a question; whether its answer is final."""
        self.stack.pop()
        level = self.busy.pop(key)
        final = self.low >= level
        if final:
            self.low = outer
            if not self.stack and self.provisional:
                self.provisional.clear()
        elif outer < self.low:
            self.low = outer
        return final

    def remember(self, memo: object, key: object, answer: Any) -> None:
        """Keep an answer that is not final for as long as the question that it was cut at is open."""
        if self.low < len(self.stack):
            self.provisional[(id(memo), key)] = (answer, self.stack[self.low], self.low)

    def recall(self, memo: object, key: object) -> Any | None:
        """A provisional answer that still holds, or None. What it was cut at counts for the asker, too."""
        found = self.provisional.get((id(memo), key))
        if found is None:
            return None
        answer, cut_at, level = found
        if self.busy.get(cut_at) != level:
            return None
        self.cut(level)
        return answer

    def start(self) -> None:
        """A new analysis begins."""
        self.__init__()  # type: ignore[misc]  # whatever an exception left open is closed


NEVER = 1 << 30  # a level that no stack has

# Expressions looked at in one analysis; a hostile file must not run for ever.
FUEL = 60_000
SHARE = 15_000  # of one question: functions that call one another in many ways could take all of it


class Declaration(NamedTuple):
    """Where a version is set: `line` is zero-based, `column` and `length` count code points of its `text`."""

    path: str
    line: int
    column: int
    length: int
    text: str


class Host(Protocol):
    """Answers about other files. Every question is recorded: what was asked is the cache's dependency key."""

    evaluation: Evaluation
    reach: Reach

    def begin(self) -> None:
        """A new analysis begins: what was made of other files for an earlier one is not used in it."""

    def program_of(self, document: Document) -> Program | None:
        """The model of this very text, if another file has asked for it."""

    def keeps(self, program: Program) -> bool:
        """Whether the file of this program stays as it is from one analysis to the next."""

    def adopt(self, program: Program) -> None:
        """The analysis is of this program: who imports its file means it, too."""

    def module(self, name: str, importer: str, level: int = 0) -> Program | None:
        """The program of module `name` as `importer` (a path) would import it; `level` counts leading dots.

        None when the module is not part of the project. Never raises, never imports anything.
        """

    def importers(self, path: str, word: str) -> list[Program]:
        """Programs of the project that may import the file at `path`, the nearest first, with `word` in their text.

        Bounded, and costly: other files are read. Not all of them need be named.
        """

    def config(self, path: str, importer: str) -> Entry | None:
        """The YAML, JSON, TOML or INI file at `path`, with the line of each value; None if there is none that reads.

        `path` is absolute, or relative to the folder of `importer` (a path) or a folder above it in the project.
        """

    def version(self, package: str, importer: str = "") -> str | None:
        """The declared or installed version of `package` for `importer` (a path), or None if that is not known.

        An exact version, or a condition as it is written (`>=2.0,<3`). Without `importer`, for the root's own files.
        """

    def declaration(self, package: str, importer: str) -> Declaration | None:
        """Where the answer of `version` for `importer` is set; None where it is installed, or stands in a lock file."""

    def lacks_package(self, top: str, importer: str) -> bool:
        """Whether the project of `importer` (a path) lists the packages that it needs, and neither names one that holds
        the module `top` anywhere, nor has it installed, nor has a module of that name itself."""

    def instructions(self, importer: str, named: str | None) -> list[Source]:
        """The texts that may hold instructions for `importer` (a path), the nearest first: the file `named`, else the
        files of instructions beside it and above, then those that only may hold some."""

    def asked_for(self, path: str) -> frozenset[str]:
        """The questions that the analysis of the file at `path` asked so far, directly and through other modules."""

    def answer_key(self, question: str) -> str:
        """What the answer to one of these questions depends on now: another text when the answer may be another."""


class NullHost:
    """Knows nothing: the analysis of a file on its own."""

    def __init__(self) -> None:
        self.evaluation = Evaluation()
        self.reach = Reach()

    def begin(self) -> None:
        self.evaluation.start()
        self.reach = Reach()

    def keeps(self, program: Program) -> bool:
        return False

    def program_of(self, document: Document) -> Program | None:
        return None

    def adopt(self, program: Program) -> None:
        return

    def module(self, name: str, importer: str, level: int = 0) -> Program | None:
        return None

    def importers(self, path: str, word: str) -> list[Program]:
        return []

    def config(self, path: str, importer: str) -> Entry | None:
        return None

    def version(self, package: str, importer: str = "") -> str | None:
        return None

    def declaration(self, package: str, importer: str) -> Declaration | None:
        return None

    def lacks_package(self, top: str, importer: str) -> bool:
        return False

    def instructions(self, importer: str, named: str | None) -> list[Source]:
        return []

    def asked_for(self, path: str) -> frozenset[str]:
        return frozenset()

    def answer_key(self, question: str) -> str:
        return ""
