"""Starting, what is advertised, and leaving: in order, without a word, and over TCP."""

import asyncio
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

from dry_debug.lsp.server import CHECK_DOCUMENT, EXPLAIN, IGNORE_INSTRUCTIONS, REPORT, ROUTE, SET_INSTRUCTIONS
from lsprotocol import types

from tests.lsp.editor import COMMAND, SOURCE, WAIT, editor, environment
from tests.lsp.snippets import BUGGY, LOAD


def test_no_command_of_the_server_is_one_of_the_extension() -> None:
    """VS Code registers the commands of both: one name twice keeps the client from starting."""
    package = json.loads((Path(__file__).resolve().parents[2] / "package.json").read_text("utf-8"))
    ours = {command["command"] for command in package["contributes"]["commands"]}
    assert ours and not ours & {CHECK_DOCUMENT, EXPLAIN, IGNORE_INSTRUCTIONS, REPORT, ROUTE, SET_INSTRUCTIONS}


async def test_advertises_push_and_never_pull() -> None:
    async with editor("vscode", changes={"textDocument.diagnostic": {"dynamicRegistration": True}}) as one:
        assert one.result is not None
        found = one.result.capabilities
        assert found.diagnostic_provider is None
        assert not any("diagnostic" in registration.method for registration in one.registered)
        sync = found.text_document_sync
        assert isinstance(sync, types.TextDocumentSyncOptions)
        assert sync.open_close and sync.save and sync.change == types.TextDocumentSyncKind.Incremental
        assert found.hover_provider
        actions = found.code_action_provider
        assert isinstance(actions, types.CodeActionOptions)
        assert list(actions.code_action_kinds or []) == [
            "quickfix",
            "refactor.rewrite",
            "source.fixAll.dryDebug",
            "notebook.source.fixAll.dryDebug",
        ]
        assert actions.resolve_provider
        assert found.execute_command_provider is not None
        assert set(found.execute_command_provider.commands) == {
            "dryDebug.checkDocument",
            "dryDebug.explain",
            "dryDebug.ignoreInstructions",
            "dryDebug.noted",
            "dryDebug.report",
            "dryDebug.route",
            "dryDebug.setInstructions",
        }
        assert found.notebook_document_sync is not None


async def test_names_itself_with_its_version() -> None:
    import dry_debug

    async with editor() as one:
        assert one.result is not None and one.result.server_info is not None
        assert one.result.server_info.name == "dry-debug"
        assert one.result.server_info.version == dry_debug.__version__


async def _start(*command: str, cwd: str | None = None) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(command or COMMAND), stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), cwd=cwd
    )


def _packed(method: str, params: Any, number: int | None = None) -> bytes:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        body["id"] = number
    data = json.dumps(body).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


def _hello() -> bytes:
    return _packed("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1) + _packed(
        "initialized", {}
    )


def _did_open(text: str) -> bytes:
    document = {"uri": "file:///tmp/a.py", "languageId": "python", "version": 1, "text": text}
    return _packed("textDocument/didOpen", {"textDocument": document})


async def test_exits_when_the_client_is_killed() -> None:
    server = await _start()
    assert server.stdin is not None
    server.stdin.write(_hello() + _did_open(BUGGY))
    await server.stdin.drain()
    server.stdin.close()
    assert await asyncio.wait_for(server.wait(), WAIT) == 1


async def test_exits_when_the_client_is_killed_before_it_said_anything() -> None:
    server = await _start()
    assert server.stdin is not None
    server.stdin.close()
    assert await asyncio.wait_for(server.wait(), WAIT) == 1


async def test_status_is_zero_only_after_a_shutdown() -> None:
    for messages, status in (
        (_packed("shutdown", None, 2) + _packed("exit", None), 0),
        (_packed("exit", None), 1),
    ):
        server = await _start()
        assert server.stdin is not None
        server.stdin.write(_hello() + messages)
        await server.stdin.drain()
        assert await asyncio.wait_for(server.wait(), WAIT) == status
        assert server.stderr is not None and await server.stderr.read() == b""


async def test_writes_no_source_text_to_the_log_whatever_arrives() -> None:
    server = await _start()
    assert server.stdin is not None and server.stderr is not None
    secret = "api_key_42 = 'swordfish'"
    item = {"uri": "file:///tmp/never_opened.py", "version": 2}
    change = {"textDocument": item, "contentChanges": [{"text": secret}]}
    malformed = {"textDocument": {"uri": 3, "text": secret}, "contentChanges": secret}
    server.stdin.write(
        _hello()
        + _did_open(secret + "\n" + BUGGY)
        + _packed("textDocument/didChange", change)
        + _packed("textDocument/didChange", malformed)
        + _packed("textDocument/hover", {"textDocument": {"uri": secret}}, 3)
        + _packed("$/unknown", {"text": secret})
        + _packed("shutdown", None, 2)
        + _packed("exit", None)
    )
    await server.stdin.drain()
    log = (await asyncio.wait_for(server.stderr.read(), WAIT)).decode()
    assert await asyncio.wait_for(server.wait(), WAIT) == 0
    assert "WARNING" in log or "ERROR" in log
    assert "swordfish" not in log
    assert "INFO" not in log


async def test_imports_nothing_from_the_folder_it_is_started_in(tmp_path: Path) -> None:
    # What the server, its rules and its fixes import, if they look in the working directory.
    for name in ("libcst", "torch", "pygls_extra", "pathspec", "difflib", "tomllib"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write({name!r})\n")
    command = ["/bin/sh", "-c", f"cd '{tmp_path}' && exec '{sys.executable}' -m dry_debug server --stdio"]
    async with editor(root=tmp_path, command=command) as one:
        uri = (tmp_path / "train.py").as_uri()
        one.open(uri, BUGGY)
        found = await one.diagnostics(uri)
        actions = await one.actions(uri, one.range_of(uri, LOAD), found)
        assert actions
        resolved = [await one.resolve(action) for action in actions if action.edit is None]
        assert resolved
    assert not (tmp_path / "imported").exists()


async def test_serves_over_tcp_and_ends_with_its_client() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = await _start(*COMMAND[:-1], "--tcp", f"127.0.0.1:{port}")
    started = time.monotonic()
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            assert time.monotonic() - started < WAIT
            await asyncio.sleep(0.05)
    writer.write(_hello() + _did_open(BUGGY))
    async with asyncio.timeout(WAIT):
        seen = b""
        while SOURCE.encode() not in seen:
            seen += await reader.read(4096)
    writer.close()
    assert await asyncio.wait_for(server.wait(), WAIT) == 1


async def test_goes_on_after_messages_that_make_no_sense() -> None:
    server = await _start()
    assert server.stdin is not None and server.stdout is not None
    malformed = {"textDocument": {"uri": 3}, "contentChanges": "x"}
    unopened = {"textDocument": {"uri": "file:///tmp/b.py", "version": 2}, "contentChanges": [{"text": "x"}]}
    server.stdin.write(
        _hello()
        + _packed("textDocument/didChange", malformed)
        + _packed("textDocument/didChange", unopened)
        + _packed("textDocument/didSave", {"textDocument": {"uri": "file:///tmp/b.py"}})
        + _did_open(BUGGY)
    )
    await server.stdin.drain()
    seen = b""
    async with asyncio.timeout(WAIT):
        while SOURCE.encode() not in seen:
            seen += await server.stdout.read(4096)
    assert b"window/showMessage" not in seen  # an error of ours is no popup
    server.stdin.close()
    await asyncio.wait_for(server.wait(), WAIT)
