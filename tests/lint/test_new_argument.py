"""Where a new argument goes, and how it is laid out."""

from __future__ import annotations

import ast

import pytest
from dry_debug.lint.new_argument import argument_added

from tests.program.model import program


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()", "f(k=1)"),
        ("f(a)", "f(a, k=1)"),
        ("f(a, )", "f(a, k=1, )"),
        ("f((a))", "f((a), k=1)"),
        ("f(a,\n  b)", "f(a,\n  b,\n  k=1)"),
        ("f(\n    a,\n    b=2,\n)", "f(\n    a,\n    b=2,\n    k=1,\n)"),
        ("f(\r\n\ta,\r\n)", "f(\r\n\ta,\r\n\tk=1,\r\n)"),
        ("f(\n    a,  # why a\n)", "f(\n    a,  # why a\n    k=1,\n)"),
        ("f(\n    a  # why a\n)", "f(\n    a, k=1  # why a\n)"),
        ("f(\n    a, b,\n)", "f(\n    a, b, k=1,\n)"),
    ],
)
def test_an_argument_is_laid_out_as_the_others(before: str, after: str) -> None:
    model = program(before)
    call = next(node for node in ast.walk(model.tree) if isinstance(node, ast.Call))
    edit = argument_added(model, call, "k=1")
    source = model.document.source
    assert source[: edit.span.start] + edit.content + source[edit.span.end :] == after
