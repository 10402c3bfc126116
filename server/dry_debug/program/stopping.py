"""Objects of the project that decide when a run stops: what they remember from one result to the next."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.run_numbers import COUNTED, outermost
from dry_debug.program.scopes import dotted
from dry_debug.program.values import Value
from dry_debug.program.walks import LoopNode, nodes
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding, Scope

Number = Literal["count", "moment", "result", "result or None"]  # a moment is an epoch or a step
_MOMENT = re.compile(r"epoch|step|iter", re.IGNORECASE)
_KINDS = ("instance", "early_stopping", "unknown")


@dataclass(slots=True, eq=False)
class Stopper:
    """`name` is what it is called in the loop; `numbers` the attributes that a resumed run needs, in their order."""

    name: str
    value: Value
    numbers: dict[str, Number] = field(default_factory=dict)


def stoppers(program: Program, loop: LoopNode) -> Iterator[Stopper]:
    """The objects that `loop` tells a result in each round, and that count how long none was better."""
    outer = outermost(program, loop)
    seen: set[str] = set()
    for call in program.scope(outer).calls:
        stmt = program.statement(call)
        if not call.args or stmt is None or not program.index.inside(stmt, outer):
            continue
        # `stopper(loss)` and `stopper.step(loss)`
        for told in (call.func, call.func.value) if isinstance(call.func, ast.Attribute) else (call.func,):
            name = dotted(told)
            if name is None or name in seen or name == program.scope(outer).self_name:
                continue
            seen.add(name)
            if _made_in(outer, name, program):
                continue
            value = program.value(told, call)
            cls = value.scope
            if value.kind not in _KINDS or cls is None or cls.kind != "class" or value.program is None:
                continue
            numbers = _numbers(cls)
            if "count" in numbers.values() or _measures(cls, numbers):
                yield Stopper(name, value, numbers)


def _made_in(loop: LoopNode, name: str, program: Program) -> bool:
    """Whether the loop makes the object anew."""
    scope = program.scope(loop)
    cls = scope.class_scope
    if cls is not None and name.startswith(f"{scope.self_name}."):
        bindings = cls.attributes.get(name.split(".")[1], [])
    else:
        bindings = scope.bindings.get(name.partition(".")[0], [])
    return any(b.stmt is not None and program.index.inside(b.stmt, loop) for b in bindings)


def _numbers(cls: Scope) -> dict[str, Number]:
    """The attributes that begin as a number or as None and are set anew by other methods."""
    compared = {name for method in cls.children for name in _compared(method)}
    found: dict[str, Number] = {}
    for name, bindings in cls.attributes.items():
        begun = [b for b in bindings if b.scope.name == "__init__"]
        later = [b for b in bindings if b.scope.name != "__init__"]
        if len(begun) != 1 or not later or not all(_plain(b) for b in later):
            continue
        first = begun[0].value
        if any(b.kind == "aug" for b in later):
            if COUNTED.search(name) and _is_int(first) and all(b.kind == "aug" or _is_int(b.value) for b in later):
                found[name] = "count"
        elif isinstance(first, ast.Constant) and first.value is None:
            if name in compared:
                found[name] = "result or None"
        elif _is_number(first) and not all(isinstance(b.value, ast.Constant) for b in later):
            found[name] = "moment" if _is_int(first) and _MOMENT.search(name) else "result"
    return found


def _measures(cls: Scope, numbers: dict[str, Number]) -> bool:
    """Whether the class keeps a result and the epoch that it came in: `epoch - self.best_epoch >= self.patience`."""
    return len(numbers) > 1 and any("patien" in name.lower() for name in cls.attributes)


def _compared(method: Scope) -> Iterator[str]:
    """The attributes that a method puts in order."""
    for node in nodes(method.node):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            for part in nodes(node):
                if isinstance(part, ast.Attribute) and dotted(part.value) == method.self_name:
                    yield part.attr


def _plain(b: Binding) -> bool:
    """Whether it is set to a number, or to what the method was told: not to something that was made."""
    value = b.value.operand if isinstance(b.value, ast.UnaryOp) else b.value
    return not b.path and isinstance(value, ast.Name | ast.Constant)


def _is_int(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and type(value.value) is int


def _is_number(value: ast.expr | None) -> bool:
    """A number, or infinity in one of its spellings."""
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float)
    if isinstance(value, ast.Call):
        return dotted(value.func) == "float"
    return (dotted(value) or "").rpartition(".")[2].lower() in ("inf", "infty") if value is not None else False
