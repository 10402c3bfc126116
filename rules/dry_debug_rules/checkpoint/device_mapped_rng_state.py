"""CKPT011: `map_location` puts a saved RNG state onto a GPU, and it is set from there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.loaded_onto import loaded_by, mapped_to
from dry_debug.program.reaching import recovers
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_SETTERS = (
    "torch.set_rng_state", "torch.random.set_rng_state",
    "torch.cuda.set_rng_state", "torch.cuda.random.set_rng_state",
)  # fmt: skip
_OF_ALL = ("torch.cuda.set_rng_state_all", "torch.cuda.random.set_rng_state_all")


class DeviceMappedRngState(Rule):
    name = "device-mapped-rng-state"
    code = "CKPT011"
    shape = "site"
    severity = "critical"
    fix_kind = "safe"
    triggers = (("torch",), ("set_rng_state", "set_state("))
    why = (
        "An RNG state is set from a byte tensor on the CPU, also that of a GPU: from one that `map_location` put onto "
        "a GPU it raises `RNG state must be a torch.ByteTensor`, and the run cannot be taken up again."
    )
    instead = "Bring the state back with `.cpu()` where it is set, or load the file onto the CPU."
    quotes = ("CKPT-LOAD-1", "CKPT-LOAD-2")
    looks_at = "calls that set the state of a random number generator"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (call for call, _ in _settings(program))

    def check(self, program: Program) -> Iterator[Report]:
        for call, several in _settings(program):
            report = _report(call, several, program)
            if report is not None:
                yield report


def _settings(program: Program) -> Iterator[tuple[ast.Call, bool]]:
    """The calls that set RNG states, and whether one takes a list of them."""
    for name in _SETTERS:
        yield from ((call, False) for call in program.calls_of(name))
    for name in _OF_ALL:
        yield from ((call, True) for call in program.calls_of(name))
    for call in program.method_calls("set_state"):
        if isinstance(call.func, ast.Attribute) and program.value(call.func.value, call).type == "torch.Generator":
            yield call, False


def _report(call: ast.Call, several: bool, program: Program) -> Report | None:
    state = argument(call, 0, "new_states" if several else "new_state")
    stmt = program.statement(call)
    found = loaded_by(state, stmt, program) if state is not None and stmt is not None else None
    if state is None or found is None:
        program.why(call, "nothing shows that the state comes from a file just as `torch.load` gives it")
        return None
    owner, load = found
    where = argument(load, 1, "map_location")
    onto = mapped_to(where, owner.statement(load), owner) if where is not None else None
    if where is None or onto is None:
        program.why(call, "nothing shows that the file is loaded onto a GPU: {}", Step(owner, load, ""))
        return None
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if recovers(block):
            program.why(call, "it stands in a `try`, and may fail")
            return None
    title = "Bring the states back to the CPU" if several else "Bring the state back to the CPU (`.cpu()`)"
    return Report(
        at=call,
        headline=f"`{program.short(state, 40)}` is on the GPU by `map_location`, but is set from the CPU only"[:100],
        confidence=onto,
        evidence=[Step(owner, load, f"the file is loaded with `map_location={owner.short(where, 30)}`")],
        links=lambda: [
            Link("path", "high", "the state is taken out of what is loaded, as it is"),
            Link("resolution", onto, "the device is a GPU" if onto == "high" else "the device may be a GPU"),
        ],
        fix=lambda: Fix(title, "safe", _edits(state, several, program)),
        fix_title=title,
    )


def _edits(state: ast.expr, several: bool, program: Program) -> tuple[TextEdit, ...]:
    span = program.span(state)
    if not several:
        return (TextEdit(Span(span.end, span.end), ".cpu()"),)
    name = "rng_state" if isinstance(state, ast.Name) and state.id == "state" else "state"
    return (
        TextEdit(Span(span.start, span.start), f"[{name}.cpu() for {name} in "),
        TextEdit(Span(span.end, span.end), "]"),
    )
