"""What a pattern can be lost in: one short piece, thousands of times, in every place where free text is read.

Data pasted into a ticket (a hash, a row of digits), a commented cell of a notebook from Windows, a banner of dashes: a
regular expression that can split such a text in many ways tries them all, and the editor waits for ever.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.project.versions import declared
from dry_debug.spec.instructions import parse
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells
from dry_debug.triage.routing import route

pytestmark = pytest.mark.slow

SECONDS = 8.0  # of the processor; the slowest takes less than one
LENGTH = 3_000  # characters
PIECES = (
    " ", "\t", "\n", "\r\n", "\r", "a", "A", "1", ".", ",", "-", "_", "/", "#", "(", ")", "[", '"', "'", "=", ":", "*",
    "|", "é", "{", "<", "%", "`", "a ", "1 ", "1,", "a.", "a-", "a_", "a/", "1.", "1e", "1k ", "- ", "a: ", "a=1 ",
    "a b ", "x ", "8x", "8 x ", "2e-4 ", "2e-4 or ", "1 or ", "1 to ", "1-", "between ", "from ", "and ", "or ", "the ",
    "no ", "not ", "with ", "lr ", "lr 2e-4 ", "batch size ", "batch size 8 ", "3 epochs ", "test ", "global ", "warm ",
    "rate ", "python ", "8 gpus ", "model ", "Qwen/", "7B ", "lora ", "r=8 ", '"a": 1, ', '{"a": ', "https://", "\\",
    "# a\n", "# a\r\n", "  # a\r\n", " \r\n", "- a\n", "| a | 1 |\n", "a: 1\n", "  a: 1\n", "```\n", "> a\n", "| ",
    "**",
)  # fmt: skip


def instructions(text: str) -> None:
    parse(f"{text} x lr 1e-4", "INSTRUCTIONS.md")
    parse(f"Please use batch size {text} x", "INSTRUCTIONS.md")


def symptom(text: str) -> None:
    route(text)
    route(f"RuntimeError: {text} x")


def notebook(text: str) -> None:
    from_cells([NotebookCell(1, text), NotebookCell(2, f"x = 1\r\n{text}")], "a.ipynb")


def comments(text: str) -> None:
    line = text.replace("\n", " ").replace("\r", " ")
    code = f'import torch\n# {line}\nx = torch.load("a")  # {line}\n# as asked: {line}\nlr = 1\n'
    analyse(Document.from_text(code, "a.py"), None, Settings(preview=True))


def strings(text: str) -> None:
    inside = text.replace('"', "").replace("\\", "")
    line = inside.replace("\n", " ").replace("\r", " ")
    code = f'"""{inside}"""\nimport torch\nmodel.load_state_dict(torch.load("{line}"), strict=False)\n'
    analyse(Document.from_text(code, "a.py"), None, Settings(preview=True))


PLACES: tuple[Callable[[str], None], ...] = (instructions, symptom, notebook, comments, strings)


def in_time(call: Callable[[], object], seconds: float = SECONDS) -> None:
    """Runs `call`; TimeoutError after so many `seconds` of the processor: an expression cannot be left otherwise."""

    def lost(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, lost)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        call()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_one_piece_many_times_is_read_in_bounded_time(place: Callable[[str], None]) -> None:
    for piece in PIECES:
        text = piece * (LENGTH // len(piece))
        try:
            in_time(lambda text=text: place(text))
        except TimeoutError as error:
            raise AssertionError(f"{piece!r} {LENGTH // len(piece)} times: {error}") from None


def test_one_piece_many_times_in_what_declares_versions(tmp_path: Path) -> None:
    for piece in PIECES:
        for head in ("", "torch", "torch=="):
            (tmp_path / "requirements.txt").write_text(head + piece * (LENGTH // len(piece)), "utf-8")
            in_time(lambda: dict(declared(str(tmp_path))))


def test_the_watch_can_fail() -> None:
    with pytest.raises(TimeoutError):
        in_time(lambda: all(True for _ in iter(int, 1)), 0.5)  # without end
