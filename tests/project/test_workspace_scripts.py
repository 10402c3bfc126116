"""The scripts of a workspace that are worth a check: what trains first, tests last, never all of a huge workspace."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_debug.project import scripts
from dry_debug.project.config import Configs


def write(root: Path, *names: str, text: str = "import torch\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(root: Path) -> list[str]:
    files = scripts.python_files([str(root)], Configs())
    found = scripts.scripts(files, lambda text: "torch" in text)
    return [Path(path).relative_to(root).as_posix() for path in found]


def test_what_is_started_comes_before_modules_and_tests(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "deep/down/z.py")
    write(tmp_path, "tests/test_a.py", "y.py", text='import torch\nif __name__ == "__main__":\n    main()\n')
    write(tmp_path, "no.py", text="print(1)\n")
    assert names(tmp_path) == ["y.py", "a.py", "deep/down/z.py", "tests/test_a.py"]


def test_environments_and_ignored_files_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "a.py", ".venv/lib/b.py", "c.ipynb")
    assert names(tmp_path) == ["a.py"]


def test_a_large_workspace_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *(f"a{number:02}.py" for number in range(30)))
    assert len(names(tmp_path)) == 12
    monkeypatch.setattr(scripts, "_MOST_FILES", 3)
    assert names(tmp_path) == ["a00.py", "a01.py", "a02.py"]
    monkeypatch.setattr(scripts, "_MOST_READ", 20)
    assert names(tmp_path) == ["a00.py"]


def test_a_file_that_nobody_wrote_by_hand_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py")
    monkeypatch.setattr(scripts, "_LARGEST", 5)
    assert names(tmp_path) == []


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert scripts.python_files([str(tmp_path / "gone")], Configs()) == []
