"""The server's only state: what is open, what was found in it, and the settings. Lives on the event loop's thread."""

import asyncio
import itertools
import logging
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

from lsprotocol import types

from dry_debug.lint.engine import Cancelled
from dry_debug.lint.settings import Settings
from dry_debug.lsp.ahead import Ahead
from dry_debug.lsp.analysis import Analysis, run
from dry_debug.lsp.client import Client
from dry_debug.lsp.diagnostics import diagnostics
from dry_debug.lsp.options import Options
from dry_debug.lsp.project import Project, Rules
from dry_debug.lsp.pygls_patches import Buffers
from dry_debug.lsp.snapshot import Snapshot, overlay, take
from dry_debug.lsp.uris import path_of, uri_of
from dry_debug.lsp.worker import Worker
from dry_debug.records import replace

logger = logging.getLogger(__name__)

Publish = Callable[[types.PublishDiagnosticsParams], None]
Tell = Callable[[Iterable[str]], None]

_SETTINGS_WAIT = 2.0  # seconds that a first check waits for the client's answer about its settings
_BURST = 0.5  # seconds between two edits that are one for who types them
_FIRST_CHECK = 30.0  # seconds that a request waits for the first check of its document
_CRASH = re.compile(r"(?:rule|the fix of) \S+ failed: \w+")  # the part of a problem that holds no source text


