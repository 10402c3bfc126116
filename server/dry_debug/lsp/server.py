"""The protocol's methods, each handed to the session or to a function of a snapshot."""

import asyncio
import logging
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

import dry_debug
from dry_debug.lsp.actions import KINDS, Request, code_actions, resolved
from dry_debug.lsp.client import client_of
from dry_debug.lsp.explain import explained
from dry_debug.lsp.hover import hover
from dry_debug.lsp.lenses import NOTED, Lenses
from dry_debug.lsp.pygls_patches import Buffers
from dry_debug.lsp.report import ignored, reported, stored
from dry_debug.lsp.route import files_to_check, panel, routed
from dry_debug.lsp.session import Session
from dry_debug.lsp.settings import SECTION, Complaints, initial_options, plain, pulled_options, pushed_options
from dry_debug.project.config import FILE_NAMES
from dry_debug.project.config_files import kind_of
from dry_debug.project.host import INSTRUCTIONS, READMES

logger = logging.getLogger(__name__)

CHECK_DOCUMENT = "dryDebug.checkDocument"
EXPLAIN = "dryDebug.explain"
ROUTE = "dryDebug.route"
REPORT = "dryDebug.report"
SET_INSTRUCTIONS = "dryDebug.setInstructions"
IGNORE_INSTRUCTIONS = "dryDebug.ignoreInstructions"
TYPING_PAUSE = 0.3  # seconds without a key press before a check, with `run` = onType
SAVING_PAUSE = 0.2  # the same before the analysis that a save will publish, with `run` = onSave; a first edit has none
MOST_CONFIGS = 40  # configuration files that are looked at one by one when they change together
DISK_PAUSE = 0.2  # seconds in which changes on disk are taken together: a checkout changes many files

NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithNotebook(
            notebook="jupyter-notebook", cells=[types.NotebookCellLanguage(language="python")]
        )
    ],
    save=True,
)


class Server(LanguageServer):
    """The language server of one client."""

    session: Session
    lenses: Lenses
    complaints: Complaints

    def __init__(self) -> None:
        super().__init__("dry-debug", dry_debug.__version__, notebook_document_sync=NOTEBOOKS, max_workers=2)
        self.complaints = Complaints(self.window_show_message)
        register(self)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """An error of ours is for the log, not for a popup."""
        logger.error("%s: %s", getattr(source, "__name__", source), type(error).__name__)

    def shutdown(self) -> None:
        if hasattr(self, "session"):
            self.session.stop()
        super().shutdown()  # type: ignore[no-untyped-call]

    @property
    def exit_status(self) -> int:
        """0 when the client asked for the shutdown before it left, as the protocol has it; 1 otherwise."""
        return 0 if self.protocol._shutdown else 1


def register(server: Server) -> None:
    """Gives `server` its handlers."""
    _register_life(server)
    _register_documents(server)
    _register_notebooks(server)
    _register_settings(server)
    _register_requests(server)


