"""Where a value goes: the uses of a variable, asked on demand for one scope at a time."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dry_debug.program.scopes import Scope

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(slots=True)
class LoadedUse:
    """What becomes of a loaded checkpoint."""

    moved: bool = False  # `.to(...)`, `.cpu()`, `.cuda()` stands right behind it
    loaded_into: list[ast.Call] = field(default_factory=list)  # the load_state_dict calls that take it
    only_loaded: bool = False  # nothing else is done with it but reading single entries by literal key


class Flow:
    """Parents and name uses, computed per scope when somebody asks."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._parents: dict[ast.AST, dict[ast.AST, ast.AST]] = {}

    def parents(self, scope: Scope) -> dict[ast.AST, ast.AST]:
        """Parent of every node below the scope's node."""
        known = self._parents.get(scope.node)
        if known is None:
            known = {child: node for node in ast.walk(scope.node) for child in ast.iter_child_nodes(node)}
            self._parents[scope.node] = known
        return known

    def reads(self, name: str, scope: Scope) -> list[ast.Name]:
        """Where `name` of `scope` is read, in that scope and in functions inside it that do not bind it anew."""
        return [
            node
            for node in self.parents(scope)
            if node.__class__ is ast.Name and node.id == name and isinstance(node.ctx, ast.Load)  # type: ignore[attr-defined]
        ]

    def use_of_loaded(self, call: ast.Call) -> LoadedUse:
        """What becomes of the result of `torch.load`, in the scope that loads it."""
        program = self._program
        scope = program.scope(call)
        parents = self.parents(scope)
        use = LoadedUse()
        parent = parents.get(call)
        if isinstance(parent, ast.Attribute) and parent.attr in ("to", "cpu", "cuda"):
            use.moved = True
            return use
        if isinstance(parent, ast.Call) and self._loads_state(parent, call):
            use.loaded_into.append(parent)
            use.only_loaded = True
            return use
        if isinstance(parent, ast.Subscript):
            outer = parents.get(parent)
            if isinstance(outer, ast.Call) and self._loads_state(outer, parent):
                use.loaded_into.append(outer)
                use.only_loaded = True
            return use
        if not (isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name)):
            return use
        harmless = True
        for read in self.reads(parent.targets[0].id, scope):
            if read.lineno < call.lineno:
                continue
            part: ast.AST = read
            holder = parents.get(read)
            if isinstance(holder, ast.Subscript) and holder.value is read and isinstance(holder.slice, ast.Constant):
                part, holder = holder, parents.get(holder)
            if isinstance(holder, ast.Call) and self._loads_state(holder, part):
                use.loaded_into.append(holder)
            elif part is read and not isinstance(holder, ast.Compare):
                harmless = False
        use.only_loaded = harmless and bool(use.loaded_into)
        return use

    @staticmethod
    def _loads_state(call: ast.Call, argument: ast.AST) -> bool:
        return (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("load_state_dict", "_load_state_dict")
            and bool(call.args)
            and call.args[0] is argument
        )
