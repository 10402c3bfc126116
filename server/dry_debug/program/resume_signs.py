"""Signs that a program takes a stopped run up again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.events import CallTree
from dry_debug.program.evidence import Step
from dry_debug.program.handed_back import handed_back
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_HOPS = 4  # from a variable to what it was made of
_STARTED = r"(epoch|iter|step)"
_FLAG = re.compile(rf"^-*(resume|continue|restore|start[-_]?{_STARTED}|last[-_]?{_STARTED}|init[-_]epoch)")
_ASKED = frozenset(
    (
        "resume", "resume_from", "resume_path", "resume_training", "auto_resume", "resume_checkpoint",
        "resume_from_checkpoint",
    )
)  # fmt: skip
# How far a run is, by the name of a variable or key.
PROGRESS = re.compile(
    r"epoch|step|iter|round|update|progress|global|^(it|itr|i|t|n)$|batch|trained|samples", re.IGNORECASE
)


class ResumeSigns:
    """The signs of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def all(self) -> list[Step]:
        """Places that show that a run is taken up again, the strongest first."""
        return [*self._restored(), *self._offset_loops(), *self._flags()]

    def _restored(self) -> Iterator[Step]:
        """`optimizer.load_state_dict(...)`, here or in a called helper."""
        program = self.program
        for call in program.method_calls("load_state_dict"):
            assert isinstance(call.func, ast.Attribute)
            if program.value(call.func.value, call).kind in ("optimizer", "scheduler", "scaler"):
                yield Step(program, call, "the run is resumed here")
        for tree in self.foreign_calls():
            owner, callee = tree.function.program, tree.function.scope
            assert owner is not None and callee is not None
            if "load_state_dict" not in owner.document.source:
                continue
            for call in owner.method_calls("load_state_dict"):
                assert isinstance(call.func, ast.Attribute)
                if owner.scope(call) is not callee:
                    continue
                if owner.value(call.func.value, call).kind in ("optimizer", "scheduler"):
                    yield Step(program, tree.call, "the run is resumed here")
                    yield Step(owner, call, "its state is loaded here")

    def foreign_calls(self) -> Iterator[CallTree]:
        if not self.program.leaves_file:
            return
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                if not isinstance(tree, CallTree) or tree.function.scope is None:
                    continue
                if tree.function.program not in (None, self.program):
                    yield tree

    def _offset_loops(self) -> Iterator[Step]:
        """`for epoch in range(start_epoch, epochs)`."""
        for loop in self.program.training.loops.training:
            start = self.start_of(loop.node)
            if start is not None:
                yield Step(self.program, loop.node.iter if not isinstance(loop.node, ast.While) else loop.node,
                           f"the loop can start at `{self.program.short(start)}`")  # fmt: skip

    def start_of(self, loop: ast.AST) -> ast.expr | None:
        """Where a `range` loop starts, if that is not always the same."""
        if not isinstance(loop, ast.For):
            return None
        over = loop.iter
        while isinstance(over, ast.Call) and over.args and self.program.qualified(over) != "builtins.range":
            if (self.program.qualified(over) or "").rpartition(".")[2] == "trange":
                break
            inner = over.args[0]
            if not isinstance(inner, ast.Call):
                return None
            over = inner
        if not isinstance(over, ast.Call) or len(over.args) < 2:
            return None
        start = over.args[0]
        if isinstance(start, ast.BinOp):
            start = start.left
        if not isinstance(start, ast.Name | ast.Attribute):
            return None
        if self.program.value(start, loop).kind == "const":
            return None
        return start if PROGRESS.search(dotted(start) or "") or self._loaded(start, loop) else None

    def _loaded(self, expr: ast.expr, at: ast.AST, depth: int = 0) -> bool:
        """Whether a variable gets its value from a loaded checkpoint, here or in a function of the file."""
        program = self.program
        for node in nodes(expr) if not isinstance(expr, ast.Name) else ():
            if isinstance(node, ast.Subscript) and program.value(node.value, at).via == "loaded":
                return True
        found = program.names.lookup(expr.id, program.scope(at)) if isinstance(expr, ast.Name) else None
        for binding in found[1] if found and depth < MAX_HOPS else ():
            places: list[tuple[Program, ast.expr, ast.stmt | None]] = []
            if binding.kind == "param":
                places = [(o, e, stmt) for o, e, _, stmt in program.arguments_of(binding.scope, binding.name)]
            elif binding.value is not None:
                places = [(program, binding.value, binding.stmt)] if not isinstance(binding.value, ast.Name) else []
                if isinstance(binding.value, ast.Call):
                    places += handed_back(program, binding.value, binding.path)
            for owner, one, stmt in places:
                if owner is program and stmt is not None and self._loaded(one, stmt, depth + 1):
                    return True
        return False

    def _flags(self) -> Iterator[Step]:
        """`--resume` and `if args.resume:`."""
        program = self.program
        for call in program.method_calls("add_argument"):
            for flag in call.args:
                if isinstance(flag, ast.Constant) and isinstance(flag.value, str) and _FLAG.match(flag.value):
                    yield Step(program, call, "the run can be told to resume here")
        if not _ASKED.isdisjoint(program.document.identifiers):
            for stmt in program.index.parent:
                if isinstance(stmt, ast.If):
                    for node in nodes(stmt.test):
                        name = dotted(node) if isinstance(node, ast.Attribute | ast.Name) else None
                        if name is not None and name.rpartition(".")[2] in _ASKED:
                            yield Step(program, stmt.test, "the run can be told to resume here")
