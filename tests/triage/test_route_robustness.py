"""Whatever is pasted, routing ends, in time proportional to the text."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

import pytest
from dry_debug.triage.pasted import read
from dry_debug.triage.report import as_data, as_lines
from dry_debug.triage.routing import route
from hypothesis import given, settings
from hypothesis import strategies as st

PIECES = (
    "Traceback (most recent call last):", '  File "a.py", line 3, in f', "    x = 1", "ValueError: bad", "RuntimeError",
    "During handling of the above exception, another exception occurred:", "[rank0]: ", "(EngineCore pid=3) ", "  | ",
    "Cell In[2], line 4", "----> 4 y", "<ipython-input-1-ab> in g()", "```python", "```", "", "\t", "loss: nan", "OOM",
    "> ",
    "CUDA out of memory", "slow", "not ", "custom layer", "gradients", "\x1b[31m", "\ufeff", "\x00",
    "2026-01-01 INFO x",
    "/a/b.py in h(x)", "Original Traceback (most recent call last):", 'File "', '", line ', "no ", "?", "should I use",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(["\n", "\r\n", " ", ""]))
@settings(max_examples=300, deadline=None)
def test_pieces_in_any_order_give_stops_or_one_question(pieces: list[str], glue: str) -> None:
    routing = route(glue.join(pieces))
    assert bool(routing.stops) != bool(routing.question)
    assert routing == route(glue.join(pieces))
    json.dumps(as_data(routing, []))
    assert as_lines(routing, [], lambda _, text: text)


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_stops_or_one_question(text: str) -> None:
    routing = route(text)
    assert bool(routing.stops) != bool(routing.question)


@given(st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_bytes_read_as_text_do_not_matter(data: bytes) -> None:
    text = data.decode("utf-8", "replace") + "\nRuntimeError: CUDA error: device-side assert triggered"
    routing = route(text)
    assert bool(routing.stops) != bool(routing.question)


def test_an_error_between_binary_lines_is_found() -> None:
    noise = bytes(range(256)) * 20
    text = noise.decode("latin-1") + "\n\nIndexError: index out of range in self\n\n" + noise.decode("utf-8", "replace")
    assert "C-04" in route(text).symptoms


def test_a_broken_surrogate_is_no_obstacle() -> None:
    assert "C-11" in route("\ud800 loss is nan \udfff").symptoms


def _mixed(size: int) -> str:
    words = [*" ".join(PIECES).split(), "resume", "checkpoint", "results", "differ", "memory", "grows", "gpu", "0"]
    chance = random.Random(0)
    lines = (" ".join(chance.choice(words) for _ in range(12)) for _ in range(size // 60))
    return "\n".join(lines)


def _log(size: int) -> str:
    lines = (f"2026-01-01 10:00 step {i} loss: {i * 0.37:.6f} lr {i * 1e-9:.3e} memory {i}" for i in range(size // 60))
    return "\n".join(lines)


LARGE: dict[str, Callable[[int], str]] = {
    "mixed lines": _mixed,
    "a log": _log,
    "one long line": lambda size: _mixed(size).replace("\n", " "),
    "one letter": lambda size: "a" * size,
    "blanks": lambda size: " \n" * (size // 2),
    "dotted names": lambda size: ("Ab.cd." * 20 + "\n") * (size // 121),
    "brackets": lambda size: ("(" * 60 + "[" * 60 + "\n") * (size // 121),
    "frames": lambda size: ('  File "' + "x/" * 40 + 'a.py", line 3, in f\n') * (size // 110),
    "headers": lambda size: "Traceback (most recent call last):\n" * (size // 35),
    "different errors": lambda size: "".join(f"ValueError: thing {i} is bad\n" for i in range(size // 30)),
    "words of a pattern": lambda size: "".join(f"my custom layer {i} is weird\n" for i in range(size // 28)),
    "quotes": lambda size: "'RuntimeError: " * (size // 15),
}


@pytest.mark.parametrize("kind", LARGE)
def test_time_grows_with_the_text_and_not_faster(kind: str) -> None:
    def seconds(text: str) -> float:
        best = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            route(text)
            best = min(best, time.perf_counter() - began)
        return best

    small, large = LARGE[kind](120_000), LARGE[kind](960_000)
    # Eight times the text: linear is 8, quadratic 64. The constant covers what does not depend on the text.
    assert seconds(large) < 24 * (seconds(small) + 0.01)


def test_repeated_lines_and_errors_are_kept_once() -> None:
    text = "RuntimeError: CUDA out of memory\n\nstep done\n\n" * 1000
    taken = read(text)
    assert len(taken.raised) == 1 and taken.lines == "step done"
