"""New statements are put into lines of their own, in the file's own style."""

import ast

import pytest
from dry_debug.lint.new_lines import line_after, line_before, under
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.text.document import Document
from dry_debug.text.spans import apply_edits


def program_of(source: str) -> Program:
    document = Document.from_text(source)
    tree = parse(document)
    assert isinstance(tree, ast.Module)
    return Program(document, tree, NullHost())


def statement(program: Program, text: str) -> ast.stmt:
    return next(n for n in ast.walk(program.tree) if isinstance(n, ast.stmt) and program.text(n) == text)


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("a\nb\n", "a\nnew\nb\n", "a\nb\nnew\n"),
        ("a\nb", "a\nnew\nb", "a\nb\nnew"),
        ("if x:\n\tb\n", "if x:\n\tnew\n\tb\n", "if x:\n\tb\n\tnew\n"),
        ("if x:\r\n    b\r\nc\r\n", "if x:\r\n    new\r\n    b\r\nc\r\n", "if x:\r\n    b\r\n    new\r\nc\r\n"),
        ("b  # why\nc\n", "new\nb  # why\nc\n", "b  # why\nnew\nc\n"),
        ("a; b\n", "a; new; b\n", "a; b; new\n"),
        ("b; c\n", "new\nb; c\n", "b; new; c\n"),
        ("for x in y: b\n", "for x in y: new; b\n", "for x in y: b; new\n"),
        ("s = '\U0001f600'; b\n", "s = '\U0001f600'; new; b\n", "s = '\U0001f600'; b; new\n"),
    ],
)
def test_a_statement_gets_its_own_line(source: str, before: str, after: str) -> None:
    program = program_of(source)
    stmt = statement(program, "b")
    assert apply_edits(source, [line_before(program, stmt, "new")]) == before
    edit = line_after(program, stmt, "new")
    assert edit is not None
    assert apply_edits(source, [edit]) == after


def test_nothing_is_put_behind_a_block() -> None:
    program = program_of("for x in y:\n    pass\n")
    assert line_after(program, program.tree.body[0], "new") is None


def test_before_a_decorated_function_means_before_its_decorators() -> None:
    source = "@wraps\n@again\ndef f(): ...\n"
    program = program_of(source)
    assert apply_edits(source, [line_before(program, program.tree.body[0], "new")]) == "new\n" + source


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        ("a\nb\n", "a\nif x:\n    new\nb\n"),
        ("if y:\n\tb\n", "if y:\n\tif x:\n\t    new\n\tb\n"),
        ("if y:\r\n    b\r\n", "if y:\r\n    if x:\r\n        new\r\n    b\r\n"),
    ],
)
def test_a_compound_statement_keeps_the_file_s_style_in_every_line(source: str, fixed: str) -> None:
    program = program_of(source)
    edit = line_before(program, statement(program, "b"), "if x:\n    new")
    assert apply_edits(source, [edit]) == fixed
    ast.parse(fixed)


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("b()\n", "if x:\n    b()\n"),
        ("def f():\n\tb()\n", "def f():\n\tif x:\n\t\tb()\n"),
        ("for a in c:\r\n  b(\r\n    1)  # why\r\n", "for a in c:\r\n  if x:\r\n    b(\r\n      1)  # why\r\n"),
        ("a; b()\n", None),
        ("b(); a\n", None),
        ("b('''\n1''')\n", None),
    ],
)
def test_a_statement_goes_under_a_line(source: str, after: str | None) -> None:
    program = program_of(source)
    stmt = next(n for n in ast.walk(program.tree) if isinstance(n, ast.Expr) and program.text(n).startswith("b("))
    edits = under(program, stmt, "if x:")
    assert (apply_edits(source, edits) if edits else None) == after
