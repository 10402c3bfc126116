"""The measuring set: `python -m tests.spec.measure` prints precision and recall by field and by verdict.

An item is right if the field has it in `expect` with this verdict. What a script sets and nobody asked for (`sets`) is
expected as an assumption. A label may go on with the values, "deviation 5e-5 -> 2e-4" (asked, got): a verdict that is
right for other values is told apart, and not counted in precision and recall.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.project.host import ProjectHost
from dry_debug.spec.rows import Row, rows
from dry_debug.text.document import Document

HERE = Path(__file__).parent
SETS = (
    "cases",
    "held_out",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twentyfirst",
    "twentysecond",
    "twentythird",
    "twentyfourth",
)  # in the order in which they were written
VERDICTS = ("match", "deviation", "assumption", "not_implemented", "cannot_tell")
_NUMBER = re.compile(r"\d*\.?\d+(?:[eE][-+]?\d+)?")
# One way to say a thing makes the other one asked for, too.
_TOGETHER = {"warmup_steps": "warmup_ratio", "warmup_ratio": "warmup_steps"}


@dataclass(frozen=True)
class Case:
    """Instructions against a script, and the verdicts that are right, by field."""

    name: str
    script: str
    text: str
    expected: Counter[tuple[str, str]]
    values: tuple[tuple[str, str, str, str], ...] = ()  # field, verdict, asked, got; empty: any


def cases(path: Path = HERE / "cases.toml") -> list[Case]:
    """All cases."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    found = []
    for row in data["case"]:
        wanted: Counter[tuple[str, str]] = Counter()
        values = []
        for field, labels in row["expect"].items():
            for label in [labels] if isinstance(labels, str) else labels:
                verdict, _, said = label.partition(" ")
                wanted.update([(field, verdict)])
                if said:
                    asked_for, _, got = said.partition("->")
                    values.append((field, verdict, asked_for.strip(), got.strip()))
        asked = (
            set(row["expect"])
            | {_TOGETHER[f] for f in row["expect"] if f in _TOGETHER}
            | set(row.get("not_assumed", ()))
        )
        wanted.update((field, "assumption") for field in data["sets"][row["script"]].split() if field not in asked)
        found.append(Case(row["name"], row["script"], row["text"], wanted, tuple(values)))
    return found


def said_of(case: Case) -> list[Row]:
    """Everything that the comparison says of a case."""
    folder = HERE / "scripts"
    path = str(folder / f"{case.script}.py")
    document = Document.from_text(Path(path).read_text(encoding="utf-8"), path)
    tree = parse(document)
    assert isinstance(tree, ast.Module), tree
    host = ProjectHost(str(folder), {str(folder / "INSTRUCTIONS.md"): case.text})
    host.begin()
    program = Program(document, tree, host)
    host.adopt(program)
    return rows(program)


def other_values(case: Case, every: list[Row]) -> list[str]:
    """The labels with values of which no item of that verdict has these values, as lines."""
    lines = []
    for field, verdict, asked, got in case.values:
        items = [row for row in every if (row.field, row.verdict) == (field, verdict)]
        if items and not any(_says(asked, r.asked, r.asked_text) and _says(got, r.got, r.got_text) for r in items):
            told = "; ".join(f"{row.asked_text} -> {row.got_text}" for row in items)
            lines.append(f"{case.name} [{case.script}]: values  {field} {verdict}: {asked} -> {got}, said: {told}")
    return lines


def _says(label: str, value: object, text: str) -> bool:
    """Whether a value is the labelled one: the same number, or the label stands in it as a word or part."""
    if not label:
        return True
    shown = f"{value} {text}"
    if _NUMBER.fullmatch(label):
        return any(abs(float(n) - float(label)) <= 1e-9 + 1e-6 * abs(float(label)) for n in _NUMBER.findall(shown))
    return _plain(label) in _plain(shown)


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text.casefold())


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
        every_row = said_of(case)
        got = Counter((row.field, row.verdict) for row in every_row)
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
        lines += other_values(case, every_row)
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