class Session:
    """One client's documents, findings and settings."""

    def __init__(
        self,
        buffers: Buffers,
        client: Client,
        publish: Publish,
        tell: Callable[[Iterable[str]], None],
        initial: Options,
    ) -> None:
        """`publish` sends diagnostics, `tell` shows the user what is wrong with the settings; both are called on the
        event loop."""
        self.buffers = buffers
        self.client = client
        self.initial = initial
        self.configured: Mapping[str, Options] = {}  # by folder URI; "" for what holds everywhere
        self.settled = asyncio.Event()  # the client's settings have arrived, or never will
        self.project = Project()
        self.worker = Worker()
        self._publish = publish
        self._tell = tell
        self._shown: dict[str, Analysis] = {}  # by URI of document or notebook: what the user sees
        self._ahead = Ahead(self._analyse_buffer, self._holds)  # of buffers that have changed since
        self._published: dict[str, set[str]] = {}  # URIs with diagnostics, by URI of document or notebook
        self._tickets: dict[str, int] = {}  # the newest check of each document; an older one gives way
        self._edits: dict[str, float] = {}  # when the newest edit of each document came, in seconds of the loop's clock
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()  # a check or a document has come to its end
        self.on_checked: Callable[[list[str]], Coroutine[Any, Any, None]] | None = None  # gets URIs of text documents

    # Snapshots and settings

    def snapshot(self, uri: str) -> Snapshot | None:
        """The open document `uri`, or the notebook `uri` or that holds cell `uri`."""
        return take(self.buffers, uri)

    def options(self, uri: str) -> Options:
        """What the editor has set for document `uri`; what it answered for the folder goes before the rest."""
        folders = [folder for folder in self.configured if folder and (uri + "/").startswith(folder.rstrip("/") + "/")]
        configured = self.configured.get(max(folders, key=len, default=""), Options())
        selected = configured.selected_interpreter or self.initial.selected_interpreter
        return Options({**self.initial.values, **configured.values}, selected_interpreter=selected)

    def root(self, uri: str) -> str | None:
        """The folder that is the project of document `uri`: its workspace folder, else where it lies."""
        path = path_of(uri)
        return self.project.root(path, self.folders()) if path is not None else None

    def folders(self) -> list[str]:
        """The workspace folders on disk."""
        return [folder for uri in self.buffers.folder_uris() if (folder := path_of(uri)) is not None]

    def lookup(self) -> Callable[[str], Snapshot | None]:
        """Finds a file of the project by path: as it is open now, else as it is on disk."""
        snapshots = [snapshot for uri in self.buffers.open_uris() if (snapshot := self.snapshot(uri)) is not None]
        by_path = {snapshot.path: snapshot for snapshot in snapshots}
        encoding = self.buffers.encoding

        def find(path: str) -> Snapshot | None:
            if path in by_path:
                return by_path[path]
            document = self.project.read(path)
            if document is None:
                return None
            uri = uri_of(path)
            return Snapshot(uri, path, document, {uri: None}, encoding)

        return find

    # Checking

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` beside the handlers; an error in it is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a check failed: %s", type(error).__name__)

    async def check(self, uri: str, delay: float = 0.0) -> None:
        """Analyses the document or notebook as it stands and publishes what is found.

        A newer check of the same document cancels this one: while it waits `delay` seconds, and between two rules.
        """
        notebook = self.buffers.notebook(uri)
        uri = notebook.uri if notebook is not None else uri
        ticket = self._tickets[uri] = next(self._numbers)

        def cancelled() -> bool:
            return self._tickets.get(uri) != ticket

        if delay:
            await asyncio.sleep(delay)
        await self._settings_known()
        snapshot = self.snapshot(uri)
        if snapshot is None:
            self.close(uri)  # no Python, or closed meanwhile
            return
        if cancelled():
            return
        try:
            analysis = await self._ahead.for_check(uri, snapshot)
            if analysis is None and not cancelled():
                analysis = await self._analyse(snapshot, self._shown.get(uri), cancelled)
        except Cancelled:
            return
        if cancelled():
            return
        if analysis is None:
            self.close(uri)
            return
        self._shown[uri] = analysis
        self._ahead.forget(uri)
        self._send(uri, diagnostics(analysis, self.client), analysis.snapshot.versions)
        self._ended.set()
        if self.on_checked is not None:
            await self.on_checked(analysis.snapshot.uris)

    async def first_check(self, uri: str) -> None:
        """Returns when document `uri`, or the notebook of cell `uri`, has been checked once since it was opened; at
        once if it is not to be checked."""
        notebook = self.buffers.notebook(uri)
        uri = notebook.uri if notebook is not None else uri
        try:
            async with asyncio.timeout(_FIRST_CHECK):
                while uri in self._tickets and uri not in self._shown:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            logger.warning("a first check took longer than %s seconds", _FIRST_CHECK)

    async def check_all(self, uris: Iterable[str] | None = None) -> None:
        """Checks open documents one after the other: all, or those of `uris`."""
        for uri in list(self.buffers.open_uris() if uris is None else uris):
            await self.check(uri)

    async def check_dependents(self, changed: str | None) -> None:
        """Checks again what rests on other files: on document `changed`, which was saved, or (None) on any file, when
        some have changed on disk. A buffer with unsaved changes is left alone until it is saved."""
        path = path_of(changed) if changed is not None else None
        if changed is not None and path is None:
            return
        texts = overlay(self.buffers)
        for uri, analysis in list(self._shown.items()):
            asked, rules, snapshot = analysis.result.asked, analysis.rules, self.snapshot(uri)
            if uri == changed or not asked or snapshot is None:
                continue
            if snapshot.document != analysis.snapshot.document:
                continue
            if path is None or await self.worker.run(partial(self.project.depends, rules, texts, asked, path)):
                await self.check(uri)

    def close(self, uri: str) -> None:
        """Forgets a document or notebook and takes its diagnostics away."""
        self._tickets.pop(uri, None)
        self._edits.pop(uri, None)
        self._ended.set()
        self._shown.pop(uri, None)
        self._ahead.forget(uri)
        for shown in self._published.pop(uri, set()):
            self._publish(types.PublishDiagnosticsParams(shown, []))

    def stop(self) -> None:
        """Ends every check; nothing is published any more."""
        self._tickets.clear()
        self._ahead.clear()
        self.worker.close()

    def shown(self, uri: str) -> Analysis | None:
        """The last analysis of document `uri`, or of the notebook of cell `uri`, that was published."""
        notebook = self.buffers.notebook(uri)
        return self._shown.get(notebook.uri if notebook is not None else uri)

    async def current(self, uri: str) -> tuple[Analysis, frozenset[str]] | None:
        """(The analysis of the buffer as it is now, the fingerprints of what the user sees), or None if nothing was
        shown yet. A buffer that has changed since it was checked is analysed again, and nothing is published."""
        notebook = self.buffers.notebook(uri)
        uri = notebook.uri if notebook is not None else uri
        shown, snapshot = self._shown.get(uri), self.snapshot(uri)
        if shown is None or snapshot is None:
            return None
        if shown.snapshot.document == snapshot.document:
            # The same text may have a newer version, after an edit and its undoing.
            return replace(shown, snapshot=snapshot), shown.fingerprints
        fresh = await self._ahead.of(uri, snapshot)
        return (fresh, shown.fingerprints) if fresh is not None else None

    def edited(self, uri: str) -> bool:
        """Document or notebook `uri` has another text: what is made of the old one for later is given up. Whether this
        is the first edit after a rest: a paste, a quick fix, or the first key of several."""
        now = asyncio.get_running_loop().time()
        before = self._edits.get(uri)
        self._edits[uri] = now
        self._ahead.forget(uri)
        return before is None or now - before > _BURST

    async def prepare(self, uri: str, pause: float = 0.0) -> None:
        """Analyses the buffer as it stands `pause` seconds from now, unless it was edited again or is checked then, so
        that the save that follows finds its findings. Nothing is published, and nothing done for what was never shown.
        """
        edit, checks = self._edits.get(uri), self._tickets.get(uri)
        if pause:
            await asyncio.sleep(pause)
        if (edit, checks) == (self._edits.get(uri), self._tickets.get(uri)):
            await self.current(uri)

    async def unopened(self, paths: Iterable[str]) -> list[Analysis]:
        """The analyses of files as they are on disk; nothing is published. Other work goes between two of them."""
        find = self.lookup()
        found: list[Analysis] = []
        for path in paths:
            snapshot = await self.worker.run(partial(find, path))
            analysis = await self._analyse(snapshot, None) if snapshot is not None else None
            if analysis is not None:
                found.append(analysis)
        return found

    async def _analyse(
        self,
        snapshot: Snapshot,
        previous: Analysis | None,
        cancelled: Callable[[], bool] | None = None,
        keep: bool = False,
    ) -> Analysis | None:
        """The analysis of `snapshot`, off the event loop; None if the settings exclude the file. One to `keep` can say
        later whether it holds still."""
        root, options, texts = self.root(snapshot.uri), self.options(snapshot.uri), overlay(self.buffers)
        project = self.project

        def work() -> Analysis | Rules:
            rules = project.rules(snapshot.path, root, options)
            if rules.excluded:
                return rules
            made = run(snapshot, rules, project.host(rules, texts), previous, cancelled)
            return made.for_later() if keep else made

        analysis = await self.worker.run(work)
        rules = analysis.rules if isinstance(analysis, Analysis) else analysis
        self._tell(rules.complaints)
        if not isinstance(analysis, Analysis):
            return None
        for problem in analysis.result.problems:
            crash = _CRASH.match(problem.message)
            if crash is not None:
                logger.error("%s", crash.group())
        return analysis

    async def _analyse_buffer(self, snapshot: Snapshot, cancelled: Callable[[], bool]) -> Analysis | None:
        return await self._analyse(snapshot, self._shown.get(snapshot.uri), cancelled, keep=True)

    async def _holds(self, analysis: Analysis) -> bool:
        """Whether `analysis` would come out the same now: with these settings, and what other files say."""
        snapshot, project = analysis.snapshot, self.project
        root, options, texts = self.root(snapshot.uri), self.options(snapshot.uri), overlay(self.buffers)

        def work() -> bool:
            rules = project.rules(snapshot.path, root, options)
            return rules == analysis.rules and analysis.holds(project.host(rules, texts))

        return await self.worker.run(work)

    async def _settings_known(self) -> None:
        try:
            await asyncio.wait_for(self.settled.wait(), _SETTINGS_WAIT)
        except TimeoutError:
            self.settled.set()  # a client that does not answer is not asked to again

    def _send(self, uri: str, found: Mapping[str, list[types.Diagnostic]], versions: Mapping[str, int | None]) -> None:
        gone = self._published.get(uri, set()) - found.keys()
        for shown in gone:
            self._publish(types.PublishDiagnosticsParams(shown, []))
        for shown, items in found.items():
            version = versions.get(shown) if self.client.versions else None
            self._publish(types.PublishDiagnosticsParams(shown, items, version))
        self._published[uri] = {shown for shown, items in found.items() if items}

    async def settings(self, uri: str) -> Settings:
        """The settings of document `uri`: the editor's over the project's over the defaults."""
        work = partial(self.project.rules, path_of(uri), self.root(uri), self.options(uri))
        return (await self.worker.run(work)).settings
