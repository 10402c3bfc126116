"""An editor for tests: a client over pytest-lsp that keeps the text itself and applies what the server sends."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cattrs
from lsprotocol import converters, types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, make_test_lsp_client

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dry_debug", "server", "--stdio"]
WAIT = 20.0  # seconds until a test gives up; nothing waits this long when all is well
UNITS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
WIDTH = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
SOURCE = "Dry Debug"


def environment() -> dict[str, str]:
    paths = [str(REPOSITORY / "server"), str(REPOSITORY / "rules"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def capabilities(profile: str, changes: Mapping[str, Any] | None = None) -> types.ClientCapabilities:
    """The capabilities of a real editor: `vscode`, `neovim`, `emacs`, or `bare` for a client that declares nothing.

    `changes` are put over them, by dotted path in the protocol's spelling. pytest-lsp has VS Code 1.65; what newer
    ones declare beside is added here: a list of position encodings, and notebooks.
    """
    names = {"vscode": "visual-studio-code", "neovim": "neovim", "emacs": "emacs"}
    converter: cattrs.Converter = converters.get_converter()
    data = converter.unstructure(client_capabilities(names[profile])) if profile in names else {}
    if profile == "vscode":
        data["general"]["positionEncodings"] = ["utf-16"]
        data["notebookDocument"] = {"synchronization": {"dynamicRegistration": True, "executionSummarySupport": True}}
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        at = data
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value
    return converter.structure(data, types.ClientCapabilities)


class Editor:
    """One running server and the documents that are open in it. Positions are in the negotiated encoding."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.encoding = "utf-16"
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: list[types.PublishDiagnosticsParams] = []
        self.registered: list[types.Registration] = []
        self.refreshes = 0  # how often the server has had the client ask for its code lenses again
        self.result: types.InitializeResult | None = None
        self._arrived = asyncio.Event()

    # Documents

    def open(self, uri: str, text: str, language: str = "python") -> None:
        self.texts[uri], self.versions[uri] = text, 1
        item = types.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def save(self, uri: str) -> None:
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def close(self, uri: str) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def replace(self, uri: str, old: str, new: str) -> None:
        """An edit of the one place where `old` stands, sent as the range that an editor would send."""
        text = self.texts[uri]
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        start = text.index(old)
        self.edit(uri, types.Range(self.position(uri, start), self.position(uri, start + len(old))), new)

    def edit(self, uri: str, place: types.Range, new: str) -> None:
        self.texts[uri] = applied(self.texts[uri], [types.TextEdit(place, new)], self.encoding)
        self.versions[uri] += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.versions[uri], uri),
                [types.TextDocumentContentChangePartial(place, new)],
            )
        )

    def set_text(self, uri: str, text: str) -> None:
        """The whole text at once."""
        self.texts[uri] = text
        self.versions[uri] += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.versions[uri], uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def position(self, uri: str, offset: int) -> types.Position:
        return position_of(self.texts[uri], offset, self.encoding)

    def range_of(self, uri: str, text: str) -> types.Range:
        start = self.texts[uri].index(text)
        return types.Range(self.position(uri, start), self.position(uri, start + len(text)))

    def text_at(self, uri: str, place: types.Range) -> str:
        text = self.texts[uri]
        return text[offset_of(text, place.start, self.encoding) : offset_of(text, place.end, self.encoding)]

    # What the server says

    async def diagnostics(
        self, uri: str, after: int = 0, wanted: Callable[[Sequence[types.Diagnostic]], bool] | None = None
    ) -> Sequence[types.Diagnostic]:
        """The diagnostics published next for `uri`, not counting the first `after` publications of the session."""
        async with asyncio.timeout(WAIT):
            while True:
                for params in self.published[after:]:
                    if params.uri == uri and (wanted is None or wanted(params.diagnostics)):
                        return params.diagnostics
                self._arrived.clear()
                await self._arrived.wait()

    def heard(self) -> int:
        """How many publications there were so far; what `diagnostics` is to look behind."""
        return len(self.published)

    def rules(self, found: Sequence[types.Diagnostic]) -> list[str]:
        return [str(diagnostic.code) for diagnostic in found]

    async def checked(self, uri: str) -> Sequence[types.Diagnostic]:
        """The diagnostics after a save."""
        after = self.heard()
        self.save(uri)
        return await self.diagnostics(uri, after)

    async def settle(self, uri: str) -> None:
        """Returns when the server has handled everything sent before, checks started by it excluded."""
        await self.hover(uri, types.Position(0, 0))

    async def hover(self, uri: str, position: types.Position) -> types.Hover | None:
        params = types.HoverParams(types.TextDocumentIdentifier(uri), position)
        return await asyncio.wait_for(self.client.text_document_hover_async(params), WAIT)

    async def actions(
        self,
        uri: str,
        place: types.Range,
        diagnostics: Sequence[types.Diagnostic] = (),
        only: Sequence[str] | None = None,
        trigger: types.CodeActionTriggerKind | None = None,
    ) -> list[types.CodeAction]:
        kinds = list(only) if only is not None else None
        context = types.CodeActionContext(list(diagnostics), kinds, trigger)
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), place, context)
        found = await asyncio.wait_for(self.client.text_document_code_action_async(params), WAIT)
        actions = [action for action in found or [] if isinstance(action, types.CodeAction)]
        assert len(actions) == len(found or [])
        return actions

    async def resolve(self, action: types.CodeAction) -> types.CodeAction:
        return await asyncio.wait_for(self.client.code_action_resolve_async(action), WAIT)

    async def lenses(self, uri: str) -> Sequence[types.CodeLens]:
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        return await asyncio.wait_for(self.client.text_document_code_lens_async(params), WAIT) or ()

    async def refreshed(self, after: int) -> None:
        """Returns when the server has asked for a refresh of the lenses more than `after` times."""
        async with asyncio.timeout(WAIT):
            while self.refreshes <= after:
                self._arrived.clear()
                await self._arrived.wait()

    async def command(self, name: str, *arguments: Any) -> Any:
        params = types.ExecuteCommandParams(name, list(arguments))
        return await asyncio.wait_for(self.client.workspace_execute_command_async(params), WAIT)

    def apply(self, edit: types.WorkspaceEdit | None) -> None:
        """Applies a versioned edit, as an editor does, and tells the server; refuses one of another version."""
        assert edit is not None
        assert edit.document_changes is not None, "an edit without versions"
        for change in edit.document_changes:
            assert isinstance(change, types.TextDocumentEdit)
            uri = change.text_document.uri
            assert change.text_document.version == self.versions[uri], "an edit of another version of the text"
            parts = [part for part in change.edits if isinstance(part, types.TextEdit)]
            self.set_text(uri, applied(self.texts[uri], parts, self.encoding))

    def _refresh(self) -> None:
        self.refreshes += 1
        self._arrived.set()

    def _publish(self, params: types.PublishDiagnosticsParams) -> None:
        self.published.append(params)
        self._arrived.set()


