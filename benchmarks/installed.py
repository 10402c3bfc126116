"""Environments to measure in: ours as a user has it, and TorchFix, which needs another libcst than we do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CACHE = os.path.join(HERE, ".cache")
TORCHFIX = "torchfix==0.7.0"


def ours(folder: str) -> str:
    """The Python of a new environment in `folder` that holds our packages as pip would put them there: copied and
    compiled. An editable install costs every start 10 ms, which would flatter the ratios."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = _python(folder)
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(os.path.join(ROOT, "server", "dry_debug"), os.path.join(site, "dry_debug"), ignore=ignored)
    rules = os.path.join(ROOT, "rules", "dry_debug_rules")
    shutil.copytree(rules, os.path.join(site, "dry_debug_rules"), ignore=ignored)
    subprocess.run([python, "-m", "compileall", "-q", site], check=True)
    return python


def torchfix() -> str | None:
    """The command `torchfix` in an environment of its own, kept in `.cache`; None where it cannot be installed."""
    folder = os.path.join(CACHE, "torchfix")
    command = os.path.join(os.path.dirname(_python(folder)), "torchfix")
    if os.path.exists(command):
        return command
    try:
        venv.create(folder, with_pip=True)
        install = [_python(folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TORCHFIX]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return command if os.path.exists(command) else None


def ruff() -> str | None:
    """The command `ruff` of this environment, or on the path."""
    beside = os.path.join(os.path.dirname(sys.executable), "ruff")
    return beside if os.path.exists(beside) else shutil.which("ruff")


def _python(folder: str) -> str:
    return os.path.join(folder, "Scripts", "python.exe") if os.name == "nt" else os.path.join(folder, "bin", "python")
