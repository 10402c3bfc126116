"""--fix, --diff, --add-ignore and --baseline: what is changed on disk, and what is left alone."""

import json
import subprocess
from pathlib import Path

from command import CLEAN, CODE, LOAD, RULE, dry_debug

FIX = ("--fix", "--unsafe-fixes")


def test_fix_changes_the_file_and_leaves_nothing_to_report(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbf" + LOAD.replace("\n", "\r\n").encode())
    done = dry_debug("check", "a.py", *FIX, cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (0, "Fixed 1 finding.\n")
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbfimport torch\r\n")
    assert b"map_location" in text and text.count(b"\r\n") == LOAD.count("\n") == text.count(b"\n")


def test_diff_shows_the_change_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(LOAD)
    done = dry_debug("check", "a.py", "--diff", "--unsafe-fixes", cwd=tmp_path)
    assert done.returncode == 1
    assert path.read_text() == LOAD
    lines = done.stdout.decode().splitlines()
    assert lines[:2] == ["--- a.py", "+++ a.py"]
    assert "-    model.load_state_dict(torch.load(path))" in lines
    assert dry_debug("check", "a.py", "--diff", "--ignore", CODE, cwd=tmp_path).returncode == 0


def test_a_diff_can_be_applied_by_git(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(LOAD.rstrip("\n"))  # a last line without its end is where diffs go wrong
    patch = dry_debug("check", "a.py", "--diff", "--unsafe-fixes", cwd=tmp_path).stdout
    done = subprocess.run(["git", "apply", "-p0", "-"], cwd=tmp_path, input=patch, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "map_location" in path.read_text() and not path.read_text().endswith("\n")


def test_fixed_standard_input_goes_to_standard_output(tmp_path: Path) -> None:
    done = dry_debug("check", "-", *FIX, cwd=tmp_path, stdin=LOAD.encode())
    assert done.returncode == 0
    assert b"map_location" in done.stdout and done.stdout.startswith(b"import torch\n")
    unchanged = dry_debug("check", "-", "--fix", "--ignore", CODE, cwd=tmp_path, stdin=LOAD.encode())
    assert unchanged.stdout == LOAD.encode()


def test_fixing_a_notebook_changes_only_the_source_of_that_cell(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": ["é\n"]}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# é"]},
        {"cell_type": "code", "metadata": {}, "outputs": [output], "execution_count": 1, "source": ["import torch"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": [
            "%matplotlib inline\n", "torch.nn.ReLU().load_state_dict(torch.load('p'))"]},
    ]  # fmt: skip
    before = json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False
    )
    path = tmp_path / "n.ipynb"
    path.write_text(before + "\n", encoding="utf-8")
    done = dry_debug("check", "n.ipynb", *FIX, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    after = path.read_text(encoding="utf-8")
    old, new = before.split("\n"), after.split("\n")
    changed = [(a, b) for a, b in zip(old, new, strict=False) if a != b]
    assert len(new) == len(old) + 1 and len(changed) == 1
    assert changed[0][1].startswith("    \"torch.nn.ReLU().load_state_dict(torch.load('p', map_location=")


def test_add_ignore_silences_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "import torch\n\nmodel = torch.nn.ReLU()\nif model:\n    a, b = (model.load_state_dict(torch.load('x')),\n"
        "            model.load_state_dict(torch.load('y')))\n"
    )
    done = dry_debug("check", "a.py", "--add-ignore", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"Added 1 suppression in 1 file.\n")
    assert path.read_text().splitlines()[4] == f"    # dry-debug: ignore[{RULE}]"
    assert dry_debug("check", "a.py", cwd=tmp_path).returncode == 0
    path.write_text(path.read_text() + "\nmodel.load_state_dict(torch.load('z'))\n")
    assert dry_debug("check", "a.py", cwd=tmp_path).stdout.decode().startswith("a.py:9:23:")


def test_a_baseline_is_written_once_and_hides_what_it_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(LOAD)
    first = dry_debug("check", ".", "--baseline", "known.json", cwd=tmp_path)
    assert first.returncode == 0
    assert b"wrote 1 known finding to known.json" in first.stderr
    written = (tmp_path / "known.json").read_bytes()
    path.write_text(
        "# moved down by a line\n" + LOAD + "\n\ndef other(model, name):\n    model.load_state_dict(torch.load(name))\n"
    )
    second = dry_debug("check", ".", "--baseline", "known.json", cwd=tmp_path)
    assert second.returncode == 1
    assert second.stdout.decode().count(CODE) == 1 and second.stdout.decode().startswith("a.py:10:")
    assert (tmp_path / "known.json").read_bytes() == written


def test_a_baseline_of_the_config_must_exist(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    (tmp_path / "dry-debug.toml").write_text('baseline = "known.json"\n')
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert done.returncode == 2
    assert b"known.json: the baseline is not used: cannot read the file" in done.stderr
    assert not (tmp_path / "known.json").exists()
    (tmp_path / "known.json").write_text("not json")
    assert b"known.json:1: the baseline is not valid JSON" in dry_debug("check", "a.py", cwd=tmp_path).stderr


def test_fix_does_not_touch_files_without_a_fix(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(CLEAN)
    before = path.stat().st_mtime_ns
    assert dry_debug("check", ".", *FIX, cwd=tmp_path).returncode == 0
    assert path.stat().st_mtime_ns == before
