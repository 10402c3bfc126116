import ast

import pytest
from dry_debug.lint.finding import Fix, NeedHelper, NeedImport
from dry_debug.lint.needs import NeedConflict, edits_of, resolve_needs
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit, apply_edits

from tests.lint.helpers import document_of, notebook_of

RANDOM = NeedImport("random")
HELPER = NeedHelper("seed_all", "def seed_all(n):\n    random.seed(n)")


def after(text: str | Document, *needs) -> str:
    document = text if isinstance(text, Document) else document_of(text)
    return apply_edits(document.source, resolve_needs(document, needs))


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", "import random\n"),
        ("x = 1\n", "import random\n\nx = 1\n"),
        ("import os\n\nx = 1\n", "import os\nimport random\n\nx = 1\n"),
        ("from a import (\n    b,\n)\n\nx = 1\n", "import random\n\nfrom a import (\n    b,\n)\n\nx = 1\n"),
        ("import os\n\nimport torch\n\nx = 1\n", "import os\nimport random\n\nimport torch\n\nx = 1\n"),
        ('"""Docs."""\n\nimport torch\n', '"""Docs."""\n\nimport random\n\nimport torch\n'),
        ("from .a import b\n\nx = 1\n", "from .a import b\nimport random\n\nx = 1\n"),
        ("import os\nx = 1\nimport re\n", "import os\nimport random\nx = 1\nimport re\n"),
        ('"""Doc."""\n\nx = 1\n', '"""Doc."""\n\nimport random\n\nx = 1\n'),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\n\nimport random\n\nx = 1\n'),
        ("from __future__ import a\n\nx = 1\n", "from __future__ import a\n\nimport random\n\nx = 1\n"),
        ("#!/usr/bin/env python\n# words\nx = 1\n", "#!/usr/bin/env python\n# words\nimport random\n\nx = 1\n"),
        ("# Licence\n\n# about x\nx = 1\n", "# Licence\n\nimport random\n\n# about x\nx = 1\n"),
        ("@wraps\ndef f(): pass\n", "import random\n\n@wraps\ndef f(): pass\n"),
        ("import os; x = 1\n", "import random\nimport os; x = 1\n"),
        ("import os", "import os\nimport random\n"),
        ("import os\r\n\r\nx = 1\r\n", "import os\r\nimport random\r\n\r\nx = 1\r\n"),
    ],
)
def test_an_import_goes_where_a_reader_expects_it(before: str, expected: str) -> None:
    assert after(before, RANDOM) == expected
    ast.parse(expected)


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("import random\n", RANDOM),
        ("import os, random\n", RANDOM),
        ("import torch as t\n", NeedImport("torch", alias="t")),
        ("import torch.nn.functional as F\n", NeedImport("torch.nn", "functional", "F")),
        ("from torch import nn\n", NeedImport("torch", "nn")),
        ("from torch import nn\n", NeedImport("torch.nn", alias="nn")),
        ("import torch.nn.functional\n", NeedImport("torch.nn")),
        ("import torch.nn\n", NeedImport("torch")),
        ("x = 1\nimport random\n", RANDOM),
        ("try:\n    import random\nexcept ImportError:\n    random = None\n", RANDOM),
    ],
)
def test_what_is_imported_already_is_not_imported_again(text: str, need: NeedImport) -> None:
    assert resolve_needs(document_of(text), (need,)) == ()


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("def f():\n    import random\n", RANDOM),
        ("import random as r\n", RANDOM),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import random\n", RANDOM),
        ("import torch\n", NeedImport("torch.nn")),
        ("x = [random for random in y]\ndef g(random): pass\n", RANDOM),
    ],
)
def test_an_import_that_does_not_bind_the_name_at_the_top_does_not_count(text: str, need: NeedImport) -> None:
    assert f"import {need.module}\n" in after(text, need)


@pytest.mark.parametrize("text", ["from numpy import random\n", "random = 3\n", "def random(): pass\n"])
def test_a_name_that_means_something_else_is_a_conflict(text: str) -> None:
    with pytest.raises(NeedConflict, match="'random' already means something else"):
        resolve_needs(document_of(text), (RANDOM,))


