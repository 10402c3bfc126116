"""A traceback is read whatever stands before its lines, and whoever writes between them."""

from __future__ import annotations

import pytest
from dry_debug.triage.pasted import Frame, read
from dry_debug.triage.routing import route

LINES = (
    "Traceback (most recent call last):",
    r'  File "C:\jobs\train.py", line 12, in main',
    "    loss.backward()",
    '  File "/env/lib/python3.11/site-packages/torch/_tensor.py", line 492, in backward',
    "    torch.autograd.backward(",
    "RuntimeError: CUDA error: device-side assert triggered",
)
OWN = Frame(r"C:\jobs\train.py", 12, "main")


@pytest.mark.parametrize(
    "before",
    [
        "", "> ", "[rank3]: ", "[default0]:", "[rank1]:[default1]: ", "(EngineCore pid=3) ", "3: ", "node7: ",
        "2026-08-01T10:00:00.123456Z ", "2026-08-01 10:00:00,123 | ERROR | ",
        "Aug 17 18:42:18 gpu3 python[8052]: ", "Aug 17 18:42:18 gpu3 vllm[8052]: (APIServer pid=8052) ",
        "\x1b[36m(train_fn pid=123)\x1b[0m ", "ERROR 05-06 01:55:26 [core.py:383] ",
    ],
)  # fmt: skip
def test_a_prefix_of_every_line_is_taken_off(before: str) -> None:
    routing = route("\n".join(before + line for line in LINES))
    assert routing.symptoms == ("C-02",)
    assert routing.frame == OWN


def test_ranks_that_write_between_each_other_are_told_apart() -> None:
    other = (
        "Traceback (most recent call last):",
        '  File "/w/b.py", line 77, in g',
        "    dist.barrier()",
        '  File "/env/lib/python3.11/site-packages/torch/distributed/c10d.py", line 9, in barrier',
        "    return work",
        "torch.distributed.DistBackendError: NCCL error in: x.cpp",
    )
    mixed = [line for pair in zip(LINES, other, strict=True) for line in (f"0: {pair[0]}", f"1: {pair[1]}")]
    taken = read("\n".join(mixed))
    assert [item.own_frame for item in taken.raised] == [OWN, Frame("/w/b.py", 77, "g")]
    routing = route("\n".join(mixed))
    assert routing.frame == OWN and routing.symptoms == ("C-02", "C-62")


def test_very_many_sources_are_read_as_one() -> None:
    text = "\n".join(f"[rank{number}]: RuntimeError: CUDA out of memory" for number in range(3000))
    assert route(text).symptoms == ("C-01",)


def test_words_before_a_header_are_no_prefix() -> None:
    text = "The scheduler hit an exception: " + "\n".join(LINES)
    assert route(text).frame == OWN


def test_the_box_of_rich_is_opened() -> None:
    text = """
╭──────────────── Traceback (most recent call last) ────────────────╮
│ /w/train.py:12 in main                                             │
│                                                                    │
│    11 │   for batch in loader:                                     │
│ ❱  12 │   │   loss.backward()                                      │
│                                                                    │
│ /env/lib/python3.11/site-packages/torch/_tensor.py:492 in backward │
╰────────────────────────────────────────────────────────────────────╯
RuntimeError: CUDA error: device-side assert triggered
"""
    routing = route(text)
    assert routing.symptoms == ("C-02",) and routing.frame == Frame("/w/train.py", 12, "main")


def test_a_traceback_without_its_exception_still_names_the_own_frame() -> None:
    routing = route("\n".join(LINES[:-1]))
    assert routing.stops == () and routing.question
    assert routing.frame == OWN


def test_the_exception_that_was_raised_while_another_was_handled_leads() -> None:
    first = "Traceback (most recent call last):\n  File \"/w/cfg.py\", line 3, in get\n    x\nKeyError: 'lr'\n"
    link = "\nDuring handling of the above exception, another exception occurred:\n\n"
    routing = route(first + link + "\n".join(LINES))
    assert routing.frame == OWN and routing.symptoms[0] == "C-02"


def test_ten_megabytes_end_soon_and_their_last_line_is_read() -> None:
    noise = "\n".join(f"2026-01-01 10:00:00 step {number} loss: {number * 0.37:.4f}" for number in range(200_000))
    assert route(noise + "\n" + "\n".join(LINES)).frame == OWN
