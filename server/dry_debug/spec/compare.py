"""Instructions x what the code does -> what matches, departs, was assumed, is missing, cannot be told."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Literal

from dry_debug.records import dataclass, replace
from dry_debug.spec import judging
from dry_debug.spec.ambient import asked_of
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.instruction import FIELDS, Instruction
from dry_debug.spec.named import named_in
from dry_debug.spec.observed import Observed, observe
from dry_debug.spec.reasons import reason_at
from dry_debug.spec.sources import sources_of
from dry_debug.spec.thing import Cadence

if TYPE_CHECKING:
    from dry_debug.program.program import Program

Verdict = Literal["match", "deviation", "assumption", "not_implemented", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one instruction (None: an assumption of the code). `got` is the value of the code that decides
    (None: there is none); `justification` the reason that a comment gives, `better` why the code's choice is better."""

    verdict: Verdict
    field: str
    instruction: Instruction | None
    got: Observed | None
    justification: str = ""
    better: str = ""
    note: str = ""

    @property
    def is_note(self) -> bool:
        """Whether a deviation is told as a note only."""
        return bool(self.justification or self.better)

    def node(self, program: Program) -> ast.AST | None:
        """The expression that a diagnostic is put on."""
        return self.got.anchor(program) if self.got is not None else None


@dataclass(slots=True)
class Compliance:
    """What is asked of a program, and what became of it."""

    asked: list[Instruction]
    items: list[Item]


def compliance(program: Program) -> Compliance:
    """The comparison of a program with everything that is asked of it; made once."""
    known = program.__dict__.get("_compliance")
    if not isinstance(known, Compliance):
        asked = asked_of(program)
        known = program.__dict__["_compliance"] = Compliance(asked, compare(asked, program) if asked else [])
    return known


def compare(instructions: list[Instruction], program: Program) -> list[Item]:
    """One item an instruction, in the order of the fields, then the assumptions."""
    observed = observe(program)
    if any(i.unit == "bare" for i in instructions):
        instructions = _lengths(instructions, program)
    if instructions:
        named = named_in([s for s in sources_of(program) if s.explicit], instructions, observed)
        instructions = sorted([*instructions, *named], key=lambda i: FIELDS.index(i.field))
    items = [_judge(instruction, observed, instructions, program) for instruction in instructions]
    items = [item for item in items if not _told_already(item, items)]
    asked = {i.field for i in instructions}
    return [*items, *assumptions(observed, asked, program)]


_EXCLUSIVE = ("optimizer", "scheduler")


def _told_already(item: Item, items: list[Item]) -> bool:
    """Whether "no SGD" only repeats the deviation from "use Adam"."""
    asked = item.instruction
    if item.verdict != "deviation" or asked is None or asked.kind != "not" or item.field not in _EXCLUSIVE:
        return False
    return any(
        other is not item and other.verdict == "deviation" and other.field == item.field and other.got is item.got
        for other in items
    )


def _lengths(instructions: list[Instruction], program: Program) -> list[Instruction]:
    """ "512 tokens" are those of the answers where nothing is trained."""
    setting = judging.Setting.of(program, instructions)
    field = "max_length" if setting.trains or setting.handed_over else "max_tokens"
    kept: dict[tuple[str, ...], Instruction] = {}
    for one in sorted(instructions, key=lambda i: i.line):
        plain = one.at(field=field, unit="") if one.unit == "bare" else one
        kept[plain.key] = plain
    return sorted(kept.values(), key=lambda i: (FIELDS.index(i.field), i.role, i.line))


def _judge(asked: Instruction, observed: list[Observed], every: list[Instruction], program: Program) -> Item:
    verdict, got, note = judging.judge(asked, observed, judging.Setting.of(program, every))
    item = Item(verdict, asked.field, asked, got, note=note)
    if verdict != "deviation" or got is None:
        return item
    if not asked.explicit and got.traced is not None and got.traced.changeable and _started_by(asked.path, program):
        return replace(item, verdict="cannot_tell")
    better = judging.better(asked, got)
    owner = got.traced.program if got.traced is not None and got.traced.file is None else program
    node = got.traced.node if got.traced is not None and got.traced.file is None else got.use
    reason = (
        "" if got.implied else reason_at(owner, node) or (reason_at(program, got.use) if got.use is not node else "")
    )
    return replace(item, justification=reason, better=better)


# A script, or a command that gives options.
_STARTS = re.compile(r"^\W*(?:bash|sh|source|\./)\W*[\w./-]+\.sh\b|[\w-]+\.py[^\n]{0,200}? --\w|\.py \\$", re.MULTILINE)


def _started_by(readme: str, program: Program) -> bool:
    """Whether the README says how the program is started, which may set what is a default here."""
    return any(s.is_readme and s.path == readme and _STARTS.search(s.text) for s in sources_of(program))


_QUIET = frozenset(("framework",))
_TOGETHER = {
    "warmup_steps": ("warmup_ratio",),
    "warmup_ratio": ("warmup_steps",),
}


def assumptions(observed: list[Observed], asked: set[str], program: Program) -> list[Item]:
    """The fields that the code sets and nobody asked for, each once, with the value that takes effect first."""
    found: dict[tuple[str, str], Item] = {}
    for one in observed:
        field = one.field
        if (
            field in asked
            or field in _QUIET
            or one.implied
            or not one.known
            or any(f in asked for f in _TOGETHER.get(field, ()))
        ):
            continue
        part = one.role in ("prompt", "target") and any(o.field == field and not o.role for o in observed)
        if part or one.role in ("eval", "tokenizer", "reference") or _says_nothing(one):
            continue
        key = (field, "" if one.role == "group" else one.role)
        again = any(
            i.got is not None and f == field and str(i.got.value) == str(one.value) for (f, _), i in found.items()
        )
        if key not in found and (field, "") not in found and not again:
            found[key] = Item("assumption", field, None, one)
    return sorted(found.values(), key=lambda item: FIELDS.index(item.field))


# Written out, but nothing happens by it, and the library does the same without it: nothing to confirm.
_NEUTRAL = {
    "gradient_accumulation_steps": 1,
    "warmup_steps": 0,
    "warmup_ratio": 0,
    "weight_decay": 0,
    "lora_dropout": 0,
    "top_p": 1,
    "tensor_parallel_size": 1,
}


def _says_nothing(one: Observed) -> bool:
    value: Any = one.value
    if one.field == "model" and one.weak:
        return True  # only the name of a class tells what it is
    if one.field == "epochs" and one.unit == "updates":
        return True  # how often a rollout is learned from, not how long the run is
    if one.field in _NEUTRAL:
        return bool(value == _NEUTRAL[one.field])
    if one.field == "eval_cadence" and value == Cadence("never"):
        return True
    if one.field == "method":
        return bool(value in ("full",))
    if one.field == "hardware":
        return one.unit in ("tensor_parallel", "optional", "generation") or (
            isinstance(value, Hardware) and value.count == 1 and (one.traced is None or not one.traced.changeable)
        )
    if one.field in ("eval_cadence", "save_cadence") and isinstance(value, Cadence):
        own = one.traced is not None and one.traced.file is None and isinstance(one.traced.node, ast.Call | ast.For)
        return own and one.traced is not None and one.traced.value == "epoch"  # what its loop does anyway
    return one.field == "logging" and value == "none"
