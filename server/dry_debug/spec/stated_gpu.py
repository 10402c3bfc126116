"""The GPU that a program is to run on, as far as it is stated: by instructions, or by the code that rents one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.gpus import gpu_named
from dry_debug.records import dataclass
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.instruction import Instruction

# Words that leave open how many cards there are.
_OPEN = re.compile(
    r"\b(?:nodes?|cluster|gpus|cards|machines|instances|pods?|each|per|several|multiple)\b", re.IGNORECASE
)
_RENTED = re.compile(r"(?P<card>[A-Za-z]+\d+[A-Za-z]*)(?:-(?P<memory>\d+)GB)?(?::(?P<count>\d+))?\Z")


@dataclass(frozen=True, slots=True)
class StatedGpu:
    """`count` cards with `memory` GB each: the largest that the card is sold with, where nothing says which one.

    `said` is the instruction, `node` the argument of the code that states it: one of the two is set.
    """

    name: str
    memory: int
    count: int
    said: Instruction | None = None
    node: ast.expr | None = None

    @property
    def brief(self) -> str:
        """`A100, 40 GB`, `2 x L4, 24 GB`: for a headline."""
        what = f"{self.name}, {self.memory} GB" if self.name else f"{self.memory} GB"
        return what if self.count == 1 else f"{self.count} x {what}"

    @property
    def shown(self) -> str:
        what = f"{self.name} with {self.memory} GB" if self.name else f"GPU with {self.memory} GB"
        return f"one {what}" if self.count == 1 else f"{self.count} x {what}"


def stated_gpu(program: Program) -> StatedGpu | None:
    """The GPU that is stated; None where none is, or several different ones, or an open number of them."""
    if sources_of(program):
        found = _asked(program)
        if found is not None:
            return found
    return _rented(program) if "modal" in program.document.source else None


def _asked(program: Program) -> StatedGpu | None:
    from dry_debug.spec.ambient import asked_of

    said = [i for i in asked_of(program) if i.field == "hardware"]
    if len(said) != 1 or len(said[0].values) != 1 or said[0].kind != "one":
        return None
    one = said[0]
    value = one.values[0]
    if not isinstance(value, Hardware) or value.device != "gpu":
        return None
    card = gpu_named(value.name) if value.name else None
    memory = value.memory or (card.memory[-1] if card is not None else None)
    count = value.count
    if count is None and value.name and not one.written.rstrip(")").endswith("s") and not _OPEN.search(one.text):
        count = 1  # "Hardware: RTX 3090"
    if memory is None or count is None or count < 1:
        return None
    return StatedGpu(card.name if card is not None else value.name, memory, count, one)


def _rented(program: Program) -> StatedGpu | None:
    """`@app.function(gpu="A100-80GB:2")` of Modal, where the file asks for one kind."""
    found: dict[StatedGpu | None, StatedGpu | None] = {}
    for call in program.index.calls:
        for keyword in call.keywords:
            if keyword.arg == "gpu" and isinstance(call.func, ast.Attribute) and call.func.attr in ("function", "cls"):
                one = _rented_as(program, keyword.value, call)
                found[one and StatedGpu(one.name, one.memory, one.count)] = one
    return next(iter(found.values())) if len(found) == 1 else None


def _rented_as(program: Program, expr: ast.expr, call: ast.Call) -> StatedGpu | None:
    value = program.value(expr, call)
    match = _RENTED.match(value.const) if value.kind == "const" and isinstance(value.const, str) else None
    card = gpu_named(match["card"]) if match is not None else None
    if match is None or card is None:
        return None
    memory = int(match["memory"]) if match["memory"] else card.memory[-1]
    return StatedGpu(card.name, memory, int(match["count"] or 1), node=expr)
