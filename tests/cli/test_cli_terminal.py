"""On a terminal: the full form, colours unless they are unwanted, a bar only while it takes long."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import LOAD, RULE, environment
from dry_debug.cli import terminal

pty = pytest.importorskip("pty")


def on_a_terminal(*arguments: str, cwd: Path, **env: str) -> tuple[int, str]:
    """Exit status, and what the terminal got."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        settings = {**environment(), "TERM": "xterm-256color", "DRY_DEBUG_CACHE_DIR": str(cwd / ".cache"), **env}
        os.execve(sys.executable, [sys.executable, "-m", "dry_debug", *arguments], settings)
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # how Linux tells the end of a pseudo-terminal
            break
        if not part:
            break
        parts.append(part)
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), b"".join(parts).decode()


def test_a_terminal_gets_the_full_form_in_colours(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    status, shown = on_a_terminal("check", "a.py", cwd=tmp_path)
    assert status == 1
    assert f"\x1b[1;33mwarning[{RULE}]\x1b[0m" in shown
    assert "a.py:5:27" in shown and "map_location" in shown


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    _, shown = on_a_terminal("check", "a.py", cwd=tmp_path, **env)
    assert f"warning[{RULE}]" in shown and "\x1b" not in shown


def test_short_work_shows_no_bar_and_long_work_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")

    def items() -> Iterator[int]:
        yield from range(6)

    assert list(terminal.with_progress(items(), 6, "Checking")) == list(range(6))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(terminal, "_PATIENCE", -1.0)
    assert list(terminal.with_progress(items(), 6, "Checking")) == list(range(6))


def test_no_bar_where_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(terminal.with_progress(iter([1, 2, 3]), 3, "Checking")) == [1, 2, 3]
    assert capsys.readouterr().err == ""


def test_a_long_run_on_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"f{number}.py").write_text(LOAD)
    program = (
        "import sys; from dry_debug.cli import terminal, main; terminal._PATIENCE = -1.0;"
        "sys.exit(main.main(['check', '.', '--no-cache']))"
    )
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, "-c", program], {**environment(), "TERM": "xterm-256color"})
    shown = b""
    while True:
        try:
            shown += os.read(descriptor, 65536)
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert b"Checking" in shown and b"/3" in shown
