"""Runs the command in a process of its own, as a user does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Calls torch.load without map_location: one finding, at 5:27, of a rule that has a safe fix.
LOAD = "import torch\n\n\ndef load(model, path):\n    model.load_state_dict(torch.load(path))\n"
RULE, CODE = "unmapped-checkpoint-load", "CKPT010"
CLEAN = "import math\n\nprint(math.pi)\n"
BROKEN = "def f(:\n    pass\n"


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with the packages on the path and without what would colour the output."""
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    env["PYTHONPATH"] = os.pathsep.join((str(ROOT / "server"), str(ROOT / "rules")))
    env["PYTHONUTF8"] = "1"
    return {**env, **changes}


def dry_debug(
    *arguments: str | Path, cwd: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The finished process of `dry-debug` with these arguments."""
    settings = environment(DRY_DEBUG_CACHE_DIR=str(cwd / ".cache"), **(env or {}))
    command = [sys.executable, "-m", "dry_debug", *map(os.fspath, arguments)]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, env=settings, timeout=120)
