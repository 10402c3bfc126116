"""The analysis cannot fail and cannot call home."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dry_debug.lint import manifest
from dry_debug.lint.applier import apply_fixes
from dry_debug.lint.engine import Cancelled, analyse
from dry_debug.lint.settings import Settings
from dry_debug.text.document import Document

from tests.lint.toy_rules import Raise, Rename, infos
from tests.pages.cases import CASES

# Audit events of things that reading code never needs.
_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "urllib.", "ctypes.dlopen")
_watched: list[list[str]] = []


def _hook(event: str, args: tuple[object, ...]) -> None:
    if _watched and event.startswith(_FORBIDDEN):
        _watched[-1].append(event)
        raise PermissionError(event)


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Sockets and other processes are refused, and listed, for a time."""
    events: list[str] = []
    _watched.append(events)
    try:
        yield events
    finally:
        _watched.pop()


def test_the_watch_refuses_a_socket() -> None:
    with watched() as events, pytest.raises(PermissionError):
        socket.socket()
    assert events == ["socket.__new__"]


def test_no_example_makes_the_analysis_open_a_socket_or_start_a_process() -> None:
    with watched() as events:
        for case in CASES:
            for file, text in case.example.texts().items():
                if file.endswith(".py"):
                    document = Document.from_text(text, file)
                    analyse(document, None, Settings(preview=True)).with_fixes()
                    apply_fixes(document, None, Settings(preview=True), unsafe=True)
    assert events == []


def test_a_rule_that_fails_is_named_and_the_others_go_on() -> None:
    document = Document.from_text("x = rename(1)\n", "main.py")
    result = analyse(document, rules=infos(Raise, Rename))
    assert [finding.rule for finding in result.findings] == ["rename"]
    assert len(result.problems) == 1 and result.problems[0].path == "main.py"
    assert "raises" in result.problems[0].message and "KeyError" in result.problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\x0c",
        "x = 1\x00",
        "(" * 5000,
        "x = " + "-" * 50000 + "1",
        "if x:\n",
        "def f(:\n",
        "\ufeffx = 1\n",
        "x = '\ud800'\n",
        "é = '\u2028😀'\r\rimport torch\r\n",
        "x = " + "[" * 90 + "]" * 90 + "\n",
        "x = 1 " + "+ 1" * 20000 + "\n",
        "".join("    " * depth + "if x:\n" for depth in range(90)) + "    " * 90 + "torch.load(f)\n",
        "import torch\n" + "x = x.to(y)" + ".to(y)" * 3000 + "\n",
    ],
    ids=range(15),
)
def test_odd_text_gives_findings_or_problems_and_never_an_exception(text: str) -> None:
    result = analyse(Document.from_text("# torch load\n" + text, "main.py"), settings=Settings(preview=True))
    assert result.program is not None or result.findings or result.problems


def test_an_analysis_that_nobody_waits_for_stops_between_two_rules() -> None:
    with pytest.raises(Cancelled):
        analyse(Document.from_text("import torch\ntorch.load(f)\n"), cancelled=lambda: True)


def test_analysing_twice_gives_the_same() -> None:
    for case in CASES[:10]:
        for file, text in case.example.texts().items():
            if file.endswith(".py"):
                document = Document.from_text(text, file)
                assert analyse(document).with_fixes() == analyse(document).with_fixes()


def test_the_manifest_imports_no_rule() -> None:
    import subprocess

    code = (
        "import sys\nfrom dry_debug.lint import manifest\nmanifest.rules()\n"
        "loaded = [m for m in sys.modules if m.startswith('dry_debug_rules.')]\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert manifest.rules()
