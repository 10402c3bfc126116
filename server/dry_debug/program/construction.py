"""Which functions run only on behalf of another one: of the constructor, of `forward`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

MAX_HOPS = 4  # calls between the two


def constructs(program: Program, function: Scope, hops: int = 0) -> bool:
    """Whether `function`, of `program`, runs only while an object is made: the constructor, and what it alone calls.

    A method that other files may call, too, counts where the file itself calls it from the constructor alone.
    """
    if function.name == "__init__":
        return function.class_scope is not None
    return hops < MAX_HOPS and _all_from(program, function, lambda one: constructs(program, one, hops + 1))


def part_of(program: Program, function: Scope, outer: Scope, hops: int = 0) -> bool:
    """Whether `function`, of `program`, is `outer`, or is called in this file by it alone."""
    if function is outer:
        return True
    return hops < MAX_HOPS and _all_from(program, function, lambda one: part_of(program, one, outer, hops + 1))


def _all_from(program: Program, function: Scope, wanted: Callable[[Scope], bool]) -> bool:
    if function.kind != "function" or function.class_scope is None:
        return False
    sites = program.call_sites(function)
    return bool(sites) and all(wanted(program.scope(site)) for site in sites)
