"""The measuring set: `python -m tests.spec.measure` prints precision and recall by field and by verdict.

An item is right if the field has it in `expect` with this verdict. What a script sets and nobody asked for (`sets`) is
expected as an assumption.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dry_debug.program.program import Program, parse
from dry_debug.project.host import ProjectHost
from dry_debug.spec.compare import compliance
from dry_debug.text.document import Document

HERE = Path(__file__).parent
VERDICTS = ("match", "deviation", "assumption", "not_implemented", "cannot_tell")
# One way to say a thing makes the other one asked for, too.
_TOGETHER = {"warmup_steps": "warmup_ratio", "warmup_ratio": "warmup_steps"}


@dataclass(frozen=True)
class Case:
    """Instructions against a script, and the verdicts that are right, by field."""

    name: str
    script: str
    text: str
    expected: Counter[tuple[str, str]]


def cases(path: Path = HERE / "cases.toml") -> list[Case]:
    """All cases."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    found = []
    for row in data["case"]:
        wanted: Counter[tuple[str, str]] = Counter()
        for field, verdicts in row["expect"].items():
            wanted.update((field, v) for v in ([verdicts] if isinstance(verdicts, str) else verdicts))
        asked = (
            set(row["expect"])
            | {_TOGETHER[f] for f in row["expect"] if f in _TOGETHER}
            | set(row.get("not_assumed", ()))
        )
        wanted.update((field, "assumption") for field in data["sets"][row["script"]].split() if field not in asked)
        found.append(Case(row["name"], row["script"], row["text"], wanted))
    return found


def verdicts(case: Case) -> Counter[tuple[str, str]]:
    """(field, verdict) of everything that the comparison says of a case."""
    folder = HERE / "scripts"
    path = str(folder / f"{case.script}.py")
    document = Document.from_text(Path(path).read_text(encoding="utf-8"), path)
    tree = parse(document)
    assert isinstance(tree, ast.Module), tree
    host = ProjectHost(str(folder), {str(folder / "INSTRUCTIONS.md"): case.text})
    host.begin()
    program = Program(document, tree, host)
    host.adopt(program)
    return Counter((item.field, item.verdict) for item in compliance(program).items)


@dataclass
class Score:
    """True, false and missing items."""

    right: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missing) if self.right + self.missing else 1.0


def measure(every: list[Case]) -> tuple[dict[str, Score], dict[str, Score], list[str]]:
    """Scores by field, by verdict, and a line for each item that is wrong or missing."""
    by_field: dict[str, Score] = {}
    by_verdict: dict[str, Score] = {v: Score() for v in VERDICTS}
    lines: list[str] = []
    for case in every:
        got = verdicts(case)
        for key in sorted(case.expected.keys() | got.keys()):
            field, verdict = key
            right = min(case.expected[key], got[key])
            for score in (by_field.setdefault(field, Score()), by_verdict[verdict]):
                score.right += right
                score.wrong += got[key] - right
                score.missing += case.expected[key] - right
            if got[key] > right:
                lines.append(f"{case.name} [{case.script}]: wrong   {field} {verdict}")
            if case.expected[key] > right:
                lines.append(f"{case.name} [{case.script}]: missing {field} {verdict}")
    return by_field, by_verdict, lines


def table(every: list[Case]) -> list[str]:
    """The scores as lines."""
    by_field, by_verdict, lines = measure(every)
    out = [f"{'':30} {'right':>6} {'wrong':>6} {'missing':>8} {'precision':>10} {'recall':>8}"]
    whole = Score()
    for score in by_verdict.values():
        whole = Score(whole.right + score.right, whole.wrong + score.wrong, whole.missing + score.missing)
    for name, score in [*sorted(by_field.items()), ("", Score()), *by_verdict.items(), ("", Score()), ("all", whole)]:
        if not name:
            out.append("")
            continue
        out.append(
            f"{name:30} {score.right:6} {score.wrong:6} {score.missing:8} {score.precision:10.3f} {score.recall:8.3f}"
        )
    return [*out, "", *lines]
