"""A code-server (VS Code's workbench and extension host, served to a browser) with the extension installed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import tools

# Without a gallery, the server asks nothing outside this machine.
NO_GALLERY = json.dumps({"serviceUrl": "", "itemUrl": "", "resourceUrlTemplate": "", "extensionUrlTemplate": ""})

USER_SETTINGS = {
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.enableExperiments": False,
    # Else a notebook clicked before the notebook extension is there opens as JSON text.
    "workbench.editorAssociations": {"*.ipynb": "jupyter-notebook"},
    "chat.disableAIFeatures": True,
    "editor.minimap.enabled": False,
    "editor.lightbulb.enabled": "on",
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.parameterHints.enabled": False,
    "editor.autoIndent": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "files.autoSave": "off",
    "update.mode": "none",
    "git.enabled": False,
}


class CodeServer:
    """Runs while its `with` block does; at the end the whole process group is stopped, language servers included."""

    def __init__(self, home: Path, workspace: Path, vsix: Path, settings: dict[str, object] | None = None) -> None:
        """`home`: an empty folder for user data, extensions and logs."""
        self.home = home
        self.workspace = workspace
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        user = home / "user" / "User"
        user.mkdir(parents=True)
        (user / "settings.json").write_text(json.dumps({**USER_SETTINGS, **(settings or {})}), encoding="utf-8")
        self.command("--install-extension", str(vsix))

    def arguments(self) -> list[str]:
        entry = [str(tools.node()), str(tools.code_server())]
        return [*entry, "--user-data-dir", str(self.home / "user"), "--extensions-dir", str(self.home / "extensions")]

    def environment(self) -> dict[str, str]:
        own = {"XDG_CONFIG_HOME": str(self.home), "XDG_DATA_HOME": str(self.home), "EXTENSIONS_GALLERY": NO_GALLERY}
        return {**os.environ, **own}

    def command(self, *arguments: str) -> None:
        tools.run([*self.arguments(), *arguments], environment=self.environment())

    def __enter__(self) -> "CodeServer":
        options = ["--auth", "none", "--bind-addr", self.host, "--disable-telemetry", "--disable-update-check"]
        options += ["--disable-workspace-trust", "--disable-getting-started-override", "--disable-proxy"]
        # Extension hosts otherwise outlive their browser tab for hours.
        options += ["--reconnection-grace-time", "5", "--vscode-option", "enable-smoke-test-driver"]
        with (self.home / "code-server.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self.arguments(), *options, str(self.workspace)],
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def wait_until_healthy(self, timeout: float = 60) -> None:
        assert self.process is not None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://{self.host}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"code-server did not start: {(self.home / 'code-server.log').read_text(errors='replace')}")

    def stop(self) -> None:
        """Ends the process group: politely, then not."""
        if self.process is None:
            return
        group = self.process.pid
        for signal_number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(group, signal_number)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + seconds
            while group_lives(group) and time.monotonic() < deadline:
                self.process.poll()
                time.sleep(0.05)
        self.process.wait()
        self.process = None

    def language_servers(self) -> list[int]:
        """Process ids of the Dry Debug servers started from this editor's extension folder, the oldest first."""
        marker = str(self.home / "extensions").encode()
        pids = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    arguments = (folder / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if any(a.startswith(marker) and a.endswith(b"launch.py") for a in arguments):
                    pids.append(int(folder.name))
        return sorted(pids)

    def keep_logs(self, out: Path) -> None:
        """Copies the logs of server, extension host and extension into `out`."""
        shutil.copytree(self.home / "user" / "logs", out / "logs", dirs_exist_ok=True)
        shutil.copy(self.home / "code-server.log", out / "logs" / "code-server.log")


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