def test_needs_are_merged_and_equal_ones_count_once() -> None:
    needs = (NeedImport("torch", "nn"), RANDOM, RANDOM, NeedImport("numpy", alias="np"))
    assert after("import os\n\nx = 1\n", *needs) == (
        "import os\nimport random\nimport numpy as np\nfrom torch import nn\n\nx = 1\n"
    )


def test_a_helper_stands_before_the_first_other_statement() -> None:
    assert after("import os\n\n# about x\nx = 1\n", HELPER) == (
        "import os\n\n\ndef seed_all(n):\n    random.seed(n)\n\n\n# about x\nx = 1\n"
    )
    assert after("import os\n", HELPER) == "import os\n\n\ndef seed_all(n):\n    random.seed(n)\n"


def test_an_import_and_a_helper_at_one_place_are_one_insertion() -> None:
    both = "import random\n\n\ndef seed_all(n):\n    random.seed(n)\n"
    assert after("x = 1\n", HELPER, RANDOM) == both + "\n\nx = 1\n"
    assert after('"""D."""\n', HELPER, RANDOM) == '"""D."""\n\n' + both


def test_a_helper_that_the_file_defines_is_not_added() -> None:
    assert resolve_needs(document_of("def seed_all(n): pass\n"), (HELPER,)) == ()


def test_a_helper_takes_the_line_ends_and_tabs_of_the_file() -> None:
    assert after("import os\r\n\r\nif x:\r\n\ty = 1\r\n", HELPER) == (
        "import os\r\n\r\n\r\ndef seed_all(n):\r\n\trandom.seed(n)\r\n\r\n\r\nif x:\r\n\ty = 1\r\n"
    )


def test_in_a_notebook_imports_go_to_the_first_cell_with_python() -> None:
    document = notebook_of("!pip install x", "%matplotlib inline\nimport os", "import re\nx = 1")
    (edit,) = resolve_needs(document, (RANDOM,))
    assert document.cells[document.cell_at(edit.span.start)].number == 3
    assert after(document, RANDOM).endswith("\nimport os\nimport random\nimport re\nx = 1")
    (edit,) = resolve_needs(notebook_of("x = 1", "import os"), (RANDOM,))
    assert edit == TextEdit(Span(0, 0), "import random\n\n")


def test_edits_of_a_fix_hold_its_needs_first_where_both_insert() -> None:
    document = document_of("import os\nx = 1\n")
    fix = Fix("Seed", "unsafe", (TextEdit(Span(10, 10), "random.seed(0)\n"),), (RANDOM,))
    assert apply_edits(document.source, edits_of(document, fix)) == "import os\nimport random\nrandom.seed(0)\nx = 1\n"


def test_a_helper_stands_below_all_imports_where_the_path_is_set_between_them() -> None:
    text = after("import sys\nsys.path.append('..')\nimport os\nos.environ['A'] = '1'\n\nrun()\n", RANDOM, HELPER)
    assert text.startswith("import sys\nsys.path.append('..')\nimport os\nimport random\n\n\ndef seed_all(n):\n")
    assert text.endswith("\n\n\nos.environ['A'] = '1'\n\nrun()\n")


def test_a_script_of_cells_with_magics_gets_its_import() -> None:
    text = "# %%\nimport os\n\n# %%\n!ls\nx = os.name\n"
    assert after(text, RANDOM) == text.replace("import os\n", "import os\nimport random\n")


def test_a_notebook_with_a_cell_that_is_no_python_gets_its_import() -> None:
    notebook = notebook_of("import os\n", "speed: 0.21s/iter; left\n", "x = os.name\n")
    assert after(notebook, RANDOM).startswith("import os\nimport random\n")


def test_a_file_that_does_not_parse_is_refused() -> None:
    with pytest.raises(SyntaxError):
        resolve_needs(document_of("import os\ndef\n"), [RANDOM])
