"""VLLM002: prompts that do not depend on each other are given to the engine one by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, Rule
from dry_debug.program import knowledge as know
from dry_debug.program.arguments import argument, given
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.handed_back import handed_back
from dry_debug.program.independent import CHANGES, loops_around
from dry_debug.program.links import Link, kind_link
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import names_in, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_MAX_FUNCTIONS = 6  # between the loop and the engine
# Signs in a loop that each call is measured, answered to somebody, or stopped early on purpose.
_CLOCKS = know.CLOCKS | {"builtins.input"}


class UnbatchedEngineCalls(Rule):
    name = "unbatched-engine-calls"
    code = "VLLM002"
    shape = "site"
    severity = "warning"
    fix_kind = "none"
    triggers = (("vllm",), (".generate(", ".chat("), ("for ",))
    why = (
        "The engine batches only what it is given in one call: prompt by prompt the GPU does one sequence at a time, "
        "which takes ten to fifty times as long as the list of all prompts."
    )
    quotes = ("DRY-FOC-2",)
    instead = "Collect the prompts and give the engine the whole list in one call."
    looks_at = "calls of `generate` and `chat` of a vLLM engine inside a `for` loop"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for call in _calls(program):
            if _loop(call, program) is not None:
                yield call

    def check(self, program: Program) -> Iterator[Report]:
        for call in _calls(program):
            loop = _loop(call, program)
            if loop is None:
                yield from self._through_function(call, program)
                continue
            prompt = argument(call, 0, "prompts", "messages", "prompt_token_ids")
            reason = _why_not(call, prompt, loop, program)
            if reason is not None:
                program.why(call, reason)
            elif prompt is not None:
                yield self._report(call, call, prompt, loop, "high", program)

    def _through_function(self, call: ast.Call, program: Program) -> Iterator[Report]:
        """`for q in questions: ask(q)`, where `ask` calls the engine with its parameter, or calls what does."""
        prompt = argument(call, 0, "prompts", "messages", "prompt_token_ids")
        if prompt is None or program.is_test:
            return
        single = _single(prompt, call, program)
        handed_on = single is None and _is_handed_on(prompt, call, program)  # the caller knows whether it is one
        if handed_on:
            single = prompt
        if single is None:
            return
        seen: set[Scope] = set()
        todo: list[tuple[ast.Call, list[ast.expr]]] = [(call, [single])]
        while todo and len(seen) < _MAX_FUNCTIONS:
            at, exprs = todo.pop(0)
            scope = program.scope(at)
            if scope.kind != "function" or scope in seen or _stateful(scope) or _clocked(scope.node, program):
                continue
            seen.add(scope)
            used, _ = _closure(ast.Tuple(exprs, ast.Load()), getattr(scope.node, "body", []))
            names = [a.arg for a in scope.parameters() if a.arg in used and a.arg != scope.self_name]
            for site in program.call_sites(scope) if names else ():
                passed = [expr for name in names if (expr := given(site, scope, name)) is not None]
                loop = _loop(site, program)
                if handed_on and at is call and not all(_single(expr, site, program) for expr in passed):
                    continue
                if loop is None and passed:
                    todo.append((site, passed))
                    continue
                together = ast.Tuple(passed, ast.Load())
                if loop is not None and passed and not _why_not(site, together, loop, program, engine=False):
                    yield self._report(call, site, prompt, loop, "medium", program)
                    return

    def _report(
        self, call: ast.Call, site: ast.Call, prompt: ast.expr, loop: ast.For, sure: Confidence, program: Program
    ) -> Report:
        assert isinstance(call.func, ast.Attribute)
        value = program.value(call.func.value, call)
        evidence = [Step(program, loop.iter, "each of these is a call of its own")]
        if site is not call:
            evidence.append(Step(program, site, "the engine is called from here"))
        return Report(
            at=call,
            headline=f"`{program.short(call.func, 36)}` is given one prompt at a time, in a loop over all of them",
            confidence=weakest(sure, value.confidence),
            evidence=evidence,
            cause=f"{self.name}@{program.span(site).start}",  # several calls on the way of one prompt are one mistake
            links=lambda: [kind_link(program, value), Link("path", sure, "no prompt depends on the answer before it")],
        )


def _calls(program: Program) -> Iterator[ast.Call]:
    for method in ("generate", "chat"):
        for call in program.method_calls(method):
            func = call.func
            assert isinstance(func, ast.Attribute)
            value = program.value(func.value, call)
            if value.kind == "engine" and value.type == "vllm.LLM":
                yield call


def _loop(call: ast.Call, program: Program) -> ast.For | None:
    """The innermost `for` of the same function around a call."""
    return next(loops_around(call, program), None)


def _why_not(
    call: ast.Call, prompt: ast.expr | None, loop: ast.For, program: Program, *, engine: bool = True
) -> str | None:
    """Why a call in a loop is in order; None where the prompts could all be given at once."""
    if program.is_test:
        return "the file is a test"
    single = _single(prompt, call, program) if prompt is not None and engine else prompt
    if single is None:
        return "it is not known to be given one prompt"
    if any(isinstance(n, ast.Break | ast.Return) for n in nodes(loop)):
        return "the loop may end before the last prompt"
    if _clocked(loop, program):
        return "each call is measured by itself, or waits for somebody"
    targets = names_in(loop.target)
    used, fresh = _closure(single, loop.body)
    if not used & targets:
        return "the prompt is not known to come from what the loop goes over"
    if _batches(loop, targets, used):
        return "the loop goes over batches"
    result = _results(call, program) - targets  # what the loop sets anew
    if result & used:
        return "the next prompt depends on the answer"
    changed = _changed(loop) - targets - fresh
    if used & changed:
        return "the prompt depends on what earlier iterations have left"
    return None


def _clocked(block: ast.AST, program: Program) -> bool:
    """Whether a loop, or the function that it calls, measures each call or waits for somebody."""
    return any(isinstance(n, ast.Call) and (program.qualified(n) or "") in _CLOCKS for n in nodes(block))


def _single(prompt: ast.expr, call: ast.Call, program: Program) -> ast.expr | None:
    """The one prompt that the engine is given: a text, or a list with one element; None for a batch."""
    if isinstance(prompt, ast.List):
        return prompt.elts[0] if len(prompt.elts) == 1 and not isinstance(prompt.elts[0], ast.Starred) else None
    if isinstance(prompt, ast.JoinedStr | ast.BinOp):
        return prompt
    if isinstance(prompt, ast.Name):
        found = program.names.lookup(prompt.id, program.scope(call))
        made = found[1] if found is not None else []
        if found is not None and found[0] is program.scope(call):  # `for q in qs: q = [ask(q)]`: what it is by then
            made = reaching(program.index, made, program.statement(call))
        values = [b.value for b in made if b.kind == "assign" and not b.path]
        if values and len(values) == len(made):
            return prompt if _is_text(values[-1], program) else None
        if found is not None and all(b.kind == "for" and not b.path for b in found[1]):
            over = found[1][0].value
            texts = isinstance(over, ast.List | ast.Tuple) and all(isinstance(e, ast.Constant) for e in over.elts)
            return prompt if texts or _first_only(call, program) else None
    return None


def _is_handed_on(prompt: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether the engine is given a parameter of the function, as it came."""
    bindings = program.scope(call).bindings.get(prompt.id, []) if isinstance(prompt, ast.Name) else []
    return len(bindings) == 1 and bindings[0].kind == "param"


