"""DEP003: a package is imported that the project neither declares nor has installed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.distributions import DISTRIBUTIONS, KNOWN, distributions
from dry_debug.program.links import Link
from dry_debug.program.mentions import Imported
from dry_debug.program.package_names import normal
from dry_debug.text.notebook import is_exported_notebook

if TYPE_CHECKING:
    from dry_debug.program.program import Program


_INSTALLS = re.compile(r"\b(?:pip3?|conda|mamba|uv add|uv pip)\b[^\n]{0,20}\b(?:install|add)\b[^\n]*")
_NOTEBOOK = "the file is a notebook, which installs what it needs or runs where much is installed already"
_WORD = re.compile(r"[A-Za-z][\w.-]*\w")


class UndeclaredDependency(WholeRule):
    name = "undeclared-dependency"
    code = "DEP003"
    severity = "warning"
    status = "preview"  # what a listed package brings along is known of the common ones only
    triggers = (("torch", "transformers", "vllm", "sglang", "lightning", "accelerate", "datasets"),)
    why = "Whoever installs the project from its list of packages gets an `ImportError` when this file is imported."
    instead = "Add the package to the list that the project installs from."
    quotes = ("DRY-FOC-5",)
    looks_at = "imports of published packages at the top level of a file"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (found.stmt for found in _first(program))

    def check(self, program: Program) -> Iterator[Report]:
        why = program.why
        if program.document.is_notebook:
            why(None, _NOTEBOOK)
            return
        for found in _first(program):
            top = found.top
            if program.index.parent.get(found.stmt) is not program.tree:
                why(found.stmt, "it is imported only where it is needed, or if it is there")
                continue
            if program.is_test:
                why(found.stmt, "the file is a test")
                continue
            if not program.host.lacks_package(top, program.document.path):
                why(found.stmt, f"`{top}` is declared, installed, comes with what is, or nothing is declared")
                continue
            if program.host.module(top, program.document.path) is not None:
                why(found.stmt, f"`{top}` is a module of the project")
                continue
            if is_exported_notebook(program.document.source):  # goes through the whole text, so it is asked last
                why(None, _NOTEBOOK)
                return
            if _told_here(top, program):
                why(found.stmt, f"the file says itself that `{top}` is to be installed")
                continue
            package = DISTRIBUTIONS.get(top, (normal(top),))[0]
            yield Report(
                at=found.stmt,
                headline=f"`{top}` is imported, and the project neither declares nor has `{package}`"[:100],
                confidence="medium",
                links=lambda: [
                    Link(
                        "resolution",
                        "medium",
                        "no list of packages, installation text or module of the project names it",
                    )
                ],
            )


def _told_here(top: str, program: Program) -> bool:
    """Whether a line of the file tells how its package is installed: `Needs: pip install uvicorn fastapi`."""
    names = {*distributions(top), normal(top)}
    for line in _INSTALLS.findall(program.document.source):
        if names & {normal(word) for word in _WORD.findall(line)}:
            return True
    return False


def _first(program: Program) -> list[Imported]:
    """The first import of each known package at the top of the file, else its first import anywhere."""
    found: dict[str, Imported] = {}
    tree, parent = program.tree, program.index.parent

    def place(one: Imported) -> tuple[bool, int]:
        return parent.get(one.stmt) is not tree, one.stmt.lineno

    for one in program.imported:
        top = one.top
        if top in KNOWN and (top not in found or place(one) < place(found[top])):
            found[top] = one
    return sorted(found.values(), key=place)
