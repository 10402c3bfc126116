"""A training with the Trainer of transformers or TRL that begins anew at each start: its own way to go on instead.

The Trainer writes whole checkpoints (optimizer, schedule, random state, step) below its `output_dir`. Nothing reads
them back unless `train` is told to. That is no mistake where a run is short, so it is an offer and no finding.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.layout import free_name, lines_before
from dry_debug.fixes.modules import module_name
from dry_debug.lint.finding import Fix, NeedImport
from dry_debug.program.arguments import argument
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value
    from dry_debug.text.spans import Span

_LIBRARIES = ("transformers", "trl", "unsloth")
_GIVEN = ("resume_from_checkpoint", "overwrite_output_dir")
_NAMES = ("last_checkpoint", "latest_checkpoint")


def resume_offer(program: Program, span: Span) -> Fix | None:
    """`trainer.train()` at `span`, or of the trainer that is saved there, made to go on from its last checkpoint."""
    if program.is_test or not any(name in program.document.source for name in _LIBRARIES):
        return None
    call = _asked(program, span)
    if call is None or not isinstance(call.func, ast.Attribute):
        return None
    stmt, trainer = program.statement(call), dotted(call.func.value)
    if stmt is None or trainer is None or _in_loop(program, stmt) or _resumes(program, call, trainer):
        return None
    if not _saves(program, program.value(call.func.value, call)):
        return None
    os_name, needs = module_name("os", program, program.scope(call))
    held = free_name(program, *_NAMES)
    if os_name is None or held is None:
        return None
    folder = f"{trainer}.args.output_dir"
    changes = Changes(program)
    lines = [
        f"{held} = None  # on the first start",
        f"if {os_name}.path.isdir({folder}):",
        f"\t{held} = get_last_checkpoint({folder})",
    ]
    changes.insert(program.span(call).end - 1, f"resume_from_checkpoint={held}")
    changes.need(*needs, NeedImport("transformers.trainer_utils", "get_last_checkpoint"))
    if not lines_before(changes, stmt, lines, program):
        return None
    return changes.fix(f"Resume `{trainer}` from its last checkpoint, if there is one")


def _asked(program: Program, span: Span) -> ast.Call | None:
    """The call of `train` in the lines of `span`, or the one of the trainer that is saved there."""
    calls = [call for call in program.method_calls("train") if _is_trainer(program, call)]
    if not calls:
        return None
    found = [call for call in calls if _touches(program, call, span)]
    for save in program.method_calls("save_model"):
        if not found and _touches(program, save, span) and isinstance(save.func, ast.Attribute):
            same, scope = dotted(save.func.value), program.scope(save)
            found = [c for c in calls if dotted(c.func.value) == same and program.scope(c) is scope]  # type: ignore[attr-defined]
    return found[0] if len(found) == 1 else None


def _touches(program: Program, call: ast.Call, span: Span) -> bool:
    lines, own = program.document.lines, program.span(call)
    return lines.line_of(own.start) <= lines.line_of(span.end) and lines.line_of(span.start) <= lines.line_of(own.end)


def _is_trainer(program: Program, call: ast.Call) -> bool:
    value = program.value(call.func.value, call) if isinstance(call.func, ast.Attribute) else None
    if (
        value is None
        or value.kind != "trainer"
        or value.confidence == "low"
        or (value.type or "").startswith("lightning.")
    ):
        return False
    return program.target(call).kind != "function"  # a `train` of the project's own


def _resumes(program: Program, call: ast.Call, trainer: str) -> bool:
    """Whether the function tells the trainer itself where to begin, here or on another way."""
    scope = program.scope(call)
    return any(
        (c.args or c.keywords) and program.scope(c) is scope and dotted(c.func.value) == trainer  # type: ignore[attr-defined]
        for c in program.method_calls("train")
    )


def _in_loop(program: Program, stmt: ast.stmt) -> bool:
    """Whether a run may come here again: with the next fold, or the next model, in the same folder."""
    return any(isinstance(block, LoopNode) for block in program.index.ancestors(stmt))


def _saves(program: Program, trainer: Value) -> bool:
    """Whether the trainer writes checkpoints, and nothing says what is to become of those that are there."""
    made, owner = trainer.args, trainer.origin
    args = argument(made, 1, "args") if made is not None else None
    if args is None or owner is None:
        return True
    given = owner.value(args, made if made is not None else args)
    for keyword in given.args.keywords if given.args is not None else ():
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if (keyword.arg in _GIVEN and value is not False) or (keyword.arg == "save_strategy" and value == "no"):
            return False
    return True
