"""Which folder is a file's project: imports are resolved below it and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dry_debug.project.config import Config

_MARKERS = (".git", "pyproject.toml", "setup.py", "setup.cfg", ".hg")
# What lies at the top of a project that was copied without its history; a README may also lie in a folder of it.
_WEAK_MARKERS = (("requirements.txt", "environment.yml", "environment.yaml", "Pipfile", "LICENSE"), ("README.md",))
MOST_ABOVE = 4  # folders above a file in which such a file may lie: further up it belongs to something else


def root_of(path: str, config: Config, given: Sequence[str] = ()) -> str:
    """The project of the file `path` (absolute).

    The folder of its config file, else the current folder if the file lies in it; else the nearest folder above the
    file that looks like a project, the folder that was `given` to be checked, the nearest folder with a list of
    requirements, a licence or a README, or the file's own folder.
    """
    if config.file or _inside(path, config.root):
        return config.root
    found = _nearest(path, _MARKERS) or next((name for name in given if _inside(path, name)), None)
    for markers in _WEAK_MARKERS:
        found = found or _nearest(path, markers, MOST_ABOVE)
    return found or _above_packages(os.path.dirname(path))


def _nearest(path: str, markers: Sequence[str], most: int = 1000) -> str | None:
    """The nearest of `most` folders above the file that holds one of `markers`; home and the root are no projects."""
    folder, home = os.path.dirname(path), os.path.expanduser("~")
    for _ in range(most):
        if os.path.dirname(folder) == folder or folder == home:
            break
        if any(os.path.exists(os.path.join(folder, marker)) for marker in markers):
            return folder
        folder = os.path.dirname(folder)
    return None


def _above_packages(folder: str) -> str:
    """The folder from which the package that holds `folder` is imported."""
    while os.path.exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)
