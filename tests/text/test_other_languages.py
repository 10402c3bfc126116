"""Cells of a notebook that were never meant to be Python, and scripts of cells with magics."""

import ast

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.program.facts import facts
from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse, without_broken_cells
from dry_debug.program.program import Program
from dry_debug.text.document import Document, Problem
from dry_debug.text.notebook import NotebookCell, from_cells, plainly_no_python

OTHER = [
    "This is a note about the training run, not code.",
    "Epoch 1: loss 0.5\nEpoch 2: loss 0.4",
    "$ python train.py --lr 0.1",
    "<div>\n<b>hello</b>\n</div>",
    "{{cookiecutter.name}}",
    "cd data\nls\npip install foo",
    "# a comment first\n%%bash\nfor x in *; do echo $x; done",
    "git clone https://example.org/x.git\nmkdir -p out",
    "cd ..",
    "cd ../runs\nls .",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "下载 数据 然后 训练",
]
MEANT = [
    "lr = 0.1\nif x\n    y",
    "for x in loader\n    step(x)",
    'print "done"',
    "net = nn.Linear(4, 2",
    "def f(:\n    pass",
    "import torch as",
    "model.fit(x y)",
    "return if x",
    "x y",
]


@pytest.mark.parametrize("text", OTHER)
def test_what_is_plainly_no_python_is_no_syntax_error(text: str) -> None:
    assert plainly_no_python(text)
    document = from_cells([NotebookCell(1, "x = 1"), NotebookCell(2, text), NotebookCell(3, "y = 2")], "a.ipynb")
    result = analyse(document)
    assert result.findings == ()
    assert result.program is not None


@pytest.mark.parametrize("text", MEANT)
def test_what_was_meant_to_be_python_is_a_syntax_error(text: str) -> None:
    assert not plainly_no_python(text)
    document = from_cells([NotebookCell(1, "x = 1"), NotebookCell(2, text)], "a.ipynb")
    assert [finding.code for finding in analyse(document).findings] == ["DRY000"]


def test_facts_of_a_notebook_have_the_cell_and_the_line_in_it() -> None:
    texts = [
        "!pip install torch\nimport torch",
        "%%bash\nls",
        "for x in loader:\n    opt.zero_grad()\n    net(x).sum().backward()\n    opt.step()",  # run after the next
        "\nnet = torch.nn.Linear(2, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "loader = torch.utils.data.DataLoader(d)",
        "this is no code at all",
        "await net.wait()\nx = await other()",
    ]
    document = from_cells([NotebookCell(n, text) for n, text in enumerate(texts, 1)], "a.ipynb")
    tree = parse(document)
    assert isinstance(tree, Problem)
    document, rest, problems = without_broken_cells(document, tree)
    assert isinstance(rest, ast.Module) and problems == []
    found = facts(Program(document, rest, NullHost()))
    assert [(row["kind"], row["cell"], row["line"]) for row in found["components"]] == [
        ("model", 4, 2), ("optimizer", 4, 3), ("loader", 4, 4),
    ]  # fmt: skip
    assert found["components"][1]["covers"] == ["net"]
    assert [(row["kind"], row["cell"], row["line"], row["end_line"]) for row in found["loops"]] == [("batch", 3, 1, 4)]


def test_magics_in_a_script_of_cells_are_no_syntax_error() -> None:
    source = "# %%\n%matplotlib inline\n!ls\nimport os\n# %% second\nfiles = !ls\nx = 1\n"
    assert isinstance(parse(Document.from_text(source, "a.py")), ast.Module)
    assert isinstance(parse(Document.from_text(source.replace("# %%", "#"), "a.py")), Problem)
    assert isinstance(parse(Document.from_text(source + "if x\n", "a.py")), Problem)


def test_classifying_a_hostile_cell_is_quick() -> None:
    for text in ("a " * 100_000, "a" * 200_000, "cd " + "x" * 200_000 + "=", "a'" * 100_000, "|" * 100_000):
        plainly_no_python(text)
