"""The analysis over all the Python at hand: the standard library and what is installed. No crash, no file that hangs.

`DRY_DEBUG_SWEEP` names further folders (separated as in PATH), such as one made from `packages.txt`; `sweep.py` is the
same as a command.
"""

from __future__ import annotations

import os
import sysconfig
import time
from pathlib import Path

import pytest

from tests.robustness.sweep import shown, sweep

_FOLDERS = [
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    *filter(None, os.environ.get("DRY_DEBUG_SWEEP", "").split(os.pathsep)),
]


@pytest.mark.slow
@pytest.mark.parametrize("imports", [False, True], ids=["alone", "with imports"])
@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_file_is_analysed_without_a_crash_in_bounded_time(folder: str, imports: bool) -> None:
    # With their imports the same modules are read again and again: a sample of the files reaches most of them.
    swept = sweep(folder, imports, every=16 if imports else 1)
    print("\n".join(shown(swept)))
    assert swept.files > (50 if imports else 100)
    assert swept.crashes == []
    assert swept.hanging == []


def test_the_sweep_sees_a_crash_and_a_file_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("import torch\ntorch.load('x')\n", "utf-8")
    assert sweep(str(tmp_path)).crashes == []

    def slow(program: object) -> None:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    monkeypatch.setattr("tests.robustness.sweep.facts", slow)
    assert sweep(str(tmp_path)).hanging == []
    assert len(sweep(str(tmp_path), limit=0.2).hanging) == 1  # it took longer
    assert len(sweep(str(tmp_path), limit=0.02).hanging) == 1  # it was broken off

    def broken(program: object) -> None:
        raise ValueError("no facts")

    monkeypatch.setattr("tests.robustness.sweep.facts", broken)
    assert "no facts" in sweep(str(tmp_path)).crashes[0]


def test_the_pinned_packages_are_at_least_200() -> None:
    lines = Path(__file__).with_name("packages.txt").read_text("utf-8").splitlines()
    pinned = [line.split("==") for line in lines if not line.startswith("#")]
    assert len({name for name, _ in pinned}) >= 200 and all(version for _, version in pinned)


def test_what_a_file_imports_counts_where_its_time_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("import torch\nfrom b import f\nf(torch.load('x'))\n", "utf-8")
    (tmp_path / "b.py").write_text("def f(x):\n    return x\n" + "y = 1\n" * 4998, "utf-8")

    def slow(program: object) -> None:
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass

    monkeypatch.setattr("tests.robustness.sweep.facts", slow)
    swept = sweep(str(tmp_path), imports=True, limit=0.2)
    assert swept.imported == 5001
    assert swept.hanging == []  # 0.2 s, and 0.5 s for what it imports
    assert "5,001 imported" in "\n".join(shown(swept))
    monkeypatch.setattr("tests.robustness.sweep.PER_IMPORTED_LINE", 0.0)
    assert len(sweep(str(tmp_path), imports=True, limit=0.2).hanging) == 1
