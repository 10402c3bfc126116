"""Runs `api/index.js` inside the extension host, where it has the whole `vscode` API, and collects what it reports."""

import json
import time
import urllib.parse
from pathlib import Path

from code_server import CodeServer
from playwright.sync_api import Page
from report import Report, wait_for

PREFIX = "CHECK "


def api_checks(server: CodeServer, page: Page, extension: Path, report: Report, timeout: float = 300) -> None:
    """`extension`: a folder with a package.json and the tests; the extension under test is the installed one."""
    exits: list[int] = []

    def log(kind: str, arguments: object) -> None:
        for text in strings(arguments):
            if text.startswith(PREFIX):
                result = json.loads(text.removeprefix(PREFIX))
                report.record(result["name"], result["seconds"], result["problem"])

    page.expose_function("codeAutomationLog", log)
    page.expose_function("codeAutomationExit", lambda code, logs=None: exits.append(code))
    remote = f"vscode-remote://{server.host}{extension}"
    payload = [["extensionDevelopmentPath", remote], ["extensionTestsPath", f"{remote}/index"], ["skipWelcome", "true"]]
    query = urllib.parse.urlencode({"folder": str(server.workspace), "payload": json.dumps(payload)})
    page.goto(f"http://{server.host}/?{query}")
    started = time.monotonic()
    report.check(
        "the tests in the extension host come to an end",
        lambda: wait_for("the exit", lambda: exits, timeout, lambda seconds: page.wait_for_timeout(seconds * 1000)),
    )
    if exits and exits[0] != 0:
        report.record("the extension host reports success", time.monotonic() - started, f"exit code {exits[0]}")


def strings(value: object) -> list[str]:
    """All texts in what the workbench hands over: it may wrap a message in lists."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return []
