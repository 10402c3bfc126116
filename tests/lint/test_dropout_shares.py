"""How grave a functional dropout is whose share a module keeps from an argument."""

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.text.document import Document

MODULE = """import torch.nn as nn
import torch.nn.functional as F


class Mixing(nn.Module):
    def __init__(self, width, {argument}):
        super().__init__()
        self.share = {kept}
        self.out = nn.Linear(width, width)

    def forward(self, q, k, v):
        return self.out(F.scaled_dot_product_attention(q, k, v, dropout_p=self.share))
"""


@pytest.mark.parametrize(
    ("argument", "kept", "severity"),
    [
        ("drop=0.0", "drop", "warning"),
        ("drop=0", "drop", "warning"),
        ("drop=0.1", "drop", "critical"),
        ("drop", "drop", "critical"),
        ("drop=0.0", "0.2", "critical"),
    ],
)
def test_a_share_that_is_0_by_default_is_less_grave(argument: str, kept: str, severity: str) -> None:
    text = MODULE.format(argument=argument, kept=kept)
    (found,) = analyse(Document.from_text(text), settings=Settings(select=("eval-time-dropout",))).findings
    assert found.severity == severity
    assert ("where `drop` is not 0" in found.message) is (severity == "warning")
