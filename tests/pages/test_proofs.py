"""The proofs on the pages, with real PyTorch; and the worker that runs them, with a stand-in."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.pages.cases import PAGES
from tests.pages.page import parse
from tests.pages.proofs import outcomes, python_with_torch, request, run_all

REQUESTS = [request(page, proof) for page in PAGES for proof in page.proofs]


@pytest.mark.slow
@pytest.mark.parametrize("item", [str(item["id"]) for item in REQUESTS])
def test_the_consequence_that_a_page_claims_happens(item: str) -> None:
    python = python_with_torch()
    if python is None:
        if os.environ.get("DRY_DEBUG_PROOFS") == "required":
            pytest.fail("proofs are required and PyTorch is not installed")
        pytest.skip("PyTorch is not installed")
    error = run_all(python, json.dumps(REQUESTS))[item]
    if error is not None and error.startswith("missing: "):
        pytest.skip(f"a library is not installed: {error}")
    assert error is None, error


STAND_IN = """
float32 = "float32"
seeded = 0
def manual_seed(n):
    global seeded
    seeded += 1
def set_grad_enabled(on): pass
def set_default_dtype(kind): pass
def use_deterministic_algorithms(on): pass
def set_num_threads(n): pass
"""


def prove(tmp_path: Path, proof: str, bad: str = "x = 1  # warning: some-rule") -> str | None:
    (tmp_path / "torch.py").write_text(STAND_IN)
    text = f"# some-rule\n\n```python\n{bad}\n```\n```python fixed\nx = 2\n```\n```python proof\n{proof}\n```\n"
    page = parse(tmp_path / "family" / "some_rule.md", text)
    item = request(page, page.proofs[0])
    return outcomes(sys.executable, [item], {"PYTHONPATH": str(tmp_path)})[str(item["id"])]


def test_a_proof_gets_both_blocks_without_marks_and_runs_them(tmp_path: Path) -> None:
    proof = 'assert bad == "x = 1\\n" and run(bad)["x"] == 1\nassert run(fixed, y=3)["x"] == 2 and torch.seeded > 1'
    assert prove(tmp_path, proof) is None


def test_a_proof_that_does_not_hold_says_where(tmp_path: Path) -> None:
    error = prove(tmp_path, 'space = run(bad)\nassert space["x"] == 5')
    assert error is not None and 'assert space["x"] == 5' in error and "some_rule.md" in error


def test_a_failure_inside_the_block_is_seen_through_raised(tmp_path: Path) -> None:
    assert prove(tmp_path, "assert isinstance(raised(run, bad + 'y = 1 / 0'), ZeroDivisionError)") is None


def test_projects_run_in_a_folder_of_their_own_and_leave_no_modules(tmp_path: Path) -> None:
    proof = (
        "import sys\n"
        'files = {"main.py": "import part\\ny = part.z", "part.py": "z = 7"}\n'
        'assert run_project(files)["y"] == 7 and "part" not in sys.modules and bad_files["main.py"]\n'
        'assert run("import gone\\nz = gone", modules={"gone": 3})["z"] == 3 and "gone" not in sys.modules'
    )
    assert prove(tmp_path, proof) is None


def test_a_proof_cannot_use_the_network(tmp_path: Path) -> None:
    proof = "import socket\nbad\nassert 'network' in str(raised(socket.create_connection, ('127.0.0.1', 9)))"
    assert prove(tmp_path, proof) is None


def test_a_proof_that_needs_a_library_says_that_it_is_missing(tmp_path: Path) -> None:
    assert prove(tmp_path, 'needs("json", "no_such_library")\nassert bad is None') == "missing: no_such_library"
    assert prove(tmp_path, 'needs("json")\nassert bad') is None


def test_a_proof_that_ends_the_process_does_not_pass(tmp_path: Path) -> None:
    error = prove(tmp_path, "import os\nassert bad\nos._exit(0)")
    assert error is not None and "ended before" in error
