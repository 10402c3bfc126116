"""The other files of the project that the imports of a file lead to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import LIBRARIES

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def imported_files(program: Program) -> Iterator[Program]:
    """Each file that an import of a name or of a module leads to, once; a star import names nothing and is left out."""
    seen = {id(program)}
    index = program.index
    importing = {index.scope_of[stmt] for stmt in index.imports}
    for scope in (index.module, *(function for function in index.functions if function in importing)):
        for bindings in scope.bindings.values():
            module = bindings[-1].module
            if module is not None and (module[1] or module[0].partition(".")[0] not in LIBRARIES):
                other = program.evaluator.binding(bindings[-1]).program
                if other is not None and id(other) not in seen:
                    seen.add(id(other))
                    yield other


def imports_a_file(program: Program) -> bool:
    """Whether an import names another file of the project, whatever it brings from there: also a library's thing."""
    host, path = program.host, program.document.path
    for stmt in program.index.imports:
        if isinstance(stmt, ast.Import):
            level, names = 0, [name for a in stmt.names for name in (a.name.partition(".")[0], a.name)]
        else:
            before = f"{stmt.module}." if stmt.module else ""
            level, names = stmt.level, [before[:-1], *(before + a.name for a in stmt.names)]
        for name in names:
            foreign = bool(level) or name.partition(".")[0] not in LIBRARIES
            if name and foreign and host.module(name, path, level) is not None:
                return True
    return False
