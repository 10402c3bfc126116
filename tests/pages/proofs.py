"""All proofs of the pages, run by one process that imports PyTorch once."""

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.pages.page import Page, Proof

WORKER = Path(__file__).with_name("proof_worker.py")


def python_with_torch() -> str | None:
    """The interpreter that runs proofs: `DRY_DEBUG_PROOF_PYTHON`, or this one if it has PyTorch."""
    chosen = os.environ.get("DRY_DEBUG_PROOF_PYTHON")
    if chosen:
        return chosen
    return sys.executable if importlib.util.find_spec("torch") else None


def request(page: Page, proof: Proof) -> dict[str, object]:
    """What the worker has to know of one proof."""
    example = page.examples[proof.example - 1]
    return {
        "id": f"{page.name}:{proof.page_line}",
        "code": proof.text,
        "bad": example.texts(),
        "fixed": example.fixed_texts() if example.fixed else None,
        "where": f"<proof at {page.path.name}:{proof.page_line}>",
    }


def outcomes(
    python: str, requests: Sequence[dict[str, object]], environment: dict[str, str] | None = None
) -> dict[str, str | None]:
    """The error (None, or `missing: LIBRARY`) of each proof by id. What is not in the answer died with the process."""
    quiet = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    env = {**os.environ, **quiet, **(environment or {})}
    done = subprocess.run(
        [python, str(WORKER)], input=json.dumps(requests), capture_output=True, text=True, env=env, check=False
    )
    answers: dict[str, str | None] = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        answers[answer["id"]] = answer["error"]
    for item in requests:
        answers.setdefault(str(item["id"]), f"the process ended before this proof was done:\n{done.stderr[-3000:]}")
    return answers


@functools.cache
def run_all(python: str, requests: str) -> dict[str, str | None]:
    """`outcomes` once for all tests of a session; `requests` is JSON so that it can be remembered."""
    return outcomes(python, json.loads(requests))
