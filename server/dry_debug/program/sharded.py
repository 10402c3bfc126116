"""`torch.distributed.checkpoint`: state that all ranks write and read together, each its own shards."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_MODULES = ("torch.distributed.checkpoint.", "torch.distributed.checkpoint.state_dict_saver.",
            "torch.distributed.checkpoint.state_dict_loader.")  # fmt: skip
SAVES = tuple(f"{module}{name}" for module in _MODULES for name in ("save", "async_save", "save_state_dict"))
LOADS = tuple(f"{module}{name}" for module in _MODULES for name in ("load", "load_state_dict"))


def path_of(program: Program, call: ast.Call) -> ast.expr | None:
    """Where a call of `SAVES` or `LOADS` writes to or reads from, as far as it stands in the same function."""
    named = argument(call, 99, "checkpoint_id")
    if named is not None:
        return named
    storage = argument(call, 1, "storage_writer", "storage_reader")
    if isinstance(storage, ast.Name):
        found = program.names.lookup(storage.id, program.scope(call))
        bindings = found[1] if found is not None else []
        storage = bindings[0].value if len(bindings) == 1 else None
    return argument(storage, 0, "path") if isinstance(storage, ast.Call) else None
