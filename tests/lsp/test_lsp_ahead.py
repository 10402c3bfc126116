"""The analysis that a save will publish is made when the typing stops; nothing stale is ever published."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dry_debug.lsp import session as module
from dry_debug.lsp.client import Client
from dry_debug.lsp.options import Options
from dry_debug.lsp.pygls_patches import Buffers
from dry_debug.lsp.server import SAVING_PAUSE, Server
from dry_debug.lsp.session import Session
from lsprotocol import types

from tests.lsp.editor import editor
from tests.lsp.snippets import BUGGY, CLEAN, FIXED, HEAD, RULE

# What becomes of the state is decided in the helper.
TRAIN = f"{HEAD}from helper import restore\n\nrestore(model, torch.load('m.pt'))\n"
HELPER = "def restore(model, state):\n    model.load_state_dict(state)\n"
NO_HELPER = "def restore(model, state):\n    return state\n"


class Bench:
    """A session without a process around it; counts the analyses and holds what was published."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        folder = types.WorkspaceFolder(root.as_uri(), "root")
        self.buffers = Buffers(root.as_uri(), types.TextDocumentSyncKind.Incremental, [folder])
        self.published: list[types.PublishDiagnosticsParams] = []
        self.session = Session(self.buffers, Client(), self.published.append, lambda texts: None, Options())
        self.session.settled.set()
        self.analyses = 0
        self.goes_on = threading.Event()  # an analysis waits for it after it has begun
        self.goes_on.set()
        real = module.run

        def counted(*args: Any) -> Any:
            self.analyses += 1
            assert self.goes_on.wait(10)
            return real(*args)

        patch.setattr(module, "run", counted)

    async def open(self, uri: str, text: str) -> None:
        self.buffers.put_text_document(types.TextDocumentItem(uri, "python", 1, text))
        await self.session.check(uri)

    def type(self, uri: str, text: str) -> None:
        version = (self.buffers.get_text_document(uri).version or 0) + 1
        document = types.VersionedTextDocumentIdentifier(version, uri)
        self.buffers.update_text_document(document, types.TextDocumentContentChangeWholeDocument(text))
        self.session.edited(uri)

    async def begun(self, analyses: int) -> None:
        """Waits until this many have begun."""
        async with asyncio.timeout(10):
            while self.analyses < analyses:
                await asyncio.sleep(0.005)

    def rules(self) -> list[str]:
        """Of what was published last."""
        return [str(d.code) for d in self.published[-1].diagnostics]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    one = Bench(tmp_path, monkeypatch)
    yield one
    one.session.stop()


