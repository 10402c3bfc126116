"""Small programs for the tests of the model."""

import ast
import textwrap

from dry_debug.program.host import NullHost
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.program.values import Value
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document

ROOT = "/nowhere/project"


def program(source: str, files: dict[str, str] | None = None, path: str = "main.py") -> Program:
    """The model of `source`; `files` are the other files of its project, by relative path."""
    document = Document.from_text(textwrap.dedent(source), f"{ROOT}/{path}")
    tree = parse(document)
    assert isinstance(tree, ast.Module), tree
    overlay = {f"{ROOT}/{name}": textwrap.dedent(text) for name, text in (files or {}).items()}
    host = ProjectHost(ROOT, {**overlay, document.path: document.source}) if files else NullHost()
    model = Program(document, tree, host)
    host.adopt(model)  # who imports the file means this very program
    return model


def marked(source: str, files: dict[str, str] | None = None) -> Value:
    """The value of the first argument of the only call of `here(...)` in `source`."""
    model = program(source, files)
    calls = [c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "here"]
    assert len(calls) == 1, "mark one use with here(...)"
    return model.value(calls[0].args[0], calls[0])
