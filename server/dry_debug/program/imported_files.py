"""The other files of the project that the imports of a file lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def imported_files(program: Program) -> Iterator[Program]:
    """Each file that an import of a name or of a module leads to, once; a star import names nothing and is left out."""
    seen = {id(program)}
    for scope in (program.index.module, *program.index.functions):
        for bindings in scope.bindings.values():
            if bindings[-1].kind in ("from", "import"):
                other = program.evaluator.binding(bindings[-1]).program
                if other is not None and id(other) not in seen:
                    seen.add(id(other))
                    yield other
