"""Saves of the files around a load: of the functions that its file imports, and of the files that import it.

For a load that no save of its own file is known to write; which of these do shows in the entries that both name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.program.events import function_of

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import LoadSite, SaveSite
    from dry_debug.program.program import Program

MOST_FILES = 8
_ENOUGH = 2  # entries that a load reads and a save writes, by which both mean one checkpoint

# A save, and the file that its call stands in.
Around = tuple["Program", "SaveSite"]


def saves_around(program: Program, load: LoadSite) -> list[Around]:
    """The saves in other files that write at least two of the entries that `load`, in `program`, reads."""
    keys = set(load.keys)
    if len(keys) < _ENOUGH:
        return []
    found = [*_of_imports(program), *_of_users(program, load)]
    return [
        (other, site) for other, site in found
        if site.whole is None and not site.sharded and len(keys & set(site.keys)) >= _ENOUGH
    ]  # fmt: skip


def _of_imports(program: Program) -> list[Around]:
    """The saves in what the file imports by name; all saves of a file that it imports as a whole."""
    found: list[Around] = []
    seen: set[int] = set()
    for bindings in program.index.module.bindings.values():
        if bindings[-1].kind not in ("from", "import"):
            continue
        value = program.evaluator.binding(bindings[-1])
        other = value.program
        if other is None or other is program or "torch" not in other.document.source:
            continue
        seen.add(id(other))
        if len(seen) > MOST_FILES:
            break
        for site in other.training.checkpoints.saves if ".save(" in other.document.source else ():
            around = function_of(other.scope(site.node))
            whole = value.kind == "pymodule"
            if whole or (
                value.scope is not None and around is not None and value.scope in (around, around.class_scope)
            ):
                found.append((other, site))
    return found


def _of_users(program: Program, load: LoadSite) -> list[Around]:
    """The saves of the files that import the function, or the class, that loads, or its whole file."""
    function = function_of(program.scope(load.node))
    if function is None or function.kind != "function":
        return []
    name = (function.class_scope or function).name
    users = [o for o in program.callers.users() if name in o.document.source or _imports_whole(o, program)]
    return [(other, site) for other in users[:MOST_FILES] for site in other.training.checkpoints.saves]


def _imports_whole(other: Program, program: Program) -> bool:
    """`import helpers`"""
    last = [bindings[-1] for bindings in other.index.module.bindings.values()]
    values = [other.evaluator.binding(one) for one in last if one.kind == "import"]
    return any(value.kind == "pymodule" and value.program is program for value in values)
