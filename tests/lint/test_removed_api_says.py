"""What DEP004 says of the error, and that only what can be changed is marked as such."""

from __future__ import annotations

import pytest
from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.finding import Finding
from dry_debug.lint.settings import Settings
from dry_debug.program.host import NullHost
from dry_debug.text.document import Document


def told(source: str) -> tuple[Result, Finding]:
    result = analyse(Document.from_text(source, "run.py"), NullHost(), Settings())
    return result, next(finding for finding in result.findings if finding.rule == "removed-api")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import datasets\nrows = datasets.load_dataset('imdb', ignore_verifications=True)\n", "ValueError"),
        ("import torch\nx = torch.eig(torch.eye(2))\n", "RuntimeError"),
        ("import numpy as np\nx = np.float(1)\n", "AttributeError"),
        ("from datasets import load_metric\n", "ImportError"),
    ],
)
def test_the_error_that_is_named_is_the_one_that_comes(source: str, error: str) -> None:
    assert f"raises `{error}`" in told(source)[1].why


@pytest.mark.parametrize(
    ("source", "fixable"),
    [
        ("import numpy as np\nx = np.float(1)\n", True),
        ("import datasets\nrows = datasets.load_dataset('imdb', ignore_verifications=True)\n", False),
    ],
)
def test_what_is_marked_as_fixable_has_a_fix(source: str, fixable: bool) -> None:
    result, finding = told(source)
    assert finding.fixable is fixable
    assert (result.fix(finding) is not None) is fixable
