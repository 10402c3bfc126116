"""Where instructions stand: files, comments, docstrings, READMEs; and what only looks like them."""

import ast

import pytest
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.project.host import ProjectHost
from dry_debug.spec.ambient import asked_of
from dry_debug.text.document import Document

ROOT = "/nowhere/sources"
DOCSTRING = '"""Trains a net.\n\nTask: seed 5, lr 1e-3.\n\nIt was made with batch size 8.\n"""\n'


def asked(
    code: str, files: dict[str, str] | None = None, path: str = "train.py"
) -> list[tuple[str, str, str, int, bool]]:
    """(field, asked, file, line, explicit) of everything that is asked of `code`."""
    document = Document.from_text(code, f"{ROOT}/{path}")
    tree = parse(document)
    assert isinstance(tree, ast.Module)
    host = ProjectHost(ROOT, {f"{ROOT}/{name}": text for name, text in (files or {}).items()})
    found = asked_of(Program(document, tree, host))
    return [(i.field, i.asked, i.path.removeprefix(ROOT + "/"), i.line, i.explicit) for i in found]


@pytest.mark.parametrize("name", ["INSTRUCTIONS.md", "TASK.md", "SPEC.md", ".dry-debug/instructions.md"])
def test_files_of_instructions_are_explicit(name: str) -> None:
    assert asked("import torch\n", {name: "\nseed 3\n"}) == [("seed", "3", name, 2, True)]


def test_the_nearest_file_wins_and_farther_ones_fill_in() -> None:
    files = {"SPEC.md": "seed 1, lr 1e-3\n", "a/TASK.md": "seed 2\n"}
    found = asked("import torch\n", files, "a/train.py")
    assert {(f, v, p) for f, v, p, _, _ in found} == {("seed", "2", "a/TASK.md"), ("learning_rate", "1e-3", "SPEC.md")}


def test_an_explicit_source_wins_over_ambient_ones() -> None:
    found = asked("# as asked: lr 2e-4, 3 epochs\nimport torch\n", {"TASK.md": "lr 1e-3\n"})
    assert {(f, v, e) for f, v, _, _, e in found} == {("learning_rate", "1e-3", True), ("epochs", "3", False)}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import torch\nbs = 8  # spec: batch_size = 16\n", [("batch_size", "16", 2)]),
        ("# as asked: lr 2e-4, 3 epochs\n", [("learning_rate", "2e-4", 1), ("epochs", "3", 1)]),
        ("# Spec:\n# - lr 2e-4\n# - seed 3\nx = 1\n", [("learning_rate", "2e-4", 2), ("seed", "3", 3)]),
        (DOCSTRING, [("learning_rate", "1e-3", 3), ("seed", "5", 3)]),
        ('"""Trains with lr 1e-3 and batch size 16.\n\npython train.py --epochs 9\n"""\n', []),
        ("lr = 1  # special: batch size 16\n", []),
        ("text = '# spec: batch_size = 16'\n", []),
        ("# the loss is masked: batch size 16\n", []),
        ("# Asked of the model that was saved: batch size 16\n", []),
        ("# asked of the model, with batch size 16, so that it fits\n", []),
        ("# Requested a seed 7 above, and got it\nx = 1\n", []),
        ("# asked for batch size 16\n", [("batch_size", "16", 1)]),
    ],
)  # fmt: skip
def test_comments_and_docstrings_ask_only_where_they_say_so(code: str, expected: list[tuple[str, str, int]]) -> None:
    assert [(f, v, line) for f, v, _, line, explicit in asked(code) if not explicit] == expected


def test_a_readme_asks_only_in_its_section() -> None:
    text = "# Net\n\nWe trained it with lr 1.0.\n\n## Instructions\n\nseed 4\n\n## Results\n\nlr 9\n"
    found = asked("import torch\n", {"README.md": text})
    assert [(f, v, line, e) for f, v, _, line, e in found] == [("seed", "4", 7, False)]
    assert asked("import torch\n", {"README.md": "# Net\n\n## Usage\n\nlr 1e-3, batch size 9\n"}) == []


def test_a_command_for_another_script_of_the_project_asks_nothing_of_this_one() -> None:
    text = "python train.py --lr 0.3\n\npython {other} --lr 0.7 \\\n  --epochs 9\n\nSeed 3.\n"
    files = {"SPEC.md": text.format(other="probe.py"), "probe.py": "x = 1\n"}
    assert {(f, v) for f, v, *_ in asked("import torch\n", files)} == {("learning_rate", "0.3"), ("seed", "3")}
    files = {"SPEC.md": text.format(other="elsewhere.py"), "probe.py": "x = 1\n"}
    found = {(f, v) for f, v, *_ in asked("import torch\n", files)}
    assert found == {("learning_rate", "0.7"), ("epochs", "9"), ("seed", "3")}
