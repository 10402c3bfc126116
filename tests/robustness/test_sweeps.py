"""The analysis over all the Python at hand: the standard library and what is installed. No crash, no file that hangs.

`DRY_DEBUG_SWEEP` names further folders (separated as in PATH), such as another environment's site-packages.
"""

from __future__ import annotations

import os
import sysconfig
import time
from collections.abc import Iterator

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.text.decode import decode

_SECONDS = 5.0  # for one file, and a millisecond for each line: a bound against hanging, not a measurement
_FOLDERS = [
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    *filter(None, os.environ.get("DRY_DEBUG_SWEEP", "").split(os.pathsep)),
]


def _files(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("site-packages", "__pycache__"))
        yield from (os.path.join(parent, name) for name in sorted(names) if name.endswith(".py"))


@pytest.mark.slow
@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_file_is_analysed_without_a_crash_in_bounded_time(folder: str) -> None:
    settings = Settings(preview=True, min_confidence="low")
    crashed: list[str] = []
    slow: list[str] = []
    count = 0
    for path in _files(folder):
        count += 1
        with open(path, "rb") as file:
            document = decode(file.read(), path)
        began = time.perf_counter()
        result = analyse(document, settings=settings)
        result.with_fixes()
        took = time.perf_counter() - began
        crashed += [f"{path}: {problem.message}" for problem in result.problems if "failed" in problem.message]
        if took > _SECONDS + len(document.lines) / 1000:
            slow.append(f"{path}: {took:.1f} s")
        if result.program is not None:
            result.program.release()
    assert count > 100
    assert crashed == []
    assert slow == []
