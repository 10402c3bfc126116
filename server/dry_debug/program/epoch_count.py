"""How a run counts its epochs into a checkpoint and back out of it: the number saved, and the one it starts with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.checkpoints import SaveSite, given
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_HOPS = 6


class Start(NamedTuple):
    """Where a loop starts: the entry `key` of what was loaded, plus `offset`. `node` is the entry as it is read."""

    key: str
    offset: int
    node: ast.expr
    owner: Program


class Stored(NamedTuple):
    """The epoch that a save writes under a key: the counter of the loop plus `offset`.

    `finished` says that the epoch's training is over there: None where the save stands within it, or is not understood.
    """

    site: SaveSite
    offset: int
    finished: bool | None


class EpochCount:
    """Questions about one epoch loop (`for epoch in range(start, epochs)`) of one program."""

    def __init__(self, program: Program, loop: ast.For) -> None:
        self.program = program
        self.loop = loop

    # -- the start ---------------------------------------------------------------------------------------------------

    def first(self) -> ast.expr | None:
        """The expression that the loop starts with, if it is given one."""
        over: ast.expr = self.loop.iter
        while isinstance(over, ast.Call) and over.args:
            name = (self.program.qualified(over) or "").rpartition(".")[2]
            if name in ("range", "trange"):
                return over.args[0] if len(over.args) > 1 else None
            over = over.args[0]
        return None

    def start(self) -> Start | None:
        """The entry of a checkpoint that the loop may start with; None where nothing shows one, or it is changed."""
        first = self.first()
        if first is None:
            return None
        return self._read(self.program, first, self.loop, 0, None)

    def _read(self, program: Program, expr: ast.expr, at: ast.AST, hops: int, element: int | None) -> Start | None:
        """`expr` in the statement or call `at` as an entry of what was loaded; `element` of it, if it is several."""
        expr, offset = _plain(expr)
        found: Start | None = None
        if hops > MAX_HOPS:
            return None
        if isinstance(expr, ast.Tuple) and element is not None:
            found = self._read(program, expr.elts[element], at, hops + 1, None) if element < len(expr.elts) else None
        elif isinstance(expr, ast.IfExp):
            found = self._read(program, expr.body, at, hops + 1, element)
            found = found or self._read(program, expr.orelse, at, hops + 1, element)
        elif (key := _entry(expr)) is not None:
            base = expr.value if isinstance(expr, ast.Subscript) else expr.func.value  # type: ignore[attr-defined]
            loaded = program.value(base, at).via == "loaded"
            found = Start(key, 0, expr, program) if loaded and element is None else None
        elif isinstance(expr, ast.Call):
            target = program.target(expr)
            callee, owner = target.scope, target.program
            if target.kind == "function" and callee is not None and owner is not None:
                read = (self._read(owner, r.value, r, hops + 1, element) for r in callee.returns if r.value is not None)
                found = next((one for one in read if one is not None), None)
        elif isinstance(expr, ast.Name | ast.Attribute):
            found = self._variable(program, expr, at, hops)
        if found is None:
            return None
        return Start(found.key, found.offset + offset, found.node, found.owner)

    def _variable(self, program: Program, expr: ast.Name | ast.Attribute, at: ast.AST, hops: int) -> Start | None:
        path = dotted(expr)
        if path is None:
            return None
        if isinstance(expr, ast.Name):
            home = program.names.lookup(expr.id, program.scope(at))
            if home is not None and home[1] and home[1][0].kind == "param" and len(home[1]) == 1:
                return self._passed(program, home[0], expr.id, hops)
        found: list[Start] = []
        for stmt, value, element in _bound(program, path, expr, at):
            if value is None or (isinstance(value, ast.BinOp) and _mentions(value, path)):
                return None  # counted on
            one = self._read(program, value, stmt, hops + 1, element)
            if one is not None:
                found.append(one)
        same = {(one.key, one.offset) for one in found}
        return found[0] if len(same) == 1 else None

    def _passed(self, program: Program, function: Scope, name: str, hops: int) -> Start | None:
        for call in program.call_sites(function)[:3]:
            passed = given(call, function, name)
            one = self._read(program, passed, call, hops + 1, None) if passed is not None else None
            if one is not None:
                return one
        return None

    # -- what is saved -------------------------------------------------------------------------------------------------

    def stored(self, key: str) -> Iterator[Stored]:
        """What the saves of the program write under `key`, where it is the counter of this loop."""
        program = self.program
        for site in program.training.checkpoints.saves:
            for entry in site.entries:
                if entry.key != key:
                    continue
                expr = entry.node.value if isinstance(entry.node, ast.Assign) else entry.node
                offset = self._counted(expr, site) if isinstance(expr, ast.expr) else None
                if offset is not None:
                    yield Stored(site, offset, self._finished(site.node, 0))

    def _counted(self, expr: ast.expr, site: SaveSite) -> int | None:
        """How far `expr`, an entry of what `site` writes, is from the counter of the loop."""
        program, owner = self.program, site.owner
        expr, offset = _plain(expr)
        if not isinstance(expr, ast.Name | ast.Attribute):
            return None
        places = [place for place in (site.via, site.node) if place is not None and place in owner.index.scope_of]
        if owner is not program:
            place = places[0] if places else None
            passed = given(site.node, owner.scope(place), expr.id) if place is not None and isinstance(
                expr, ast.Name) else None  # fmt: skip
            inner = self._is_counter(passed, site.node, 0) if passed is not None else None
        else:
            found = (self._is_counter(expr, place, 0) for place in places)
            inner = next((one for one in found if one is not None), None)
        return inner + offset if inner is not None else None

    def _is_counter(self, expr: ast.expr, at: ast.AST, hops: int) -> int | None:
        program = self.program
        expr, offset = _plain(expr)
        path = dotted(expr)
        if path is None or hops > MAX_HOPS:
            return None
        target = self.loop.target
        if isinstance(expr, ast.Name):
            home = program.names.lookup(expr.id, program.scope(at))
            bindings = home[1] if home is not None else []
            if isinstance(target, ast.Name) and any(b.stmt is self.loop and b.kind == "for" for b in bindings):
                others = [b for b in bindings if b.kind != "for" and program.index.inside(b.stmt or at, self.loop)]
                return offset if target.id == expr.id and not others else None
            if home is not None and len(bindings) == 1 and bindings[0].kind == "param":
                for call in program.call_sites(home[0])[:4]:
                    passed = given(call, home[0], expr.id)
                    inner = self._is_counter(passed, call, hops + 1) if passed is not None else None
                    if inner is not None:
                        return inner + offset
                return None
        elif isinstance(target, ast.Attribute) and dotted(target) == path:
            return offset
        values = [(stmt, value) for stmt, value, element in _bound(program, path, expr, at)
                  if element is None and not isinstance(value, ast.Constant)]  # fmt: skip
        inside = [(s, v) for s, v in values if v is not None and self._reaches(s)]
        if len(inside) != 1 or inside[0][1] is None or _mentions(inside[0][1], path):
            return None
        inner = self._is_counter(inside[0][1], inside[0][0], hops + 1)
        return inner + offset if inner is not None else None

    def _reaches(self, stmt: ast.stmt) -> bool:
        return self.program.index.inside(stmt, self.loop)

    def _finished(self, node: ast.AST, hops: int) -> bool | None:
        """Whether the training of the epoch lies behind `node` in the loop: True, False before it, None within it."""
        program = self.program
        stmt = program.statement(node)
        if stmt is None or hops > MAX_HOPS:
            return None
        if program.index.inside(stmt, self.loop):
            return self._behind(stmt, self.loop)
        function = program.scope(node)
        if not isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        if program.training.loops.training_statements(function.node):
            return self._behind(stmt, function.node)  # what the function trains is over there, or it is not
        answers = {self._finished(call, hops + 1) for call in program.call_sites(function)[:4]}
        return answers.pop() if len(answers) == 1 else None

    def _behind(self, stmt: ast.stmt, whole: ast.stmt) -> bool | None:
        """Whether all that `whole`, the loop or a function called in it, trains lies behind `stmt`."""
        program = self.program
        trained = program.training.loops.training_statements(whole)
        if not trained or stmt in trained:
            return None
        around = []
        for block in program.index.ancestors(stmt):
            if block is whole:
                break
            if isinstance(block, ast.ExceptHandler):
                return None  # the epoch was left
            if isinstance(block, ast.While) or (isinstance(block, ast.For) and not _phases(block)):
                around.append(block)
        if any(program.index.inside(one, block) for one in trained for block in around):
            return None
        before = [one.lineno < stmt.lineno for one in trained]
        return True if all(before) else None if any(before) else False


def _plain(expr: ast.expr) -> tuple[ast.expr, int]:
    """`expr` without `int(...)` and without a whole number that is added to it, and that number."""
    offset = 0
    for _ in range(4):
        if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add | ast.Sub):
            right = expr.right
            if isinstance(right, ast.Constant) and type(right.value) is int:
                offset += right.value if isinstance(expr.op, ast.Add) else -right.value
                expr = expr.left
                continue
            left = expr.left
            if isinstance(left, ast.Constant) and type(left.value) is int and isinstance(expr.op, ast.Add):
                offset += left.value
                expr = right
                continue
        if isinstance(expr, ast.Call) and len(expr.args) == 1 and dotted(expr.func) == "int":
            expr = expr.args[0]
            continue
        break
    return expr, offset


def _entry(expr: ast.expr) -> str | None:
    """The literal key of `loaded["epoch"]`, `loaded.get("epoch", 0)`, `loaded.pop("epoch")`."""
    if isinstance(expr, ast.Subscript):
        key = expr.slice
    elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr in ("get", "pop"):
        key = expr.args[0] if expr.args else None  # type: ignore[assignment]
    else:
        return None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _bound(
    program: Program, path: str, expr: ast.expr, at: ast.AST
) -> Iterator[tuple[ast.stmt, ast.expr | None, int | None]]:
    """(statement, value, element of it) of everything that is put into the variable or attribute `path`."""
    if isinstance(expr, ast.Name):
        home = program.names.lookup(expr.id, program.scope(at))
        for b in home[1] if home is not None else ():
            if b.kind in ("assign", "aug") and b.stmt is not None and b.value is not None:
                yield b.stmt, None if b.kind == "aug" else b.value, b.path[0] if len(b.path) == 1 else None
        return
    for stmt in (*program.index.assignments, *program.index.augments):
        for target in stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]:
            elements = target.elts if isinstance(target, ast.Tuple) else [target]
            for at_, element in enumerate(elements):
                if dotted(element) == path and stmt.value is not None:
                    several = at_ if isinstance(target, ast.Tuple) else None
                    yield stmt, None if isinstance(stmt, ast.AugAssign) else stmt.value, several


def _mentions(value: ast.expr, path: str) -> bool:
    return any(isinstance(n, ast.Name | ast.Attribute) and dotted(n) == path for n in nodes(value))


def _phases(loop: ast.For) -> bool:
    """`for phase in ["train", "val"]`."""
    over = loop.iter
    if isinstance(over, ast.Call) and dotted(over.func) == "enumerate" and over.args:
        over = over.args[0]
    return isinstance(over, ast.List | ast.Tuple) and all(isinstance(e, ast.Constant) for e in over.elts)
