"""What a notebook installs itself."""

import pytest
from dry_debug.program.pip_cells import installed
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("!pip install -q transformers==4.30.2 datasets", "4.30.2"),
        ("%pip install 'transformers[torch]>=4.40,<5'", ">=4.40,<5"),
        ("!pip install transformers", ""),
        ("!pip install \\\n  torch transformers==4.1", "4.1"),
        ("!python -m pip install Transformers==4.2", "4.2"),
        ("!pip install sentence-transformers==2.0", None),
        ("# pip install of transformers==4.2 is not needed", None),
        ("import transformers", None),
    ],
)
def test_a_cell_installs_a_version(cell: str, answer: str | None) -> None:
    notebook = from_cells([NotebookCell(1, cell), NotebookCell(2, "x = 1")], "a.ipynb")
    assert installed(notebook, "transformers") == answer


def test_the_last_cell_counts_and_plain_files_have_none() -> None:
    cells = [NotebookCell(1, "!pip install peft==0.9.0"), NotebookCell(2, "!pip install peft==0.12.0")]
    assert installed(from_cells(cells, "a.ipynb"), "peft") == "0.12.0"
    assert installed(Document.from_text("pip install peft==0.9.0", "a.py"), "peft") is None