@asynccontextmanager
async def editor(
    profile: str = "vscode",
    *,
    root: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Editor]:
    """A server started for a client like `profile`, with `root` open as its folder.

    `settings` go into the initialization options, `configuration` is what the client answers when it is asked for
    the section `dryDebug`, `changes` change its capabilities.
    """
    config = ClientServerConfig(list(command or COMMAND), server_env={**environment(), **(environ or {})})
    config.client_factory = make_test_lsp_client
    client = await config.start()
    assert isinstance(client, LanguageClient)
    one = Editor(client)
    client.protocol.fm.features.pop(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, None)
    client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: one._publish(params))
    client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda params: one._refresh())
    client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: one.registered.extend(params.registrations))
    if configuration is not None:
        client.set_configuration({"dryDebug": dict(configuration)})
    folders = [types.WorkspaceFolder(root.as_uri(), root.name)] if root else None
    try:
        one.result = await asyncio.wait_for(
            client.initialize_session(
                types.InitializeParams(
                    capabilities=capabilities(profile, changes),
                    root_uri=root.as_uri() if root else None,
                    workspace_folders=folders,
                    initialization_options={"settings": dict(settings)} if settings is not None else None,
                )
            ),
            WAIT,
        )
        kind = one.result.capabilities.position_encoding
        one.encoding = str(getattr(kind, "value", kind) or "utf-16")
        yield one
        await asyncio.wait_for(client.shutdown_session(), WAIT)
    finally:
        process = client._server
        if process is not None and process.returncode is None:
            process.kill()
        await asyncio.wait_for(client.stop(), WAIT)


# The protocol's positions, written down here a second time: the server's own arithmetic is what is tested.


def line_starts(text: str) -> list[int]:
    starts = [0]
    for at, char in enumerate(text):
        if char == "\n" or (char == "\r" and text[at + 1 : at + 2] != "\n"):
            starts.append(at + 1)
    return starts


def position_of(text: str, offset: int, encoding: str) -> types.Position:
    line = max(number for number, start in enumerate(line_starts(text)) if start <= offset)
    before = text[line_starts(text)[line] : offset]
    return types.Position(line, len(before.encode(UNITS[encoding], "surrogatepass")) // WIDTH[encoding])


def offset_of(text: str, position: types.Position, encoding: str) -> int:
    starts = line_starts(text)
    at, units = starts[position.line], position.character * WIDTH[encoding]
    while units > 0:
        units -= len(text[at].encode(UNITS[encoding], "surrogatepass"))
        at += 1
    assert units == 0, "a position inside a character"
    return at


def applied(text: str, edits: Sequence[types.TextEdit], encoding: str) -> str:
    spans = [
        (offset_of(text, edit.range.start, encoding), offset_of(text, edit.range.end, encoding), edit.new_text)
        for edit in edits
    ]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text
