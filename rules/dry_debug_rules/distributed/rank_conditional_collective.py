"""DIST011: some ranks come to a collective and the others do not, so those that came wait for ever."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.rank_sides import (
    NAMES,
    Side,
    comes_to_collective,
    of_subgroup,
    sharded_later,
    side_of,
)
from dry_debug.program.reaching import side, terminates
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.walks import nodes
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class RankConditionalCollective(Rule):
    name = "rank-conditional-collective"
    code = "DIST011"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    depends_on_names = True  # tests for the rank are known by what they compare, and by their words
    triggers = (("distributed", "ccelerat", "deepspeed"), ("torch", "ccelerat"), ("rank", "main_process", "is_main"))
    why = (
        "A collective ends when every rank has called it: the ranks that came wait for those that never do, until the "
        "watchdog kills the job half an hour later."
    )
    quotes = ("CKPT-DDP-2",)
    instead = "Let every rank call the collective, and use its result on one."
    looks_at = "collectives behind a test for the rank"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        yield from program.training.distributed.collectives

    def check(self, program: Program) -> Iterator[Report]:
        rows: list[tuple[ast.Call, Side, ast.Call, Program]] = []
        for call in program.training.distributed.collectives:
            decided = side_of(program, call)
            if decided is None:
                program.why(call, "no test says that some of the ranks only come here")
            elif of_subgroup(call):
                program.why(call, "it is, or may be, for a group of some ranks")
            else:
                rows.append((call, decided, call, program))
        told = {call for call, *_ in rows}
        through = [row for row in _through_helpers(program) if row[0] not in told]
        for call, decided, inner, owner in (*rows, *through):
            report = self._judge(call, decided, inner, owner, [*rows, *through], program)
            if report is not None:
                yield report

    def _judge(
        self,
        call: ast.Call,
        decided: Side,
        inner: ast.Call,
        owner: Program,
        rows: list[tuple[ast.Call, Side, ast.Call, Program]],
        program: Program,
    ) -> Report | None:
        why = program.why
        if program.is_test:
            why(call, "the file is a test")
            return None
        if sharded_later(inner, owner):
            why(call, "the model is sharded only behind it: until then every rank has all of it")
            return None
        name = last_name(inner.func)
        for other, theirs, within, _ in rows:
            if theirs.one is not decided.one and _alike(last_name(within.func), name):
                why(call, "the other ranks come to {}", other, see=Step(program, other, ""))
                return None
        unseen = _unseen(decided, call, inner, program)
        if unseen is not None:
            why(call, "the other ranks run {}, which may wait for these", unseen)
            return None
        who = "one rank" if decided.one else "all ranks but one"
        what = program.short(call, 44)
        via = "" if inner is call else f" (it comes to `{name}`)"
        evidence = [Step(program, decided.guard.test, "this test decides by the rank")]
        if inner is not call:
            evidence.append(Step(owner, inner, "all ranks have to come to this"))
        movable = inner is call and _movable(call, decided, program)
        title = "Let all ranks come to it: move it behind the test"
        return Report(
            at=call,
            headline=f"only {who} come{'s' if decided.one else ''} to `{what}`{via}: it waits for ever",
            confidence="high",
            evidence=evidence,
            links=lambda: [Link("path", "high", "the other ranks come to no such call")],
            fix=(lambda: _fix(call, decided, title, program)) if movable else None,
            fix_title=title if movable else "",
        )


def _through_helpers(program: Program) -> Iterator[tuple[ast.Call, Side, ast.Call, Program]]:
    """Calls behind a test for the rank of functions of the project that come to a collective."""
    inside = any(program.scope(call).kind == "function" for call in program.training.distributed.collectives)
    if not inside and not program.leaves_file:
        return
    test = program.training.distributed.ranks.test
    guards = [s for s in program.index.parent if isinstance(s, ast.If) and test(s.test, s) is not None]
    for guard in sorted(guards, key=lambda s: s.lineno):
        for call in _calls_decided_by(guard, program):
            found = comes_to_collective(program, call)
            decided = side_of(program, call) if found is not None else None
            if decided is not None and found is not None and isinstance(found.node, ast.Call):
                yield call, decided, found.node, found.program


def _calls_decided_by(guard: ast.If, program: Program) -> list[ast.Call]:
    calls = program.scope(guard).calls
    last = guard.end_lineno or guard.lineno
    if terminates(guard.body) and not guard.orelse:  # what stands behind it is for the others
        around = program.index.parent.get(guard)
        last = getattr(around, "end_lineno", None) or last
    return [c for c in calls if guard.lineno <= c.lineno <= last][:60]


def _alike(first: str, second: str) -> bool:
    barriers = ("barrier", "monitored_barrier", "wait_for_everyone")
    return first == second or (first in barriers and second in barriers)


def _unseen(decided: Side, call: ast.Call, inner: ast.Call, program: Program) -> ast.expr | None:
    """A call on the way of the other ranks that nobody can follow, and that may be their part of the collective."""
    guard = decided.guard
    stmt = program.statement(call)
    behind = False
    if decided.leaves:
        block = guard.body
    else:
        inside = stmt is not None and any(program.index.inside(stmt, s) or stmt is s for s in guard.body)
        block = guard.orelse if inside else guard.body
        behind = inside and not guard.orelse and terminates(guard.body)
        if behind:
            block = _behind(guard, program)
    for part in block:
        for node in nodes(part):
            if not isinstance(node, ast.Call) or node not in program.index.scope_of:
                continue
            if behind and program.qualified(node) in NAMES:
                return node
            if inner is not call and _handed(node, call, program):
                return node  # `optimizer.step(closure)`: whoever is given the function may call it
            if program.target(node).known:
                if comes_to_collective(program, node, sure=False) is not None:
                    return node
            elif program.qualified(node) is None and _may_talk(node):
                return node
    return None


def _handed(node: ast.Call, call: ast.Call, program: Program) -> bool:
    """Whether `node` is given the function that `call` calls, or is given as well."""
    mine = {dotted(expr) for expr in (call.func, *_given(call))}
    return any(dotted(expr) in mine and program.value(expr, node).kind == "function" for expr in _given(node))


def _given(call: ast.Call) -> list[ast.expr]:
    return [expr for expr in (*call.args, *(k.value for k in call.keywords)) if dotted(expr) is not None]


def _behind(guard: ast.If, program: Program) -> list[ast.stmt]:
    """What the ranks run that do not enter a block which ends with a `return`."""
    around = program.index.parent.get(guard)
    body = getattr(around, side(around, guard), []) if around is not None else []
    at = next((i for i, stmt in enumerate(body) if stmt is guard), len(body))
    return list(body[at + 1 :])


def _may_talk(call: ast.Call) -> bool:
    """Whether a call that is not known may hold a collective: by its name, or because the project made it."""
    name = last_name(call.func).lower()
    return any(word in name for word in ("barrier", "sync", "wait", "broadcast", "gather", "reduce", "recv", "send",
                                         "worker", "serve", "run", "loop", "listen", "scatter"))  # fmt: skip


# -- fix ---------------------------------------------------------------------------------------------------------------


def _movable(call: ast.Call, decided: Side, program: Program) -> bool:
    """Whether it is a barrier at the end of the block that one rank runs, in lines of its own."""
    stmt, guard = program.statement(call), decided.guard
    barrier = last_name(call.func) in ("barrier", "wait_for_everyone")
    return (
        barrier and not decided.leaves and not guard.orelse and isinstance(stmt, ast.Expr) and stmt.value is call
        and len(guard.body) > 1 and guard.body[-1] is stmt and guard.body[-2].end_lineno != stmt.lineno
        and _starts_line(guard, program)
    )  # fmt: skip


def _starts_line(guard: ast.If, program: Program) -> bool:
    lines, start = program.document.lines, program.span(guard).start
    before = program.document.source[lines.offset(lines.line_of(start), 0) : start]
    return not before.strip() and program.document.source.startswith("if", start)  # not an `elif`


def _fix(call: ast.Call, decided: Side, title: str, program: Program) -> Fix:
    """The line of the barrier keeps its place and loses the indentation of the block."""
    lines = program.document.lines
    stmt, guard = program.span(call), program.span(decided.guard)
    first = lines.offset(lines.line_of(stmt.start), 0)
    outer = program.document.source[lines.offset(lines.line_of(guard.start), 0) : guard.start]
    return Fix(title, "unsafe", (TextEdit(Span(first, stmt.start), outer),))
