"""The programs that the properties are shown on: all examples of all rule pages, fixed blocks too, and `examples/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dry_debug.lint.engine import analyse
from dry_debug.lint.finding import Related
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document
from dry_debug_rules.catalogue import EXCUSES

from tests.pages.cases import CASES
from tests.property.origins import Place, Project

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_ROOT = "/nowhere/property"
SETTINGS = Settings(preview=True)


@dataclass(frozen=True)
class Sample:
    """A project: file name -> text."""

    name: str
    files: Mapping[str, str]

    def __str__(self) -> str:
        return self.name

    def project(self) -> Project:
        """A fresh tree of each Python file, every node with its place in this sample."""
        return Project.parse(self.files)


@dataclass(frozen=True)
class Said:
    """A finding; `line` and `column` as in a syntax tree: one-based, and in UTF-8 bytes from zero."""

    file: str
    line: int
    column: int
    rule: str
    severity: str
    cause: str
    related: frozenset[tuple[str, int, int]]  # where its evidence stands: file, line and column as above

    def tells_again(self, other: Said) -> bool:
        """Whether it is the same finding, told in another file as well: each one points at the other."""
        return (
            self.file != other.file
            and (self.rule, self.severity, self.cause) == (other.rule, other.severity, other.cause)
            and self.place in other.related
            and other.place in self.related
        )

    @property
    def place(self) -> tuple[str, int, int]:
        return self.file, self.line, self.column


def _all() -> list[Sample]:
    found = []
    for case in CASES:
        name = f"{case.page.name}-{case.example.number}"
        found.append(Sample(name, case.example.texts()))
        if case.example.fixed:
            found.append(Sample(f"{name}-fixed", case.example.fixed_texts()))
    shown = {path.name: path.read_text("utf-8") for path in sorted(_EXAMPLES.glob("*.py"))}
    return [*found, Sample("examples", shown)]


SAMPLES = _all()


def said(files: Mapping[str, str]) -> tuple[Said, ...]:
    """All findings in all Python files of a project, every rule and preview on, at the default confidence."""
    return _said(tuple(files.items()))


@cache
def _said(files: tuple[tuple[str, str], ...]) -> tuple[Said, ...]:
    host = ProjectHost(_ROOT, {f"{_ROOT}/{name}": text for name, text in files})
    found: list[Said] = []
    for name, text in files:
        if not name.endswith(".py"):
            continue
        document = Document.from_text(text, f"{_ROOT}/{name}")
        result = analyse(document, host, SETTINGS)
        assert not result.problems, result.problems
        for finding in result.findings:
            if finding.rule in EXCUSES:
                continue  # they judge comments, which no transformation of a syntax tree keeps
            line, column = document.lines.position(finding.span.start, "utf-8")
            related = frozenset(_place(step, name, document) for step in finding.related)
            found.append(Said(name, line + 1, column, finding.rule, finding.severity, finding.cause, related))
    return tuple(found)


def _place(step: Related, name: str, document: Document) -> tuple[str, int, int]:
    if step.span is not None:
        line, column = document.lines.position(step.span.start, "utf-8")
        return name, line + 1, column
    assert step.place is not None
    before = step.place.before or " " * step.place.column
    return step.place.path.removeprefix(f"{_ROOT}/"), step.place.line + 1, len(before.encode())


def baseline(sample: Sample) -> list[tuple[Place, str, str]]:
    """What is said of a sample as it is written by `ast.unparse`, at the places of its own text."""
    texts, map_ = sample.project().render()
    return sorted((min(map_.places(s.file, s.line, s.column)), s.rule, s.severity) for s in said(texts))
