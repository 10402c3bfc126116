"""`dry-debug check` as a process: what is printed where, and the exit status."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command import BROKEN, CLEAN, CODE, LOAD, RULE, dry_debug, environment
from dry_debug.cli.main import main


def test_a_clean_file_gives_0_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CLEAN)
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Nothing found in 1 file.\n", b"")


def test_a_finding_gives_1_and_one_line_with_place_code_and_name(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    done = dry_debug("check", "a.py", cwd=tmp_path)
    line = done.stdout.decode().splitlines()[0]
    assert done.returncode == 1
    assert line.startswith(f"a.py:5:27: {CODE} ")
    assert line.endswith(f"({RULE})")
    assert done.stderr == b""


def test_without_paths_the_current_folder_is_checked(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text(LOAD)
    done = dry_debug("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.decode().startswith("package/a.py:5:27:")


def test_a_syntax_error_is_a_finding_not_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BROKEN)
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert done.returncode == 1
    assert b"a.py:1:" in done.stdout and b"DRY000" in done.stdout
    assert done.stderr == b""


def test_a_missing_path_gives_2_and_is_named_and_the_rest_is_checked(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    done = dry_debug("check", "nowhere.py", "a.py", cwd=tmp_path)
    assert done.returncode == 2
    assert CODE.encode() in done.stdout
    assert b"nowhere.py: no such file or folder" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-such-flag"], "unrecognized arguments"),
        (["--jobs", "0"], "should be a number from 1 up"),
        (["--format", "xml"], "invalid choice"),
        (["--min-confidence", "hihg"], "should be one of high, medium, low"),
        (["--severity", f"{RULE}=loud"], "--severity should be NAME=LEVEL"),
        (["--select", "unmaped-checkpoint-load"], f"did you mean `{RULE}`?"),
        (["--ignore", "NOPE999"], "--ignore names the unknown rule `NOPE999`"),
        (["--unsafe-fixes"], "--unsafe-fixes goes with --fix or --diff"),
        (["--config", "nowhere.toml"], "there is no config file nowhere.toml"),
        (["-", "a.py"], "cannot be checked together with files"),
    ],
)
def test_bad_arguments_give_2_and_a_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = dry_debug("check", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert done.stdout == b""


def test_exit_zero_hides_findings_from_the_status_but_not_problems(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    assert dry_debug("check", "--exit-zero", "a.py", cwd=tmp_path).returncode == 0
    assert dry_debug("check", "--exit-zero", "a.py", "nowhere.py", cwd=tmp_path).returncode == 2


def test_fail_on_decides_which_severity_fails(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    as_suggestion = ("check", "a.py", "--severity", f"{RULE}=suggestion")
    assert dry_debug(*as_suggestion, cwd=tmp_path).returncode == 1
    lenient = dry_debug(*as_suggestion, "--fail-on", "warning", cwd=tmp_path)
    assert lenient.returncode == 0
    assert b"suggestion" in lenient.stdout


def test_rules_are_chosen_by_name_code_and_prefix(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    assert dry_debug("check", "a.py", "--ignore", RULE, cwd=tmp_path).returncode == 0
    assert dry_debug("check", "a.py", "--ignore", "CKPT", cwd=tmp_path).returncode == 0
    assert dry_debug("check", "a.py", "--severity", f"{CODE}=off", cwd=tmp_path).returncode == 0
    assert dry_debug("check", "a.py", "--select", f"{CODE},DRY001", cwd=tmp_path).returncode == 1


def test_output_goes_to_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    done = dry_debug("check", "a.py", "--format", "json", "--output-file", "out.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert [row["code"] for row in json.loads((tmp_path / "out.json").read_bytes())] == [CODE]


def test_output_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CLEAN)
    done = dry_debug("check", "a.py", "--output-file", "no/such/folder/out.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert b"cannot write the output" in done.stderr


def test_statistics_count_by_rule(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD + "\n\ndef again(model, path):\n    model.load_state_dict(torch.load(path))\n")
    done = dry_debug("check", "a.py", "--statistics", cwd=tmp_path)
    assert done.stdout.decode().splitlines()[0].split()[:2] == ["2", CODE]
    rows = json.loads(dry_debug("check", "a.py", "--statistics", "--format", "json", cwd=tmp_path).stdout)
    assert [(row["name"], row["count"]) for row in rows] == [(RULE, 2)]


def test_a_crashed_rule_gives_2_after_all_findings_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dry_debug.lint import manifest

    class Crashing:
        def check(self, program: object) -> list[object]:
            raise RuntimeError("a rule of the test")

    real = manifest.load
    monkeypatch.setattr(manifest, "load", lambda info: Crashing() if info.code == CODE else real(info))
    (tmp_path / "a.py").write_text(LOAD)
    (tmp_path / "b.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    assert main(["check", "a.py", "b.py"]) == 2
    printed = capsys.readouterr()
    assert "b.py:1:" in printed.out
    assert f"rule {RULE} failed: RuntimeError: a rule of the test" in printed.err


def test_standard_input_is_checked_under_the_name_given(tmp_path: Path) -> None:
    done = dry_debug("check", "--stdin-filename", "pkg/a.py", cwd=tmp_path, stdin=LOAD.encode())
    assert done.returncode == 1
    assert done.stdout.decode().startswith("pkg/a.py:5:27:")
    assert dry_debug("check", "-", cwd=tmp_path, stdin=LOAD.encode()).stdout.decode().startswith("-:5:27:")
    assert dry_debug("check", "-", cwd=tmp_path, stdin=b"").returncode == 0


def test_standard_input_may_be_a_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# title"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": LOAD.splitlines(True)},
    ]
    notebook = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    done = dry_debug("check", "-", "--stdin-filename", "n.ipynb", cwd=tmp_path, stdin=notebook.encode())
    assert done.stdout.decode().startswith("n.ipynb:cell 2:5:27:")


def test_the_config_of_the_standard_input_name_is_used(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "dry-debug.toml").write_text(f'ignore = ["{CODE}"]\n')
    done = dry_debug("check", "-", "--stdin-filename", "pkg/a.py", cwd=tmp_path, stdin=LOAD.encode())
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "data", "row"),
    [
        ("bom", b"\xef\xbb\xbf" + LOAD.encode(), 5),
        ("crlf", LOAD.replace("\n", "\r\n").encode(), 5),
        ("latin-1", b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + LOAD.encode(), 7),
        ("form feed", b"\x0c\n" + LOAD.encode(), 6),
        ("huge line", f"x = '{'a' * 3_000_000}'\n{LOAD}".encode(), 6),
        ("no end of line", LOAD.rstrip().encode(), 5),
    ],
)
def test_any_text_that_python_takes_is_checked(tmp_path: Path, name: str, data: bytes, row: int) -> None:
    (tmp_path / "a.py").write_bytes(data)
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stdout.decode().startswith(f"a.py:{row}:27: {CODE}")


def test_columns_count_code_points(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import torch\nmodel = torch.nn.ReLU()\nx = '😀é'; model.load_state_dict(torch.load('p'))\n", encoding="utf-8"
    )
    done = dry_debug("check", "a.py", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)[0]["location"] == {"row": 3, "column": 33}


def test_null_bytes_are_a_syntax_error_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\0\n")
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert b"a.py" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr


def test_undecodable_bytes_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(LOAD.encode() + b"# \xff\n")
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert done.returncode == 2
    assert b"a.py:6: not valid utf-8" in done.stderr
    assert CODE.encode() in done.stdout


def test_files_that_cannot_be_read_are_named_and_the_others_are_checked(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    os.symlink(tmp_path / "gone", tmp_path / "b.py")
    (tmp_path / "c.ipynb").write_text("{}")
    done = dry_debug("check", "a.py", "b.py", "c.ipynb", cwd=tmp_path)
    assert done.returncode == 2
    assert b"b.py: no such file or folder" in done.stderr
    assert b"c.ipynb: not a notebook: it has no `nbformat` number" in done.stderr
    assert CODE.encode() in done.stdout


def test_a_file_without_read_permission_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import builtins

    (tmp_path / "a.py").write_text(LOAD)
    real = builtins.open

    def refusing(file: object, *rest: object, **named: object) -> object:
        if str(file).endswith("a.py"):
            raise PermissionError(13, "Permission denied")
        return real(file, *rest, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(builtins, "open", refusing)
    monkeypatch.chdir(tmp_path)
    assert main(["check", "a.py"]) == 2
    assert "a.py: cannot read the file: Permission denied" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_path_that_is_not_utf_8_is_shown_and_checked(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    (tmp_path / name).write_text(LOAD)
    for format_name in ("concise", "full", "json", "sarif", "junit", "gitlab", "github", "markdown", "jsonl"):
        done = dry_debug("check", ".", "--format", format_name, cwd=tmp_path)
        assert done.returncode == 1, (format_name, done.stderr)
        assert b"caf" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import torch\nmodel = torch.nn.ReLU()\n" + "model.load_state_dict(torch.load('p'))\n" * 2000
    )
    command = f"{sys.executable} -m dry_debug check a.py --format full | head -1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, env=environment(), timeout=120)
    assert RULE.encode() in done.stdout
    assert done.stderr == b""


def test_an_ascii_terminal_gets_escapes_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "naïve.py").write_text(LOAD, encoding="utf-8")
    done = dry_debug("check", ".", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 1, done.stderr
    assert b"na\\xefve.py:5:27" in done.stdout


def test_a_mistake_in_the_config_is_told_with_its_line_and_the_rest_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    config = '[tool.dry-debug]\nmin-confidence = "hihg"\nseverity = { unmapped-checkpoint-load = "suggestion" }\n'
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n' + config)
    done = dry_debug("check", "a.py", cwd=tmp_path)
    assert done.returncode == 2
    assert b"pyproject.toml:4: `min-confidence` should be one of high, medium, low" in done.stderr
    assert b"suggestion:" in done.stdout


def test_isolated_and_config_override_the_search(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    (tmp_path / "dry-debug.toml").write_text(f'ignore = ["{CODE}"]\n')
    (tmp_path / "other.toml").write_text(f'severity = {{ {RULE} = "critical" }}\n')
    assert dry_debug("check", "a.py", cwd=tmp_path).returncode == 0
    assert dry_debug("check", "a.py", "--isolated", cwd=tmp_path).returncode == 1
    assert b"critical" in dry_debug("check", "a.py", "--config", "other.toml", cwd=tmp_path).stdout


def test_a_concise_check_of_one_file_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    heavy = ("pygls", "lsprotocol", "libcst", "jedi", "rich", "nbformat", "pathspec", "multiprocessing", "tomllib")
    program = (
        "import sys; from dry_debug.cli.main import main; status = main(['check', 'a.py', '--format', 'concise']);"
        f"loaded = [name for name in {heavy} if name in sys.modules]; print(loaded, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, env=environment())
    assert (done.returncode, done.stderr.decode().strip()) == (1, "[]")


def test_interrupting_ends_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dry_debug.cli.check as command

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "discover", interrupted)
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 130


def test_the_mode_of_a_fixed_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(LOAD)
    path.chmod(0o755)
    dry_debug("check", "a.py", "--fix", "--unsafe-fixes", cwd=tmp_path)
    assert "map_location" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
