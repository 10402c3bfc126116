"""Which files are found."""

import os
import sys
from pathlib import Path

import pytest
from dry_debug.project.config import Configs
from dry_debug.project.files import Found, discover, matches_any


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def found_in(root: Path, *paths: Path) -> list[str]:
    found = discover([str(path) for path in paths or (root,)], Configs())
    assert found.problems == []
    return [os.path.relpath(path, root).replace(os.sep, "/") for path in found.files]


def test_python_files_and_notebooks_are_found_in_order_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path, "b.py", "a.py", "a/z.py", "n.ipynb", "stub.pyi", "data.txt", "a/b/c.py")
    assert found_in(tmp_path) == ["a.py", "b.py", "n.ipynb", "a/z.py", "a/b/c.py"]


def test_environments_caches_and_build_output_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ".venv/x.py", "node_modules/x.py", "build/x.py", ".git/x.py", "src/__pycache__/x.py", "src/x.py")
    assert found_in(tmp_path) == ["src/x.py"]


def test_a_folder_that_is_named_is_looked_at_though_it_would_be_left_out(tmp_path: Path) -> None:
    make(tmp_path, "build/x.py", ".git/config", "ignored/y.py")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    assert found_in(tmp_path, tmp_path / "build", tmp_path / "ignored") == ["build/x.py", "ignored/y.py"]


def test_gitignore_files_hold_below_their_folder_and_the_deepest_decides(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "gen/b.py", "gen/keep.py", "sub/gen/c.py", "sub/d_pb2.py", "sub/e.py")
    (tmp_path / ".gitignore").write_text("*_pb2.py\n/gen/*\n!/gen/keep.py\n")
    (tmp_path / "sub" / ".gitignore").write_text("e.py\n!d_pb2.py\n")
    assert found_in(tmp_path) == ["a.py", "gen/keep.py", "sub/d_pb2.py", "sub/gen/c.py"]


def test_gitignore_files_above_hold_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    make(tmp_path, "repo/.git/HEAD", "repo/pkg/a.py", "repo/pkg/b.py")
    (tmp_path / ".gitignore").write_text("a.py\n")
    (tmp_path / "repo" / ".gitignore").write_text("b.py\n")
    assert found_in(tmp_path, tmp_path / "repo" / "pkg") == ["repo/pkg/a.py"]


def test_a_pattern_that_git_cannot_read_is_skipped(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.py")
    (tmp_path / ".gitignore").write_bytes(b"!\n\xff\xfe\nb.py\n")
    assert found_in(tmp_path) == ["a.py"]


def test_excludes_of_the_config_are_relative_to_it_and_spare_named_files(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "old/b.py", "sub/old/c.py", "sub/d.py")
    (tmp_path / "dry-debug.toml").write_text('exclude = ["/old/", "sub/d.py"]\n')
    assert found_in(tmp_path) == ["a.py", "sub/old/c.py"]
    assert found_in(tmp_path, tmp_path / "sub" / "d.py") == ["sub/d.py"]


def test_a_file_that_is_named_twice_is_checked_once(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    assert found_in(tmp_path, tmp_path, tmp_path / "a.py", tmp_path) == ["a.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_loops_of_links_end_and_links_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "a/b.py")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    os.symlink(tmp_path / "a" / "b.py", tmp_path / "link.py")
    os.symlink(tmp_path / "nowhere", tmp_path / "dangling.py")
    assert found_in(tmp_path) == ["a/b.py"]
    assert found_in(tmp_path, tmp_path / "link.py") == ["link.py"]


def test_missing_paths_are_problems_that_name_them(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    found: Found = discover([str(tmp_path / "a.py"), "no/such"], Configs())
    assert [problem.path for problem in found.problems] == ["no/such"]
    assert len(found.files) == 1


def test_patterns_are_gitignore_patterns(tmp_path: Path) -> None:
    path = str(tmp_path / "tests" / "deep" / "test_a.py")
    assert matches_any(str(tmp_path), ["tests/"], path)
    assert matches_any(str(tmp_path), ["**/test_*.py"], path)
    assert not matches_any(str(tmp_path), ["/deep/"], path)
    assert not matches_any(str(tmp_path / "other"), ["*.py"], path)
