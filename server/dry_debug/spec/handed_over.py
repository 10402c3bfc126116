"""Whether a program leaves its training to what nobody can see into: a library that is not known, another process."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_STARTS = re.compile(
    r"(?:fit|train|fine_?tune|run|launch|learn|do_cli|do_train|run_exp|run_training|train_model|main|start|sft_main)\Z"
)
_PROCESS = re.compile(r"(?:subprocess\.(?:run|call|check_call|Popen|check_output)|os\.(?:system|exec\w*|spawn\w*))\Z")
_TRAINING = re.compile(
    r"train|tune|torchrun|accelerate|deepspeed|axolotl|llamafactory|swift|sft|\bdpo\b", re.IGNORECASE
)


def hands_over(program: Program) -> bool:
    """Whether a call starts something that may train, in code that is not the project's."""
    for call in program.index.calls:
        name = program.qualified(call) or dotted(call.func) or ""
        last = name.rpartition(".")[2] or (call.func.attr if isinstance(call.func, ast.Attribute) else "")
        if _PROCESS.search(name):
            if _TRAINING.search(program.short(call, 300)):
                return True
            continue
        if not _STARTS.match(last) or name.partition(".")[0] in ("asyncio", "uvicorn", "app", "builtins", "unittest"):
            continue
        value = program.value(call.func, call)
        if value.kind not in ("function", "class") or value.scope is None:
            if (
                isinstance(call.func, ast.Attribute)
                and isinstance(call.func.value, ast.Name)
                and (call.func.value.id in ("parser", "mcp", "loop", "server"))
            ):
                continue
            return True
    return False
