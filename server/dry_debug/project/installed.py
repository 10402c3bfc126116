"""Where the packages are installed that a project's code uses: an environment's folders, found by its files.

No interpreter is started to be asked for its search path: it may be anybody's, and it takes longer than the analysis.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

FOLDERS = (".venv", "venv", "env", ".env")  # of a project, that may be an environment
# What `activate` of venv and of conda sets. A folder of the project comes first: it is there for whoever checks it.
ACTIVATED = ("VIRTUAL_ENV", "CONDA_PREFIX")

_MAX_CONFIG = 10_000


def package_folders(root: str, named: str | None = None, variables: Mapping[str, str] | None = None) -> list[str]:
    """The folders of installed packages for the project at `root`, those that are searched first at the start.

    `named` is an environment or the interpreter in it, which need not exist. Where it leads nowhere, as without it, an
    environment counts that lies in the project, else one that the process's environment `variables` say is active.
    """
    found = folders_of(named) if named else []
    for name in FOLDERS:
        home = os.path.join(root, name)
        if not found and _is_environment(home):
            found = _below(home)
    variables = os.environ if variables is None else variables
    for variable in ACTIVATED:
        home = variables.get(variable, "")
        if not found and os.path.isabs(home):
            found = _below(home)
    return found


def folders_of(path: str) -> list[str]:
    """The folders of the packages of an environment (a folder) or of an interpreter; none where there are no such."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        return _below(path)
    if not (os.path.isfile(path) or os.path.basename(path).startswith(("python", "pypy"))):
        return []  # a folder that is not there
    # A virtual environment's interpreter is a link to another one, whose packages are not meant.
    for python in dict.fromkeys((path, os.path.realpath(path))):
        around = os.path.dirname(python)
        # conda on Windows has its interpreter beside the folders, everything else in one of them
        for home in (os.path.dirname(around), around):
            found = _below(home)
            if found:
                return found
    return []


def _is_environment(home: str) -> bool:
    """venv and virtualenv leave a file, conda a folder."""
    return os.path.isfile(os.path.join(home, "pyvenv.cfg")) or os.path.isdir(os.path.join(home, "conda-meta"))


def _below(home: str) -> list[str]:
    """The folders of packages in an environment, or of the interpreter that is installed there."""
    found = _own(home)
    config = _config(os.path.join(home, "pyvenv.cfg")) if found else {}
    base = config.get("home")
    if base and config.get("include-system-site-packages", "").lower() == "true":
        found += [folder for near in (os.path.dirname(base), base) for folder in _own(near)]
    unique: dict[str, str] = {}
    for folder in found:  # lib64 is lib under another name
        unique.setdefault(os.path.realpath(folder), folder)
    return list(unique.values())


def _own(home: str) -> list[str]:
    found = [os.path.join(home, "Lib", "site-packages")]  # Windows
    for lib in ("lib", "lib64", os.path.join("local", "lib")):
        for name in _listed(os.path.join(home, lib)):
            if name.startswith(("python", "pypy")):  # Debian's own packages are in dist-packages
                found += [os.path.join(home, lib, name, kind) for kind in ("site-packages", "dist-packages")]
    return [folder for folder in found if os.path.isdir(folder)]


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _config(path: str) -> dict[str, str]:
    """The values of a `pyvenv.cfg`, read as `site` does."""
    try:
        with open(path, "rb") as file:
            lines = file.read(_MAX_CONFIG).decode("utf-8", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
