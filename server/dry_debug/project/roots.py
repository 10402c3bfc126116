"""Which folder is a file's project: imports are resolved below it and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dry_debug.project.config import Config

_MARKERS = (".git", "pyproject.toml", "setup.py", "setup.cfg", ".hg")


def root_of(path: str, config: Config, given: Sequence[str] = ()) -> str:
    """The project of the file `path` (absolute).

    The folder of its config file, else the current folder if the file lies in it; else the nearest folder above the
    file that looks like a project, the folder that was `given` to be checked, or the file's own folder.
    """
    if config.file or _inside(path, config.root):
        return config.root
    folder = os.path.dirname(path)
    while os.path.dirname(folder) != folder:
        if any(os.path.exists(os.path.join(folder, marker)) for marker in _MARKERS):
            return folder
        folder = os.path.dirname(folder)
    return next((name for name in given if _inside(path, name)), _above_packages(os.path.dirname(path)))


def _above_packages(folder: str) -> str:
    """The folder from which the package that holds `folder` is imported."""
    while os.path.exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)
