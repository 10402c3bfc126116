"""What can be written at a place where nothing is wrong: offers of the editor without a finding behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.lint.finding import Fix
    from dry_debug.program.program import Program
    from dry_debug.text.spans import Span


def offers(program: Program, span: Span) -> list[Fix]:
    """The changes that are offered at `span`: the resume of a library's trainer. One that fails is not offered."""
    if ".train(" not in program.document.source:
        return []
    from dry_debug.fixes.trainer_resume import resume_offer

    try:
        fix = resume_offer(program, span)
    except Exception:  # the other actions at this place must not go down with it
        return []
    return [fix] if fix is not None else []
