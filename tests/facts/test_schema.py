"""The facts of every example of every page, and of the examples of the project, keep to the contract."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dry_debug.program.facts import facts
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document, Problem

from tests.facts.schema import FACTS
from tests.pages.cases import CASES, Case

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VALIDATOR = jsonschema.Draft202012Validator(FACTS)


def all_facts(texts: dict[str, str]) -> Iterator[tuple[Document, dict[str, Any]]]:
    """The facts of each Python file of a project that exists in memory only."""
    overlay = {f"/nowhere/project/{name}": text for name, text in texts.items()}
    for path, text in overlay.items():
        document = Document.from_text(text, path)
        tree = parse(document) if path.endswith(".py") else Problem("", path)
        if not isinstance(tree, Problem):
            yield document, facts(Program(document, tree, ProjectHost("/nowhere/project", overlay)))


def check(document: Document, found: dict[str, Any]) -> None:
    VALIDATOR.validate(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found, "plain data"
    for kind, value in found.items():
        rows = value["wrappers"] if kind == "distributed" else value if isinstance(value, list) else []
        here = [r for r in rows if isinstance(r, dict) and r.get("file") is None]
        assert all(r["line"] <= len(document.lines) for r in here)
        assert [r["line"] for r in here] == sorted(r["line"] for r in here), f"{kind} in the order of the file"
        assert all(r["line"] <= r["end_line"] for r in here if "end_line" in r)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_page_examples_keep_to_the_contract(case: Case) -> None:
    for document, found in all_facts(case.example.texts()):
        check(document, found)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda p: p.name)
def test_the_examples_keep_to_the_contract(path: Path) -> None:
    document = Document.from_text(path.read_text("utf-8"), str(path))
    tree = parse(document)
    assert not isinstance(tree, Problem)
    check(document, facts(Program(document, tree, ProjectHost(str(EXAMPLES)))))
