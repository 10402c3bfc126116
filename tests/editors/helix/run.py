"""Drives a real Helix, in a terminal of our own, through what a user does with the server. Helix counts in UTF-8.

`python tests/editors/helix/run.py` installs Helix 25.01 and what reads its screen beside the repository's other
editors if they are not there, prints one line for each check, and exits with 0 if all hold, with 1 otherwise.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from debian import loaded, unpack

REPOSITORY = Path(__file__).resolve().parents[3]
HOME = REPOSITORY / ".editors" / "helix"
LIBRARIES = HOME / "libraries"
RULE = "unmapped-checkpoint-load"
CLEAN = "import torch\nfrom torch import nn\n\nmodel = nn.Linear(2, 1)\n"
TYPED = 'title = "😀é"; model.load_state_dict(torch.load("é😀.pt"))'
FIXED = TYPED.replace('"é😀.pt"', '"é😀.pt", map_location="cpu"')
WAIT = 15.0  # seconds
ROWS, COLUMNS = 40, 140


def install() -> list[str]:
    """The command that starts Helix; installs what is missing."""
    root = HOME / "root"
    if not (root / "usr/lib/hx/hx").exists():
        unpack(HOME, "trixie", ["hx", "libc6", "libgcc-s1"])
    if not LIBRARIES.exists():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--target",
            str(LIBRARIES),
            "pexpect==4.9.0",
            "pyte==0.8.2",
        ]
        subprocess.run(pip, check=True)
    sys.path.insert(0, str(LIBRARIES))
    return loaded(root, "usr/lib/hx/hx")


class Terminal:
    """Helix on a screen of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: str) -> None:
        import pexpect
        import pyte

        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self._timeout = pexpect.TIMEOUT
        self._end = pexpect.EOF
        self.process = pexpect.spawn(
            command[0], command[1:], env=environment, cwd=folder, dimensions=(ROWS, COLUMNS), timeout=WAIT
        )

    def read(self, seconds: float = 0.1) -> str:
        """What stands on the screen after `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self._stream.feed(self.process.read_nonblocking(65536, 0.05))
            except self._timeout:
                continue
            except self._end:
                break
        return "\n".join(self.screen.display)

    def type(self, keys: str) -> None:
        self.process.send(keys.encode())
        self.read(0.15)

    def sees(self, holds: Callable[[str], bool]) -> bool:
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            if holds(self.read()):
                return True
        return False


class Checks:
    def __init__(self, terminal: Terminal) -> None:
        self.failed = False
        self._terminal = terminal

    def check(self, name: str, ok: bool) -> None:
        print(f"{'ok   ' if ok else 'FAIL '} {name}", flush=True)
        if not ok:
            self.failed = True
            print("\n".join(f"      | {line}".rstrip() for line in self._terminal.screen.display if line.strip()))


def steps(terminal: Terminal, file: Path) -> bool:
    """Types what a user types; whether all checks hold."""
    checks = Checks(terminal)
    checks.check("the file is on the screen", terminal.sees(lambda text: "nn.Linear(2, 1)" in text))
    terminal.read(1.5)  # the server starts and checks the clean file
    terminal.type("geo" + TYPED + "\x1b")
    terminal.read(0.8)
    terminal.type("gg]d")
    checks.check("nothing is shown before the save", "GPU" not in terminal.read(0.3))
    terminal.type(":w\r")
    terminal.read(1.0)
    terminal.type("gg]d")
    checks.check("the mistake is shown after the save", terminal.sees(lambda text: "GPU" in text))
    terminal.type(" k")
    checks.check("hover explains it", terminal.sees(lambda text: RULE in text))
    terminal.type("\x1b")
    terminal.type("ggO# 😀 unsaved\x1b]d")
    terminal.type(" a")
    checks.check("the fix is the first action", terminal.sees(lambda text: "map_location" in text))
    terminal.type("\r")
    terminal.read(0.5)
    terminal.type(":w\r")
    wanted = f"# 😀 unsaved\n{CLEAN}{FIXED}\n"
    checks.check(
        "it changes the statement and nothing else, behind an emoji",
        terminal.sees(lambda _: file.read_text("utf-8") == wanted),
    )
    terminal.type(":q!\r")
    return not checks.failed


def main() -> int:
    command = install()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        settings = folder / "config" / "helix"
        settings.mkdir(parents=True)
        settings.joinpath("languages.toml").write_text(
            f"[language-server.dry-debug]\ncommand = {json.dumps(sys.executable)}\n"
            'args = ["-m", "dry_debug", "server"]\n\n'
            '[[language]]\nname = "python"\nlanguage-servers = ["dry-debug"]\nauto-format = false\n'
        )
        settings.joinpath("config.toml").write_text("[editor]\nauto-pairs = false\nauto-completion = false\n")
        file = folder / "train.py"
        file.write_text(CLEAN, encoding="utf-8")
        paths = [str(REPOSITORY / "server"), str(REPOSITORY / "rules"), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "HELIX_RUNTIME": str(HOME / "root/usr/lib/hx/runtime"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_STATE_HOME": str(folder / "state"),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        terminal = Terminal([*command, str(file)], environment, str(folder))
        try:
            ok = steps(terminal, file)
        finally:
            terminal.process.close(force=True)
    return 0 if ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
