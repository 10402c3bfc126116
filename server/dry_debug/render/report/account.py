"""The report as data: critical errors, compliance, overengineering, warnings, suggestions, actions; in their order.

The order is that of the source material: what the code was asked to be, the choice of model and framework, what could
be simpler, what fails, everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dry_debug.lint import manifest
from dry_debug.lint.finding import SEVERITIES, SYNTAX_ERROR
from dry_debug.records import dataclass, field
from dry_debug.render.record import Record, shown
from dry_debug.spec.instruction import in_words
from dry_debug.spec.rows import Row, merged
from dry_debug.spec.wording import title

# Families of rules by what their findings are about.
OVER = "OVER"
OWN = "SPEC"  # told as rows
_CHOICES = ("VLLM", "HF", "SGL")  # which tool for the job
# Rules about the choice of a model or a framework: HF011 a base model for chat, HF012 all weights of a large model,
# MEM012 a model that is too large for the GPU, OVER003 and OVER004 what a serving engine does.
FIT = frozenset(("HF011", "HF012", "MEM012", "OVER003", "OVER004"))
# Of these rules and the comparison with the instructions, which may find the same mistake, Part 1 has the comparison.
_SAME = {"OVER001": "hardware", "MEM012": "hardware", "HF011": "model"}


@dataclass(frozen=True, slots=True)
class Critical:
    """One thing to fix before the program is run; `row` is the deviation, `record` the finding behind it."""

    title: str
    asked: str
    has: str
    why: str
    fix: str
    file: str | None
    line: int | None
    cell: int | None = None
    row: Row | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """One thing that is more complicated than the task needs, or a model or framework that does not fit it.

    `evidence` are sentences, each with the file and the line that it is about.
    """

    issue: str
    evidence: tuple[tuple[str, str, int, int | None], ...]  # sentence, file, line, cell
    impact: str
    recommendation: str
    record: Record

    @property
    def is_choice(self) -> bool:
        """Whether it is about the choice of a model or a framework."""
        return self.record["code"] in FIT


@dataclass
class Account:
    """The whole report."""

    critical: list[Critical] = field(default_factory=list)
    matches: list[Row] = field(default_factory=list)
    deviations: list[Row] = field(default_factory=list)
    assumptions: list[Row] = field(default_factory=list)
    not_implemented: list[Row] = field(default_factory=list)
    cannot_tell: list[Row] = field(default_factory=list)
    overengineering: list[Over] = field(default_factory=list)
    warnings: list[Record] = field(default_factory=list)
    suggestions: list[Record] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    files: int = 0
    unread: bool = False  # Python cannot read the code, so that it was compared with nothing

    @property
    def asked(self) -> int:
        """How many things were asked for."""
        return sum(len(r) for r in (self.matches, self.deviations, self.not_implemented, self.cannot_tell))

    @property
    def found(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.critical or self.deviations or self.not_implemented or self.overengineering or self.warnings
            or self.suggestions
        )  # fmt: skip


def account(records: Sequence[Record], groups: Iterable[Sequence[Row]], files: int = 0) -> Account:
    """The report of what was found (`records`) and compared (`groups`: the rows of each file)."""
    every = merged(groups)
    whole = Account(files=files, unread=not every and any(r["name"] == SYNTAX_ERROR[0] for r in records))
    for name, verdict in (
        ("matches", "match"), ("deviations", "deviation"), ("assumptions", "assumption"),
        ("not_implemented", "not_implemented"), ("cannot_tell", "cannot_tell"),
    ):  # fmt: skip
        setattr(whole, name, [row for row in every if row.verdict == verdict])
    whole.deviations.sort(key=lambda row: not row.is_critical)
    others = [r for r in records if not r["code"].startswith(OWN)]
    unfit = [r for r in others if r["code"].startswith(OVER) or r["code"] in FIT]
    whole.overengineering = [_over(r) for r in sorted(unfit, key=_order)]
    ranked: list[tuple[int, Critical]] = [(1, _of_row(row)) for row in whole.deviations if row.is_critical]
    asked = {(row.file, row.field) for row in whole.deviations if row.is_critical}
    ranked += [
        (_priority(r), _of_record(r))
        for r in others
        if r["severity"] == "critical" and (r["filename"], _SAME.get(r["code"])) not in asked
    ]
    whole.critical = [one for _, one in sorted(ranked, key=lambda pair: pair[0])]
    told = {id(r) for r in unfit}
    rest = sorted((r for r in others if r["severity"] != "critical" and id(r) not in told), key=_order)
    whole.warnings = [r for r in rest if r["severity"] == "warning"]
    whole.suggestions = [r for r in rest if r["severity"] == "suggestion"]
    whole.actions = _actions(whole)
    return whole


def _priority(record: Record) -> int:
    """Model and framework before overengineering before what will not run."""
    if record["code"] in FIT or record["code"].startswith(_CHOICES):
        return 2
    return 3 if record["code"].startswith(OVER) else 4


def _order(record: Record) -> tuple[int, int]:
    return _priority(record), SEVERITIES.index(record["severity"])


def _of_row(row: Row) -> Critical:
    has = row.got_text
    if row.note and "=" in row.note:
        has = row.note
    role = f" ({row.role.title()})" if row.role else ""
    return Critical(title(row.field) + role, row.asked_text, has, row.why, row.fix, row.file, row.line, row.cell, row)


def _of_record(record: Record) -> Critical:
    fit = record["code"] in FIT or record["code"].startswith(OVER)
    has = "; ".join(step["message"] for step in record["related"]) if fit else ""
    return Critical(
        record["message"], "", has, record["why"].rstrip("."), _advice(record) or _instead(record), record["filename"],
        record["location"]["row"], record["cell"], record=record,
    )  # fmt: skip


def _over(record: Record) -> Over:
    steps = [(step["message"], step["filename"], step["location"]["row"], step["cell"]) for step in record["related"]]
    evidence = tuple(steps) or (("", record["filename"], record["location"]["row"], record["cell"]),)
    return Over(record["message"], evidence, record["why"].rstrip("."), _advice(record) or _instead(record), record)


def _advice(record: Record) -> str:
    return record["fix"]["message"] if record["fix"] is not None else shown(record)["fix_title"]


def _instead(record: Record) -> str:
    """What the rule says to do, where the finding itself has nothing."""
    info = manifest.find(record["name"])
    return info.instead.replace("\n", " ").rstrip(".") if info is not None else ""


def named(row: Row) -> str:
    """What a row is about: `batch size (eval)`."""
    return in_words(row.field) + (f" ({row.role})" if row.role else "")


def _actions(whole: Account) -> list[str]:
    actions: list[str] = []
    if whole.critical:
        numbers = ", ".join(f"#{n}" for n in range(1, len(whole.critical) + 1))
        fixes = "; ".join(_sentence(c) for c in whole.critical[:3])
        more = f"; and {len(whole.critical) - 3} more" if len(whole.critical) > 3 else ""
        noun = "error" if len(whole.critical) == 1 else "errors"
        actions.append(f"Fix critical {noun} {numbers}: {fixes}{more}")
    softer = [r for r in whole.deviations if not r.is_critical]
    if whole.not_implemented:
        actions.append(
            "Add what was asked for and is not there: "
            + _list(f"{named(r)} {r.asked_text}" for r in whole.not_implemented)
        )
    if softer:
        actions.append(
            "Confirm these deviations: " + _list(f"{named(r)} {r.got_text} instead of {r.asked_text}" for r in softer)
        )
    if whole.assumptions:
        actions.append("Confirm assumptions: " + _list(f"{named(r)} = {r.got_text}" for r in whole.assumptions))
    if whole.cannot_tell:
        actions.append(
            "Check by hand, it cannot be told from the code: "
            + _list(f"{named(r)} {r.asked_text}" for r in whole.cannot_tell)
        )
    for heading, chosen in (
        ("Reconsider the model or framework", True),
        ("Consider removing overengineered parts", False),
    ):
        issues = _by_rule([o for o in whole.overengineering if o.is_choice is chosen])
        if issues:
            actions.append(f"{heading}: {_list(issues)}")
    if not whole.critical and (whole.warnings or whole.suggestions):
        actions.append("Look through the warnings and suggestions")
    return actions


def _by_rule(found: Sequence[Over]) -> list[str]:
    """The first finding of each rule, and how many more there are of it."""
    firsts: dict[str, Over] = {}
    counts: dict[str, int] = {}
    for one in found:
        firsts.setdefault(one.record["name"], one)
        counts[one.record["name"]] = counts.get(one.record["name"], 0) + 1
    return [
        first.issue + (f" (and {counts[name] - 1} more like it)" if counts[name] > 1 else "")
        for name, first in firsts.items()
    ]


def _sentence(one: Critical) -> str:
    text = one.fix or one.title
    return text[:1].lower() + text[1:]


def _list(parts: Iterable[str]) -> str:
    every = list(dict.fromkeys(parts))
    return ", ".join(every[:8]) + (f" and {len(every) - 8} more" if len(every) > 8 else "")
