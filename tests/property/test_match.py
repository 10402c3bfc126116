"""What counts as the same: found again at its place, or told in another file as well, each pointing at the other."""

from __future__ import annotations

import ast

import pytest

from tests.property.match import difference
from tests.property.origins import Project
from tests.property.samples import Said

LOSS, MODEL = ("main.py", 2), ("nets.py", 1)
RENDERED = Project({name: ast.parse("a = 1\nb = 2") for name in ("main.py", "nets.py")}, {})
for name, tree in RENDERED.trees.items():
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.places = frozenset({(name, node.lineno)})  # type: ignore[attr-defined]


def said(place: tuple[str, int], points_at: tuple[str, int], cause: str = "one", level: str = "critical") -> Said:
    return Said(*place, 0, "rule", level, cause, frozenset({(*points_at, 0)}))


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ([said(LOSS, MODEL)], ""),
        ([], "lost main.py:2 critical rule"),
        ([said(LOSS, MODEL, level="warning")], "lost main.py:2 critical rule; new main.py:2 warning rule"),
        ([said(LOSS, MODEL), said(MODEL, LOSS)], ""),
        ([said(MODEL, LOSS)], ""),  # of the helper, told in the file that calls it
        ([said(MODEL, LOSS, level="warning")], "lost main.py:2 critical rule; new nets.py:1 warning rule"),
        ([said(MODEL, ("main.py", 1))], "lost main.py:2 critical rule; new nets.py:1 critical rule"),
        ([said(("main.py", 1), LOSS)], "lost main.py:2 critical rule; new main.py:1 critical rule"),
        ([said(MODEL, LOSS), said(MODEL, LOSS)], "new nets.py:1 critical rule"),
        ([said(LOSS, MODEL), said(MODEL, LOSS, "two")], "new nets.py:1 critical rule"),
        ([said(LOSS, MODEL), said(MODEL, ("main.py", 1))], "new nets.py:1 critical rule"),
        ([said(LOSS, ("nets.py", 2)), said(MODEL, LOSS)], "new nets.py:1 critical rule"),
        ([said(LOSS, MODEL), said(MODEL, LOSS, level="warning")], "new nets.py:1 warning rule"),
        ([said(LOSS, MODEL), said(("main.py", 1), LOSS)], "new main.py:1 critical rule"),
    ],
)
def test_difference(after: list[Said], words: str) -> None:
    assert difference([(LOSS, "rule", "critical")], RENDERED.render()[1], after) == words
