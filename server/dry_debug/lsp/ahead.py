"""Analyses of buffers as they are now, made before they are saved: a request needs one, or the user stops typing.

Lives on the event loop's thread. Nothing of it is published before a check asks for it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from dry_debug.lint.engine import Cancelled
from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.snapshot import Snapshot
from dry_debug.records import dataclass, replace

Analyse = Callable[[Snapshot, Callable[[], bool]], Awaitable[Analysis | None]]
Holds = Callable[[Analysis], Awaitable[bool]]


@dataclass(frozen=True)
class _Coming:
    """An analysis that has been begun."""

    snapshot: Snapshot
    task: "asyncio.Task[Analysis | None]"


class Ahead:
    """The newest analysis of each changed buffer, by URI of document or notebook."""

    def __init__(self, analyse: Analyse, holds: Holds) -> None:
        """`analyse` raises Cancelled when the function that it is given says so between two rules; `holds` says
        whether an analysis would come out the same now: other files may have changed, and the settings."""
        self._analyse = analyse
        self._holds = holds
        self._done: dict[str, Analysis] = {}
        self._coming: dict[str, _Coming] = {}

    def forget(self, uri: str) -> None:
        """The text is an older one now, or closed: what is at work for it is given up."""
        self._done.pop(uri, None)
        self._coming.pop(uri, None)

    def clear(self) -> None:
        """Gives everything up."""
        self._done.clear()
        self._coming.clear()

    async def of(self, uri: str, snapshot: Snapshot) -> Analysis | None:
        """The analysis of `snapshot`, the one of this text that is there or at work if there is one; None if the
        settings exclude the file, or the text is no longer wanted."""
        ready = await self._ready(uri, snapshot)
        if ready is not None:
            return ready
        coming: _Coming

        def cancelled() -> bool:
            return self._coming.get(uri) is not coming

        async def work() -> Analysis | None:
            try:
                analysis = await self._analyse(snapshot, cancelled)
            except Cancelled:
                return None
            if not cancelled():
                del self._coming[uri]
                if analysis is not None:
                    self._done[uri] = analysis
            return analysis

        self._done.pop(uri, None)
        self._coming[uri] = coming = _Coming(snapshot, asyncio.get_running_loop().create_task(work()))
        return await asyncio.shield(coming.task)

    async def for_check(self, uri: str, snapshot: Snapshot) -> Analysis | None:
        """The analysis of this text that is there or at work, if it holds still."""
        ready = await self._ready(uri, snapshot)
        return ready if ready is not None and await self._holds(ready) else None

    async def _ready(self, uri: str, snapshot: Snapshot) -> Analysis | None:
        coming = self._coming.get(uri)
        if coming is not None and coming.snapshot.document == snapshot.document:
            with contextlib.suppress(Exception):  # who began it hears of it
                await asyncio.shield(coming.task)
        done = self._done.get(uri)
        if done is None or done.snapshot.document != snapshot.document:
            return None
        return replace(done, snapshot=snapshot)  # the same text may have a newer version, after an edit and its undoing
