"""Colours and the progress bar, by rich: only on a terminal, and only where there is something to show."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from dry_debug.render.formats import Paint, plain

T = TypeVar("T")

_PATIENCE = 1.0  # seconds after which a progress bar is worth showing

_STYLES = {
    "critical": "bold red",
    "warning": "bold yellow",
    "suggestion": "bold cyan",
    "code": "bold",
    "bold": "bold",
    "dim": "dim",
    "frame": "blue",
    "added": "green",
    "removed": "red",
}


def painter() -> Paint:
    """How text is coloured on standard output; plain if it is no terminal or NO_COLOR is set (https://no-color.org)."""
    if not is_terminal() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return plain
    from rich.color import ColorSystem
    from rich.console import Console
    from rich.style import Style

    console = Console()
    names = {"standard": "STANDARD", "256": "EIGHT_BIT", "truecolor": "TRUECOLOR"}
    if console.legacy_windows or console.color_system not in names:
        return plain
    system = ColorSystem[names[console.color_system]]
    styles = {name: Style.parse(text) for name, text in _STYLES.items()}

    def paint(style: str, text: str) -> str:
        return styles[style].render(text, color_system=system)

    return paint


def is_terminal() -> bool:
    """Whether standard output is one."""
    return sys.stdout is not None and sys.stdout.isatty()


def with_progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """`items`, with a bar on standard error once they take long, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield from items
        return
    began = time.monotonic()
    iterator = iter(items)
    for number, item in enumerate(iterator, 1):
        yield item
        if total - number > 1 and time.monotonic() - began > _PATIENCE:
            yield from _bar(iterator, number, total, what)
            return


def _bar(items: Iterator[T], done: int, total: int, what: str) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Without its own thread: workers may be forked while the bar stands.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task(what, total=total, completed=done)
        shown = 0.0
        for item in items:
            yield item
            progress.advance(task)
            if time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                progress.refresh()
