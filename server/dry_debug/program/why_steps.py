"""Tells of the steps that no rule about order ever comes to: what steps is not known, or nobody calls the code."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dry_debug.program.describe import why_unknown
from dry_debug.program.links import WORDS

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value


def tell_steps(program: Program, collected: Iterable[tuple[Event, Value, Value]]) -> None:
    """Gives `program.why` the reason for each `.step()` that is no step of an optimizer, or that is never come to."""
    reached = {event.node for event, _, _ in collected}
    for call in program.method_calls("step"):
        if call in reached:
            continue
        func = call.func
        assert isinstance(func, ast.Attribute)
        value = program.value(func.value, call)
        if value.kind == "unknown":
            reason = why_unknown(program, func.value, call)
            program.why(call, "{} is not known to be an optimizer: {}", func.value, reason)
        elif value.kind in ("optimizer", "scaler"):
            program.why(call, "no way from the start of this file leads to this step")
        else:
            program.why(call, "{} is {}, not an optimizer", func.value, WORDS.get(value.kind, value.kind))
