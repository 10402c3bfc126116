"""What libraries write whole: `accelerator.save_state`, `model.save_pretrained`, `trainer.save_model`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

# Method -> the kinds of objects whose method it is.
_SAVERS = {
    "save_state": ("accelerator", "fabric"),
    "save_pretrained": ("module", "peft"),
    "save_model": ("trainer", "accelerator"),
    "_save": ("trainer",),
}


@dataclass(slots=True, eq=False)
class LibrarySave:
    """One such call, where it writes to, and the kinds of what it writes."""

    node: ast.Call
    path: ast.expr | None
    kinds: list[str]


def library_saves(program: Program) -> list[LibrarySave]:
    """The calls of this file that have a library write a checkpoint."""
    found: list[LibrarySave] = []
    for method, owners in _SAVERS.items():
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            value = program.value(call.func.value, call)
            kind = value.kind
            if method == "save_pretrained" and (
                _is_called_model(call.func.value) or _is_pipeline(program, value, call)
            ):
                kind = "module"
            if kind not in owners:
                continue
            position = 1 if method == "save_model" and kind == "accelerator" else 0
            path = argument(call, position, "output_dir", "save_directory")
            found.append(LibrarySave(call, path, prepared(program) if method == "save_state" else ["model"]))
    return found


def _is_pipeline(program: Program, value: Value, call: ast.Call) -> bool:
    """`StableDiffusionPipeline.from_pretrained(...)`, and what a class of the project by such a name makes: models."""
    if value.kind == "instance":
        return (value.type or "").endswith("Pipeline")
    held = call.func.value if isinstance(call.func, ast.Attribute) else None
    home = program.names.lookup(held.id, program.scope(call)) if isinstance(held, ast.Name) else None
    for one in home[1] if home is not None and value.kind == "unknown" else ():
        made = (program.qualified(one.value) or "") if isinstance(one.value, ast.Call) else ""
        if made.startswith("diffusers.") and any(part.endswith("Pipeline") for part in made.split(".")[-2:]):
            return True
    return False


def _is_called_model(expr: ast.expr) -> bool:
    """`kwargs["model"]`, of which nothing but its key says what it is."""
    return isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Constant) and expr.slice.value == "model"


def prepared(program: Program) -> list[str]:
    """The kinds of what `accelerator.prepare` is given."""
    kinds: list[str] = []
    for call in program.method_calls("prepare"):
        for expr in call.args:
            value = program.value(expr, call) if not isinstance(expr, ast.Starred) else None
            kind = None if value is None else "model" if value.kind == "module" else value.kind
            if kind in ("model", "optimizer", "scheduler") and kind not in kinds:
                kinds.append(kind)
    return kinds
