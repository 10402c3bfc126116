"""Code lenses: above a line, what it sets although the instructions do not ask for it. Never a diagnostic."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

from dry_debug.lsp.analysis import Analysis
from dry_debug.lsp.client import Client
from dry_debug.spec.assumed import assumed
from dry_debug.spec.sources import sources_of
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.lsp.session import Session

logger = logging.getLogger(__name__)

# A lens has to name a command. This one is the server's own and does nothing, so that choosing a lens is no error in a
# client that cannot show the report.
NOTED = "dryDebug.noted"


def lenses(analysis: Analysis, uri: str, client: Client) -> list[types.CodeLens]:
    """The lenses of text document `uri`. While it does not parse, those of the last text that did, where they were:
    lines that jump with every half-typed word help nobody. Runs in a worker thread."""
    good, snapshot = analysis.good, analysis.snapshot
    program = good.result.program if good is not None else None
    if good is None or program is None or not analysis.rules.settings.code_lens:
        return []
    found: list[types.CodeLens] = []
    for one in assumed(program):
        # A place that is not there any more is a rule's business, not a reason to show it elsewhere.
        span: Span | None = one.span if good is analysis else snapshot.carried(one.span, good.snapshot)
        if span is None or snapshot.uri_at(span.start) != uri:
            continue
        start = snapshot.position(span.start)
        end = snapshot.position(span.end)
        place = types.Range(start, end if end.line == start.line else start)
        shows = client.report_command
        command = types.Command(one.text, shows or NOTED, arguments=[uri] if shows else None)
        found.append(types.CodeLens(place, command))
    return found


def _may_have_any(analysis: Analysis) -> bool:
    """Whether somebody has written down what the analysed code was asked to do."""
    program = analysis.good.result.program if analysis.good is not None else None
    wanted = analysis.rules.settings.code_lens
    return wanted and program is not None and any(source.explicit for source in sources_of(program))


class Lenses:
    """What each open document was answered, so that the client is told to ask again when it would be something else."""

    def __init__(self, session: Session, refresh: Callable[[], Awaitable[object]]) -> None:
        """`refresh` has the client ask for all lenses again."""
        self._session = session
        self._refresh = refresh
        self._answered: dict[str, list[types.CodeLens]] = {}  # by URI of the text document

    async def of(self, uri: str) -> list[types.CodeLens]:
        """The lenses of text document `uri` as it stands in the editor; those of a document that was just opened come
        with its first check."""
        await self._session.first_check(uri)
        self._answered[uri] = found = await self._now(uri)
        return found

    async def checked(self, uris: Iterable[str]) -> None:
        """To be called when text documents have been checked."""
        if not self._session.client.refreshes_lenses:
            return
        stale = False
        for uri in uris:
            known = self._answered.get(uri)
            if known is not None and (now := await self._now(uri)) != known:
                self._answered[uri] = now
                stale = True
        if stale:
            try:
                await self._refresh()
            except Exception as error:  # a client that says it can, and cannot
                logger.warning("the client did not refresh its lenses: %s", type(error).__name__)

    def closed(self, uri: str) -> None:
        """To be called when a text document is closed."""
        self._answered.pop(uri, None)

    async def _now(self, uri: str) -> list[types.CodeLens]:
        session = self._session
        shown = session.shown(uri)
        if shown is None or not await session.worker.run(partial(_may_have_any, shown)):
            return []  # as for most files: no key that is pressed costs an analysis
        current = await session.current(uri)
        if current is None:
            return []
        return await session.worker.run(partial(lenses, current[0], uri, session.client))
