"""The output formats by name. Each is one module with `render(records, context)`, imported when it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from dry_debug.records import dataclass, field
from dry_debug.render.record import Record
from dry_debug.text.document import Problem

FORMATS = ("full", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown")
# Formats that show the changes of a fix: making those costs the import of libcst.
WITH_FIXES = frozenset(("full", "json", "jsonl", "sarif"))

Paint = Callable[[str, str], str]  # (style, text) -> text for the terminal


def plain(style: str, text: str) -> str:
    """No colours."""
    return text


@dataclass(frozen=True)
class Context:
    """What a format needs beside the records. Paths below `folder` are shown relative to it."""

    folder: str
    version: str
    paint: Paint = plain
    files: tuple[str, ...] = ()  # everything that was checked, absolute
    problems: tuple[Problem, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)  # summary of each rule by name
    with_fixes: bool = False

    def shown_path(self, path: str) -> str:
        """`path` as people want to read it: relative to the folder if it lies below, with forward slashes."""
        folder = self.folder.rstrip("/\\")
        if path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("/", "\\"):
            path = path[len(folder) + 1 :]
        return path.replace("\\", "/")


def render(format_name: str, records: Sequence[Record], context: Context) -> Iterator[str]:
    """The output in the format of that name, line by line without line ends."""
    from importlib import import_module

    module = import_module(f"dry_debug.render.{format_name}")
    return cast(Iterator[str], cast(Any, module).render(records, context))


def where(record: Record, context: Context) -> str:
    """`path:row:column`, with the cell between in a notebook."""
    cell = f"cell {record['cell']}:" if record["cell"] is not None else ""
    at = record["location"]
    return f"{context.shown_path(record['filename'])}:{cell}{at['row']}:{at['column']}"


def counted(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
