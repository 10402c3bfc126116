"""Which of several places a program comes to first."""

from __future__ import annotations

import ast

from dry_debug.program.comes_first import ComesFirst
from dry_debug.program.program import Program

from tests.program.model import program


def _order(model: Program) -> list[int]:
    """The lines of the calls of `print`, first come first."""
    calls = [c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
    return [c.lineno for c in sorted(calls, key=ComesFirst(model))]


def test_a_function_runs_where_it_is_called_first() -> None:
    text = """
        def late():
            print(1)

        print(2)
        late()
        print(3)
        late()
        """
    assert _order(program(text)) == [5, 3, 7]


def test_through_several_functions_and_methods() -> None:
    text = """
        def inner():
            print(1)

        class Job:
            print(2)

            def run(self):
                inner()
                print(3)

        print(4)
        Job().run()
        print(5)
        """
    assert _order(program(text)) == [6, 12, 3, 10, 14]


def test_what_nobody_calls_comes_last_and_recursion_ends() -> None:
    text = """
        def one():
            print(1)
            two()

        def two():
            print(2)
            one()

        def alone():
            print(3)

        print(4)
        """
    assert _order(program(text))[0] == 13
    assert sorted(_order(program(text))) == [3, 7, 11, 13]
