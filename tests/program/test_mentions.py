"""Where a file names what comes from libraries."""

import ast

from dry_debug.program.mentions import chains, imports, names

from tests.program.model import program


def test_imports_are_whole_names_in_any_scope() -> None:
    model = program(
        "import os.path\nfrom torch.nn import functional as F\ndef f():\n    import numpy as np\nfrom . import x\n"
    )
    assert sorted(found.name for found in imports(model)) == ["numpy", "os.path", "torch.nn.functional"]


def test_attributes_are_found_once_with_their_statement_and_scope() -> None:
    model = program(
        """
        import numpy as np
        @np.first
        def f(a=np.second, b: np.third = None):
            if np.fourth:
                return [np.fifth for _ in a]
        text = "np.sixth"
        """
    )
    words = ("first", "second", "third", "fourth", "fifth", "sixth")
    found = [(m.node.attr, type(m.stmt).__name__, m.scope.kind) for m in chains(model, {"np": words})]  # type: ignore[union-attr]
    assert sorted(found) == [
        ("fifth", "Return", "comprehension"),
        ("first", "FunctionDef", "module"),
        ("fourth", "If", "function"),
        ("second", "FunctionDef", "module"),
        ("third", "FunctionDef", "module"),
    ]


def test_names_are_reads() -> None:
    model = program("x = 1\nfor x in y:\n    print(x)\ndel x\n")
    assert [(m.node.lineno, m.stmt.lineno) for m in names(model, ("x",))] == [(3, 3)]


def test_the_longest_chain_is_the_one_that_is_meant() -> None:
    model = program("import torch\nx = torch._six.inf\ny = torch._sixth\nz = mytorch._six\n")
    found = list(chains(model, {"torch": ("_six", "_six.inf")}))
    assert [(m.stmt.lineno, ast.unparse(m.node)) for m in found] == [(2, "torch._six.inf")]


def test_annotations_that_are_not_evaluated_are_text() -> None:
    text = "def f(a: np.first = np.second) -> np.third:\n    b: np.fourth = np.fifth\n"
    words = ("first", "second", "third", "fourth", "fifth")
    evaluated = {m.node.attr for m in chains(program(text), {"np": words})}  # type: ignore[union-attr]
    lazy = {
        m.node.attr  # type: ignore[union-attr]
        for m in chains(program(f"from __future__ import annotations\n{text}"), {"np": words})
    }
    assert evaluated == {"first", "second", "third", "fifth"}
    assert lazy == {"second", "fifth"}