async def test_a_save_publishes_what_was_prepared(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    await bench.session.prepare(uri)
    assert bench.analyses == 2 and bench.rules() == []  # nothing is published before the save
    await bench.session.check(uri)
    assert bench.analyses == 2 and bench.rules() == [RULE]


async def test_a_save_waits_for_what_is_being_prepared(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    await asyncio.gather(bench.session.prepare(uri), bench.session.prepare(uri), bench.session.check(uri))
    assert bench.analyses == 2 and bench.rules() == [RULE]


async def test_what_was_prepared_for_an_older_text_is_not_published(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    await bench.session.prepare(uri)
    bench.type(uri, FIXED)
    await bench.session.check(uri)
    assert bench.analyses == 3 and bench.rules() == []


async def test_typing_on_gives_up_what_is_at_work(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    bench.goes_on.clear()
    older = asyncio.create_task(bench.session.current(uri))
    await bench.begun(2)
    bench.type(uri, FIXED)
    bench.goes_on.set()
    assert await older is None
    newer = await bench.session.current(uri)
    assert newer is not None and newer[0].findings == ()


async def test_nothing_is_prepared_while_the_typing_goes_on(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    first = asyncio.create_task(bench.session.prepare(uri, 0.05))
    await asyncio.sleep(0)
    bench.type(uri, FIXED)
    await first
    assert bench.analyses == 1


async def test_nothing_is_prepared_beside_a_check(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    prepared = asyncio.create_task(bench.session.prepare(uri, 0.05))
    await asyncio.sleep(0)
    bench.goes_on.clear()
    check = asyncio.create_task(bench.session.check(uri))
    await bench.begun(2)
    await asyncio.sleep(0.1)
    bench.goes_on.set()
    await asyncio.gather(prepared, check)
    assert bench.analyses == 2 and bench.rules() == [RULE]


async def test_an_analysis_of_another_text_is_never_handed_out(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    await bench.session.prepare(uri)
    document = types.VersionedTextDocumentIdentifier(9, uri)  # the session has not been told yet
    bench.buffers.update_text_document(document, types.TextDocumentContentChangeWholeDocument(FIXED))
    await bench.session.check(uri)
    assert bench.rules() == []


async def test_another_file_that_has_changed_meanwhile_is_heard(bench: Bench, tmp_path: Path) -> None:
    uri, helper = (tmp_path / "train.py").as_uri(), tmp_path / "helper.py"
    helper.write_text(NO_HELPER)
    await bench.open(uri, TRAIN)
    bench.type(uri, TRAIN + "\n")
    await bench.session.prepare(uri)
    helper.write_text(HELPER)
    await bench.session.check(uri)
    assert bench.analyses == 3 and bench.rules() == [RULE]


async def test_settings_that_have_changed_meanwhile_are_heard(bench: Bench, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    await bench.session.prepare(uri)
    bench.session.configured = {"": Options({"ignore": (RULE,)})}
    await bench.session.check(uri)
    assert bench.analyses == 3 and bench.rules() == []


async def test_the_protocol_prepares_when_the_typing_stops_and_before_a_save(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        assert one.result is not None
        sync = one.result.capabilities.text_document_sync
        assert isinstance(sync, types.TextDocumentSyncOptions) and sync.will_save
        one.open(uri, CLEAN)
        await one.diagnostics(uri)
        one.set_text(uri, BUGGY)
        identifier = types.TextDocumentIdentifier(uri)
        reason = types.TextDocumentSaveReason.Manual
        one.client.text_document_will_save(types.WillSaveTextDocumentParams(identifier, reason))
        await one.settle(uri)
        assert one.heard() == 1
        one.save(uri)
        assert one.rules(await one.diagnostics(uri, 1)) == [RULE]


@pytest.mark.parametrize("event", [types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_WILL_SAVE])
async def test_a_pause_and_a_save_to_come_have_the_session_prepare(bench: Bench, tmp_path: Path, event: str) -> None:
    uri = (tmp_path / "a.py").as_uri()
    server = Server()
    server.session = bench.session
    await bench.open(uri, CLEAN)
    bench.type(uri, BUGGY)
    identifier = types.VersionedTextDocumentIdentifier(2, uri)
    params = {
        types.TEXT_DOCUMENT_DID_CHANGE: types.DidChangeTextDocumentParams(identifier, []),
        types.TEXT_DOCUMENT_WILL_SAVE: types.WillSaveTextDocumentParams(
            types.TextDocumentIdentifier(uri), types.TextDocumentSaveReason.Manual
        ),
    }
    server.protocol.fm.features[event](params[event])
    await bench.begun(2)
    await bench.session.check(uri)
    assert bench.analyses == 2 and bench.rules() == [RULE]


async def test_the_first_edit_after_a_rest_is_told(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = (tmp_path / "a.py").as_uri()
    monkeypatch.setattr(module, "_BURST", 0.02)
    assert [bench.session.edited(uri), bench.session.edited(uri)] == [True, False]
    await asyncio.sleep(0.03)
    assert bench.session.edited(uri)


async def test_a_key_among_others_waits_for_the_pause(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = (tmp_path / "a.py").as_uri()
    pauses: list[float] = []

    async def prepare(_: str, pause: float = 0.0) -> None:
        pauses.append(pause)

    monkeypatch.setattr(bench.session, "prepare", prepare)
    server = Server()
    server.session = bench.session
    await bench.open(uri, CLEAN)
    change = server.protocol.fm.features[types.TEXT_DOCUMENT_DID_CHANGE]
    for version in (2, 3):
        change(types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(version, uri), []))
    async with asyncio.timeout(10):
        while len(pauses) < 2:
            await asyncio.sleep(0.005)
    assert pauses == [0.0, SAVING_PAUSE]