def _is_text(value: ast.expr | None, program: Program, depth: int = 0) -> bool:
    """Whether an expression is one text, or a list of one; also what a function of the file makes of its parts."""
    if isinstance(value, ast.JoinedStr):
        return True
    if isinstance(value, ast.List):
        return len(value.elts) == 1
    if not isinstance(value, ast.Call) or depth > 2:
        return False
    if last_name(value.func) in ("format", "apply_chat_template", "replace"):
        return True
    back = [(expr, stmt) for owner, expr, stmt in handed_back(program, value) if owner is program]
    return bool(back) and all(_text_there(expr, program.scope(stmt), program, depth) for expr, stmt in back)


def _text_there(expr: ast.expr, scope: Scope, program: Program, depth: int) -> bool:
    if not isinstance(expr, ast.Name):
        return _is_text(expr, program, depth + 1)
    bindings = scope.bindings.get(expr.id, [])
    made = bool(bindings) and all(b.kind == "assign" and not b.path for b in bindings)
    return made and _is_text(bindings[-1].value, program, depth + 1)


def _first_only(call: ast.Call, program: Program) -> bool:
    """Whether only the first of the answers is read: `generate(...)[0]`."""
    parents = program.flow.parents_near(call)
    parent = parents.get(call)
    if isinstance(parent, ast.Subscript):
        return isinstance(parent.slice, ast.Constant) and parent.slice.value == 0
    if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
        return False
    scope = program.scope(call)
    around = program.flow.parents(scope)
    reads = [around.get(read) for read in program.flow.reads(parent.targets[0].id, scope)]
    return bool(reads) and all(
        isinstance(r, ast.Subscript) and isinstance(r.slice, ast.Constant) and r.slice.value == 0 for r in reads
    )


