"""What is known of GPUs by their names."""

from __future__ import annotations

import pytest
from dry_debug.program.gpus import gpu_named


@pytest.mark.parametrize(
    ("written", "name"),
    [("A100", "A100"), ("4090", "RTX 4090"), ("RTX 3060", "RTX 3060"), ("NVIDIA T4", "T4"), ("l40s", "L40S"),
     ("A100s", "A100"), ("A6000", "RTX A6000"), ("3080Ti", "RTX 3080 Ti"), ("MI300X", None), ("", None)],
)  # fmt: skip
def test_cards_by_what_people_call_them(written: str, name: str | None) -> None:
    found = gpu_named(written)
    assert (found.name if found is not None else None) == name
