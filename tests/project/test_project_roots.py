"""Which folder a file's imports are resolved below."""

from pathlib import Path

import pytest
from dry_debug.project.config import Config
from dry_debug.project.roots import root_of


def file_in(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_the_current_folder_if_the_file_lies_in_it(tmp_path: Path) -> None:
    assert root_of(file_in(tmp_path, "a/b.py"), Config(str(tmp_path))) == str(tmp_path)


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py"])
def test_elsewhere_the_nearest_folder_that_looks_like_a_project(tmp_path: Path, marker: str) -> None:
    file_in(tmp_path, f"repo/{marker}")
    path = file_in(tmp_path, "repo/tools/train.py")
    assert root_of(path, Config("/nowhere")) == str(tmp_path / "repo")


@pytest.mark.parametrize("marker", ["requirements.txt", "LICENSE", "README.md"])
def test_a_copy_without_history_is_known_by_what_lies_at_its_top(tmp_path: Path, marker: str) -> None:
    file_in(tmp_path, f"repo/{marker}")
    file_in(tmp_path, "repo/tools/README.md" if marker != "README.md" else "repo/docs/README.md")
    path = file_in(tmp_path, "repo/tools/train.py")
    assert root_of(path, Config("/nowhere")) == str(tmp_path / "repo")
    assert root_of(path, Config("/nowhere"), (str(tmp_path),)) == str(tmp_path)


def test_the_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file_in(tmp_path, "README.md")
    path = file_in(tmp_path, "tools/train.py")
    assert root_of(path, Config("/nowhere")) == str(tmp_path / "tools")


def test_elsewhere_the_folder_that_was_given(tmp_path: Path) -> None:
    path = file_in(tmp_path, "repo/tools/train.py")
    assert root_of(path, Config("/nowhere"), (str(tmp_path / "repo"),)) == str(tmp_path / "repo")


def test_a_file_alone_is_imported_from_above_its_package(tmp_path: Path) -> None:
    file_in(tmp_path, "repo/pkg/__init__.py")
    path = file_in(tmp_path, "repo/pkg/train.py")
    assert root_of(path, Config("/nowhere")) == str(tmp_path / "repo")


def test_the_folder_of_the_config_file(tmp_path: Path) -> None:
    path = file_in(tmp_path, "repo/tools/train.py")
    config = Config(str(tmp_path / "repo"), file=str(tmp_path / "repo" / "dry-debug.toml"))
    assert root_of(path, config) == str(tmp_path / "repo")
