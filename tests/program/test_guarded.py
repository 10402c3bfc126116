"""Whether code is prepared for an exception: around the statement, or around every call of its function."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.guarded import caught

from tests.program.model import program

_HELPER = """
def show():
    print(np.zeros(3))
"""


def _caught(text: str) -> bool:
    model = program(text)
    stmt = next(s for s in ast.walk(model.tree) if isinstance(s, ast.Expr) and "np." in ast.unparse(s))
    return caught(model, stmt, ("NameError",))


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("try:\n    show()\nexcept NameError:\n    pass\n", True),
        ("def outer():\n    show()\n\ntry:\n    outer()\nexcept (NameError, ValueError):\n    pass\n", True),
        ("try:\n    show()\nexcept NameError:\n    pass\nshow()\n", False),
        ("try:\n    show()\nexcept NameError:\n    raise\n", False),
        # That a run has failed is told; nobody is prepared for the name.
        ("try:\n    show()\nexcept Exception as error:\n    print(error)\n", False),
        ("", False),
        ("def again():\n    show()\n    again()\n", False),
    ],
)
def test_around_every_call(rest: str, expected: bool) -> None:
    assert _caught(_HELPER + rest) is expected


def test_around_the_statement_any_exception_counts() -> None:
    assert _caught("try:\n    print(np.zeros(3))\nexcept Exception:\n    pass\n")
    assert not _caught("print(np.zeros(3))\n")
