"""Calls that a loop makes once for each of its things, and that do not depend on one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from dry_debug.program import knowledge as know
from dry_debug.program.walks import names_in, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Methods that change what they are called on.
CHANGES = frozenset(("append", "extend", "insert", "update", "add", "pop", "clear", "appendleft", "push", "setdefault"))
# Signs in a loop that each call is measured by itself, or that somebody is waiting for its answer.
_CLOCKS = know.CLOCKS | {"builtins.input"}


def loops_around(call: ast.Call, program: Program) -> Iterator[ast.For]:
    """The `for` loops of the same function around a call, from the inside to the outside; none across a `while`."""
    stmt = program.statement(call)
    inner: ast.AST | None = stmt
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.While):
            return
        if isinstance(block, ast.For) and any(s is inner for s in block.body):
            yield block
        inner = block


def why_dependent(call: ast.Call, exprs: list[ast.expr], loop: ast.For, program: Program) -> str | None:
    """Why the calls that `loop` makes are no independent ones, one for each of its things; None where they are.

    `exprs` are what the call is given, as far as it matters.
    """
    targets = names_in(loop.target)
    body = Body(loop, call)
    used = body.behind({name for expr in exprs for name in names_in(expr)})
    if not used & targets:
        return "what it is given does not come from what the loop goes over"
    answers = body.after(body.bound_by(call))
    if any(name in answers and not body.fresh(name) for name in used):
        return "what it is given depends on the answer before it"
    changed = {n for n in body.changed() if n not in targets and not body.fresh(n)}
    if used & changed:
        return "what it is given depends on what earlier iterations have left"
    for node in nodes(loop):
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
            return "the loop may end before the last of them, or waits for somebody"
        if isinstance(node, ast.Call) and (program.qualified(node) or "") in _CLOCKS:
            return "each call is measured by itself, or waits for somebody"
        if (
            isinstance(node, ast.If)
            and any(isinstance(s, ast.Break) for s in node.body)
            and names_in(node.test) & answers
        ):
            return "the answer decides whether there is a next one"
    return None


class Body:
    """What the body of a loop binds, and from what."""

    def __init__(
        self, loop: ast.For | ast.While, call: ast.Call, filled: Sequence[tuple[set[str], set[str]]] = ()
    ) -> None:
        """`filled`: what functions do that the loop calls: (names that they put into something, names of that)."""
        self.loop = loop
        self.call = call
        self.filled = filled
        self._fresh: dict[str, bool] = {}
        self.bindings: list[tuple[str, set[str], ast.AST]] = []  # (name, what it is made of, where), in source order
        for node in sorted(_binders(loop), key=lambda n: (n.lineno, n.col_offset)):
            value, targets = _value(node), _targets(node)
            made = names_in(value) if value is not None else set()
            if isinstance(node, ast.AugAssign):
                made |= names_in(node.target)
            for target in targets:
                for part in nodes(target):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        self.bindings.append((part.id, made, node))

    def fresh(self, name: str) -> bool:
        """Whether each iteration makes `name` anew before the call, and before anything reads it."""
        known = self._fresh.get(name)
        if known is None:
            known = self._fresh[name] = _first(self.loop.body, name, self.call.lineno) == "makes"
        return known

    def behind(self, names: set[str]) -> set[str]:
        """`names` and what they are made of; of a name made anew, what the lines above the call make it of."""
        used, todo = set[str](), list(names)
        while todo:
            name = todo.pop()
            if name in used:
                continue
            used.add(name)
            fresh = self.fresh(name)
            for bound, made, node in self.bindings:
                if bound != name:
                    continue
                above = getattr(node, "lineno", 0) <= self.call.lineno
                if not fresh or (above and not _holds(node, self.call)):
                    todo.extend(made)
        return used

    def bound_by(self, call: ast.Call) -> set[str]:
        return {
            name for name, _, node in self.bindings
            if _holds(node, call)
        }  # fmt: skip

    def after(self, names: set[str], at: ast.Call | None = None) -> set[str]:
        """`names` and what is made of them from the call (or `at`) on."""
        line = (at or self.call).lineno
        known, grown = set(names), True
        while grown:
            grown = False
            for name, made, node in self.bindings:
                if name not in known and made & known and getattr(node, "lineno", 0) >= line:
                    known.add(name)
                    grown = True
        return known

    def feeds_back(self, call: ast.Call) -> bool:
        """Whether what a call is given is made of its answer in the iteration before."""
        given = [*call.args, *(k.value for k in call.keywords)]
        used = self.behind({name for expr in given for name in names_in(expr)})
        answers, grown = self.after(self.bound_by(call)), True
        while grown:
            grown = False
            for taken, into in self.filled:
                if taken & answers and into - answers:
                    answers, grown = self.after(answers | into), True
            for inner in nodes(self.loop):
                func = inner.func if isinstance(inner, ast.Call) else None
                if not isinstance(func, ast.Attribute) or func.attr not in CHANGES:
                    continue
                taken = {n for a in inner.args for n in names_in(a)}  # type: ignore[attr-defined]
                into = names_in(func.value) - answers
                if taken & answers and into:
                    answers, grown = self.after(answers | into), True
        return any(name in answers and not self.fresh(name) for name in used)

    def changed(self) -> set[str]:
        """Names of what the loop changes: assigned, added to, or filled."""
        found = {name for name, _, _ in self.bindings}
        for inner in nodes(self.loop):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in CHANGES:
                found |= names_in(inner.func.value)
            elif isinstance(inner, ast.Assign | ast.AugAssign):
                for target in inner.targets if isinstance(inner, ast.Assign) else [inner.target]:
                    if isinstance(target, ast.Subscript | ast.Attribute):
                        found |= names_in(target.value)
        return found


def _binders(
    loop: ast.For | ast.While,
) -> Iterator[ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For]:
    for stmt in loop.body:
        for node in nodes(stmt):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For):
                yield node


def _holds(node: ast.AST, call: ast.Call) -> bool:
    """Whether what a statement binds is made by the call."""
    value = _value(node)
    return value is not None and any(inner is call for inner in nodes(value))


def _value(node: ast.AST) -> ast.expr | None:
    return node.iter if isinstance(node, ast.For) else getattr(node, "value", None)


def _targets(node: ast.AST) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]


def _first(block: list[ast.stmt], name: str, before: int) -> Literal["makes", "uses", "leaves"] | None:
    """What a block does with `name` first: makes it on every way through, or uses it; None: nothing."""
    perhaps: Literal["makes"] | None = None
    for stmt in block:
        if stmt.lineno > before:
            break
        if isinstance(stmt, ast.Continue | ast.Raise | ast.Break):
            return "leaves"
        done: Literal["makes", "uses", "leaves"] | None = None
        if isinstance(stmt, ast.Assign | ast.AnnAssign) and name in _bound(stmt):
            done = "makes" if stmt.value is not None and name not in names_in(stmt.value) else "uses"
        elif isinstance(stmt, ast.With | ast.AsyncWith | ast.Try):
            done = _first(stmt.body, name, before)
        elif isinstance(stmt, ast.For) and name in names_in(stmt.target):
            done = "makes"
        elif isinstance(stmt, ast.For | ast.If) and name not in names_in(
            stmt.iter if isinstance(stmt, ast.For) else stmt.test
        ):
            ways = {_first(stmt.body, name, before), _first(stmt.orelse, name, before)}
            if ways == {"leaves"}:
                return "leaves"
            ways.discard("leaves")
            if ways == {"makes", None}:
                perhaps = "makes"  # and what comes behind it does not use it, or makes it anew
            if "uses" not in ways and None in ways:
                continue
            done = "uses" if "uses" in ways else "makes"
        if done is None and name in names_in(stmt):
            return "uses"
        if done is not None:
            return done
    return perhaps


def _bound(stmt: ast.Assign | ast.AnnAssign) -> set[str]:
    return {n.id for t in _targets(stmt) for n in nodes(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