def _register_life(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        buffers = Buffers.instead_of(server.protocol.workspace)
        server.protocol._workspace = buffers
        options = initial_options(params.initialization_options)
        client = client_of(params.capabilities)
        server.session = Session(
            buffers, client, server.text_document_publish_diagnostics, server.complaints.tell, options
        )
        server.lenses = Lenses(server.session, lambda: server.workspace_code_lens_refresh_async(None))
        server.session.on_checked = server.lenses.checked

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        server.complaints.tell(server.session.initial.complaints)
        try:
            await _pull_settings(server)
        finally:
            server.session.settled.set()
        await _register_watchers(server)


async def _pull_settings(server: Server) -> bool:
    """Asks the client for its settings; whether they are others than before."""
    session = server.session
    if not session.client.configuration:
        return False
    try:
        answers = await pulled_options(server, session)
    except Exception as error:  # a client that says it can, and cannot
        logger.warning("the client did not answer workspace/configuration: %s", type(error).__name__)
        return False
    server.complaints.tell(text for options in answers.values() for text in options.complaints)
    changed = session.configured != answers
    session.configured = answers
    return changed


async def _register_watchers(server: Server) -> None:
    client = server.session.client
    wanted: list[types.Registration] = []
    if client.watches_files:
        globs = [f"**/{name}" for name in FILE_NAMES] + ["**/*.py", "**/*.{yaml,yml,json,toml,ini,cfg,conf}"]
        globs += [f"**/{name}" for name in (*INSTRUCTIONS, *READMES)]
        watchers = [types.FileSystemWatcher(glob_pattern=glob) for glob in globs]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        wanted.append(types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options))
    if client.watches_settings:
        section = types.DidChangeConfigurationRegistrationOptions(SECTION)
        wanted.append(types.Registration("settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
    if wanted:
        try:
            await server.client_register_capability_async(types.RegistrationParams(wanted))
        except Exception as error:
            logger.warning("the client did not take the registrations: %s", type(error).__name__)


def _register_documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.session.start(server.session.check(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_WILL_SAVE)
    def will_save(params: types.WillSaveTextDocumentParams) -> None:
        server.session.start(server.session.prepare(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        server.session.start(_saved(server, params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        server.session.start(_typed(server, params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.session.close(params.text_document.uri)
        server.lenses.closed(params.text_document.uri)


async def _saved(server: Server, uri: str) -> None:
    await server.session.check(uri)
    await server.session.check_dependents(uri)


async def _typed(server: Server, uri: str) -> None:
    resting = server.session.edited(uri)
    settings = await server.session.settings(uri)
    if settings.run == "onType":
        await server.session.check(uri, TYPING_PAUSE)
    else:
        await server.session.prepare(uri, 0.0 if resting else SAVING_PAUSE)


def _register_notebooks(server: Server) -> None:
    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenNotebookDocumentParams) -> None:
        server.session.start(server.session.check(params.notebook_document.uri))

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveNotebookDocumentParams) -> None:
        server.session.start(_saved(server, params.notebook_document.uri))

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeNotebookDocumentParams) -> None:
        server.session.start(_typed(server, params.notebook_document.uri))

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseNotebookDocumentParams) -> None:
        server.session.close(params.notebook_document.uri)
        for cell in params.cell_text_documents:
            server.lenses.closed(cell.uri)


def _register_settings(server: Server) -> None:
    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def settings_changed(params: types.DidChangeConfigurationParams) -> None:
        session = server.session
        if session.client.configuration:
            changed = await _pull_settings(server)
        else:
            options = pushed_options(params.settings)
            server.complaints.tell(options.complaints)
            changed = session.configured != {"": options}
            session.configured = {"": options}
        if changed:
            await session.check_all()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        session = server.session
        names = {change.uri.rsplit("/", 1)[-1] for change in params.changes}
        await asyncio.sleep(DISK_PAUSE)
        if names & set(FILE_NAMES):
            session.project.settings_changed()
            await session.check_all()
            return
        closed = [change for change in params.changes if session.buffers.buffer(change.uri) is None]
        deleted = types.FileChangeType.Deleted
        several = len(closed) > MOST_CONFIGS
        if several or any(change.type == deleted or kind_of(change.uri) is None for change in closed):
            await session.check_dependents(None)
            return
        # Logs and results are JSON, too: only what is asked for counts.
        for change in closed:
            await session.check_dependents(change.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        await _pull_settings(server)
        await server.session.check_all()


def _register_requests(server: Server) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=list(KINDS), resolve_provider=True),
    )
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        session, uri = server.session, params.text_document.uri
        found = await session.current(uri)
        if found is None:
            return None
        analysis, shown = found
        asked = params.context
        automatic = asked.trigger_kind == types.CodeActionTriggerKind.Automatic
        place = analysis.snapshot.span(uri, params.range)
        request = Request(uri, place, asked.diagnostics, asked.only, automatic)
        work = partial(code_actions, analysis, shown, request, session.client, session.lookup())
        offered = await session.worker.run(work)
        now = session.snapshot(uri)
        # Edits of a text that has changed meanwhile would land in the wrong place.
        return offered if now is not None and now.document == analysis.snapshot.document else None

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        session, data = server.session, plain(action.data)
        found = await session.current(data["uri"]) if isinstance(data, dict) and "uri" in data else None
        if found is not None:
            work = partial(resolved, found[0], data, session.client, session.lookup())
            action.edit = await session.worker.run(work)
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def explain(params: types.HoverParams) -> types.Hover | None:
        session, uri = server.session, params.text_document.uri
        found = await session.current(uri)
        if found is None or not found[0].rules.settings.hover:
            return None
        analysis, shown = found
        offset = analysis.snapshot.offset(uri, params.position)
        return await session.worker.run(partial(hover, analysis, shown, offset, session.client))

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    async def code_lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        return await server.lenses.of(params.text_document.uri)

    @server.command(NOTED)
    def noted() -> None:
        """What a lens does in a client without a command for the report: nothing."""

    @server.command(EXPLAIN)
    async def why_here(uri: str, line: int) -> str | None:
        """Why something is, or is not, reported on zero-based `line` of a document; null if it is not checked."""
        found = await server.session.current(uri)
        if found is None:
            return None
        offset = found[0].snapshot.offset(uri, types.Position(max(0, int(line)), 0))
        return await server.session.worker.run(partial(explained, found[0], offset))

    @server.command(ROUTE)
    async def where_to_look(text: str) -> str:
        """Markdown: where to look first for the symptom that `text` describes, with the findings of the open files, of
        those that a traceback names, and of the scripts of the workspace."""
        session = server.session
        routing = await session.worker.run(partial(routed, text))
        found = [await session.current(uri) for uri in session.buffers.open_uris()]
        analyses = [one[0] for one in found if one is not None]
        opened = [path for one in analyses if (path := one.snapshot.path) is not None]
        paths = await session.worker.run(partial(files_to_check, routing, session.folders(), opened))
        analyses += await session.unopened(paths)
        return await session.worker.run(partial(panel, routing, analyses))

    @server.command(REPORT)
    async def report(uri: str, form: str = "markdown") -> str | None:
        """The four-part report on a document, as markdown, html, json or text; null if it is not checked."""
        found = await server.session.current(uri)
        return await server.session.worker.run(partial(reported, found[0], str(form))) if found is not None else None

    @server.command(SET_INSTRUCTIONS)
    async def set_instructions(uri: str, text: str = "") -> dict[str, object] | None:
        """Stores `text` as the instructions of the project of a document; null if it has none."""
        session = server.session
        root = session.root(uri)
        if root is None:
            return None
        answer = await session.worker.run(partial(stored, root, str(text)))
        await session.check_all()
        return answer

    @server.command(IGNORE_INSTRUCTIONS)
    async def ignore_instructions(uri: str) -> str | None:
        """Adds the instructions to the project's .gitignore; why that did not work, or null."""
        root = server.session.root(uri)
        return await server.session.worker.run(partial(ignored, root)) if root is not None else None

    @server.command(CHECK_DOCUMENT)
    async def check_document(uri: str) -> None:
        await server.session.check(uri)
