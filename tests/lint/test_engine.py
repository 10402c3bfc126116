"""The engine: what it does with code that cannot be read, with rules that fail, with settings."""

from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells

LOAD = 'import torch\nmodel = torch.nn.Linear(1, 1).cuda()\nmodel.load_state_dict(torch.load("m.pt"))\n'


def test_a_syntax_error_is_one_finding_at_its_line() -> None:
    (finding,) = analyse(Document.from_text("x = 1\ny = (\n")).findings
    assert (finding.rule, finding.severity, finding.confidence) == ("syntax-error", "critical", "high")
    assert finding.span.start == 6


def test_a_template_of_a_project_generator_is_not_a_syntax_error() -> None:
    text = "import {{cookiecutter.package}}\n"
    assert not analyse(Document.from_text(text, "{{cookiecutter.package}}/__init__.py")).findings
    assert analyse(Document.from_text(text, "package/__init__.py")).findings


def test_a_broken_cell_does_not_hide_the_others() -> None:
    document = from_cells([NotebookCell(1, LOAD), NotebookCell(2, "for x in"), NotebookCell(3, "y = 1 +")], "n.ipynb")
    result = analyse(document)
    assert [(f.rule, document.position(f.span.start).cell) for f in result.findings] == [
        ("unmapped-checkpoint-load", 1),
        ("syntax-error", 2),
        ("syntax-error", 3),
    ]


def test_installing_a_package_without_a_percent_sign_is_no_syntax_error() -> None:
    cells = [NotebookCell(1, "pip install -r requirements.txt\nimport torch"), NotebookCell(2, "install = pip = 1\n")]
    assert not analyse(from_cells(cells, "n.ipynb")).findings
    (finding,) = analyse(from_cells([NotebookCell(1, "pip list of")], "n.ipynb")).findings
    assert finding.rule == "syntax-error"


def test_names_flow_from_cell_to_cell() -> None:
    lines = LOAD.splitlines()
    document = from_cells([NotebookCell(n, text) for n, text in enumerate(lines, 1)], "n.ipynb")
    (finding,) = analyse(document).findings
    assert document.position(finding.span.start).cell == 3


def test_a_severity_from_the_settings_wins() -> None:
    document = Document.from_text(LOAD)
    for key in ("unmapped-checkpoint-load", "CKPT010"):
        (finding,) = analyse(document, settings=Settings(severity={key: "critical"})).findings
        assert finding.severity == "critical"
        assert not analyse(document, settings=Settings(severity={key: "off"})).findings


def test_only_selected_rules_run() -> None:
    document = Document.from_text(LOAD)
    assert analyse(document, settings=Settings(select=("CKPT",))).findings
    assert not analyse(document, settings=Settings(select=("LOOP",))).findings
    assert not analyse(document, settings=Settings(ignore=("unmapped-checkpoint-load",))).findings


def test_deep_nesting_is_a_problem_and_not_a_crash() -> None:
    result = analyse(Document.from_text("x = " + "(" * 5000 + ")" * 5000))
    assert result.findings or result.problems
