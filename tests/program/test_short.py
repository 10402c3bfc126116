"""How a message shows code that goes over several lines."""

import ast

import pytest

from tests.program.model import program


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("f(a, b)", "f(a, b)"),
        ("f(\n    a,\n    b,\n)", "f(a, b)"),
        ("f(\n    a, b)", "f(a, b)"),
        ("f([\n    1,\n    2\n], {\n'a':\n 1})", "f([1, 2], {'a': 1})"),
        ("f(  # why\n    a)", "f( # why a)"),
        ("f(a,\n  'b   c')", "f(a, 'b c')"),
        ("first_function_of_many(second, third, fourth)", "first_function_of_many(second, third, f…"),
    ],
)
def test_short(text: str, shown: str) -> None:
    model = program(text)
    call = model.tree.body[0].value  # type: ignore[attr-defined]
    assert isinstance(call, ast.Call)
    assert model.short(call) == shown
