"""What libraries load whole: `accelerator.load_state`, `fabric.load`, `Net.load_from_checkpoint`, a resumed trainer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.library_saves import prepared
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_RESUMED = ["model", "optimizer", "scheduler"]
_NAMES = {"module": "model"}
# Method of a trainer -> the argument that has it go on from a checkpoint.
_RESUMING = {"train": "resume_from_checkpoint", "fit": "ckpt_path"}


@dataclass(slots=True, eq=False)
class LibraryLoad:
    """One such call, what it reads, the kinds of what it restores, and the device that it maps to."""

    node: ast.Call
    path: ast.expr | None
    kinds: list[str]
    map_location: ast.expr | None = None
    keys: list[str] = field(default_factory=list)


def library_loads(program: Program) -> list[LibraryLoad]:
    """The calls of this file that have a library restore a checkpoint."""
    found: list[LibraryLoad] = []
    for method in ("load_state", "load", "load_from_checkpoint", *_RESUMING):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            load = _load(program, method, call, call.func.value)
            if load is not None:
                found.append(load)
    return found


def _load(program: Program, method: str, call: ast.Call, receiver: ast.expr) -> LibraryLoad | None:
    if method == "load_from_checkpoint":
        path = argument(call, 0, "checkpoint_path")
        return LibraryLoad(call, path, ["model"], argument(call, 1, "map_location")) if path is not None else None
    kind = program.value(receiver, call).kind
    if method == "load_state" and kind == "accelerator":
        return LibraryLoad(call, argument(call, 0, "input_dir"), prepared(program))
    if method == "load" and kind == "fabric":
        kinds, keys = _state(program, argument(call, 1, "state"), call)
        return LibraryLoad(call, argument(call, 0, "path"), kinds, keys=keys)
    if method in _RESUMING and kind == "trainer":
        position = 0 if method == "train" else 99
        path = argument(call, position, _RESUMING[method])
        if path is not None and not (isinstance(path, ast.Constant) and not path.value):
            return LibraryLoad(call, path, list(_RESUMED))
    return None


def _state(program: Program, expr: ast.expr | None, call: ast.Call) -> tuple[list[str], list[str]]:
    """The kinds of the objects in the dict that Fabric fills, and its keys."""
    value = program.value(expr, call) if expr is not None else None
    kinds: list[str] = []
    keys: list[str] = []
    for key, held in (value.items or ()) if value is not None and value.kind == "dict" else ():
        if isinstance(key, str):
            keys.append(key)
        kind = _NAMES.get(held.kind, held.kind)
        if kind in _RESUMED and kind not in kinds:
            kinds.append(kind)
    return kinds, keys
