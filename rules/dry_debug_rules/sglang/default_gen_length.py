"""SGL004: SGLang stops after 128 tokens when nobody sets a length."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.fixes.changes import Changes
from dry_debug.fixes.dict_entries import add_entries
from dry_debug.fixes.layout import quote_of
from dry_debug.lint.finding import Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import argument
from dry_debug.program.events import function_of
from dry_debug.program.links import Link
from dry_debug.program.prompt_texts import Texts, texts
from dry_debug.program.sglang_calls import Unlimited, engine_call, engine_calls, open_stop, request, requests

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_GEN = ("sglang.gen", "sglang.gen_string", "sglang.api.gen", "sglang.lang.api.gen")
_LENGTHS = ("max_tokens", "max_new_tokens")
_ENDS = frozenset(("choices", "regex", "dtype", "json_schema", "ebnf", "stop_regex", "stop_token_ids", "min_tokens"))
# Names of answers that are a few words, and of those that are a text, whatever the prompt says.
_FEW_WORDS = re.compile(
    r"label|choice|class|score|rating|name|word|url|date|year|number|digit|letter|option|yes|verdict|decision|categ"
    r"|sentiment|topic|title|query|keyword|tool|action|intent|\bid\b|flag|language|gender|\bage\b|expression|rank",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"summar|expla|reason|rationale|thought|essay|story|analy|descri|code|program|response|output|plan|tip|article"
    r"|report|judg|critique|feedback|review|json|translat|dialog|poem|solution|continuation|cot",
    re.IGNORECASE,
)
_TOKENS = 512


class DefaultGenLength(Rule):
    name = "default-gen-length"
    code = "SGL004"
    shape = "site"
    severity = "suggestion"
    fix_kind = "unsafe"
    triggers = (("sglang", '"sampling_params"', "'sampling_params'"), ("gen",))
    why = "Where nobody sets a length, SGLang generates at most 128 tokens, so longer answers break off in the middle."
    quotes = ("DRY-FOC-2",)
    instead = "Say how long an answer may get: `sgl.gen(name, max_tokens=...)`, `max_new_tokens` for an engine."
    looks_at = "calls of `sgl.gen`, of an engine's `generate`, and requests to `/generate` of a server"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for name in _GEN:
            yield from program.calls_of(name)
        yield from engine_calls(program)
        yield from requests(program)

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        for name in _GEN:
            for call in program.calls_of(name):
                reason = _gen_ends(call, program)
                if reason is not None:
                    program.why(call, reason)
                else:
                    yield self._gen(call, program)
        for call in engine_calls(program):
            yield from self._judged(call, engine_call(call, program), program)
        for call in requests(program):
            yield from self._judged(call, request(call, program), program)

    def _judged(self, call: ast.Call, found: Unlimited | str, program: Program) -> Iterator[Report]:
        if isinstance(found, str):
            program.why(call, found)
        elif found.prompt.short:
            program.why(call, "a short answer is asked for")
        elif _unread(call, program):
            program.why(call, "what it generates is not read")
        else:
            yield self._call(found, program)

    def _gen(self, call: ast.Call, program: Program) -> Report:
        here = any(other.method_calls(m) for other in _runners(call, program) for m in ("run", "run_batch"))
        title = f"Set `max_tokens={_TOKENS}`"
        return Report(
            at=call,
            headline=f"`{program.short(call, 40)}` ends the answer after 128 tokens",
            confidence="high" if here else "medium",
            links=lambda: [_run(here)],
            fix=lambda: Fix(title, "unsafe", (argument_added(program, call, f"max_tokens={_TOKENS}"),)),
            fix_title=title,
        )

    def _call(self, found: Unlimited, program: Program) -> Report:
        title = f"Set `max_new_tokens` to {_TOKENS}"
        what = "this request" if found.how == "server" else f"`{program.short(found.call.func, 36)}()`"
        return Report(
            at=found.call,
            headline=f"{what} without `max_new_tokens` ends answers after 128 tokens",
            confidence="high",
            links=lambda: [Link("resolution", "high", "its sampling parameters are seen, and no length among them")],
            fix=lambda: _with_length(found, title, program),
            fix_title=title,
        )


def _gen_ends(call: ast.Call, program: Program) -> str | None:
    """Why a `gen` is told where to end, or needs not be; None if a free answer is cut."""
    names = {k.arg for k in call.keywords}
    if None in names or any(isinstance(a, ast.Starred) for a in call.args):
        return "its options may bring a length"
    if names & {*_LENGTHS} or len(call.args) > 1:
        return "its length is given"
    stop = argument(call, 9, "stop")
    if names & _ENDS or (stop is not None and not open_stop(stop)):
        return "the answer ends by itself: a choice, a pattern, a type or a stop text is given"
    if any(w in o.document.source for o in _runners(call, program) for w in ("max_new_tokens", "SglSamplingParams")):
        return "the length is given to `run`, or may be"
    label = argument(call, 0, "name")
    spelled = label.value if isinstance(label, ast.Constant) and isinstance(label.value, str) else ""
    if _TEXT.search(spelled):
        return None
    if _FEW_WORDS.search(spelled):
        return "a short answer is asked for, by its name"
    before = _before(call, program)
    if before is None:
        return "what is asked is said elsewhere"
    if before.short:
        return "a short answer is asked for"
    if not before.long and not _in_turn(call, program):
        return "it completes a text, and nothing says that what is missing is long"
    return None


def _before(call: ast.Call, program: Program) -> Texts | None:
    """What its function adds to the prompt up to the `gen`; None: nothing."""
    function = function_of(program.scope(call))
    if function is None or not isinstance(function.node, ast.FunctionDef):
        return None
    own = program.statement(call)
    added = [
        node
        for node in ast.walk(function.node)
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and node.lineno <= call.lineno
    ]
    found = texts([(node.value, function) for node in added], program)
    if not found.literals and all(node is own for node in added) and found.whole:
        return None
    return Texts(found.literals, found.whole and len(function.parameters()) < 2)


def _in_turn(call: ast.Call, program: Program) -> bool:
    """Whether it is the whole turn of an assistant in a conversation."""
    parents = program.flow.parents_near(call)
    node: ast.AST | None = call
    while node is not None and not isinstance(node, ast.stmt):
        node = parents.get(node)
        if isinstance(node, ast.Call) and (program.qualified(node) or "").endswith(".assistant"):
            return True
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.With) and any(".assistant(" in program.text(i.context_expr) for i in block.items):
            return True
    function = function_of(program.scope(call))
    return function is not None and any(
        (program.qualified(c) or "").endswith("assistant_begin") and c.lineno < call.lineno for c in function.calls
    )


def _runners(call: ast.Call, program: Program) -> list[Program]:
    """This file, and the others that may run the function around the call."""
    function = function_of(program.scope(call))
    users = program.callers.users(function.name) if function is not None and function.kind == "function" else []
    return [program, *users]


def _run(here: bool) -> Link:
    if here:
        return Link("resolution", "high", "it is seen where the program is run, and no length is given there")
    return Link("resolution", "medium", "who runs the program in another file may give a length")


def _unread(call: ast.Call, program: Program) -> bool:
    """A call for its effect alone: to warm up, to see that it works."""
    stmt = program.statement(call)
    if not isinstance(stmt, ast.Expr):
        return False
    value = stmt.value.value if isinstance(stmt.value, ast.Await) else stmt.value
    return value is call


def _with_length(found: Unlimited, title: str, program: Program) -> Fix | None:
    changes, length = Changes(program), ("max_new_tokens", str(_TOKENS))
    if found.settings is not None:
        add_entries(changes, found.settings, [length], program, {})
    elif found.body is not None:
        quote = quote_of(program, found.body)
        inner = f"{{{quote}{length[0]}{quote}: {length[1]}}}"
        add_entries(changes, found.body, [("sampling_params", inner)], program, {})
    else:
        quote = quote_of(program, found.call)
        text = f"sampling_params={{{quote}{length[0]}{quote}: {length[1]}}}"
        given = argument(found.call, 1, "sampling_params")
        if given is not None:  # None, spelled out
            changes.replace(program.span(given), text.partition("=")[2], program)
        else:
            edit = argument_added(program, found.call, text)
            changes.replace(edit.span, edit.content, program)
    return changes.fix(title)
