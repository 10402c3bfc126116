"""Contract: from `textDocument/didSave` to the diagnostics, through the real server in its own process.

The client speaks the protocol by itself, so that no library's time is measured with the server's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

PAUSE = 0.5  # seconds from the diagnostics to the next edit: nobody saves more often than twice a second
SAME_TIME = 0.0  # seconds from an edit to its save: the editor formats, and saves without telling before
AT_ONCE = 0.05  # the edit has been taken in
IN_REST = 0.5  # who types, reads what was typed, and saves


class Client:
    """Just enough of a language client: starts the server, sends, waits for one message."""

    def __init__(self, folder: str, env: dict[str, str]) -> None:
        command = [sys.executable, "-m", "dry_debug", "server"]
        self._process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._number = 0
        uri = "file://" + folder
        self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": uri,
                "capabilities": {"textDocument": {"publishDiagnostics": {"versionSupport": True}}},
                "workspaceFolders": [{"uri": uri, "name": "benchmark"}],
            },
        )
        self.notify("initialized", {})

    def notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self._number and "method" not in message:
                return message.get("result")

    def diagnostics(self, uri: str, version: int) -> list[Any]:
        """What is published for this version of the document."""
        while True:
            message = self.receive()
            params = message.get("params") or {}
            about = (message.get("method"), params.get("uri"), params.get("version"))
            if about == ("textDocument/publishDiagnostics", uri, version):
                found: list[Any] = params["diagnostics"]
                return found

    def receive(self) -> dict[str, Any]:
        """The next message; a request of the server's is answered with null."""
        out = self._process.stdout
        assert out is not None
        length = 0
        while (line := out.readline().strip()) or not length:
            if not line and self._process.poll() is not None:
                raise RuntimeError("the server has ended")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(out.read(length))
        if "id" in message and "method" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._process.stdin.flush()

    def close(self) -> None:
        self.request("shutdown", None)
        self.notify("exit", None)
        self._process.wait(10)


def measure(script: str, folder: str, env: dict[str, str], rounds: int, after: float) -> tuple[list[float], int]:
    """Seconds of each save of `script`, sorted, and how many diagnostics it has; each save is of another edit, which
    was made `after` seconds before it."""
    path = os.path.join(folder, "benchmark_script.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    uri = "file://" + path
    client = Client(folder, env)
    times = []
    found: list[Any] = []
    item = {"uri": uri, "languageId": "python", "version": 1, "text": script}
    client.notify("textDocument/didOpen", {"textDocument": item})
    client.diagnostics(uri, 1)
    for version in range(2, rounds + 2):
        # The first line is replaced, as typing does it: the whole text is analysed, whatever has changed.
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        change = {"range": place, "text": f"import argparse  # {version}\n"}
        document = {"uri": uri, "version": version}
        client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        time.sleep(after)
        began = time.perf_counter()
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        found = client.diagnostics(uri, version)
        times.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    client.close()
    return sorted(times), len(found)
