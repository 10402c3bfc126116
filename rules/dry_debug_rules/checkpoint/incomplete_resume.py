"""CKPT002: a resumed run restores only a part of the state that its checkpoint holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.links import kind_link
from dry_debug.program.resume_gaps import Left, ResumeGap, loads_of, resume_gaps
from dry_debug.program.run_parts import stateless

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_ORDER = ("optimizer", "scheduler", "scaler")
_WHY = {
    "optimizer": "The optimizer begins anew, without its moments and with the learning rate of the script: the first "
    "updates after each resume are wrong, though the file holds what is needed.",
    "scheduler": "The learning rate schedule begins anew in the middle of the training, though the file holds how far "
    "it was.",
    "scaler": "The loss scale begins at its initial value: the first steps after each resume overflow and are skipped.",
}


class IncompleteResume(WholeRule):
    name = "incomplete-resume"
    code = "CKPT002"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("load",), ("save",), ("state_dict",))
    why = _WHY["optimizer"]
    instead = "Load every state that was saved, right behind the model's."
    quotes = ("CKPT-COMP-1", "CKPT-COMP-2", "CKPT-RAT-2")
    looks_at = "checkpoints that are loaded (`torch.load`)"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (load.node for load in loads_of(program))

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        for gap in resume_gaps(program):
            left = [one for one in gap.left if not _needless(one, program)]
            if left:
                yield _report(gap, sorted(left, key=lambda one: _ORDER.index(one.value.kind)), program)
            else:
                program.why(
                    gap.load.node, "what is left needs no state: plain SGD, or a schedule that is told the epoch"
                )


def _needless(left: Left, program: Program) -> bool:
    """Whether the object has no state worth restoring, or gets it back in another way."""
    if left.value.kind == "scheduler":
        loops = [loop.node for loop in program.training.loops.training]
        return any(program.training.resumption.recreated(left.value, loop) for loop in loops)
    return left.value.kind == "optimizer" and stateless(left.value)


def _report(gap: ResumeGap, left: list[Left], program: Program) -> Report:
    names = [_name(one, program) for one in left]
    shown = " and ".join(f"`{n}`" for n in names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    confidence = weakest(*(one.value.confidence for one in left))
    worst = left[0]
    severity = "critical" if worst.value.kind == "optimizer" and confidence == "high" else "warning"
    evidence = [Step(program, one.site.node, f'the file gets "{one.key}" here') for one in left[:2]]
    title = f"Restore {shown} as well"
    changes = _changes(gap, left, program)
    return Report(
        at=gap.load.node,
        headline=f"the resumed run restores `{program.short(gap.model, 24)}` but leaves {shown} in the file",
        confidence=confidence,
        severity=severity,  # type: ignore[arg-type]
        why=_WHY[worst.value.kind],
        evidence=[*evidence, gap.sign],
        links=lambda: [kind_link(program, one.value, _name(one, program)) for one in left],
        fix=partial(changes.fix, title) if changes is not None else None,
        fix_title=title,
    )


def _name(left: Left, program: Program) -> str:
    """What the object is called where it is saved, else its key."""
    return program.training.resumption.name_of(left.value, left.site.node)[0] or left.key


def _changes(gap: ResumeGap, left: list[Left], program: Program) -> Changes | None:
    """`if "optimizer" in checkpoint: optimizer.load_state_dict(checkpoint["optimizer"])` behind what is restored; None
    where that has no place."""
    from dry_debug.fixes.changes import Changes
    from dry_debug.fixes.layout import lines_after, lines_before, quoted
    from dry_debug.fixes.load_place import place_at

    place = place_at(program, gap.load, None)
    if place is None:
        return None
    changes, lines = Changes(program), []
    scope = program.scope(gap.load.node)
    for one in left:
        name = program.training.components.name_at(one.value, scope)
        if name is None or not _made_before(name, scope, place.last, program):
            return None
        key = quoted(program, one.key)
        optional = f"{name} is not None and " if one.value.maybe_none else ""
        lines += [f"if {optional}{key} in {place.variable}:", f"\t{name}.load_state_dict({place.variable}[{key}])"]
    put = lines_before if isinstance(place.last, ast.Return | ast.Delete) else lines_after
    return changes if put(changes, place.last, lines, program) else None


def _made_before(name: str, scope: Scope, stmt: ast.stmt, program: Program) -> bool:
    """Whether the variable is bound when `stmt` runs: not so where the optimizer is made after the load."""
    head = name.partition(".")[0]
    found = program.names.lookup(head, scope)
    if found is None:
        return False
    if found[0] is not scope or "." in name:
        return True
    return any(b.kind == "param" or (b.stmt is not None and b.stmt.lineno < stmt.lineno) for b in found[1])
