"""Jobs for the worker: a run as a whole, and the same run stopped and taken up again by a new process."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.pages.proofs import python_with_torch

WORKER = Path(__file__).with_name("worker.py")
ALL, SOME = 5, 2  # epochs of the whole run, and after which it is stopped


def run(jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What came of the jobs, each run in a process of its own, one after the other."""
    python = python_with_torch()
    if python is None:
        if os.environ.get("DRY_DEBUG_PROOFS") == "required":
            pytest.fail("proofs are required and PyTorch is not installed")
        pytest.skip("PyTorch is not installed")
    quiet = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, str(WORKER)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env={**os.environ, **quiet},
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(jobs), done.stderr[-2000:]
    return answers


def folder(parent: Path, name: str, files: dict[str, str]) -> str:
    """A new folder with the files."""
    path = parent / name
    path.mkdir()
    for file, text in files.items():
        (path / file).write_text(text, "utf-8")
    return str(path)


def lines(answer: dict[str, Any], first: int = 0, rank: int = 0) -> list[str]:
    """What a run, on one of its ranks, printed of its epochs from `first` on, and of its end."""
    found = []
    for line in answer["ranks"][rank].splitlines():
        epoch = re.match(r"[A-Z]+ (\d+) ", line)
        if epoch is None or int(epoch[1]) >= first:
            found.append(line)
    return found


def stopped(parent: Path, name: str, files: dict[str, str], workers: int, **more: Any) -> list[dict[str, Any]]:
    """Jobs: the whole run; in another folder the run until it is stopped, and the rest of it."""
    straight, split = folder(parent, f"{name} straight", files), folder(parent, f"{name} split", files)
    places = [(straight, ALL), (split, SOME), (split, ALL)]
    return [
        {"folder": place, "main": "main.py", "argv": [str(epochs), str(workers)], **more} for place, epochs in places
    ]
