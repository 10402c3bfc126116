"""VLLM003: an engine that is loaded again in each iteration, or for each request."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.reaching import recovers
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import LoopNode, names_in, nodes
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

ENGINES = (
    "vllm.LLM", "vllm.LLMEngine.from_engine_args", "vllm.AsyncLLMEngine.from_engine_args",
    "vllm.engine.async_llm_engine.AsyncLLMEngine.from_engine_args", "vllm.engine.llm_engine.LLMEngine.from_engine_args",
)  # fmt: skip
_ROUTES = frozenset(("get", "post", "put", "route", "api_route", "websocket"))
MAX_HOPS = 3  # functions between the loop and the engine
_CACHES = frozenset(("cache", "lru_cache", "cached_property", "cache_resource", "fixture", "singleton"))
_TITLE = "Build the engine once, before the loop"


class EngineBuiltInLoop(Rule):
    name = "engine-built-in-loop"
    code = "VLLM003"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("vllm",), ("LLM", "from_engine_args"))
    why = (
        "Loading takes minutes, and the engine claims most of the GPU's memory before the last one has given it back: "
        "the second engine usually ends with out of memory."
    )
    quotes = ("DRY-FOC-2",)
    instead = "Build the engine once, at the start of the program, and pass it on."
    looks_at = "places that build an engine: `vllm.LLM(...)`, `AsyncLLMEngine.from_engine_args(...)`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        yield from _engines(program)

    def check(self, program: Program) -> Iterator[Report]:
        for call in _engines(program):
            stmt = program.statement(call)
            if program.is_test or stmt is None:
                program.why(call, "the file is a test")
                continue
            scope = program.scope(call)
            loop = _loop_around(call, program)
            if loop is not None:
                if self._meant(call, loop, program):
                    continue
                yield self._report(call, loop, "in each iteration of this loop", program)
            elif scope.kind == "function" and self._fixed(call, scope, program):
                again = _again(scope, program)
                if again is None:
                    program.why(call, "nothing shows that the function runs more than once")
                else:
                    yield self._report(call, *again, program)
            elif scope.kind != "function":
                program.why(call, "it is built once")

    def _meant(self, call: ast.Call, loop: ast.stmt, program: Program) -> bool:
        """Whether each iteration needs an engine of its own, or only one of them builds one."""
        changing = _bound_inside(loop)
        used = names_in(call)
        if used & changing:
            program.why(call, "it is another engine in each iteration: it depends on {}", sorted(used & changing)[0])
            return True
        if _guarded(call, loop, program):
            program.why(call, "a condition, or the end of the loop behind it, lets only one iteration build it")
            return True
        return False

    def _fixed(self, call: ast.Call, scope: Scope, program: Program) -> bool:
        """Whether the function builds the same engine each time that it runs, and builds it each time."""
        used = names_in(call)
        own = {name for name in used if name in scope.bindings and not _same_each_time(name, scope)}
        if own:
            program.why(call, "the engine depends on what the function is given or finds: {}", sorted(own)[0])
            return False
        if scope.node is not None and _guarded(call, scope.node, program):
            program.why(call, "a condition guards it: it may be built once")
            return False
        if _kept(scope):
            program.why(call, "the function's result is kept")
            return False
        return True

    def _report(self, call: ast.Call, again: ast.AST, how: str, program: Program) -> Report:
        what = "for every request" if "request" in how else "in every iteration"
        return Report(
            at=call,
            headline=f"`{program.short(call, 40)}` loads the engine again {what}",
            confidence="high",
            evidence=[Step(program, again, how)],
            links=lambda: [Link("path", "high", "each iteration, or each request, comes here")],
            fix=(lambda: _hoist(call, again, program)) if isinstance(again, ast.stmt) else None,
            fix_title=_TITLE if isinstance(again, ast.stmt) else "",
        )


def _engines(program: Program) -> Iterator[ast.Call]:
    for name in ENGINES:
        yield from program.calls_of(name)


def _loop_around(node: ast.AST, program: Program) -> LoopNode | None:
    """The innermost loop of the same function around a call."""
    stmt = program.statement(node)
    inner: ast.AST | None = stmt
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return None
        if isinstance(block, LoopNode) and any(s is inner for s in block.body):
            return block
        inner = block
    return None


def _bound_inside(loop: ast.AST) -> set[str]:
    return {n.id for n in nodes(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _leaves(body: list[ast.stmt]) -> bool:
    return any(isinstance(s, ast.Break | ast.Return | ast.Raise) for s in body)


def _same_each_time(name: str, scope: Scope) -> bool:
    """Whether a local name is an import, a constant, or made of constants."""
    for binding in scope.bindings[name]:
        value = binding.value
        if binding.kind in ("import", "from"):
            continue
        if binding.kind != "assign" or value is None:
            return False
        if isinstance(value, ast.Call):
            if not all(isinstance(e, ast.Constant) for e in (*value.args, *(k.value for k in value.keywords))):
                return False
        elif not isinstance(value, ast.Constant):
            return False
    return True


def _guarded(call: ast.Call, outer: ast.AST, program: Program) -> bool:
    """Whether a condition inside `outer` decides about the call, or the loop is left behind it."""
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if block is outer:
            break
        if isinstance(block, ast.If | ast.ExceptHandler | ast.match_case):
            return True
        if isinstance(block, ast.Try) and recovers(block) and _leaves([*block.body, *block.orelse]):
            return True  # attempts: the first that works ends the loop
    if isinstance(outer, LoopNode):
        # An iteration that always ends the loop is the only one.
        return _leaves(outer.body)
    # `if self.engine is not None: return self.engine`
    body = getattr(outer, "body", [])
    return any(
        isinstance(s, ast.If) and s.lineno < call.lineno and any(isinstance(inner, ast.Return) for inner in s.body)
        for s in body
    )


def _again(scope: Scope, program: Program, hops: int = 0) -> tuple[ast.AST, str] | None:
    """What runs a function again and again: a loop around a call of it, or the route that it serves."""
    for decorator in scope.decorators:
        func = decorator.func if isinstance(decorator, ast.Call) and decorator.args else None
        if isinstance(func, ast.Attribute) and func.attr in _ROUTES:
            return decorator, "for each request to this route"
    for call in program.call_sites(scope):
        loop = _loop_around(call, program)
        if loop is not None and not _guarded(call, loop, program):
            return call, "the function runs in each iteration of a loop"
        outer = program.scope(call)
        if loop is not None or outer.kind != "function" or outer.node is None or hops >= MAX_HOPS:
            continue
        if not _kept(outer) and not _guarded(call, outer.node, program):
            found = _again(outer, program, hops + 1)
            if found is not None:
                return found
    return None


def _kept(function: Scope) -> bool:
    """Whether a decorator keeps what the function gives."""
    return any(last_name(d.func if isinstance(d, ast.Call) else d) in _CACHES for d in function.decorators)


def _hoist(call: ast.Call, again: ast.AST, program: Program) -> Fix | None:
    """The statement moved in front of the loop."""
    stmt = program.statement(call)
    if not isinstance(again, LoopNode) or not isinstance(stmt, ast.Assign) or stmt.value is not call:
        return None
    if not any(s is stmt for s in again.body) or program.index.parent.get(stmt) is not again:
        return None
    gone = program.flow.whole_statement(stmt)
    source, start = program.document.source, program.span(again).start
    line = source.rfind("\n", 0, start) + 1
    indent = source[line:start]
    own = program.span(stmt)
    deeper = source[source.rfind("\n", 0, own.start) + 1 : own.start]
    if gone is None or indent.strip() or not deeper.startswith(indent):
        return None
    newline = program.document.newline
    lines = source[own.start : own.end].split("\n")
    text = "\n".join([lines[0], *(indent + part.removeprefix(deeper) for part in lines[1:])])
    return Fix(_TITLE, "unsafe", (TextEdit(Span(start, start), f"{text}{newline}{indent}"), TextEdit(gone, "")))
