"""What asks whether a module trains or is evaluated."""

from __future__ import annotations

import pytest
from dry_debug.program.phases import chosen_by_phase, held_by_phase

from tests.program.model import program

HELPERS = """
def both(m, x):
    share = m.p if m.training else 0
    return share, x
def by_mode(m):
    if m.training:
        return m.p
    return 0
"""


def judged(body: str) -> tuple[bool, bool]:
    """Of the one call of `here`: whether a test about the phase stands before it, and whether its argument asks."""
    model = program(
        HELPERS + "class A:\n    def __init__(self):\n        self.p = 1\n    def forward(self, x):\n" + body
    )
    (call,) = [c for c in model.index.calls if model.text(c.func) == "here"]
    return held_by_phase(model, call), chosen_by_phase(model, call.args[0], call)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("        here(self.p)\n", (False, False)),
        ("        if self.training:\n            here(self.p)\n", (True, False)),
        ("        if not self.training:\n            return x\n        here(self.p)\n", (True, False)),
        ("        y = here(x) if self.training else x\n", (True, False)),
        ("        y = self.training and here(x)\n", (True, False)),
        ("        y = here(1 if self.training else 0)\n", (False, True)),
        ("        p = self.p if self.training else 0\n        here(p)\n", (False, True)),
        ("        p = 0\n        if self.training:\n            p = 1\n        here(p)\n", (False, True)),
        ("        if x:\n            here(x)\n", (False, False)),
        ("        p, y = both(self, x)\n        here(p)\n", (False, True)),
        ("        p, y = both(self, x)\n        here(y)\n", (False, False)),
        ("        here(by_mode(self))\n", (False, True)),
    ],
)
def test_what_asks_for_the_phase(body: str, expected: tuple[bool, bool]) -> None:
    assert judged(body) == expected
