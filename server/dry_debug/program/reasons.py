"""Listens to what rules and model say when they give something up (`program.why`)."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dry_debug.program.evidence import Step, place_of
from dry_debug.program.paths import Occurrence
from dry_debug.program.trees import CallTree, Event
from dry_debug.program.why import Part, See, Why
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(slots=True, frozen=True)
class Drop:
    """One candidate that was given up: where (None: the whole file), why, and what shows it."""

    at: ast.AST | None
    reason: str
    steps: tuple[Step, ...] = ()


class Recorder(Why):
    """Keeps what it is told, for one program and one rule."""

    listens = True

    def __init__(self, program: Program) -> None:
        self.program = program
        self.drops: list[Drop] = []

    def __call__(self, at: See, reason: str, *parts: Part, see: See | Iterable[See] = None) -> None:
        place = self._place(at)
        if place is None and at is not None:
            return  # it stands in another file, and no call of this one leads there
        alone = see is None or isinstance(see, ast.AST | Step | Event | Occurrence | CallTree)
        shown: list[See] = [see] if alone else list(see)  # type: ignore[list-item,arg-type]
        steps = tuple(self._step(s) for s in shown if s is not None)
        text, rest = "", reason
        for part in parts:  # not `format`: names may hold braces
            before, _, rest = rest.partition("{}")
            text += before + self._text(part)
        text += rest
        if not any(d.at is place and d.reason == text for d in self.drops):
            self.drops.append(Drop(place, text, steps))

    def _place(self, at: See) -> ast.AST | None:
        if isinstance(at, Event):
            at = Occurrence(at, ())
        if isinstance(at, Occurrence):
            return at.here(self.program)
        if isinstance(at, Step | CallTree):
            return (at.node if isinstance(at, Step) else at.call) if at.program is self.program else None
        return at

    def _step(self, see: See) -> Step:
        if isinstance(see, Step):
            return see
        if isinstance(see, Occurrence):
            see = see.event
        if isinstance(see, Event):
            return Step(see.program, see.node, "")
        if isinstance(see, CallTree):
            return Step(see.program, see.call, "")
        assert see is not None
        return Step(self.program, see, "")

    def _text(self, part: Part) -> str:
        if isinstance(part, str | int):
            return str(part)
        step = self._step(part)
        if isinstance(part, ast.AST):
            return f"`{step.program.short(step.node)}`"
        return f"`{step.program.short(step.node)}` {place_of(step, self.program)}"