def _closure(prompt: ast.expr, body: list[ast.stmt]) -> tuple[set[str], set[str]]:
    """(names that the prompt depends on through a body, those of them that the body makes anew)."""
    made: dict[str, set[str]] = {}
    for inner in (node for stmt in body for node in nodes(stmt) if isinstance(node, ast.Assign)):
        for target in inner.targets:
            for part in nodes(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    made.setdefault(part.id, set()).update(names_in(inner.value))
    used, todo = set[str](), list(names_in(prompt))
    while todo:
        name = todo.pop()
        if name not in used:
            used.add(name)
            todo.extend(made.get(name, ()))
    fresh = {name for name in made if name in used and name not in made[name]}
    return used, fresh


def _results(call: ast.Call, program: Program) -> set[str]:
    stmt = program.statement(call)
    if not isinstance(stmt, ast.Assign):
        return set()
    found: set[str] = set()
    for target in stmt.targets:
        found |= {n.id for n in nodes(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if isinstance(target, ast.Subscript | ast.Attribute):
            found |= names_in(target.value)
    return found


def _changed(loop: ast.For) -> set[str]:
    """Names of what the loop changes: assigned, added to, or filled."""
    found: set[str] = set()
    for inner in nodes(loop):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found.add(inner.id)
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in CHANGES:
            found |= names_in(inner.func.value)
        elif isinstance(inner, ast.Assign | ast.AugAssign):
            for target in inner.targets if isinstance(inner, ast.Assign) else [inner.target]:
                if isinstance(target, ast.Subscript | ast.Attribute):
                    found |= names_in(target.value)
    return found


def _batches(loop: ast.For, targets: set[str], used: set[str]) -> bool:
    """`for start in range(0, n, size)`: the loop goes over the beginnings of batches."""
    over = loop.iter
    if isinstance(over, ast.Call) and last_name(over.func) == "range":
        return len(over.args) == 3
    return any("batch" in name or "chunk" in name for name in targets & used)


def _stateful(scope: Scope) -> bool:
    """Whether a function keeps something from one call to the next (`self.history.append(...)`)."""
    node = scope.node
    for inner in nodes(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            return True
        if isinstance(inner, ast.Global | ast.Nonlocal):
            return True
        func = inner.func if isinstance(inner, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr in CHANGES and isinstance(func.value, ast.Attribute):
            return True
    return False
