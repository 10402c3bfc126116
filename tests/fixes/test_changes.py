"""Edits of several files as one fix."""

from dry_debug.fixes.changes import Changes
from dry_debug.lint.finding import NeedHelper, NeedImport
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit


def program(text: str, path: str = "main.py") -> Program:
    document = Document.from_text(text, path)
    tree = parse(document)
    return Program(document, tree, NullHost())  # type: ignore[arg-type]


def test_insertions_at_one_place_keep_their_order() -> None:
    changes = Changes(program("x = 1\n"))
    changes.insert(0, "a = 1\n")
    changes.insert(0, "b = 2\n")
    fix = changes.fix("Add both")
    assert fix is not None and fix.edits == (TextEdit(Span(0, 0), "a = 1\nb = 2\n"),)


def test_what_another_file_needs_is_part_of_its_edits() -> None:
    own, other = program("x = 1\n"), program("import torch\n\ny = 2\n", "other.py")
    changes = Changes(own)
    changes.replace(Span(4, 5), "3")
    changes.replace(Span(18, 19), "os.sep", other)
    changes.need(NeedImport("os"), program=other)
    fix = changes.fix("Change both")
    assert fix is not None and fix.needs == ()
    ((path, edits),) = fix.elsewhere
    assert path == "other.py" and TextEdit(Span(0, 0), "import os\n\n") in edits


def test_a_fix_that_would_not_parse_is_no_fix() -> None:
    changes = Changes(program("x = 1\n"))
    changes.replace(Span(4, 5), "(")
    assert changes.fix("Break it") is None


def test_a_name_that_is_taken_makes_no_fix() -> None:
    changes = Changes(program("os = 1\n"))
    changes.insert(0, "y = 2\n")
    changes.need(NeedImport("os"))
    assert changes.fix("Use os") is None


def test_a_helper_is_put_once() -> None:
    changes = Changes(program("x = 1\n"))
    for _ in range(2):
        changes.need(NeedHelper("f", "def f():\n    return 1"))
    changes.insert(6, "y = f()\n")
    fix = changes.fix("Call it")
    assert fix is not None and len(fix.needs) == 1


def test_lines_move_in_with_what_is_inserted_into_them() -> None:
    text = "f(\n  1,\n)\n"
    changes = Changes(program(text))
    changes.insert(6, ",\n  2")
    changes.indent(Span(0, 9), "    ")
    fix = changes.fix("Move in")
    assert fix is not None
    from dry_debug.text.spans import apply_edits

    assert apply_edits(text, fix.edits) == "f(\n      1,\n      2,\n    )\n"
