"""The run that a save site belongs to, and its parts: plain data."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from dry_debug.program.arguments import argument
from dry_debug.program.checkpoints import SaveSite
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.values import Value
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.walks import LoopNode

PartKind = Literal["optimizer", "scheduler", "scaler", "ema", "epoch", "best"]
# The name of a best result, in a key.
BEST = re.compile(r"best|min|max|metric|acc|loss|score|perf|top", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Part:
    """Something that the run has.

    `name` is what it is called where it is saved (`local`) or where it is made. `made` and `used` are evidence.
    """

    kind: PartKind
    name: str
    local: bool
    confidence: Confidence
    value: Value | None = None
    made: Step | None = None
    used: Step | None = None
    maybe_none: bool = False


class Saving(NamedTuple):
    """A save while a training loop runs: the models that are saved."""

    site: SaveSite
    models: list[Value]
    loop: LoopNode


@dataclass(slots=True, eq=False)
class Run:
    """The run that one save site belongs to: the models that are saved, and what else it has."""

    program: Program
    site: SaveSite
    loop: LoopNode
    models: list[tuple[str, Value]]
    parts: list[Part]
    missing: list[Part] = field(default_factory=list)  # those that no save of the program holds


def stateless(optimizer: Value) -> bool:
    """Whether an optimizer remembers nothing between steps: SGD without momentum."""
    made = optimizer.args
    if optimizer.type != "torch.optim.SGD" or made is None or any(k.arg is None for k in made.keywords):
        return False
    momentum = argument(made, 2, "momentum")
    return momentum is None or (isinstance(momentum, ast.Constant) and not momentum.value)
