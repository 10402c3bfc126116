"""The variables of a file that hold one object."""

from __future__ import annotations

import pytest
from dry_debug.program.same_object import everywhere, onward, origin

from tests.program.model import program

FILE = """
class Net:
    def __init__(self):
        {init}
    def fill(self, rows):
        rows.append(1)
    def give(self):
        mine = []
        return 1, mine
def make():
    made = []
    return made
def hand_on(kept, other):
    add(kept)
def add(row):
    row.append(2)
"""


@pytest.mark.parametrize(
    ("init", "before", "behind"),
    [
        ("x = []", "__init__.x", []),
        ("x = []; self.fill(x)", "__init__.x", ["fill.rows"]),
        ("x = []; hand_on(x, 1)", "__init__.x", ["hand_on.kept", "add.row"]),
        ("x = []; hand_on(1, x)", "__init__.x", ["hand_on.other"]),
        ("x = []; hand_on(*x)", "__init__.x", []),
        ("x = make()", "make.made", ["__init__.x"]),
        ("n, x = self.give(); add(row=x)", "give.mine", ["__init__.x", "add.row"]),
        ("x, n = self.give()", "__init__.x", []),  # the first of the two is no variable
        ("x = make(); x = []", "__init__.x", []),
    ],
)
def test_where_an_object_comes_from_and_goes(init: str, before: str, behind: list[str]) -> None:
    index = program(FILE.format(init=init)).index
    scope = next(f for f in index.functions if f.name == "__init__")
    found = [f"{where.name}.{name}" for where, name in everywhere(index, scope, "x")]
    assert found == [before, *behind]
    where, name = origin(index, scope, "x")
    assert f"{where.name}.{name}" == before


def test_a_function_that_two_call_is_no_way_back() -> None:
    index = program("def a():\n    x = []\n    c(x)\ndef b():\n    c(1)\ndef c(y):\n    return y\n").index
    a, _, c = index.functions
    assert origin(index, c, "y") == (c, "y")
    assert onward(index, a, "x") == [(a, "x"), (c, "y")]
