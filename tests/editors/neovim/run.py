"""Drives a real Neovim, without a window, through what a user does with the server.

`python tests/editors/neovim/run.py` installs Neovim 0.10 beside the repository's other editors if it is not there,
prints one line for each check, and exits with 0 if all hold, with 1 otherwise.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from install import command, environment

REPOSITORY = Path(__file__).resolve().parents[3]
CLEAN = "import torch\nfrom torch import nn\n\nmodel = nn.Linear(2, 1)\n"
LIMIT = 180  # seconds for the whole run, which takes a few


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder).resolve() / "train à.py"
        file.write_text(CLEAN, encoding="utf-8")
        paths = [str(REPOSITORY / "server"), str(REPOSITORY / "rules"), os.environ.get("PYTHONPATH", "")]
        env = {
            **environment(),
            "DRY_DEBUG_COMMAND": json.dumps([sys.executable, "-m", "dry_debug", "server"]),
            "DRY_DEBUG_FILE": str(file),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        script = str(Path(__file__).with_name("checks.lua"))
        arguments = ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {script}", "-c", "cquit! 1"]
        try:
            done = subprocess.run([*command(), *arguments], env=env, cwd=folder, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            print(f"FAIL  Neovim did not end within {LIMIT} seconds")
            return 1
    return 1 if done.returncode else 0


if __name__ == "__main__":
    raise SystemExit(main())
